/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image rollback. */
#include "image_view.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"DIGEST", VALUE_WORD, false, false, NULL},
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_rollback(store, args->operands[0], args->operands[1], &info, &err) < 0)
        return cli_fail(cli, &err);
    image_report(cli, "bfc.image.rollback/1", info, NULL);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image rollback debian:12 4f2a90c1d7e3",
     "The version that `bfc image history debian:12` shows so is the image again."},
    {0},
};

const struct command cmd_image_rollback = {
    .name = "rollback",
    .summary = "Makes an earlier version of an image the current one",
    .text = "DIGEST is the root digest of a version, or its first digits, four at least, as `bfc "
            "image history` shows them. The version that was current stays in the history, and so "
            "do those between: nothing is lost, and rolling back to it leads forth again. "
            "Containers stay as they are; what is extracted from now on is the version that is "
            "current. To name the current one changes nothing.",
    .operands = operands,
    .examples = examples,
    .exits = "4 when there is no such image, or no such version of it. 6 when another program is "
             "changing the image.",
    .see = "bfc-image-history bfc-image-create",
    .run = run,
};
