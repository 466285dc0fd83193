/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 signatures (RFC 8032, section 5.1, without prehash); by libsodium. */
#ifndef BFCI_CODEC_SIGN_H
#define BFCI_CODEC_SIGN_H

#include "codec/secret.h"

#define BFCI_SIGNATURE_SIZE 64

/* The secret key is the seed: any 32 random bytes. */
int bfci_sign_public(uint8_t public_key[BFCI_KEY_SIZE], const uint8_t seed[BFCI_KEY_SIZE],
                     bfc_err *err);
int bfci_sign_pair(uint8_t public_key[BFCI_KEY_SIZE], uint8_t seed[BFCI_KEY_SIZE], bfc_err *err);
int bfci_sign(uint8_t signature[BFCI_SIGNATURE_SIZE], const uint8_t seed[BFCI_KEY_SIZE],
              const void *message, size_t len, bfc_err *err);
/* Strict: no second form of a signature is taken, no public key of small order. *valid is false
 * where the signature is not that key's over that message; 0 is returned then. */
int bfci_sign_verify(const uint8_t signature[BFCI_SIGNATURE_SIZE],
                     const uint8_t public_key[BFCI_KEY_SIZE], const void *message, size_t len,
                     bool *valid, bfc_err *err);

#endif
