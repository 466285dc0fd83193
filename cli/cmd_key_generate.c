/* SPDX-License-Identifier: Apache-2.0 */
/* bfc key generate and bfc key public. */
#include <string.h>
#include <unistd.h>

#include "key_options.h"

static const struct option generate_options[] = {
    {OPT_OUTPUT, 'o', "output", "FILE", VALUE_FILE, NULL,
     "write the secret key into FILE, which must not exist, instead of standard output"},
    {OPT_SIGNING, 0, "signing", NULL, VALUE_WORD, NULL, "a key to sign with, not to encrypt for"},
    {0},
};

static void print_public(struct cli *cli, const char *schema, const char *file, const char *key)
{
    if (!cli->json) {
        out_fmt(&cli->out, "%s\n", key);
        return;
    }
    json_t *document = json_document(schema);
    json_put_str(document, "file", file);
    json_put_str(document, "public", key);
    json_print(&cli->out, document);
}

static int run_generate(struct cli *cli, const struct args *args)
{
    enum bfc_key_kind kind = args_has(args, OPT_SIGNING) ? BFC_KEY_SIGNING : BFC_KEY_IDENTITY;
    const char *file = args_value(args, OPT_OUTPUT);
    char key[BFC_KEY_TEXT_MAX];
    bfc_err err = BFC_ERR_INIT;

    if (cli->json && !file)
        return cli_usage(cli, "key generate: --json tells the public key; where is the secret one "
                              "to go? -o FILE is missing");
    secrets_begin();
    int rc = file ? bfc_key_generate(kind, file, key, &err)
                  : bfc_key_generate_fd(kind, STDOUT_FILENO, key, &err);
    if (rc < 0)
        return cli_fail(cli, &err);
    if (file)
        print_public(cli, "bfc.key.generate/1", file, key);
    else
        cli_notice(cli, "public key: %s", key);
    return EXIT_DONE;
}

static const struct operand public_operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static int run_public(struct cli *cli, const struct args *args)
{
    char key[BFC_KEY_TEXT_MAX];
    bfc_err err = BFC_ERR_INIT;

    secrets_begin();
    if (bfc_key_public(args->operands[0], &cli->hooks, key, &err) < 0)
        return cli_fail(cli, &err);
    print_public(cli, "bfc.key.public/1", args->operands[0], key);
    return EXIT_DONE;
}

static const struct example generate_examples[] = {
    {"bfc key generate -o me.key >me.pub", "The secret half in me.key, the public one in me.pub."},
    {"bfc key generate --signing -o sign.key", "A key to sign with."},
    {0},
};

const struct command cmd_key_generate = {
    .name = "generate",
    .summary = "Makes a key pair",
    .text = "The secret key goes into FILE, readable by its owner alone, and the public one is "
            "printed. Without `-o` the secret key is printed, and the public one told on standard "
            "error. An existing FILE is never replaced: what was encrypted for the key in it could "
            "not be read any more.\n\n"
            "Without `--signing` it is an identity, to read with (`--identity`) what others "
            "encrypted for its public key (`--recipient`).",
    .options = generate_options,
    .examples = generate_examples,
    .exits = "1 also when FILE exists.",
    .see = "bfc-key-public bfc-create",
    .run = run_generate,
};

static const struct example public_examples[] = {
    {"bfc key public me.key >me.pub", "The public key once more."},
    {0},
};

const struct command cmd_key_public = {
    .name = "public",
    .summary = "Prints the public half of a secret key",
    .text = "FILE is one that `bfc key generate` made, for encrypting or for signing.",
    .operands = public_operands,
    .examples = public_examples,
    .see = "bfc-key-generate",
    .run = run_public,
};
