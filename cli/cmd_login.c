/* SPDX-License-Identifier: Apache-2.0 */
/* bfc login. */
#include <string.h>

#include "key_options.h"
#include "password.h"
#include "registry_options.h"

static const struct operand operands[] = {
    {"REGISTRY", VALUE_WORD, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_USERNAME, 'u', "username", "NAME", VALUE_WORD, NULL, "the user; default: it is asked for"},
    {OPT_PASSWORD_STDIN, 0, "password-stdin", NULL, VALUE_WORD, NULL,
     "read the password, or a token, from standard input"},
    {OPT_GET_LOGIN, 0, "get-login", NULL, VALUE_WORD, NULL,
     "only tell as whom we are logged in; nobody is asked"},
    OPTION_OF_LOGIN_FILE,
    OPTIONS_OF_CERTIFICATES,
    {0},
};

/* ── Answers ── */

static void tell_login(struct cli *cli, const char *registry, const char *username,
                       const char *where)
{
    if (cli->json) {
        json_t *document = json_document("bfc.login/1");
        json_put_str(document, "registry", registry);
        json_put_str(document, "username", username);
        json_put_str_or_null(document, "where", where);
        json_print(&cli->out, document);
        return;
    }
    AUTO_TEXT struct text line = {0};
    text_fmt(&line, "logged in to %s as ", registry);
    text_escaped(&line, username, strlen(username), ESCAPE_TERMINAL);
    if (*where)
        text_fmt(&line, "; kept in %s", where);
    else
        text_str(&line, ", as before");
    cli_notice(cli, "%s", text_of(&line));
}

static int get_login(struct cli *cli, const char *registry, const bfc_registry_options *how)
{
    AUTO_FREE char *username = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_registry_login_name(registry, how, &username, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json) {
        tell_login(cli, registry, username, "");
    } else {
        out_name(&cli->out, username, strlen(username));
        out_str(&cli->out, "\n");
    }
    return EXIT_DONE;
}

/* ── Logging in ── */

/* What is kept may be good still; then nobody is asked for anything. *username is a proposal. */
static int use_what_is_kept(struct cli *cli, const char *registry, const bfc_registry_options *how,
                            char **username, bool *done)
{
    bfc_err err = BFC_ERR_INIT;

    *done = false;
    int rc = bfc_registry_login_name(registry, how, username, &err);
    if (rc == 0)
        rc = bfc_registry_login_check(registry, how, &err);
    if (rc == BFC_E_NOT_FOUND && !*username)
        return EXIT_DONE;
    if (rc == BFC_E_DENIED && *username) {
        cli_notice(cli, "the login for %s that is kept is not taken any more", registry);
        return EXIT_DONE;
    }
    if (rc < 0)
        return cli_fail(cli, &err);
    *done = true;
    tell_login(cli, registry, *username, "");
    return EXIT_DONE;
}

static int log_in(struct cli *cli, const char *registry, const bfc_registry_options *how,
                  const struct login *login)
{
    AUTO_FREE char *where = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_registry_login(registry, login->username, login->password, how, &where, &err) < 0)
        return cli_fail(cli, &err);
    tell_login(cli, registry, login->username, where);
    return EXIT_DONE;
}

static int ask_and_log_in(struct cli *cli, const struct args *args, const char *registry,
                          const bfc_registry_options *how)
{
    AUTO_LOGIN struct login login = {.username = ""};
    AUTO_FREE char *proposal = NULL;
    const char *username = args_value(args, OPT_USERNAME);
    const bool from_stdin = args_has(args, OPT_PASSWORD_STDIN);
    bfc_err err = BFC_ERR_INIT;
    bool done = false;

    secrets_begin();
    if (!username) {
        int code = use_what_is_kept(cli, registry, how, &proposal, &done);
        if (code != EXIT_DONE || done)
            return code;
    }
    int rc = from_stdin ? login_read(cli, username, &login, &err)
                        : login_prompt(cli, registry, username, proposal, &login, &err);
    if (rc == BFC_E_NOT_FOUND)
        return cli_error(cli, BFC_E_DENIED,
                         "there is no terminal to ask at: use --username and --password-stdin");
    return rc < 0 ? cli_fail(cli, &err) : log_in(cli, registry, how, &login);
}

int login_registry(struct cli *cli, const struct args *args, char **registry)
{
    bfc_err err = BFC_ERR_INIT;

    if (args->count > 0) {
        *registry = mem_strdup(args->operands[0]);
        return EXIT_DONE;
    }
    int rc = bfc_registry_default(registry, &err);
    if (rc == BFC_E_NOT_FOUND)
        return cli_usage(cli, "%s: %s", args->command->name, err.msg);
    return rc < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    bfc_registry_options how = BFC_REGISTRY_OPTIONS_INIT;
    AUTO_FREE char *registry = NULL;
    const bool only_tell = args_has(args, OPT_GET_LOGIN);
    const bool from_stdin = args_has(args, OPT_PASSWORD_STDIN);

    if (only_tell && (from_stdin || args_has(args, OPT_USERNAME)))
        return cli_usage(cli, "login: --get-login goes with no user and no password");
    if (from_stdin && !args_has(args, OPT_USERNAME))
        return cli_usage(cli, "login: --password-stdin needs --username: there is nobody to ask");
    int code = registry_options_read(cli, args, &how);
    if (code == EXIT_DONE)
        code = login_registry(cli, args, &registry);
    if (code != EXIT_DONE)
        return code;
    return only_tell ? get_login(cli, registry, &how) : ask_and_log_in(cli, args, registry, &how);
}

static const struct example examples[] = {
    {"bfc login registry.example:5000", "User and password are asked for at the terminal."},
    {"bfc login -u ci --password-stdin quay.io <token", "Without a terminal."},
    {"bfc login --get-login quay.io", "As whom we are logged in there."},
    {0},
};

static const struct section sections[] = {
    {"WHERE LOGINS ARE KEPT",
     "In the first of these that applies, and there podman, skopeo and Docker find them as well: "
     "the file of `--authfile`; $REGISTRY_AUTH_FILE; $DOCKER_CONFIG/config.json; "
     "$XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json where that is not set), "
     "which is gone when the machine starts anew. The file is readable by its owner alone. In it "
     "the password is encoded, and not encrypted.\n\n"
     "If the file names a credential helper for the registry (`credHelpers`, `credsStore`), or "
     "registries.conf does (`credential-helpers`), that program, docker-credential-NAME, keeps the "
     "login instead."},
    {0},
};

const struct command cmd_login = {
    .name = "login",
    .summary = "Keeps a login for a registry",
    .text = "REGISTRY is `host[:port]`, or `host[:port]/path` for a login that counts for "
            "repositories below that path alone. Without it, the first of "
            "unqualified-search-registries of registries.conf(5) is meant, as with podman.\n\n"
            "User and password are tried at the registry before they are kept; if it does not "
            "take them, nothing is changed. Where there is a login already, and no `--username`, "
            "that one is tried, and nothing is asked for if it is still good.\n\n"
            "The password is typed at the terminal, where it is not shown, or read from standard "
            "input, of which a newline at the end is left out. It is never an argument, since "
            "others see those.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = "1 when the registry cannot be reached. 2 when REGISTRY is no name, or is missing. 4 "
             "with `--get-login` when there is no login. 5 when user and password are not taken, "
             "or there is nobody to ask for them. 6 when another program is changing the file.",
    .see = "bfc-logout bfc-image bfc-image-pull podman-login skopeo-login",
    .run = run,
};
