/* SPDX-License-Identifier: Apache-2.0 */
/* Start and end of the program: global options, the call of the command, the exit code. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "help.h"
#include "signals.h"
#include "value.h"

/* Deep trees are walked with an open descriptor a level, and the usual soft limit of 1024 is there
 * for programs that use select(), which this one does not. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Is --json on the line? A line that cannot be parsed is to be told as JSON too. */
static bool wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* A global option that takes one of some words: 0 and its place in *out, or an exit code. */
static int choose(struct cli *cli, const struct args *args, enum option_id id, int *out)
{
    const char *value = args_value(args, id);
    if (!value)
        return EXIT_DONE;
    const struct option *o = bfc_root.options;
    while (o->id != id)
        o++;
    AUTO_TEXT struct text name = {0};
    AUTO_TEXT struct text problem = {0};
    text_fmt(&name, "--%s", o->name);
    if (value_choice(value, text_of(&name), o->choices, out, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    return EXIT_DONE;
}

static int apply_globals(struct cli *cli, const struct args *args)
{
    int color = COLOR_AUTO, progress = PROGRESS_AUTO;
    int code = choose(cli, args, OPT_COLOR, &color);
    if (code == EXIT_DONE)
        code = choose(cli, args, OPT_PROGRESS, &progress);
    if (code != EXIT_DONE)
        return code;

    const char *jobs = args_value(args, OPT_JOBS);
    uint64_t number = 0;
    AUTO_TEXT struct text problem = {0};
    if (jobs && value_number(jobs, "--jobs", 1, 1024, &number, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));

    cli->json = cli->ui.json = args_has(args, OPT_JSON);
    cli->jobs = (unsigned)number;
    cli->store = args_value(args, OPT_STORE);
    cli->quiet = cli->ui.quiet = args_has(args, OPT_QUIET);
    cli->ui.verbose = (unsigned)args_times(args, OPT_VERBOSE);
    cli->ui.mode = (enum progress_mode)progress;
    ui_set_color(&cli->ui, (enum color_mode)color);

    cli->hooks.log = ui_on_log;
    cli->hooks.ctx = &cli->ui;
    cli->hooks.cancel = signals_cancel_flag();
    bool line = progress == PROGRESS_AUTO && cli->ui.terminal && !cli->quiet && !cli->json;
    if (line || progress == PROGRESS_JSON)
        cli->hooks.progress = ui_on_progress;
    return EXIT_DONE;
}

static int print_version(struct cli *cli)
{
    if (cli->json) {
        json_t *document = json_document("bfc.version/1");
        json_put_str(document, "version", bfc_version());
        json_print(&cli->out, document);
    } else {
        out_fmt(&cli->out, "bfc %s\n", bfc_version());
    }
    return EXIT_DONE;
}

static int print_help(struct cli *cli)
{
    AUTO_TEXT struct text t = {0};
    help_text(&t, cli->command, ui_columns(cli->out.fd));
    out_text(&cli->out, &t);
    return EXIT_DONE;
}

static int run(struct cli *cli, int argc, char *const *argv, struct args *args)
{
    AUTO_TEXT struct text problem = {0};
    int parsed = opt_parse(argc, argv, args, &problem);
    cli->command = args->command;
    if (parsed < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    int code = apply_globals(cli, args);
    if (code != EXIT_DONE)
        return code;
    if (args_has(args, OPT_HELP))
        return print_help(cli);
    if (args_has(args, OPT_VERSION))
        return print_version(cli);
    if (!args->command->run)
        return cli_usage(cli, "no command given");
    if (opt_check(args, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    return args->command->run(cli, args);
}

/* What could not be written to stdout makes a success a failure. */
static int finish_output(struct cli *cli, int code)
{
    if (!signals_received())
        out_flush(&cli->out);
    if (!out_failed(&cli->out))
        return code;
    if (signals_received())
        return EXIT_FAILED;
    int told = cli_error(cli, BFC_E_IO, "write standard output: %s", strerror(cli->out.error));
    return code == EXIT_DONE ? told : code;
}

int main(int argc, char **argv)
{
    struct cli *cli = mem_alloc(1, sizeof *cli);
    struct args args = {0};

    raise_descriptor_limit();
    out_init(&cli->out, STDOUT_FILENO);
    ui_init(&cli->ui, STDERR_FILENO);
    cli->json = cli->ui.json = wants_json(argc, argv);
    signals_install();

    int code = run(cli, argc, argv, &args);
    code = finish_output(cli, code);
    int number = signals_received();
    bfc_keys_free(cli->keys);
    ui_destroy(&cli->ui);
    args_free(&args);
    free(cli);
    if (number && code != EXIT_DONE)
        signals_die(number);
    return code;
}
