/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image prune. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

struct pruning {
    struct cli *cli;
    bool dry_run;
    json_t *removed; /* with --json */
};

static const struct operand operands[] = {{0}};

static const struct option options[] = {
    {OPT_DRY_RUN, 'n', "dry-run", NULL, VALUE_WORD, NULL, "only tell what would be removed"},
    {0},
};

static void on_removed(void *ctx, const char *path, uint64_t size)
{
    struct pruning *p = ctx;
    struct out *o = &p->cli->out;
    char shown[SIZE_TEXT_MAX];

    if (p->removed) {
        json_t *one = json_new();
        json_put_str(one, "path", path);
        json_put_u64(one, "size", size);
        json_push(p->removed, one);
    } else if (!p->cli->quiet) {
        text_size(shown, size);
        out_str(o, p->dry_run ? "would remove " : "removed ");
        out_name(o, path, strlen(path));
        out_fmt(o, " (%s)\n", shown);
    }
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    struct pruning p = {.cli = cli, .dry_run = args_has(args, OPT_DRY_RUN)};
    bfc_prune_report report = {0};
    bfc_err err = BFC_ERR_INIT;
    char bytes[SIZE_TEXT_MAX];

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (cli->json && !(p.removed = json_array()))
        mem_out();
    int rc = bfc_image_prune(store, p.dry_run, on_removed, &p, &report, &err);
    if (rc < 0)
        code = cli_fail(cli, &err);
    if (cli->json) {
        json_t *document = json_document("bfc.image.prune/1");
        json_put_bool(document, "dry_run", p.dry_run);
        json_put(document, "removed", p.removed);
        json_put_u64(document, "count", report.removed);
        json_put_u64(document, "bytes", report.bytes);
        json_print(&cli->out, document);
    } else if (rc == 0 && !cli->quiet) {
        text_size(bytes, report.bytes);
        out_fmt(&cli->out, "%s: %" PRIu64 " leftover%s, %s\n",
                p.dry_run ? "would remove" : "removed", report.removed,
                report.removed == 1 ? "" : "s", bytes);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc image prune --dry-run", "What would be removed."},
    {"bfc image prune", "Removes it."},
    {0},
};

const struct command cmd_image_prune = {
    .name = "prune",
    .summary = "Removes what interrupted work left in the store, and templates without use",
    .text =
        "A program that is killed while it creates an image, or a machine that loses power, "
        "leaves temporary files. They are not seen by other commands and are removed here. "
        "Images are never touched, nor is work that is going on.\n\n"
        "In a ZFS store these are datasets, and what `bfc image delete --lazy` left, which goes "
        "when nobody uses it any more. A template on which no container stands is removed as "
        "well: the next `bfc image extract` makes it again. With each its name is told, and "
        "the room that it took.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-df bfc-image-delete bfc-image-extract",
    .run = run,
};
