/* SPDX-License-Identifier: Apache-2.0 */
/* bfc recover: drop a torn tail. */
#include <inttypes.h>
#include <string.h>

#include "commit_view.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_DRY_RUN, 'n', "dry-run", NULL, VALUE_WORD, NULL, "only tell what would be dropped"},
    {0},
};

static void print_json(struct cli *cli, const char *path, bool dry_run, const bfc_recover_report *r)
{
    json_t *document = json_document("bfc.recover/1");
    json_put_str(document, "file", path);
    json_put_bool(document, "dry_run", dry_run);
    json_put_u64(document, "torn_bytes", r->torn_bytes);
    json_put(document, "commit", commit_json(&r->commit));
    json_print(&cli->out, document);
}

static void print_words(struct cli *cli, const char *path, bool dry_run,
                        const bfc_recover_report *r)
{
    struct out *o = &cli->out;
    char time[TIME_TEXT_MAX], size[SIZE_TEXT_MAX];

    text_time(time, r->commit.time);
    text_size(size, r->torn_bytes);
    out_name(o, path, strlen(path));
    if (r->torn_bytes == 0)
        out_str(o, ": nothing to drop");
    else
        out_fmt(o, ": %s %" PRIu64 " bytes (%s) of an append that was cut off",
                dry_run ? "would drop" : "dropped", r->torn_bytes, size);
    out_fmt(o, "; the last whole commit is %" PRIu64 " of %s UTC\n", r->commit.seq, time);
}

static int run(struct cli *cli, const struct args *args)
{
    bool dry_run = args_has(args, OPT_DRY_RUN);
    bfc_recover_report report = {0};
    bfc_err err = BFC_ERR_INIT;

    if (bfc_recover(args->operands[0], dry_run, &report, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, args->operands[0], dry_run, &report);
    else if (!cli->quiet)
        print_words(cli, args->operands[0], dry_run, &report);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc recover -n app.bfc", "What would be lost."},
    {"bfc recover app.bfc", "Back to the last whole commit."},
    {0},
};

const struct command cmd_recover = {
    .name = "recover",
    .summary = "Drops what an append that was cut off left behind",
    .text = "An append that dies leaves bytes behind the last whole commit. Readers ignore them, "
            "and the next `bfc append` drops them; this command does it at once. Nothing that was "
            "ever committed is lost. It tells how many bytes are dropped and which commit is the "
            "last.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "0 also when there was nothing to drop. 3 when no whole commit is left. 6 when "
             "another program is appending.",
    .see = "bfc-append bfc-verify bfc-log",
    .run = run,
};
