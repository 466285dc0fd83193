/* SPDX-License-Identifier: Apache-2.0 */
/* The options that name keys. Secrets are never arguments: those are seen by everybody who can list
 * processes. */
#ifndef CLI_KEY_OPTIONS_H
#define CLI_KEY_OPTIONS_H

#include "cli.h"

#define OPTIONS_OF_KEYS                                                                              \
    {OPT_PASSWORD_FILE,                                                                              \
     0,                                                                                              \
     "password-file",                                                                                \
     "FILE",                                                                                         \
     VALUE_FILE,                                                                                     \
     NULL,                                                                                           \
     "a password: the first line of FILE"},                                                          \
        {OPT_PASSWORD_FD,                                                                            \
         0,                                                                                          \
         "password-fd",                                                                              \
         "N",                                                                                        \
         VALUE_WORD,                                                                                 \
         NULL,                                                                                       \
         "a password: the next line of the open descriptor N"},                                      \
        {OPT_KEY_FILE, 0, "key-file", "FILE", VALUE_FILE, NULL, "a key: FILE has exactly 32 bytes"}, \
    {                                                                                                \
        OPT_IDENTITY, 0, "identity", "FILE", VALUE_FILE, NULL,                                       \
            "a secret key that `bfc key generate` made"                                              \
    }

#define OPTION_RECIPIENT                                                                           \
    {                                                                                              \
        OPT_RECIPIENT, 0, "recipient", "KEY|FILE", VALUE_FILE, NULL,                               \
            "a public key, `bfc-recipient:…`, or a file with one a line"                         \
    }

#define OPTIONS_OF_ENCRYPTING                                                                      \
    {OPT_ENCRYPT,                                                                                  \
     'e',                                                                                          \
     "encrypt",                                                                                    \
     NULL,                                                                                         \
     VALUE_WORD,                                                                                   \
     NULL,                                                                                         \
     "encrypt contents and names; any of the keys that are given opens it"},                       \
        OPTIONS_OF_KEYS, OPTION_RECIPIENT

/* What the texts of commands say about them. */
#define TEXT_KEYS                                                                                  \
    "Of an encrypted container one key has to fit. Key options may be given several times. Where " \
    "none is, the password is the first line of the file that $BFC_PASSWORD_FILE names, else it "  \
    "is asked for on the terminal."

/* The same for commands that do something without a key. */
#define TEXT_KEYS_NAMED                                                                            \
    "A key is one that an option names, or the password in the file that $BFC_PASSWORD_FILE "      \
    "names."
/* Whether there is one. */
bool keys_are_named(const struct args *args);

/* Makes cli->keys of what is given, with a way to ask for a password; main() frees them. From here
 * on, if one is given, the process leaves no core dump. 0, or an exit code when it has been told
 * what is wrong. */
int key_options_read(struct cli *cli, const struct args *args);

#define OPTIONS_OF_NEW_KEYS                                                                        \
    {OPT_NEW_PASSWORD_FILE,                                                                        \
     0,                                                                                            \
     "new-password-file",                                                                          \
     "FILE",                                                                                       \
     VALUE_FILE,                                                                                   \
     NULL,                                                                                         \
     "one more password: the first line of FILE"},                                                 \
        {OPT_NEW_PASSWORD_FD,                                                                      \
         0,                                                                                        \
         "new-password-fd",                                                                        \
         "N",                                                                                      \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "one more password: the next line of the open descriptor N"},                             \
        {OPT_NEW_KEY_FILE,                                                                         \
         0,                                                                                        \
         "new-key-file",                                                                           \
         "FILE",                                                                                   \
         VALUE_FILE,                                                                               \
         NULL,                                                                                     \
         "one more key: FILE has exactly 32 bytes"},                                               \
        OPTION_RECIPIENT

/* The keys that are to be added, which the caller frees; with none a password is asked for. */
int new_key_options_read(struct cli *cli, const struct args *args, bfc_keys **out);

/* Of a command that creates: `encrypt` and `keys`. 0 or an exit code, as above. */
int encrypt_options_read(struct cli *cli, const struct args *args, bfc_writer_options *out);

/* No core dump, no tracer: to be called before there are secrets. */
void secrets_begin(void);

#endif
