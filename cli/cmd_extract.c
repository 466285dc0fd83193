/* SPDX-License-Identifier: Apache-2.0 */
/* bfc extract. */
#include "extract_view.h"
#include "key_options.h"
#include "stats_view.h"
#include "trust_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"PATH", VALUE_WORD, true, true, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_DIRECTORY, 'C', "directory", "DIR", VALUE_DIRECTORY, NULL,
     "extract into DIR, which is made if it is not there; default: the working directory"},
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace existing files"},
    {OPT_STRICT, 0, "strict", NULL, VALUE_WORD, NULL,
     "fail where an owner, a device or an attribute cannot be kept"},
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "extract an earlier commit: its number, or 8 or more digits of its root digest"},
    {OPT_TREE, 0, "tree", "N", VALUE_WORD, NULL,
     "extract tree N, as a layer's, and not tree 0; `bfc info FILE` tells which there are"},
    OPTION_STATS,
    OPTIONS_OF_KEYS,
    OPTIONS_OF_TRUST,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    bfc_extract_options how = BFC_EXTRACT_OPTIONS_INIT;
    bfc_extract_report report = {0};
    bfc_stats stats = BFC_STATS_INIT;
    AUTO(bfc_reader) bfc_reader *r = NULL;
    bfc_err err = BFC_ERR_INIT;
    const char *target = args_value(args, OPT_DIRECTORY);

    int code = cli_open_reader(cli, args->operands[0], args, &r);
    if (code != EXIT_DONE)
        return code;
    how.paths = args->count > 1 ? args->operands + 1 : NULL;
    how.replace = args_has(args, OPT_FORCE);
    how.strict = args_has(args, OPT_STRICT);
    how.jobs = cli->jobs;
    how.hooks = &cli->hooks;
    how.stats = stats_wanted(args, &stats);
    if (!target)
        target = ".";
    if (bfc_extract(r, target, &how, &report, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace existing files");
    extract_report(cli, "bfc.extract/1", args->operands[0], target, &report, how.stats);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc extract app.bfc -C /srv/app", "All of it, into /srv/app."},
    {"bfc extract app.bfc etc/hosts", "One file, to etc/hosts below the working directory."},
    {"bfc extract -f --at 1 app.bfc etc",
     "The directory etc as the first commit had it, over what is there."},
    {0},
};

const struct command cmd_extract = {
    .name = "extract",
    .summary = "Extracts files and directories from a container",
    .text =
        "Paths come out as they are stored, never flattened; with PATHs, only these and what is "
        "below them. Directories that are there already are merged. A file that is there already "
        "is an error, unless `--force` is given. A failure leaves what was written so far.\n\n"
        "Nothing outside of the target is ever written, whatever the container says and whatever "
        "links are in the target.\n\n"
        "As root everything is kept. An ordinary user keeps what that user may set; what could not "
        "be kept (owners, devices, privileged attributes) is told once a kind on standard error "
        "and counted in the answer of `--json`. With `--strict` it is an error.\n\n" TEXT_KEYS
        "\n\n" TEXT_TRUST,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when a file exists and `--force` was not given. 5 also with `--strict`, when "
             "something could not be kept, and when no trusted signer has signed.",
    .see = "bfc-create bfc-cat bfc-image-extract",
    .run = run,
};
