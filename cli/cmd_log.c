/* SPDX-License-Identifier: Apache-2.0 */
/* bfc log: the commits of a container, newest first. */
#include <inttypes.h>
#include <stdio.h>

#include "commit_view.h"
#include "key_options.h"

struct log {
    struct cli *cli;
    struct json_stream json;
    bool any;
};

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_KEYS,
    {0},
};

static void print_line(struct log *l, const bfc_commit_info *c)
{
    struct out *o = &l->cli->out;
    char time[TIME_TEXT_MAX], added[SIZE_TEXT_MAX], content[SIZE_TEXT_MAX];
    char digest[DIGEST_SHORT + 1], files[24];

    if (!l->any)
        out_fmt(o, "%6s  %-19s  %10s  %10s  %10s  %s\n", "COMMIT", "TIME (UTC)", "ADDED", "FILES",
                "CONTENT", "ROOT DIGEST");
    text_time(time, c->time);
    text_size(added, c->segment_bytes);
    text_size(content, c->content_bytes);
    (void)snprintf(files, sizeof files, "%" PRIu64, c->files);
    digest_short(digest, c->root_digest);
    out_fmt(o, "%6" PRIu64 "  %-19s  %10s  %10s  %10s  %s\n", c->seq, time, added,
            c->hidden ? "?" : files, c->hidden ? "?" : content, digest);
    l->any = true;
}

static int on_commit(void *ctx, const bfc_commit_info *c)
{
    struct log *l = ctx;
    if (l->cli->json)
        json_stream_item(&l->json, commit_json(c));
    else
        print_line(l, c);
    return out_failed(&l->cli->out) || cli_cancelled(l->cli);
}

static int run(struct cli *cli, const struct args *args)
{
    struct log l = {.cli = cli};
    bfc_err err = BFC_ERR_INIT;

    int code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    if (cli->json) {
        json_t *head = json_document("bfc.log/1");
        json_put_str(head, "file", args->operands[0]);
        json_stream_begin(&l.json, &cli->out, head, "commits");
    }
    int rc = bfc_log_with(args->operands[0], keys_are_named(args) ? cli->keys : NULL, on_commit, &l,
                          &err);
    code = rc < 0 ? cli_fail(cli, &err) : EXIT_DONE;
    if (code == EXIT_DONE && cli_cancelled(cli))
        code = cli_error(cli, BFC_E_CANCELLED, "interrupted");
    if (cli->json) {
        json_t *tail = json_new();
        json_put_bool(tail, "complete", code == EXIT_DONE);
        json_stream_end(&l.json, tail);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc log app.bfc", "One line a commit."},
    {"bfc log --json app.bfc | jq '.commits[0].time'", "When it was changed last."},
    {0},
};

const struct command cmd_log = {
    .name = "log",
    .summary = "Shows the commits of a container, newest first",
    .text = "For each commit: its number, its time, the bytes it added to the file, how many files "
            "it has and the size of their content, and the first digits of its root digest. Both "
            "the number and the digits can be given to `--at` of other commands, which then see "
            "the container as it was.\n\n"
            "Of an encrypted container, without a key, the numbers of files and the sizes of their "
            "content are not known. " TEXT_KEYS_NAMED,
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-append bfc-info bfc-compact",
    .run = run,
};
