/* SPDX-License-Identifier: Apache-2.0 */
/* Content into blocks: small pieces are packed together, long runs get blocks of their own. Blocks
 * are compressed by the pool and written in order by the one thread that uses the packer. */
#ifndef BFCI_CONTAINER_PACK_H
#define BFCI_CONTAINER_PACK_H

#include "container/kind.h"
#include "container/memory.h"
#include "container/segment.h"
#include "container/sorter.h"
#include "format/record.h"
#include "sys/pool.h"

typedef struct bfci_packer bfci_packer;

typedef struct bfci_packer_config {
    bfci_segment *segment;  /* borrowed */
    bfci_pool *pool;        /* borrowed */
    bfci_sorter *blocks;    /* where the entries of the block table go; borrowed */
    uint32_t block_size;    /* bytes, at most, of a block's content */
    int level;              /* of zstd; 0: nothing is compressed */
    bool may_move_branches; /* the container may have COMP_ZSTD_X86 */
    uint64_t first_block;   /* the first number to give out */
    bfci_memory memory;
    bool thorough; /* the level's tables are made as large as the blocks ask for */
} bfci_packer_config;

int bfci_packer_new(const bfci_packer_config *config, bfci_packer **out, bfc_err *err);
/* Waits for blocks that are being compressed. NULL is allowed. */
void bfci_packer_free(bfci_packer *p);
BFCI_DEFINE_AUTO(bfci_packer, bfci_packer_free)

/* Stores a piece of at most a block's size together with others of its kind. */
int bfci_pack_small(bfci_packer *p, bfci_kind kind, const void *bytes, size_t len, bfci_extent *out,
                    bfc_err *err);
/* Stores a content, or a part of it, that is all there: as a small piece or as a run. */
int bfci_pack_piece(bfci_packer *p, bfci_kind kind, uint64_t start, const void *bytes, size_t len,
                    bfci_extent *out, bfc_err *err);

/* A run: its bytes come in order, in any portions. begin sets start; end sets the rest of the
 * extent. No other call in between. Bytes that stand in `buffer` are not copied where they make a
 * whole block; NULL: all are copied. */
int bfci_pack_run_begin(bfci_packer *p, bfci_kind kind, uint64_t start, bfc_err *err);
int bfci_pack_run_add(bfci_packer *p, const void *bytes, size_t len, bfci_buffer *buffer,
                      bfc_err *err);
int bfci_pack_run_end(bfci_packer *p, bfci_extent *out, bfc_err *err);
/* Instead of end: the run is not wanted after all (its content was there already). Its blocks go
 * back, with their numbers, and what was written of them. */
int bfci_pack_run_drop(bfci_packer *p, bfc_err *err);

/* Writes the blocks that are ready, and does not wait for others. */
int bfci_packer_poll(bfci_packer *p, bfc_err *err);
/* Closes open blocks and writes all. */
int bfci_packer_finish(bfci_packer *p, bfc_err *err);

typedef struct bfci_packer_totals {
    uint64_t next_block, stored, raw; /* of what this packer wrote */
    bool moved_branches;              /* it may have blocks with COMP_ZSTD_X86 */
} bfci_packer_totals;
bfci_packer_totals bfci_packer_get_totals(const bfci_packer *p);

#endif
