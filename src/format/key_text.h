/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text, one line; docs/format.md, section 11. */
#ifndef BFCI_FORMAT_KEY_TEXT_H
#define BFCI_FORMAT_KEY_TEXT_H

#include <bfc/keys.h>

#include "codec/secret.h"

enum bfci_key_form {
    KEY_FORM_IDENTITY = 0, /* X25519 secret key */
    KEY_FORM_RECIPIENT,    /* its public key */
    KEY_FORM_SIGNING_KEY,  /* Ed25519 seed */
    KEY_FORM_SIGNER        /* its public key */
};

/* NUL-terminated, no newline. */
void bfci_key_text_encode(enum bfci_key_form form, const uint8_t key[BFCI_KEY_SIZE],
                          char out[BFC_KEY_TEXT_MAX]);
/* BFC_E_INVALID where that is no key. Messages never hold a part of the text: it may be a secret.
 */
int bfci_key_text_decode(const char *text, size_t len, enum bfci_key_form *form,
                         uint8_t key[BFCI_KEY_SIZE], bfc_err *err);
/* The same, where one form alone makes sense. */
int bfci_key_text_decode_as(const char *text, size_t len, enum bfci_key_form want,
                            uint8_t key[BFCI_KEY_SIZE], bfc_err *err);

#endif
