/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check: every block, and the content of every file, set and blob. One thread goes through
 * the tables and hands out batches of small items, which workers check by themselves; large files
 * it hashes itself, from blocks that the workers read ahead. */
#ifndef BFCI_CONTAINER_VERIFY_DEEP_H
#define BFCI_CONTAINER_VERIFY_DEEP_H

#include "container/block_ring.h"
#include "container/hasher.h"
#include "container/table.h"
#include "container/verify.h"

enum bfci_check_kind {
    CHECK_FILE,
    CHECK_BLOB,
    CHECK_XATTRS,
    CHECK_BLOCK /* nothing but its one block */
};

/* A part of an item's content that lies in one block. */
typedef struct bfci_check_piece {
    uint64_t start;       /* in the item */
    uint32_t len, offset; /* in the block */
    uint32_t block;       /* in the batch */
} bfci_check_piece;

typedef struct bfci_check_item {
    enum bfci_check_kind kind;
    bool sparse;
    uint64_t ino; /* of a file */
    uint64_t size;
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    size_t first_piece, piece_count;
    size_t name_at, name_len; /* of a blob, in the batch's names */
} bfci_check_item;

typedef struct bfci_check_block {
    uint64_t number;
    bfci_ref ref;
} bfci_check_block;

typedef struct bfci_check_batch {
    bfci_task task; /* first: a task is its batch */
    struct bfci_deep *deep;
    bfci_check_item *item;
    size_t item_count, item_cap;
    bfci_check_piece *piece;
    size_t piece_count, piece_cap;
    bfci_check_block *block;
    size_t block_count, block_cap;
    buf names;
    uint64_t bytes; /* of content */
} bfci_check_batch;
void bfci_check_batch_free(bfci_check_batch *b); /* NULL is allowed */

/* What each worker, and the thread that hands out, has of its own. */
typedef struct bfci_check_worker {
    bfci_block_checker checker;
    bfci_sha256_ctx *sha;
    uint8_t *raw; /* the block that was read last */
    size_t raw_cap;
    uint64_t number;
    bool has_block, block_is_bad;
} bfci_check_worker;

typedef struct bfci_deep {
    bfci_verify *v;
    bfci_pool *pool;
    bfci_tables *tables;
    bfci_cursor blocks;
    bfci_ring *ring;
    bfci_check_worker *worker; /* the pool's, and at the end the handing-out thread's own */
    unsigned workers;          /* that one included */
    bfci_check_batch *open;    /* the batch that is being filled */

    pthread_mutex_t lock; /* guards what follows, and the list of bad sets in v */
    pthread_cond_t changed;
    unsigned in_flight;
    uint64_t bytes, done, files; /* content that was hashed; the same with holes; items */
    bfci_set checked, bad;       /* blocks */
    bfci_finding *found;
    size_t found_count, found_cap;
    int fatal; /* what ends the run */
    bfc_err why;
} bfci_deep;

/* ── verify_batch.c: what workers do ── */

void bfci_check_batch_run(bfci_task *task, unsigned worker);
/* A block was read: `rc` and `why` say how. Returns true if it is bad. Takes the lock. */
bool bfci_deep_note_block(bfci_deep *d, uint64_t number, const bfci_ref *ref, int rc,
                          const bfc_err *why);
/* How an item's content came out. Takes the lock. */
typedef struct bfci_check_result {
    uint64_t bytes; /* hashed */
    uint64_t bad_blocks;
    uint64_t bad_from, bad_to;     /* the first of them in the item */
    uint64_t bad_number, bad_last; /* the first and the last of them */
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    bool set_is_malformed;
} bfci_check_result;
void bfci_check_note_bad(bfci_check_result *r, uint64_t number, const bfci_check_piece *p);
void bfci_deep_note_item(bfci_deep *d, const bfci_check_item *item, const char *name,
                         const bfci_check_result *result);
void bfci_deep_fail(bfci_deep *d, int rc, const bfc_err *why);
/* Content and files done so far, `ahead` bytes of another file included. */
void bfci_deep_progress(bfci_deep *d, uint64_t ahead);

/* ── verify_large.c ── */

/* Hashes a file from blocks that the ring reads ahead. */
int bfci_deep_large(bfci_deep *d, const bfci_check_item *item, const bfci_inode *inode,
                    bfc_err *err);
/* Where an extent's i-th block begins in the item, and what of it belongs there. */
bfci_check_piece bfci_check_piece_of(const bfci_extent *e, uint64_t i);

#endif
