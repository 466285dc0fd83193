/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: what is signed, entries of the table of signatures, and the same as text;
 * docs/format.md, section 15. */
#ifndef BFCI_FORMAT_SIGNATURE_H
#define BFCI_FORMAT_SIGNATURE_H

#include <bfc/sign.h>

#include "codec/sign.h"
#include "format/page.h"

enum signature_key_at {
    SIGNATURE_KEY_AT_ROOT_DIGEST = 0,
    SIGNATURE_KEY_AT_SIGNER = 32,
    SIGNATURE_KEY_SIZE = 64
};

enum signature_at {
    SIGNATURE_AT_FORM = 0,
    SIGNATURE_AT_TIME = 1,
    SIGNATURE_AT_SIGNATURE = 9,
    SIGNATURE_VALUE_SIZE = 73
};

enum signed_at {
    SIGNED_AT_PREFIX = 0,
    SIGNED_AT_ROOT_DIGEST = 17,
    SIGNED_AT_TIME = 49,
    SIGNED_SIZE = 57
};

enum signature_text_at {
    SIGNATURE_TEXT_AT_FORM = 0,
    SIGNATURE_TEXT_AT_ROOT_DIGEST = 1,
    SIGNATURE_TEXT_AT_SIGNER = 33,
    SIGNATURE_TEXT_AT_TIME = 65,
    SIGNATURE_TEXT_AT_SIGNATURE = 73,
    SIGNATURE_TEXT_AT_CRC = 137,
    SIGNATURE_TEXT_SIZE = 141
};

enum {
    SIGNATURE_FORM_ED25519 = 1
};

#define SIGNED_PREFIX "bfc signature v1" /* 17 bytes with the literal's own NUL */
#define SIGNATURE_TEXT_PREFIX "bfc-signature:"

/* Signs the root digest and the time of `s`; sets its signer and bytes. */
int bfci_signature_make(bfc_signature *s, const uint8_t seed[BFCI_KEY_SIZE], bfc_err *err);

/* The key of an entry. */
bfci_span bfci_signature_key(uint8_t out[SIGNATURE_KEY_SIZE],
                             const uint8_t root_digest[BFC_DIGEST_SIZE],
                             const uint8_t signer[BFC_SIGNER_SIZE]);
void bfci_signature_value_encode(buf *b, const bfc_signature *s);
/* BFC_E_CORRUPT for what cannot be an entry. *known is false for one of a form that came later: it
 * says nothing to us. */
int bfci_signature_decode(bfci_span key, bfci_span value, bfc_signature *out, bool *known,
                          bfc_err *err);

/* BFC_E_INVALID where that is no signature at all, BFC_E_CORRUPT where it was one,
 * BFC_E_UNSUPPORTED for a later form. */
int bfci_signature_text_decode(const char *text, size_t len, bfc_signature *out, bfc_err *err);

#endif
