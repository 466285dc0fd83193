/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 (RFC 7748) and sealed boxes to a public key; by libsodium. */
#ifndef BFCI_CODEC_BOX_H
#define BFCI_CODEC_BOX_H

#include "codec/secret.h"

/* Bytes that a box has more than what is in it: an ephemeral public key and a tag. */
#define BFCI_BOX_EXTRA 48

/* scalar times point. BFC_E_INVALID where that is the zero point, which has no secret in it. */
int bfci_x25519(uint8_t out[BFCI_KEY_SIZE], const uint8_t scalar[BFCI_KEY_SIZE],
                const uint8_t point[BFCI_KEY_SIZE], bfc_err *err);
/* A secret key is any 32 random bytes. */
int bfci_box_public(uint8_t public_key[BFCI_KEY_SIZE], const uint8_t secret_key[BFCI_KEY_SIZE],
                    bfc_err *err);
int bfci_box_pair(uint8_t public_key[BFCI_KEY_SIZE], uint8_t secret_key[BFCI_KEY_SIZE],
                  bfc_err *err);

/* `out` takes len + BFCI_BOX_EXTRA bytes. BFC_E_INVALID for a public key that is none. */
int bfci_box_seal(const uint8_t public_key[BFCI_KEY_SIZE], const uint8_t *in, size_t len,
                  uint8_t *out, bfc_err *err);
/* `len` bytes of box, at least BFCI_BOX_EXTRA. *opened is false, and `out` wiped, where the box is
 * for another key, or damaged; 0 is returned then. */
int bfci_box_open(const uint8_t public_key[BFCI_KEY_SIZE], const uint8_t secret_key[BFCI_KEY_SIZE],
                  const uint8_t *box, size_t len, uint8_t *out, bool *opened, bfc_err *err);

#endif
