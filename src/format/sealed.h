/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of sealed containers, and the keys they are under; docs/format.md, section 11. */
#ifndef BFCI_FORMAT_SEALED_H
#define BFCI_FORMAT_SEALED_H

#include "codec/aead.h"
#include "format/frame.h"

/* What a payload is for; no other payload can be put in its place. */
typedef struct bfci_frame_id {
    uint8_t kind; /* enum bfci_frame_kind */
    uint8_t table, level;
    uint64_t block;
} bfci_frame_id;

static inline bfci_frame_id bfci_block_id(uint64_t number)
{
    return (bfci_frame_id){.kind = FRAME_DATA, .block = number};
}

static inline bfci_frame_id bfci_page_id(uint8_t table, uint8_t level)
{
    return (bfci_frame_id){.kind = FRAME_PAGE, .table = table, .level = level};
}

typedef struct bfci_sealed_place {
    const uint8_t *uuid; /* of the container, BFC_UUID_SIZE bytes */
    uint64_t segment;    /* its start */
    bfci_frame_id frame;
} bfci_sealed_place;

/* `payload` has bfci_sealed_size(len) bytes; the `len` bytes to be sealed stand in it from
 * SEALED_AT_CIPHERTEXT on. `counter`: 1 or more, and never the same twice under the key of `aead`.
 */
int bfci_sealed_close(bfci_aead *aead, const bfci_sealed_place *place, uint64_t counter,
                      uint8_t *payload, size_t len, bfc_err *err);
/* Opens in place: *len bytes from SEALED_AT_CIPHERTEXT on. `stored` is the size of a sealed
 * payload. BFC_E_CORRUPT (with `offset`): it is not what was sealed for this place, or wrongly
 * padded. */
int bfci_sealed_open(bfci_aead *aead, const bfci_sealed_place *place, uint64_t offset,
                     uint8_t *payload, size_t stored, size_t *len, bfc_err *err);

enum {
    SEALED_SALT_SIZE = 32,
    SEALED_CHECK_SIZE = 32
};

/* The key of one segment. `out` is to lie in memory for secrets. */
int bfci_segment_key(const uint8_t file_key[BFCI_KEY_SIZE], const uint8_t salt[SEALED_SALT_SIZE],
                     const uint8_t uuid[BFC_UUID_SIZE], uint64_t segment,
                     uint8_t out[BFCI_KEY_SIZE], bfc_err *err);
/* What commit records tell of the file key, so that a wrong one is known for what it is. */
int bfci_key_check(const uint8_t file_key[BFCI_KEY_SIZE], const uint8_t uuid[BFC_UUID_SIZE],
                   uint8_t out[SEALED_CHECK_SIZE], bfc_err *err);

#endif
