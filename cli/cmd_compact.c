/* SPDX-License-Identifier: Apache-2.0 */
/* bfc compact. */
#include <inttypes.h>
#include <string.h>

#include "commit_view.h"
#include "key_options.h"
#include "write_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_OUTPUT, 'o', "output", "NEW", VALUE_FILE, NULL, "the new container; needed"},
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace NEW if it exists"},
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "keep this commit instead of the last: its number, or 8 or more digits of its root digest"},
    OPTION_REPRODUCIBLE,
    OPTIONS_OF_KEYS,
    {0},
};

static void print_report(struct cli *cli, const char *source, const char *target,
                         const bfc_compact_report *r)
{
    if (cli->json) {
        json_t *document = json_document("bfc.compact/1");
        json_put_str(document, "source", source);
        json_put_str(document, "file", target);
        json_put_u64(document, "old_size", r->old_size);
        json_put_u64(document, "new_size", r->new_size);
        json_put_u64(document, "blocks_kept", r->blocks_kept);
        json_put_u64(document, "blocks_dropped", r->blocks_dropped);
        json_put(document, "commit", commit_json(&r->commit));
        json_print(&cli->out, document);
        return;
    }
    char old_size[SIZE_TEXT_MAX], new_size[SIZE_TEXT_MAX];
    AUTO_TEXT struct text shown = {0};
    text_size(old_size, r->old_size);
    text_size(new_size, r->new_size);
    text_escaped(&shown, target, strlen(target), ESCAPE_TERMINAL);
    cli_summary(cli, "%s: %s, was %s; %" PRIu64 " of %" PRIu64 " blocks dropped", text_of(&shown),
                new_size, old_size, r->blocks_dropped, r->blocks_dropped + r->blocks_kept);
}

static int run(struct cli *cli, const struct args *args)
{
    bfc_compact_options how = BFC_COMPACT_OPTIONS_INIT;
    const char *target = args_value(args, OPT_OUTPUT);
    bfc_compact_report report = {0};
    bfc_err err = BFC_ERR_INIT;

    if (!target)
        return cli_usage(cli, "compact: where to? -o NEW is missing");
    how.at = args_value(args, OPT_AT);
    how.replace = args_has(args, OPT_FORCE);
    how.reproducible = args_has(args, OPT_REPRODUCIBLE);
    how.jobs = cli->jobs;
    how.hooks = &cli->hooks;
    int code = write_options_epoch(cli, args, &how.source_date_epoch);
    if (code != EXIT_DONE)
        return code;
    code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    how.keys = cli->keys;
    if (bfc_compact(args->operands[0], target, &how, &report, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    print_report(cli, args->operands[0], target, &report);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc compact app.bfc -o small.bfc",
     "The last commit of app.bfc, and nothing of the earlier ones."},
    {"bfc compact --at 3 app.bfc -o third.bfc", "The third commit alone."},
    {0},
};

const struct command cmd_compact = {
    .name = "compact",
    .summary = "Writes a new container with what one commit needs, and nothing else",
    .text = "A container grows with every append, since nothing in it is ever changed. The new "
            "container has one commit with the same trees. Blocks are copied as they are, each "
            "after its checksum was checked, without being compressed again. FILE is not changed; "
            "NEW appears when it is whole.\n\n"
            "Of an encrypted container NEW is encrypted too, and the same keys open it; `bfc key "
            "rotate` gives it another one. " TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when NEW exists and `--force` was not given.",
    .see = "bfc-append bfc-log bfc-create",
    .run = run,
};
