/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying, for bfc verify and bfc image verify: options, problems as they come, the verdict. */
#ifndef CLI_VERIFY_VIEW_H
#define CLI_VERIFY_VIEW_H

#include "trust_options.h"

#define OPTIONS_OF_VERIFYING                                                                       \
    {OPT_DEEP,                                                                                     \
     0,                                                                                            \
     "deep",                                                                                       \
     NULL,                                                                                         \
     VALUE_WORD,                                                                                   \
     NULL,                                                                                         \
     "read every byte of content too, and check it by CRC32C and SHA-256"},                        \
        {OPT_ROOT_DIGEST,                                                                          \
         0,                                                                                        \
         "root-digest",                                                                            \
         "HEX",                                                                                    \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "the root digest it must have, from a source that is trusted: 64 hexadecimal digits"},    \
        OPTIONS_OF_TRUST

struct verification {
    struct cli *cli;
    const char *subject; /* the file or image, as the user named it */
    bfc_verify_options options;
    uint8_t root_digest[BFC_DIGEST_SIZE];
    bfc_trust *trust; /* NULL: no signature is asked for */
    struct json_stream json;
};

void verification_release(struct verification *v);
#define AUTO_VERIFICATION __attribute__((cleanup(verification_release)))

/* 0, or an exit code when it has been told what is wrong. With --json the document is begun, in
 * which the subject is the member `key`. */
int verification_begin(struct verification *v, struct cli *cli, const struct args *args,
                       const char *schema, const char *key, const char *subject);
/* Tells the verdict on what the library returned; the exit code. */
int verification_end(struct verification *v, int rc, const bfc_verify_report *report,
                     const bfc_err *err);

#endif
