/* SPDX-License-Identifier: Apache-2.0 */
/* bfc key rotate. */
#include <inttypes.h>
#include <string.h>

#include "key_options.h"
#include "key_view.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_KEYS,
    {0},
};

static void print_json(struct cli *cli, const char *path, const bfc_rotate_report *r)
{
    json_t *document = json_document("bfc.key.rotate/1");
    json_put_str(document, "file", path);
    json_put_u64(document, "old_size", r->old_size);
    json_put_u64(document, "new_size", r->new_size);
    json_put_u64(document, "commits_dropped", r->commits_dropped);
    json_put(document, "slots", key_slots_json(r->kept, r->kept_count));
    json_put(document, "dropped", key_slots_json(r->dropped, r->dropped_count));
    json_print(&cli->out, document);
}

static void print_words(struct cli *cli, const char *path, const bfc_rotate_report *r)
{
    AUTO_TEXT struct text shown = {0};

    text_escaped(&shown, path, strlen(path), ESCAPE_TERMINAL);
    for (size_t i = 0; i < r->dropped_count; i++) {
        AUTO_TEXT struct text slot = {0};
        key_slot_name(&slot, &r->dropped[i]);
        cli_notice(cli, "%s: %s, was not given and opens it no more", text_of(&shown),
                   text_of(&slot));
    }
    if (r->commits_dropped > 0)
        cli_notice(cli, "%s: %" PRIu64 " earlier commit%s dropped", text_of(&shown),
                   r->commits_dropped, r->commits_dropped == 1 ? "" : "s");
    cli_notice(cli, "%s: copies of it elsewhere still open with the old keys", text_of(&shown));
    cli_summary(cli, "%s: under a new file key, %zu key%s kept", text_of(&shown), r->kept_count,
                r->kept_count == 1 ? "" : "s");
}

static int run(struct cli *cli, const struct args *args)
{
    bfc_rotate_report report;
    bfc_err err = BFC_ERR_INIT;

    int code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    if (bfc_key_rotate(args->operands[0], cli->keys, cli->jobs, &report, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, args->operands[0], &report);
    else
        print_words(cli, args->operands[0], &report);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc key rotate --password-file pw app.bfc",
     "For the same recipients and the password in pw, after another one got lost."},
    {0},
};

const struct command cmd_key_rotate = {
    .name = "rotate",
    .summary = "Gives a container a new file key",
    .text = "Writes the last commit anew, encrypted under a new file key, beside FILE, and puts it "
            "in FILE's place when it is whole. It keeps all recipients, and those passwords and "
            "key files that are given: options may be given several times. It tells which keys it "
            "could not keep, since they are in no file.\n\n"
            "Earlier commits are not kept, and signatures neither, since the root digest is a new "
            "one. What was read before, and copies of FILE elsewhere, cannot be taken back.\n\n"
            "It needs as much room as FILE. Blocks are not compressed again.\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "2 also when FILE is not encrypted. 6 when another program is writing to it.",
    .see = "bfc-key-list bfc-key-remove bfc-compact",
    .run = run,
};
