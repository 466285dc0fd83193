/* SPDX-License-Identifier: Apache-2.0 */
/* bfc sign. */

#include "key_options.h"
#include "sign_view.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_SIGNING,
    {OPT_DETACHED, 0, "detached", NULL, VALUE_WORD, NULL,
     "leave FILE as it is, and write the signature to standard output, or where `-o` says"},
    OPTION_SIGNATURE_OUTPUT,
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "sign an earlier commit: its number, or 8 or more digits of its root digest"},
    OPTIONS_OF_KEYS,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    const char *file = args->operands[0], *output = args_value(args, OPT_OUTPUT), *key = NULL;
    const bool detached = output || args_has(args, OPT_DETACHED);
    bfc_sign_options how = BFC_SIGN_OPTIONS_INIT;
    bfc_sign_report report = {0};
    bfc_err err = BFC_ERR_INIT;

    int code = sign_options_read(cli, args, &key, &how);
    if (code == EXIT_DONE)
        code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    how.keys = cli->keys;
    how.at = args_value(args, OPT_AT);
    int rc = detached ? bfc_sign_detached(file, key, &how, &report, &err)
                      : bfc_sign(file, key, &how, &report, &err);
    if (rc < 0)
        return cli_fail(cli, &err);
    return detached ? sign_report_detached(cli, "bfc.sign/1", "file", file, output,
                                           args_has(args, OPT_FORCE), &report)
                    : sign_report_added(cli, "bfc.sign/1", "file", file, &report);
}

static const struct example examples[] = {
    {"bfc key generate --signing -o release.key",
     "Makes a signing key, and tells its public half."},
    {"bfc sign --key release.key app.bfc", "Signs app.bfc as it is now."},
    {"bfc sign --key release.key --detached -o app.sig app.bfc",
     "The same for a file that cannot be written to."},
    {"bfc extract --key bfc-signer:… app.bfc -C /srv/app", "What somebody else does then."},
    {0},
};

const struct command cmd_sign = {
    .name = "sign",
    .summary = "Signs a container",
    .text =
        "Signs the root digest of the last commit, which stands for every name, attribute and byte "
        "in it, and the time. Before that, every byte is read and checked as by `bfc verify "
        "--deep`; what is damaged is not signed. With `--quick` the content is not read: then you "
        "vouch for bytes that nobody looked at.\n\n"
        "The signature is added to FILE by a commit of its own, which keeps the root digest. "
        "Several can sign. A signer who has signed already is told so, and nothing is written. "
        "With `--detached` the signature becomes a line of text beside FILE instead, for "
        "`--signature`; such files can be joined with cat(1).\n\n"
        "What is appended later is not covered: it is another root digest, to be signed again. Nor "
        "is that there is nothing newer. `bfc compact` makes a container with another root digest, "
        "and leaves signatures out.\n\n"
        "An image is signed before it comes into a store, `bfc image create NAME bfc:FILE`, which "
        "brings its signatures along; or in the store with `--detached`, as the file that `bfc "
        "image info` tells. Nothing should be added to a file in a store.\n\n" TEXT_SIGNING_KEY
        "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "3 when FILE is damaged; it is not signed then. 6 also when something was appended "
             "while it was checked.",
    .see = "bfc-signatures bfc-verify bfc-key-generate",
    .run = run,
};
