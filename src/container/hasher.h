/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of a file's content: CRC32C, and the content digest of docs/format.md, section 7. */
#ifndef BFCI_CONTAINER_HASHER_H
#define BFCI_CONTAINER_HASHER_H

#include "codec/digest.h"

typedef struct bfci_hasher {
    bfci_sha256_ctx *sha; /* borrowed */
    bool sparse;
    uint32_t crc;
    uint64_t at; /* bytes so far, holes included */
    uint64_t run_start;
    bool in_run;
} bfci_hasher;

/* `sparse`: the file has a hole. */
int bfci_hasher_start(bfci_hasher *h, bfci_sha256_ctx *sha, bool sparse, bfc_err *err);
int bfci_hasher_data(bfci_hasher *h, const void *bytes, size_t len, bfc_err *err);
int bfci_hasher_hole(bfci_hasher *h, uint64_t len, bfc_err *err);
int bfci_hasher_finish(bfci_hasher *h, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE],
                       bfc_err *err);

/* Where a sparse file's bytes are split into data and holes: length of the piece that starts at
 * `bytes`, which stand at `offset` (a multiple of the hole grain) in the file. */
size_t bfci_next_piece(const uint8_t *bytes, size_t len, bool *hole);

#endif
