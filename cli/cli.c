/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of commands: from the library's codes to exit codes and words. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "key_options.h"
#include "trust_options.h"
#include "value.h"

static int exit_of(enum bfc_code code)
{
    switch (code) {
    case BFC_OK:
        return EXIT_DONE;
    case BFC_E_INVALID:
        return EXIT_USAGE;
    case BFC_E_CORRUPT:
        return EXIT_DAMAGED;
    case BFC_E_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case BFC_E_DENIED:
        return EXIT_DENIED;
    case BFC_E_BUSY:
        return EXIT_BUSY;
    case BFC_E_EXISTS:
    case BFC_E_UNSUPPORTED:
    case BFC_E_LIMIT:
    case BFC_E_NOMEM:
    case BFC_E_NOSPC:
    case BFC_E_IO:
    case BFC_E_CANCELLED:
        break;
    }
    return EXIT_FAILED;
}

static int fail_with(struct cli *cli, const bfc_err *err, int exit_code)
{
    ui_error(&cli->ui, bfc_code_name(err->code), exit_code,
             err->code == BFC_E_CANCELLED ? "interrupted" : err->msg);
    return exit_code;
}

int cli_fail(struct cli *cli, const bfc_err *err)
{
    return fail_with(cli, err, exit_of(err->code));
}

int cli_fail_hint(struct cli *cli, const bfc_err *err, enum bfc_code code, const char *hint)
{
    if (err->code != code)
        return cli_fail(cli, err);
    return cli_error(cli, err->code, "%s; %s", err->msg, hint);
}

int cli_fail_about(struct cli *cli, const bfc_err *err, const char *subject)
{
    if (err->code == BFC_E_CANCELLED)
        return cli_fail(cli, err);
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, subject, strlen(subject), ESCAPE_QUOTED);
    return cli_error(cli, err->code, "'%s': %s", text_of(&shown), err->msg);
}

/* A formatted message, to be freed. */
static char *CLI_PRINTF(1, 0) format(const char *fmt, va_list args)
{
    char *msg = NULL;
    if (vasprintf(&msg, fmt, args) < 0)
        mem_out();
    return msg;
}

int cli_error(struct cli *cli, enum bfc_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *msg = format(fmt, args);
    va_end(args);
    ui_error(&cli->ui, bfc_code_name(code), exit_of(code), msg);
    return exit_of(code);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *msg = format(fmt, args);
    va_end(args);

    AUTO_TEXT struct text hint = {0};
    text_str(&hint, "Try '");
    command_path(&hint, cli->command, " ");
    text_str(&hint, " --help'.");
    ui_error(&cli->ui, "usage", EXIT_USAGE, msg);
    ui_line(&cli->ui, text_of(&hint));
    return EXIT_USAGE;
}

static void CLI_PRINTF(2, 0) tell_line(struct cli *cli, const char *fmt, va_list args)
{
    if (cli->quiet || cli->json)
        return;
    AUTO_FREE char *msg = format(fmt, args);
    ui_line(&cli->ui, msg);
}

void cli_summary(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (cli->ui.terminal || cli->ui.verbose)
        tell_line(cli, fmt, args);
    va_end(args);
}

void cli_notice(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell_line(cli, fmt, args);
    va_end(args);
}

int cli_open_reader(struct cli *cli, const char *path, const struct args *args, bfc_reader **out)
{
    bfc_reader_options options = BFC_READER_OPTIONS_INIT;
    const char *tree = args_value(args, OPT_TREE);
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    AUTO_TEXT struct text problem = {0};
    uint64_t number = 0;
    bfc_err err = BFC_ERR_INIT;

    if (tree && value_number(tree, "--tree", 0, UINT32_MAX, &number, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    options.tree = (uint32_t)number;
    options.at = args_value(args, OPT_AT);
    options.hooks = &cli->hooks;
    int code = trust_options_read(cli, args, &trust);
    if (code == EXIT_DONE)
        code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    options.trust = trust;
    options.keys = cli->keys;
    return bfc_reader_open(path, &options, out, &err) < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

int cli_open_store(struct cli *cli, bfc_store **out)
{
    bfc_err err = BFC_ERR_INIT;
    if (bfc_store_open(cli->store, out, &err) == 0) {
        bfc_store_set_hooks(*out, &cli->hooks);
        return EXIT_DONE;
    }
    /* A bad $BFC_STORE is not the command line's fault. */
    bool of_environment = err.code == BFC_E_INVALID && !cli->store;
    return of_environment ? fail_with(cli, &err, EXIT_FAILED) : cli_fail(cli, &err);
}

int cli_open_store_keys(struct cli *cli, const struct args *args, bool ask, bfc_store **out)
{
    int code = key_options_read(cli, args);

    if (code == EXIT_DONE)
        code = cli_open_store(cli, out);
    if (code == EXIT_DONE && (ask || keys_are_named(args)))
        bfc_store_set_keys(*out, cli->keys);
    return code;
}
