/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image commit. */
#include "change_options.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"DIR", VALUE_DIRECTORY, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_HISTORY,  OPTIONS_OF_RESULT, OPTIONS_OF_WRITING,
    OPTION_REPRODUCIBLE, OPTIONS_OF_KEYS,   {0},
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
    int rc = bfc_image_commit(store, args->operands[0], args->operands[1], &how, &info, &err);
    return change_report(cli, "bfc.image.commit/1", rc, info, &err);
}

static const struct example examples[] = {
    {"bfc image commit -m 'configured for the shop' --as shop:1 nginx:1.25 /srv/c1",
     "The image shop:1: nginx:1.25 and a layer with what differs in /srv/c1."},
    {"bfc image commit --exclude 'var/cache/*' app /srv/app",
     "One more layer for app, without the caches."},
    {0},
};

const struct command cmd_image_commit = {
    .name = "commit",
    .summary = "Adds a layer to an image: what a directory has changed",
    .text =
        "DIR is a tree that was extracted from the image, and in which things were changed since. "
        "The new layer holds what is new or different in it, and a whiteout for what is gone. The "
        "layers that the image has are not touched, and nothing of them is compressed again. "
        "Where nothing differs, the layer is empty.\n\n"
        "An image that was created from a directory has no layer that another could stand on: "
        "`bfc image squash` gives it one.\n\n"
        "What an exclude pattern matches stays as the image has it. " TEXT_EXCLUDE
        "\n\nWhat comes of an encrypted image is encrypted too, and the same keys open "
        "it. " TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when NEWNAME is taken and `--force` was not given. 6 when another program is "
             "changing the image.",
    .see = "bfc-image-extract bfc-image-diff bfc-image-squash",
    .run = run,
};
