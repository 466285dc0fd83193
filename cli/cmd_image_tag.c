/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image tag. */
#include "image_view.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"NEW", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace an image that has the new name"},
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;
    const char *name = args->operands[0], *new_name = args->operands[1];

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_tag(store, name, new_name, args_has(args, OPT_FORCE), &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    if (!cli->json)
        return EXIT_DONE;
    if (bfc_image_info_get(store, new_name, &info, &err) < 0)
        return cli_fail(cli, &err);
    json_t *document = json_document("bfc.image.tag/1");
    image_json(document, info);
    json_print(&cli->out, document);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image tag debian:12 debian:latest", "The same image under one more name."},
    {0},
};

const struct command cmd_image_tag = {
    .name = "tag",
    .summary = "Gives an image one more name",
    .text = "Both names stand for the same image, and share its bytes on disk where the file "
            "system can. Deleting one of them leaves the other. If NEW is taken it is an error, "
            "unless `--force` is given.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when NEW is taken and `--force` was not given.",
    .see = "bfc-image-list bfc-image-delete bfc-image-history",
    .run = run,
};
