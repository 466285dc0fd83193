/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for passwords: $BFC_PASSWORD_FILE, or the terminal. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include <bfc/keys.h>

/* For bfc_keys_set_prompt(), with the struct cli as ctx. */
int password_prompt(void *cli, const bfc_prompt *about, char *password, size_t *len, bfc_err *err);

/* The same for a password that is to be new beside the one that opens: from the terminal alone. */
int new_password_prompt(void *cli, const bfc_prompt *about, char *password, size_t *len,
                        bfc_err *err);

#endif
