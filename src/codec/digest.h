/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums and digests: CRC32C (RFC 3720, B.4; ISA-L) and SHA-256 (FIPS 180-4; OpenSSL). */
#ifndef BFCI_CODEC_DIGEST_H
#define BFCI_CODEC_DIGEST_H

#include <bfc/container.h>

#include "base/base.h"

uint32_t bfci_crc32c(const void *bytes, size_t len);
/* Goes on from the CRC of what came before (0 at the start). */
uint32_t bfci_crc32c_more(uint32_t crc, const void *bytes, size_t len);
/* The CRC after `count` more zero bytes, in O(log count). */
uint32_t bfci_crc32c_zeros(uint32_t crc, uint64_t count);

int bfci_sha256(const void *bytes, size_t len, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err);

/* A running SHA-256. One object can be started again as often as needed. */
typedef struct bfci_sha256_ctx bfci_sha256_ctx;
int bfci_sha256_new(bfci_sha256_ctx **out, bfc_err *err);
void bfci_sha256_free(bfci_sha256_ctx *ctx); /* NULL is allowed */
int bfci_sha256_start(bfci_sha256_ctx *ctx, bfc_err *err);
int bfci_sha256_update(bfci_sha256_ctx *ctx, const void *bytes, size_t len, bfc_err *err);
int bfci_sha256_finish(bfci_sha256_ctx *ctx, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err);
BFCI_DEFINE_AUTO(bfci_sha256_ctx, bfci_sha256_free)

#define BFCI_DIGEST_HEX_SIZE (2 * BFC_DIGEST_SIZE + 1)
/* Two lower-case digits a byte, and a NUL. */
void bfci_hex(const uint8_t *bytes, size_t len, char *out);
/* False, and nothing done, if `text` is anything but that. */
bool bfci_unhex(const char *text, uint8_t *bytes, size_t len);

#endif
