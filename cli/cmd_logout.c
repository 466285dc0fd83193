/* SPDX-License-Identifier: Apache-2.0 */
/* bfc logout. */
#include "registry_options.h"

static const struct operand operands[] = {
    {"REGISTRY", VALUE_WORD, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_ALL, 'a', "all", NULL, VALUE_WORD, NULL, "forget all logins"},
    OPTION_OF_LOGIN_FILE,
    {0},
};

static int log_out_everywhere(struct cli *cli, const bfc_registry_options *how)
{
    bfc_err err = BFC_ERR_INIT;
    size_t count = 0;

    if (bfc_registry_logout_all(how, &count, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json) {
        json_t *document = json_document("bfc.logout/1");
        json_put_u64(document, "count", count);
        json_print(&cli->out, document);
        return EXIT_DONE;
    }
    cli_notice(cli, "%zu login%s forgotten", count, count == 1 ? "" : "s");
    return EXIT_DONE;
}

static int log_out(struct cli *cli, const char *registry, const bfc_registry_options *how)
{
    bfc_err err = BFC_ERR_INIT;

    if (bfc_registry_logout(registry, how, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json) {
        json_t *document = json_document("bfc.logout/1");
        json_put_str(document, "registry", registry);
        json_put_u64(document, "count", 1);
        json_print(&cli->out, document);
        return EXIT_DONE;
    }
    cli_notice(cli, "the login for %s is forgotten", registry);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    bfc_registry_options how = BFC_REGISTRY_OPTIONS_INIT;
    AUTO_FREE char *registry = NULL;

    int code = registry_options_read(cli, args, &how);
    if (code != EXIT_DONE)
        return code;
    if (args_has(args, OPT_ALL))
        return args->count > 0 ? cli_usage(cli, "logout: --all, or one registry")
                               : log_out_everywhere(cli, &how);
    code = login_registry(cli, args, &registry);
    return code == EXIT_DONE ? log_out(cli, registry, &how) : code;
}

static const struct example examples[] = {
    {"bfc logout registry.example:5000", "Exactly this login."},
    {"bfc logout --all", "All that are where `bfc login` puts them."},
    {0},
};

const struct command cmd_logout = {
    .name = "logout",
    .summary = "Forgets a login for a registry",
    .text = "The login is taken away where `bfc login` would put it: from the file, or from the "
            "credential helper that keeps it. If one is left in another file, such as Docker's, "
            "where it would still be found, a warning says in which. Without REGISTRY the first of "
            "unqualified-search-registries of registries.conf(5) is meant.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "2 when REGISTRY is no name, or is missing. 4 when there is no login for it. 6 when "
             "another program is changing the file.",
    .see = "bfc-login podman-logout skopeo-logout",
    .run = run,
};
