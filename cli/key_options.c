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

static int add_password_fd(struct cli *cli, bfc_keys *keys, const struct given *given)
{
    AUTO_TEXT struct text name = {0};
    AUTO_TEXT struct text problem = {0};
    uint64_t fd = 0;
    bfc_err err = BFC_ERR_INIT;

    text_fmt(&name, "--%s", given->option->name);
    if (value_number(given->value, text_of(&name), 0, INT32_MAX, &fd, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    return bfc_keys_add_password_fd(keys, (int)fd, &err) < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

static int add_recipient(bfc_keys *keys, const char *value, bfc_err *err)
{
    static const char prefix[] = "bfc-recipient:";

    return strncmp(value, prefix, sizeof prefix - 1) == 0
               ? bfc_keys_add_recipient(keys, value, err)
               : bfc_keys_add_recipient_file(keys, value, err);
}

static bool is_secret(enum option_id id)
{
    return id == OPT_PASSWORD_FD || id == OPT_PASSWORD_FILE || id == OPT_KEY_FILE ||
           id == OPT_IDENTITY;
}

static bool is_new_secret(enum option_id id)
{
    return id == OPT_NEW_PASSWORD_FD || id == OPT_NEW_PASSWORD_FILE || id == OPT_NEW_KEY_FILE;
}

bool keys_are_named(const struct args *args)
{
    const char *file = getenv("BFC_PASSWORD_FILE");

    for (size_t i = 0; i < args->given_count; i++)
        if (is_secret(args->given[i].option->id))
            return true;
    return file && *file;
}

static int add(struct cli *cli, bfc_keys *keys, const struct given *given)
{
    bfc_err err = BFC_ERR_INIT;
    int rc = 0;

    switch ((int)given->option->id) {
    case OPT_PASSWORD_FD:
    case OPT_NEW_PASSWORD_FD:
        return add_password_fd(cli, keys, given);
    case OPT_PASSWORD_FILE:
    case OPT_NEW_PASSWORD_FILE:
        rc = bfc_keys_add_password_file(keys, given->value, &err);
        break;
    case OPT_KEY_FILE:
    case OPT_NEW_KEY_FILE:
        rc = bfc_keys_add_key_file(keys, given->value, &err);
        break;
    case OPT_IDENTITY:
        rc = bfc_keys_add_identity(keys, given->value, &err);
        break;
    case OPT_RECIPIENT:
        rc = add_recipient(keys, given->value, &err);
        break;
    default:
        break;
    }
    return rc < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

/* A bunch of those options that `wanted` says. */
static int read_bunch(struct cli *cli, const struct args *args, bool wanted(enum option_id),
                      bfc_keys **out)
{
    bfc_err err = BFC_ERR_INIT;

    if (bfc_keys_new(&cli->hooks, out, &err) < 0)
        return cli_fail(cli, &err);
    for (size_t i = 0; i < args->given_count; i++) {
        enum option_id id = args->given[i].option->id;
        if (!wanted(id) && id != OPT_RECIPIENT)
            continue;
        if (wanted(id))
            secrets_begin();
        int code = add(cli, *out, &args->given[i]);
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

int key_options_read(struct cli *cli, const struct args *args)
{
    if (cli->keys)
        return EXIT_DONE;
    int code = read_bunch(cli, args, is_secret, &cli->keys);
    if (code == EXIT_DONE)
        bfc_keys_set_prompt(cli->keys, password_prompt, cli);
    return code;
}

int new_key_options_read(struct cli *cli, const struct args *args, bfc_keys **out)
{
    int code = read_bunch(cli, args, is_new_secret, out);
    if (code == EXIT_DONE)
        bfc_keys_set_prompt(*out, new_password_prompt, cli);
    return code;
}

/* A key without --encrypt is a container that somebody takes for encrypted, and is not. */
int encrypt_options_read(struct cli *cli, const struct args *args, bfc_writer_options *out)
{
    if (!args_has(args, OPT_ENCRYPT)) {
        for (size_t i = 0; i < args->given_count; i++)
            if (is_secret(args->given[i].option->id) || args->given[i].option->id == OPT_RECIPIENT)
                return cli_usage(cli, "--%s without --encrypt: nothing would be encrypted",
                                 args->given[i].option->name);
        return EXIT_DONE;
    }
    out->encrypt = true;
    int code = key_options_read(cli, args);
    out->keys = cli->keys;
    return code;
}
