/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image squash. */
#include "change_options.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_HISTORY,  OPTIONS_OF_RESULT,     OPTIONS_OF_STORING,
    OPTION_REPRODUCIBLE, OPTIONS_OF_ENCRYPTING, {0},
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
    if (code == EXIT_DONE && args_has(args, OPT_ENCRYPT))
        code = encrypt_options_read(cli, args, &how.writer);
    if (code != EXIT_DONE)
        return code;
    int rc = bfc_image_squash(store, args->operands[0], &how, &info, &err);
    return change_report(cli, "bfc.image.squash/1", rc, info, &err);
}

static const struct example examples[] = {
    {"bfc image squash --as app:small app", "All layers of app as one, in a new image."},
    {"bfc image squash debian:12", "Gives an image from a directory its layer and its manifest."},
    {0},
};

const struct command cmd_image_squash = {
    .name = "squash",
    .summary = "Makes one layer of all layers of an image",
    .text = "The new layer holds the file system that the layers make together; what a later layer "
            "has replaced or deleted is gone. The configuration stays but for the layers and the "
            "history.\n\n"
            "An image that was created from a directory becomes an OCI image with one layer: it "
            "has a manifest and a configuration then, which `bfc image config` changes."
            "\n\nWhat comes of an encrypted image is encrypted too, and the same keys open "
            "it. " TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when NEWNAME is taken and `--force` was not given. 6 when another program is "
             "changing the image.",
    .see = "bfc-image-commit bfc-image-layers bfc-image-config",
    .run = run,
};
