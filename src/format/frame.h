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
} bfci_frame;

void bfci_frame_encode(const bfci_frame *f, uint8_t out[FRAME_HEADER_SIZE]);
/* `offset`: where the header stands, for the message. BFC_E_CORRUPT. */
int bfci_frame_decode(const uint8_t raw[FRAME_HEADER_SIZE], uint64_t offset, bfci_frame *out,
                      bfc_err *err);

/* Sizes and compression of a reference agree, none is above `raw_max`, and payload and header
 * lie between the superblock and `end`. */
int bfci_ref_check(const bfci_ref *ref, uint64_t end, uint32_t raw_max, bfc_err *err);

#endif
