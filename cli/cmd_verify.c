/* SPDX-License-Identifier: Apache-2.0 */
/* bfc verify. */
#include "key_options.h"
#include "verify_view.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_VERIFYING,
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "check an earlier commit: its number, or 8 or more digits of its root digest"},
    OPTIONS_OF_KEYS,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO_VERIFICATION struct verification v = {0};
    bfc_verify_report report = {0};
    bfc_err err = BFC_ERR_INIT;

    int code = key_options_read(cli, args);
    if (code == EXIT_DONE)
        code = verification_begin(&v, cli, args, "bfc.verify/1", "file", args->operands[0]);
    if (code != EXIT_DONE)
        return code;
    v.options.keys = keys_are_named(args) ? cli->keys : NULL;
    int rc = bfc_verify(args->operands[0], &v.options, &report, &err);
    return verification_end(&v, rc, &report, &err);
}

static const struct example examples[] = {
    {"bfc verify app.bfc", "Structure and metadata: quick also for large containers."},
    {"bfc verify --deep app.bfc && echo good", "Every byte."},
    {"bfc verify --deep --root-digest \"$known\" app.bfc",
     "That the container is the one that is known, to the last byte."},
    {"bfc verify --deep --key bfc-signer:… app.bfc",
     "That it is signed by this signer, and whole."},
    {"bfc verify --trust team --signature app.sig app.bfc",
     "That one of these people signed it; the signature stands beside it."},
    {0},
};

static const struct section sections[] = {
    {"TRUST",
     "A trust file names the signers that are believed: a line for each, of a name, blanks and "
     "`bfc-signer:…`. Empty lines and those that begin with `#` do not count. A name may have "
     "several keys; one that is no longer believed is taken out. A line that makes no sense makes "
     "the whole file an error, and so does a file that everybody may write to.\n\n"
     "Without `--key` and `--trust` it is `$BFC_TRUST_FILE`, else the first that is there of "
     "`$XDG_CONFIG_HOME/bfc/trust` (or ~/.config/bfc/trust) and /etc/bfc/trust.\n\n"
     "A signature counts if it is over the root digest of the very commit that is read, and valid, "
     "and its signer trusted; one is enough, whoever else has signed. What was appended after it "
     "is another commit: `--at` reads the one that was signed."},
    {0},
};

const struct command cmd_verify = {
    .name = "verify",
    .summary = "Checks a container",
    .text =
        "Without options it checks the structure and all metadata: every page by CRC32C and "
        "SHA-256 up to the root digest, and that the tables agree with each other. With "
        "`--deep` every byte of content is read and checked as well. It goes on after a "
        "problem as far as it can, and tells each on standard error with the file or the byte "
        "concerned.\n\n"
        "Checksums find damage. Somebody who can write to the file can make a container that "
        "is sound and not yours: give `--root-digest` with a digest from elsewhere to exclude "
        "that, or ask for a signature: with `--key`, `--trust` or `--require-signature` the "
        "commit must be signed by somebody you trust, or nothing is checked.\n\n"
        "Of an encrypted container, without a key, what is plain is checked: its commit records "
        "and the checksums of what is stored. " TEXT_KEYS_NAMED "\n\n"
        "A container of format version 1 has less to check: its index, what each object says of "
        "itself, and with `--deep` each content by its CRC32C.\n\n"
        "With `--quiet` nothing is printed if all is well.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = "3 when anything is wrong. 5 when no trusted signer has signed.",
    .see = "bfc-sign bfc-signatures bfc-info bfc-recover bfc-image-verify",
    .run = run,
};
