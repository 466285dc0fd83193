/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for passwords: $BFC_PASSWORD_FILE, or the terminal. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include <bfc/keys.h>

struct cli;

/* For bfc_keys_set_prompt(), with the struct cli as ctx. */
int password_prompt(void *cli, const bfc_prompt *about, char *password, size_t *len, bfc_err *err);

/* The same for a password that is to be new beside the one that opens: from the terminal alone. */
int new_password_prompt(void *cli, const bfc_prompt *about, char *password, size_t *len,
                        bfc_err *err);

/* One line that may be seen, from the terminal; `out` has room for `cap` bytes and a NUL. */
int terminal_ask(const struct cli *cli, const char *words, char *out, size_t cap, bfc_err *err);

/* User and password for a registry. */
enum {
    LOGIN_TEXT_MAX = 16 * 1024
};
struct login {
    char username[LOGIN_TEXT_MAX + 1];
    char password[LOGIN_TEXT_MAX + 1];
};
void login_wipe(struct login *login);
#define AUTO_LOGIN __attribute__((cleanup(login_wipe)))

/* Asks at the terminal for what is not given: for the user (`proposal` is taken if nothing is
 * typed; both may be NULL), and for the password. BFC_E_NOT_FOUND: there is no terminal. */
int login_prompt(struct cli *cli, const char *registry, const char *username, const char *proposal,
                 struct login *out, bfc_err *err);
/* The password from standard input, up to its end; one newline there is left out. */
int login_read(struct cli *cli, const char *username, struct login *out, bfc_err *err);

#endif
