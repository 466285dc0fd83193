/* SPDX-License-Identifier: Apache-2.0 */
/* Digests as OCI writes them: "sha256:" and 64 lower-case digits (image-spec 1.1, descriptor,
 * "Digests"). sha512 is registered, but nothing that makes images uses it: it is unsupported. */
#ifndef BFCI_OCI_DIGEST_H
#define BFCI_OCI_DIGEST_H

#include "codec/digest.h"

enum {
    DIGEST_TEXT_SIZE = 7 + 64 + 1
};

typedef struct bfci_digest {
    uint8_t bytes[BFC_DIGEST_SIZE];
} bfci_digest;

/* BFC_E_CORRUPT for what is no digest, BFC_E_UNSUPPORTED for another algorithm; the message quotes
 * the text. */
int bfci_digest_parse(const char *text, bfci_digest *out, bfc_err *err);
/* "sha256:…" */
void bfci_digest_text(const bfci_digest *d, char out[DIGEST_TEXT_SIZE]);
bool bfci_digest_equal(const bfci_digest *a, const bfci_digest *b);

#endif
