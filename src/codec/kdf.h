/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from keys, and keys from passwords. */
#ifndef BFCI_CODEC_KDF_H
#define BFCI_CODEC_KDF_H

#include "codec/secret.h"

#define BFCI_ARGON2_SALT_SIZE 16

/* HKDF-SHA-256 (RFC 5869; OpenSSL), 32 bytes. `salt` and `info` may be NULL where their length is
 * 0; `info` has at most 1024 bytes. */
int bfci_hkdf(uint8_t out[BFCI_KEY_SIZE], const uint8_t *key, size_t key_len, const void *salt,
              size_t salt_len, const void *info, size_t info_len, bfc_err *err);

/* Argon2id version 0x13 with one lane (RFC 9106; libsodium), 32 bytes. It takes memory_kib KiB, at
 * least 8, while it runs; the caller has bounded both numbers. */
int bfci_argon2id(uint8_t out[BFCI_KEY_SIZE], const uint8_t *password, size_t len,
                  const uint8_t salt[BFCI_ARGON2_SALT_SIZE], unsigned passes, uint32_t memory_kib,
                  bfc_err *err);

#endif
