/* SPDX-License-Identifier: Apache-2.0 */
/* Signing: options, and what is told of it. */
#ifndef CLI_SIGN_VIEW_H
#define CLI_SIGN_VIEW_H

#include "cli.h"

#define OPTIONS_OF_SIGNING                                                                         \
    {OPT_KEY, 0, "key", "KEYFILE", VALUE_FILE, NULL, "the file with the signing key; needed"},     \
    {                                                                                              \
        OPT_QUICK, 0, "quick", NULL, VALUE_WORD, NULL,                                             \
            "check structure and metadata only before signing, and not the content"                \
    }

#define OPTION_SIGNATURE_OUTPUT                                                                    \
    {OPT_OUTPUT,                                                                                   \
     'o',                                                                                          \
     "output",                                                                                     \
     "SIG",                                                                                        \
     VALUE_FILE,                                                                                   \
     NULL,                                                                                         \
     "write the signature to SIG; implies `--detached`"},                                          \
    {                                                                                              \
        OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace SIG if it exists"                \
    }

#define TEXT_SIGNING_KEY                                                                           \
    "A signing key is the file that `bfc key generate --signing` makes; keep it to yourself. Its " \
    "public half, `bfc-signer:…`, is what others give to `--key`, or write into a trust file."

/* 0, or an exit code when it has been told what is wrong. */
int sign_options_read(struct cli *cli, const struct args *args, const char **key,
                      bfc_sign_options *how);

/* Tell of a signature that was added, or write one to `output`, NULL being standard output. With
 * --json a document in which the subject is the member `member`. An exit code. */
int sign_report_added(struct cli *cli, const char *schema, const char *member, const char *subject,
                      const bfc_sign_report *report);
int sign_report_detached(struct cli *cli, const char *schema, const char *member,
                         const char *subject, const char *output, bool replace,
                         const bfc_sign_report *report);

#endif
