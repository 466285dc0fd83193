/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a bunch of keys. */
#include "key_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "password.h"
#include "value.h"

void secrets_begin(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int add_password_fd(struct cli *cli, const char *value)
{
    AUTO_TEXT struct text problem = {0};
    uint64_t fd = 0;
    bfc_err err = BFC_ERR_INIT;

    if (value_number(value, "--password-fd", 0, INT32_MAX, &fd, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    return bfc_keys_add_password_fd(cli->keys, (int)fd, &err) < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

static int add_recipient(bfc_keys *keys, const char *value, bfc_err *err)
{
    static const char prefix[] = "bfc-recipient:";

    return strncmp(value, prefix, sizeof prefix - 1) == 0
               ? bfc_keys_add_recipient(keys, value, err)
               : bfc_keys_add_recipient_file(keys, value, err);
}

static bool is_key_option(enum option_id id)
{
    return id == OPT_PASSWORD_FD || id == OPT_PASSWORD_FILE || id == OPT_KEY_FILE ||
           id == OPT_IDENTITY;
}

bool keys_are_named(const struct args *args)
{
    const char *file = getenv("BFC_PASSWORD_FILE");

    for (size_t i = 0; i < args->given_count; i++)
        if (is_key_option(args->given[i].option->id))
            return true;
    return file && *file;
}

static int add(struct cli *cli, const struct given *given)
{
    bfc_err err = BFC_ERR_INIT;
    int rc = 0;

    if (is_key_option(given->option->id))
        secrets_begin();
    switch ((int)given->option->id) {
    case OPT_PASSWORD_FD:
        return add_password_fd(cli, given->value);
    case OPT_PASSWORD_FILE:
        rc = bfc_keys_add_password_file(cli->keys, given->value, &err);
        break;
    case OPT_KEY_FILE:
        rc = bfc_keys_add_key_file(cli->keys, given->value, &err);
        break;
    case OPT_IDENTITY:
        rc = bfc_keys_add_identity(cli->keys, given->value, &err);
        break;
    case OPT_RECIPIENT:
        rc = add_recipient(cli->keys, given->value, &err);
        break;
    default:
        break;
    }
    return rc < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

int key_options_read(struct cli *cli, const struct args *args)
{
    bfc_err err = BFC_ERR_INIT;

    if (cli->keys)
        return EXIT_DONE;
    if (bfc_keys_new(&cli->hooks, &cli->keys, &err) < 0)
        return cli_fail(cli, &err);
    for (size_t i = 0; i < args->given_count; i++) {
        int code = add(cli, &args->given[i]);
        if (code != EXIT_DONE)
            return code;
    }
    bfc_keys_set_prompt(cli->keys, password_prompt, cli);
    return EXIT_DONE;
}

/* A key without --encrypt is a container that somebody takes for encrypted, and is not. */
int encrypt_options_read(struct cli *cli, const struct args *args, bfc_writer_options *out)
{
    if (!args_has(args, OPT_ENCRYPT)) {
        for (size_t i = 0; i < args->given_count; i++)
            if (is_key_option(args->given[i].option->id) ||
                args->given[i].option->id == OPT_RECIPIENT)
                return cli_usage(cli, "--%s without --encrypt: nothing would be encrypted",
                                 args->given[i].option->name);
        return EXIT_DONE;
    }
    out->encrypt = true;
    int code = key_options_read(cli, args);
    out->keys = cli->keys;
    return code;
}
