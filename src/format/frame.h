/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and references to them; docs/format.md, sections 4 and 5. */
#ifndef BFCI_FORMAT_FRAME_H
#define BFCI_FORMAT_FRAME_H

#include "base/buf.h"
#include "format/limits.h"

enum frame_at {
    FRAME_AT_MAGIC = 0,
    FRAME_AT_KIND = 4,
    FRAME_AT_COMP = 5,
    FRAME_AT_FLAGS = 6,
    FRAME_AT_STORED = 8,
    FRAME_AT_RAW = 12,
    FRAME_AT_NUMBER = 16,
    FRAME_AT_PAYLOAD_CRC = 24,
    FRAME_AT_HEADER_CRC = 28
};

enum {
    FRAME_FLAG_SEALED = 1
};

enum bfci_frame_kind {
    FRAME_DATA = 1,
    FRAME_PAGE = 2
};

/* Where a payload stands and what it must be: all that is needed to read it. */
typedef struct bfci_ref {
    uint64_t offset; /* of the payload */
    uint32_t stored, raw;
    uint32_t crc; /* of the payload as stored */
    uint8_t comp; /* enum bfci_comp */
    uint8_t digest[BFC_DIGEST_SIZE];
} bfci_ref;

typedef struct bfci_frame {
    uint8_t kind, comp;
    uint32_t stored, raw;
    uint64_t number;
    uint32_t payload_crc;
    bool sealed; /* of a sealed container: `comp` and `raw` tell nothing */
} bfci_frame;

void bfci_frame_encode(const bfci_frame *f, uint8_t out[FRAME_HEADER_SIZE]);
/* `offset`: where the header stands, for the message; `sealed`: the container is. BFC_E_CORRUPT. */
int bfci_frame_decode(const uint8_t raw[FRAME_HEADER_SIZE], uint64_t offset, bool sealed,
                      bfci_frame *out, bfc_err *err);
/* The header that belongs before the payload of a reference. */
bfci_frame bfci_frame_of(enum bfci_frame_kind kind, uint64_t number, const bfci_ref *ref,
                         bool sealed);
static inline bool bfci_frame_same(const bfci_frame *a, const bfci_frame *b)
{
    return a->kind == b->kind && a->comp == b->comp && a->stored == b->stored && a->raw == b->raw &&
           a->payload_crc == b->payload_crc && a->sealed == b->sealed;
}

/* Sizes and compression of a reference agree, `raw` is not above `raw_max`, and payload and header
 * lie between the superblock and `end`. */
int bfci_ref_check(const bfci_ref *ref, uint64_t end, uint32_t raw_max, bool sealed, bfc_err *err);

/* ── Sizes of sealed payloads; docs/format.md, section 11 ── */

enum {
    SEALED_AT_CIPHERTEXT = 8, /* behind the counter */
    SEALED_UNIT = 256,        /* ciphertexts are whole multiples of it */
    SEALED_TAG_SIZE = 16,
    SEALED_OVERHEAD = SEALED_AT_CIPHERTEXT + SEALED_TAG_SIZE,
    SEALED_BLOCK_MAX = BLOCK_SIZE_MAX + SEALED_UNIT + SEALED_OVERHEAD
};

/* Of a payload that would have `len` bytes in a container that is not sealed. */
static inline size_t bfci_sealed_size(size_t len)
{
    return SEALED_OVERHEAD + (size_t)bfci_align_up(len + 1, SEALED_UNIT);
}

/* The size of any sealed payload. */
static inline bool bfci_sealed_size_ok(uint32_t stored)
{
    return stored >= SEALED_OVERHEAD + SEALED_UNIT && (stored - SEALED_OVERHEAD) % SEALED_UNIT == 0;
}

#endif
