/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of blocks that are being read. The thread that owns the ring pushes and pops; workers only
 * fill the slot that they were given. Slots keep their memory from one block to the next. */
#include "container/block_ring.h"

#include <inttypes.h>

#include "sys/bell.h"
#include "sys/file.h"

enum {
    SLOTS_MIN = 3 /* one read, one to be read, one with the caller */
};

typedef struct slot {
    bfci_task task; /* first: a task is its slot */
    bfci_ring *ring;
    bfci_ring_block block;
    bool away; /* a worker has it; the bell's */
} slot;

struct bfci_ring {
    const bfci_source *source;
    bfci_pool *pool;
    enum bfci_ring_want want;
    bfci_ring_fn *map;
    void *map_ctx;
    bfci_block_checker *checker; /* one a worker */
    unsigned checkers;
    slot *slot;
    size_t count, first, used;
    bfci_bell back;
};

int bfci_block_checker_init(bfci_block_checker *c, bfc_err *err)
{
    *c = (bfci_block_checker){0};
    return bfci_unpacker_new(&c->unpacker, err);
}

void bfci_block_checker_release(bfci_block_checker *c)
{
    bfci_unpacker_free(c->unpacker);
    c->unpacker = NULL;
}

static int check_header(const bfci_source *source, uint64_t number, const bfci_ref *ref,
                        bfc_err *err)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    uint64_t at = ref->offset - FRAME_HEADER_SIZE;
    bool sealed = bfci_source_is_sealed(source);
    bfci_frame f, want = bfci_frame_of(FRAME_DATA, number, ref, sealed);

    BFC_TRY(bfci_pread_exact(source->fd, raw, sizeof raw, at, err));
    BFC_TRY(bfci_frame_decode(raw, at, sealed, &f, err));
    if (!bfci_frame_same(&f, &want) || f.number != number)
        return bfci_fail_at(err, BFC_E_CORRUPT, at, "frame header differs from the block table");
    return 0;
}

int bfci_block_check(const bfci_source *source, bfci_block_checker *c, uint64_t number,
                     const bfci_ref *ref, uint8_t *raw, bfc_err *err)
{
    BFC_TRY(bfci_source_check_ref(source, ref, source->super.block_max, err));
    BFC_TRY(check_header(source, number, ref, err));
    return bfci_source_read(source, bfci_block_id(number), ref, c->unpacker, raw, err);
}

static void run_slot(bfci_task *task, unsigned worker)
{
    slot *s = (slot *)task;
    bfci_ring *ring = s->ring;
    bfci_ring_block *b = &s->block;

    if (ring->want == RING_RAW)
        b->rc = bfci_block_check(ring->source, &ring->checker[worker], b->number, &b->ref, b->bytes,
                                 &b->err);
    else
        b->rc = bfci_source_read_stored(ring->source, &b->ref, b->bytes, &b->err);
    if (b->rc == 0 && ring->map)
        b->rc = ring->map(ring->map_ctx, worker, b, &b->err);

    bfci_bell_ring(&ring->back, &s->away);
}

static int make_parts(bfci_ring *ring, size_t slots, bfc_err *err)
{
    unsigned workers = bfci_pool_count(ring->pool);

    BFC_TRY(bfci_alloc_zero(slots, sizeof *ring->slot, &ring->slot, err));
    ring->count = slots;
    for (size_t i = 0; i < slots; i++) {
        ring->slot[i].ring = ring;
        ring->slot[i].task.fn = run_slot;
    }
    if (ring->want == RING_STORED)
        return 0;
    BFC_TRY(bfci_alloc_zero(workers, sizeof *ring->checker, &ring->checker, err));
    for (; ring->checkers < workers; ring->checkers++)
        BFC_TRY(bfci_block_checker_init(&ring->checker[ring->checkers], err));
    return 0;
}

int bfci_ring_new(const bfci_source *source, bfci_pool *pool, enum bfci_ring_want want,
                  size_t memory, bfci_ring **out, bfc_err *err)
{
    size_t wanted = (size_t)bfci_pool_count(pool) * 2 + SLOTS_MIN;
    size_t slots = MAX(MIN(wanted, memory / source->super.block_max), (size_t)SLOTS_MIN);
    bfci_ring *fresh;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    bfci_bell_init(&fresh->back);
    AUTO(bfci_ring) bfci_ring *ring = fresh;
    ring->source = source;
    ring->pool = pool;
    ring->want = want;
    BFC_TRY(make_parts(ring, slots, err));
    *out = bfci_steal(&ring);
    return 0;
}

void bfci_ring_map(bfci_ring *ring, bfci_ring_fn *fn, void *ctx)
{
    ring->map = fn;
    ring->map_ctx = ctx;
}

void bfci_ring_free(bfci_ring *ring)
{
    if (!ring)
        return;
    while (ring->used > 0)
        (void)bfci_ring_pop(ring);
    for (size_t i = 0; i < ring->count; i++)
        free(ring->slot[i].block.bytes);
    for (unsigned i = 0; i < ring->checkers; i++)
        bfci_block_checker_release(&ring->checker[i]);
    free(ring->checker);
    free(ring->slot);
    bfci_bell_destroy(&ring->back);
    free(ring);
}

size_t bfci_ring_pending(const bfci_ring *ring)
{
    return ring->used;
}

bool bfci_ring_is_full(const bfci_ring *ring)
{
    /* One slot stays with the caller: what pop returned. */
    return ring->used + 1 >= ring->count;
}

int bfci_ring_push(bfci_ring *ring, uint64_t number, const bfci_ref *ref, bfc_err *err)
{
    slot *s = &ring->slot[(ring->first + ring->used) % ring->count];
    bfci_ring_block *b = &s->block;
    size_t want = ring->want == RING_RAW ? ref->raw : ref->stored;

    BFC_TRY(bfci_source_check_ref(ring->source, ref, ring->source->super.block_max, err));
    BFC_TRY(bfci_reserve(&b->bytes, &b->cap, want, 1, err));
    b->number = number;
    b->ref = *ref;
    b->err = (bfc_err)BFC_ERR_INIT;
    s->away = true;
    ring->used++;
    bfci_pool_submit(ring->pool, &s->task, true);
    return 0;
}

const bfci_ring_block *bfci_ring_pop(bfci_ring *ring)
{
    slot *s = &ring->slot[ring->first];

    bfci_bell_wait(&ring->back, &s->away);
    ring->first = (ring->first + 1) % ring->count;
    ring->used--;
    return &s->block;
}
