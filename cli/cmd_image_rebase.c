/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image rebase. */
#include "change_options.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"NEWBASE", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FROM, 0, "from", "OLDBASE", VALUE_IMAGE, NULL,
     "the image that NAME stands on now; default: the image of the store that has most of its "
     "lowest layers"},
    OPTIONS_OF_RESULT,
    OPTIONS_OF_STORING,
    OPTION_REPRODUCIBLE,
    OPTIONS_OF_KEYS,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options write = {0};
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_image_commit_options how;
    bfc_err err = BFC_ERR_INIT;

    int code = change_options_read(cli, args, &write, &how);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    int rc = bfc_image_rebase(store, args->operands[0], args_value(args, OPT_FROM),
                              args->operands[1], &how, &info, &err);
    return change_report(cli, "bfc.image.rebase/1", rc, info, &err);
}

static const struct example examples[] = {
    {"bfc image rebase app debian:12.8", "The layers that app has above its base, on debian:12.8."},
    {"bfc image rebase --from debian:12.7 --as app:2 app:1 debian:12.8",
     "The same with the old base named, in a new image."},
    {0},
};

const struct command cmd_image_rebase = {
    .name = "rebase",
    .summary = "Puts the layers of an image on another base",
    .text = "The image's own layers, which are those above the layers of OLDBASE, are put on those "
            "of NEWBASE as they are, and their history behind that of NEWBASE. What the "
            "configuration says of how the image is run stays. Nothing is looked into: a program "
            "that was built against the old base may need to be built again.\n\n"
            "Both have to be images with layers: `bfc image squash` makes one of an image that was "
            "created from a directory."
            "\n\nWhat comes of an encrypted image is encrypted too, and the same keys open "
            "it. " TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "1 also when NEWNAME is taken and `--force` was not given. 4 also when no image of the "
        "store can be the old base. 6 when another program is "
        "changing the image.",
    .see = "bfc-image-layers bfc-image-commit bfc-image-squash",
    .run = run,
};
