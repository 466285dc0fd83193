/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signature is needed: --require-signature, --key, --trust, --signature. */
#ifndef CLI_TRUST_OPTIONS_H
#define CLI_TRUST_OPTIONS_H

#include "cli.h"

#define OPTIONS_OF_TRUST                                                                           \
    {OPT_REQUIRE_SIGNATURE,                                                                        \
     0,                                                                                            \
     "require-signature",                                                                          \
     NULL,                                                                                         \
     VALUE_WORD,                                                                                   \
     NULL,                                                                                         \
     "refuse what no trusted signer has signed, and check all that is read by SHA-256; each of "   \
     "the next options implies it. Without `--key` and `--trust` the trust file says who is "      \
     "trusted"},                                                                                   \
        {OPT_KEY,                                                                                  \
         0,                                                                                        \
         "key",                                                                                    \
         "KEY",                                                                                    \
         VALUE_FILE,                                                                               \
         NULL,                                                                                     \
         "trust this signer: `bfc-signer:…`, or a file with it; may be given several times"},      \
        {OPT_TRUST,                                                                                \
         0,                                                                                        \
         "trust",                                                                                  \
         "FILE",                                                                                   \
         VALUE_FILE,                                                                               \
         NULL,                                                                                     \
         "trust the signers of this trust file; may be given several times"},                      \
    {                                                                                              \
        OPT_SIGNATURE, 0, "signature", "FILE", VALUE_FILE, NULL,                                   \
            "take the signatures in FILE into account, as `bfc sign --detached` writes them; may " \
            "be given several times"                                                               \
    }

#define TEXT_TRUST                                                                                 \
    "With `--require-signature` a signature of one trusted signer over the very commit that is "   \
    "read is needed, in the container or beside it (`--signature`); then every byte is checked "   \
    "against it as it is read. Any one of several signers suffices."

/* Sets *out to what the options say, or NULL where they ask for nothing; free it. 0, or an exit
 * code when it has been told what is wrong. */
int trust_options_read(struct cli *cli, const struct args *args, bfc_trust **out);

DEFINE_AUTO(bfc_trust, bfc_trust_free)

/* {"signer": "bfc-signer:…", "name": "alice"} in `o`; the name only where `trust`, which may be
 * NULL, has one. */
void trust_json(json_t *o, const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE]);
/* "alice (bfc-signer:…)" */
void trust_words(struct text *t, const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE]);

#endif
