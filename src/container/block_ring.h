/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blocks ahead: workers read and check them, one thread takes them in the order in which it
 * asked. */
#ifndef BFCI_CONTAINER_BLOCK_RING_H
#define BFCI_CONTAINER_BLOCK_RING_H

#include "container/source.h"
#include "sys/pool.h"

enum bfci_ring_want {
    RING_STORED, /* bytes as stored, with checksum and digest checked */
    RING_RAW     /* decompressed, with the frame's header checked too */
};

typedef struct bfci_ring_block {
    uint64_t number;
    bfci_ref ref;
    uint8_t *bytes; /* ref.stored or ref.raw of them; valid until the next pop */
    size_t cap;
    int rc; /* what reading gave; `err` belongs to it */
    bfc_err err;
} bfci_ring_block;

typedef struct bfci_ring bfci_ring;
/* `source` and `pool` are borrowed; at most about `memory` bytes are held in blocks of up to
 * `block_max`. */
int bfci_ring_new(const bfci_source *source, bfci_pool *pool, enum bfci_ring_want want,
                  size_t memory, bfci_ring **out, bfc_err *err);
/* With RING_STORED: what a worker does with a block that it has read; its words go to the block. */
typedef int bfci_ring_fn(void *ctx, unsigned worker, bfci_ring_block *block, bfc_err *err);
/* Before the first push. */
void bfci_ring_map(bfci_ring *ring, bfci_ring_fn *fn, void *ctx);
/* Waits for what is under way. NULL is allowed. */
void bfci_ring_free(bfci_ring *ring);
BFCI_DEFINE_AUTO(bfci_ring, bfci_ring_free)

size_t bfci_ring_pending(const bfci_ring *ring); /* pushed and not popped */
bool bfci_ring_is_full(const bfci_ring *ring);   /* pop before the next push */
int bfci_ring_push(bfci_ring *ring, uint64_t number, const bfci_ref *ref, bfc_err *err);
/* The oldest block, when it has been read. Only if something is pending. */
const bfci_ring_block *bfci_ring_pop(bfci_ring *ring);

/* What a worker needs to check one block; also used without a ring. */
typedef struct bfci_block_checker {
    bfci_unpacker *unpacker;
} bfci_block_checker;
int bfci_block_checker_init(bfci_block_checker *c, bfc_err *err);
void bfci_block_checker_release(bfci_block_checker *c);
/* The header against the table's record, then the payload against both sums; the content into raw.
 */
int bfci_block_check(const bfci_source *source, bfci_block_checker *c, uint64_t number,
                     const bfci_ref *ref, uint8_t *raw, bfc_err *err);

#endif
