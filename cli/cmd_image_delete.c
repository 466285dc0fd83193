/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image delete. */
#include "cli.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, true, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_DRY_RUN, 'n', "dry-run", NULL, VALUE_WORD, NULL, "only tell what would be deleted"},
    {0},
};

struct deletion {
    struct cli *cli;
    bfc_store *store;
    bool dry_run;
    json_t *deleted; /* with --json */
};

static int delete_one(struct deletion *d, const char *name)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;
    bfc_err unread = BFC_ERR_INIT;
    char size[SIZE_TEXT_MAX];

    /* A damaged image can be deleted too: then there are no facts to tell. */
    int rc = bfc_image_info_get(d->store, name, &info, &unread);
    if (rc < 0 && (d->dry_run || rc != BFC_E_CORRUPT))
        return cli_fail(d->cli, &unread);
    if (!d->dry_run && bfc_image_delete(d->store, name, &err) < 0)
        return cli_fail(d->cli, &err);
    if (d->deleted) {
        json_t *one = json_new();
        json_put_str(one, "name", info ? info->name : name);
        json_put_u64(one, "size", info ? info->size : 0);
        json_push(d->deleted, one);
    } else if (!d->cli->quiet) {
        text_size(size, info ? info->size : 0);
        out_fmt(&d->cli->out, "%s %s%s%s%s\n", d->dry_run ? "would delete" : "deleted",
                info ? info->name : name, info ? " (" : "", info ? size : "", info ? ")" : "");
    }
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;

    struct deletion d = {.cli = cli, .store = store, .dry_run = args_has(args, OPT_DRY_RUN)};
    if (cli->json && !(d.deleted = json_array()))
        mem_out();
    for (size_t i = 0; i < args->count && !cli_cancelled(cli); i++) {
        int one = delete_one(&d, args->operands[i]);
        if (code == EXIT_DONE)
            code = one;
    }
    if (cli->json) {
        json_t *document = json_document("bfc.image.delete/1");
        json_put_bool(document, "dry_run", d.dry_run);
        json_put(document, "deleted", d.deleted);
        json_print(&cli->out, document);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc image delete debian:11 debian:10", "Both."},
    {"bfc image delete -n debian:11", "What would be deleted, with its size."},
    {0},
};

const struct command cmd_image_delete = {
    .name = "delete",
    .summary = "Deletes images",
    .text = "Each image is removed from the store. What was extracted from it stays. An image with "
            "several names is only gone when the last of them is deleted. A NAME that fails does "
            "not keep the others from being deleted.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "That of the first NAME that failed; 4 when there is no such image, 6 when it is in use.",
    .see = "bfc-image-tag bfc-image-prune bfc-image-df",
    .run = run,
};
