/* SPDX-License-Identifier: Apache-2.0 */
/* The superblock; docs/format.md, section 3. */
#ifndef BFCI_FORMAT_SUPERBLOCK_H
#define BFCI_FORMAT_SUPERBLOCK_H

#include "base/base.h"
#include "format/limits.h"

enum super_at {
    SUPER_AT_MAGIC = 0,
    SUPER_AT_CRC = 8,
    SUPER_AT_VERSION = 12,
    SUPER_AT_UUID = 16,
    SUPER_AT_FEATURES_IGNORE = 32,
    SUPER_AT_FEATURES_READ_ONLY = 40,
    SUPER_AT_FEATURES_REFUSE = 48,
    SUPER_AT_ALIGN_SHIFT = 56,
    SUPER_AT_PAGE_SHIFT = 57,
    SUPER_AT_HASH = 58,
    SUPER_AT_SUM = 59,
    SUPER_AT_BLOCK_MAX = 60,
    SUPER_AT_RESERVED = 64
};

#define SUPER_MAGIC "BFCFv2\0" /* 8 bytes with the literal's own NUL */
#define SUPER_MAGIC_V1 "BFCFv1\0"
#define FEATURE_REFUSE_SEALED UINT64_C(1)
#define FEATURE_REFUSE_X86 UINT64_C(2) /* blocks may have COMP_ZSTD_X86 */
#define FEATURES_KNOWN (FEATURE_REFUSE_SEALED | FEATURE_REFUSE_X86)

typedef struct bfci_super {
    uint8_t uuid[BFC_UUID_SIZE];
    uint64_t features_ignore, features_read_only, features_refuse;
    uint8_t align_shift, page_shift;
    uint32_t block_max;
} bfci_super;

/* Nothing but the superblock, frame headers and some fields of commit records is plain. */
static inline bool bfci_super_is_sealed(const bfci_super *s)
{
    return (s->features_refuse & FEATURE_REFUSE_SEALED) != 0;
}

void bfci_super_encode(const bfci_super *s, uint8_t out[SUPER_SIZE]);
/* BFC_E_CORRUPT, BFC_E_UNSUPPORTED (not a container, another version, unknown refuse bits). */
int bfci_super_decode(const uint8_t raw[SUPER_SIZE], bfci_super *out, bfc_err *err);

/* The UUID of a reproducible container. */
int bfci_super_derive_uuid(const uint8_t root_digest[BFC_DIGEST_SIZE], uint8_t out[BFC_UUID_SIZE],
                           bfc_err *err);

#endif
