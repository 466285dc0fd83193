/* SPDX-License-Identifier: Apache-2.0 */
/* Large files in the deep check: workers read and decompress the blocks ahead, this thread hashes
 * them in order. A block that several pieces in a row lie in is read once. */
#include <inttypes.h>

#include "container/verify_deep.h"

enum {
    PIECES_MAX = 4096 /* that wait for one block */
};

typedef struct waiting {
    bfci_check_piece piece;
    uint64_t block_seq; /* of the push that brings its block */
} waiting;

typedef struct large {
    bfci_deep *d;
    const bfci_check_item *item;
    bfci_hasher hasher;
    bfci_check_result result;
    waiting *queue;
    size_t head, count, cap;
    uint64_t pushed, popped; /* blocks */
    uint64_t last_number;
    size_t of_last; /* pieces that wait for the block that was pushed last */
} large;

bfci_check_piece bfci_check_piece_of(const bfci_extent *e, uint64_t i)
{
    uint64_t skip = i << e->shift;
    uint64_t len = e->shift ? MIN(e->len - skip, UINT64_C(1) << e->shift) : e->len;

    return (bfci_check_piece){.start = e->start + skip, .len = (uint32_t)len, .offset = e->offset};
}

/* ── The blocks' side ── */

static int hash_piece(large *l, const bfci_ring_block *b, const bfci_check_piece *p, bfc_err *err)
{
    if (p->offset > b->ref.raw || p->len > b->ref.raw - p->offset)
        return bfci_fail(err, BFC_E_CORRUPT, "content beyond the end of its block");
    BFC_TRY(bfci_hasher_hole(&l->hasher, p->start - l->hasher.at, err));
    BFC_TRY(bfci_hasher_data(&l->hasher, b->bytes + p->offset, p->len, err));
    l->result.bytes += p->len;
    return 0;
}

/* Takes the oldest block, and hashes the pieces that wait for it. */
static int take_block(large *l, bfc_err *err)
{
    const bfci_ring_block *b = bfci_ring_pop(l->d->ring);
    bool is_bad = bfci_deep_note_block(l->d, b->number, &b->ref, b->rc, &b->err);

    BFC_TRY(bfci_check_cancel(l->d->v->options.hooks, err));
    for (; l->head < l->count && l->queue[l->head].block_seq == l->popped; l->head++) {
        const bfci_check_piece *p = &l->queue[l->head].piece;
        if (is_bad)
            bfci_check_note_bad(&l->result, b->number, p);
        else if (l->result.bad_blocks == 0)
            BFC_TRY(hash_piece(l, b, p, err));
    }
    l->popped++;
    bfci_deep_progress(l->d, l->hasher.at);
    return 0;
}

/* ── The pieces' side ── */

static int push_block(large *l, uint64_t number, bfc_err *err)
{
    bfci_ref ref;

    while (bfci_ring_is_full(l->d->ring))
        BFC_TRY(take_block(l, err));
    BFC_TRY(bfci_load_block(&l->d->blocks, number, &ref, err));
    BFC_TRY(bfci_ring_push(l->d->ring, number, &ref, err));
    l->pushed++;
    l->last_number = number;
    l->of_last = 0;
    return 0;
}

static int add_piece(large *l, uint64_t number, const bfci_check_piece *p, bfc_err *err)
{
    bool is_waiting = l->pushed > l->popped && l->last_number == number && l->of_last < PIECES_MAX;

    if (!is_waiting)
        BFC_TRY(push_block(l, number, err));
    if (l->head > PIECES_MAX && l->head > l->count / 2) {
        l->count -= l->head;
        memmove(l->queue, l->queue + l->head, l->count * sizeof *l->queue);
        l->head = 0;
    }
    BFC_TRY(bfci_reserve(&l->queue, &l->cap, l->count + 1, sizeof *l->queue, err));
    l->queue[l->count++] = (waiting){*p, l->pushed - 1};
    l->of_last++;
    return 0;
}

static int add_extents(large *l, bfci_extent_iter *it, bfc_err *err)
{
    const bfci_extent *e = NULL;

    for (;;) {
        BFC_TRY(bfci_extent_iter_next(it, &e, err));
        if (!e)
            break;
        uint64_t blocks = bfci_extent_blocks(e);
        for (uint64_t i = 0; i < blocks; i++) {
            bfci_check_piece p = bfci_check_piece_of(e, i);
            BFC_TRY(add_piece(l, e->block + i, &p, err));
        }
    }
    while (l->popped < l->pushed)
        BFC_TRY(take_block(l, err));
    return 0;
}

static int run(large *l, const bfci_inode *inode, bfc_err *err)
{
    bfci_deep *d = l->d;
    bfci_extent_iter it;

    BFC_TRY(bfci_hasher_start(&l->hasher, d->worker[d->workers - 1].sha, l->item->sparse, err));
    bfci_extent_iter_init(&it, d->tables, l->item->ino, inode);
    int rc = add_extents(l, &it, err);
    bfci_extent_iter_release(&it);
    while (bfci_ring_pending(d->ring) > 0) /* after a failure */
        (void)bfci_ring_pop(d->ring);
    BFC_TRY(rc);
    if (l->result.bad_blocks == 0) {
        BFC_TRY(bfci_hasher_hole(&l->hasher, l->item->size - l->hasher.at, err));
        BFC_TRY(bfci_hasher_finish(&l->hasher, &l->result.crc, l->result.digest, err));
    }
    bfci_deep_note_item(d, l->item, "", &l->result);
    return 0;
}

int bfci_deep_large(bfci_deep *d, const bfci_check_item *item, const bfci_inode *inode,
                    bfc_err *err)
{
    large l = {.d = d, .item = item};
    int rc = run(&l, inode, err);
    free(l.queue);
    return rc;
}
