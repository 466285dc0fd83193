/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image tags. */
#include "registry_options.h"

DEFINE_AUTO(bfc_registry_tag_list, bfc_registry_tag_list_free)

static const struct operand operands[] = {
    {"REPOSITORY", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_REGISTRIES,
    {0},
};

static void print(struct cli *cli, const bfc_registry_tag_list *list)
{
    if (!cli->json) {
        for (size_t i = 0; i < list->count && !out_failed(&cli->out); i++)
            out_fmt(&cli->out, "%s\n", list->tag[i]);
        return;
    }
    json_t *document = json_document("bfc.image.tags/1");
    json_t *tags = json_array();
    if (!tags)
        mem_out();
    json_put_str(document, "repository", list->repository);
    for (size_t i = 0; i < list->count; i++)
        json_push_str(tags, list->tag[i]);
    json_put(document, "tags", tags);
    json_print(&cli->out, document);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_registry_tag_list) bfc_registry_tag_list *list = NULL;
    bfc_registry_options how = BFC_REGISTRY_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;

    int code = registry_options_read(cli, args, &how);
    if (code != EXIT_DONE)
        return code;
    if (bfc_registry_tags(args->operands[0], &how, &list, &err) < 0)
        return cli_fail(cli, &err);
    print(cli, list);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image tags docker.io/library/debian", "One tag a line, sorted by their bytes."},
    {0},
};

const struct command cmd_image_tags = {
    .name = "tags",
    .summary = "Lists the tags of a repository at a registry",
    .text = "REPOSITORY is `[registry[:port]/]path`. All its tags are listed, also those that the "
            "registry gives page by page.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = EXITS_OF_REGISTRIES,
    .see = "bfc-image bfc-image-inspect bfc-image-pull",
    .run = run,
};
