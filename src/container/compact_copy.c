/* SPDX-License-Identifier: Apache-2.0 */
/* Copying what is in use: blocks as they are stored, in the order of their numbers, then the
 * tables. Blocks are read and checked ahead by workers; SHA-256 is checked too, since the new root
 * digest vouches for them. */
#include <inttypes.h>

#include "codec/digest.h"
#include "container/block_ring.h"
#include "container/compact.h"

enum {
    PAGE_LEVEL = 3, /* of zstd */
    RING_MEMORY = 32 << 20
};

/* ── Blocks ── */

typedef struct copy {
    bfci_ring *ring;
    size_t next;  /* in the index: the entry that comes next from the table */
    size_t taken; /* in the index: all before it are copied or dead */
    uint64_t raw; /* bytes done */
} copy;

static int take_block(bfci_compact *c, copy *k, bfc_err *err)
{
    const bfci_ring_block *b = bfci_ring_pop(k->ring);
    bfci_ref ref = b->ref;

    if (b->rc < 0) {
        if (err)
            *err = b->err;
        return bfci_wrap(err, b->rc, "block %" PRIu64, b->number);
    }
    BFC_TRY(bfci_segment_put_data(&c->segment, b->number, b->bytes, &ref, err));
    while (c->offset[k->taken] == BFCI_BLOCK_DEAD)
        k->taken++;
    if (c->sums) {
        c->sums[k->taken].crc = ref.crc;
        memcpy(c->sums[k->taken].digest, ref.digest, BFC_DIGEST_SIZE);
    }
    c->offset[k->taken++] = ref.offset;
    k->raw += ref.raw;
    const bfc_progress progress = {"compact", k->raw, c->live_raw, 0, 0};
    bfci_progress(c->options.hooks, &progress);
    return bfci_check_cancel(c->options.hooks, err);
}

static int copy_block(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    copy *k = ctx;
    bfci_ref ref;

    if (c->offset[k->next++] == BFCI_BLOCK_DEAD)
        return 0;
    BFC_TRY(bfci_block_decode(value, &ref, err));
    while (bfci_ring_is_full(k->ring))
        BFC_TRY(take_block(c, k, err));
    return bfci_ring_push(k->ring, get_u64be(key.p), &ref, err);
}

/* ── Blocks of a sealed container: opened, and sealed for their new place, by the workers ── */

typedef struct resealer {
    bfci_compact *c;
    bfci_opener *opener; /* one a worker, as all below */
    bfci_aead **aead;
    unsigned workers;
} resealer;

static void resealer_release(resealer *r)
{
    for (unsigned i = 0; i < r->workers; i++) {
        if (r->opener)
            bfci_opener_release(&r->opener[i]);
        if (r->aead)
            bfci_aead_free(r->aead[i]);
    }
    free(r->opener);
    free(r->aead);
}
#define AUTO_RESEALER __attribute__((cleanup(resealer_release)))

static int resealer_init(resealer *r, bfci_compact *c, unsigned workers, bfc_err *err)
{
    r->c = c;
    r->workers = workers;
    BFC_TRY(bfci_alloc_zero(workers, sizeof *r->opener, &r->opener, err));
    BFC_TRY(bfci_alloc_zero(workers, sizeof(bfci_aead *), &r->aead, err));
    for (unsigned i = 0; i < workers; i++)
        BFC_TRY(bfci_sealer_aead(c->sealer, &r->aead[i], err));
    return bfci_alloc_zero(MAX(c->blocks.count, 1u), sizeof *c->sums, &c->sums, err);
}

static int reseal(void *ctx, unsigned worker, bfci_ring_block *b, bfc_err *err)
{
    resealer *r = ctx;
    bfci_compact *c = r->c;
    bfci_frame_id frame = bfci_block_id(b->number);
    size_t len = 0;

    BFC_TRY(bfci_seal_open_payload(c->source.seal, &r->opener[worker], frame, &b->ref, b->bytes,
                                   &len, err));
    BFC_TRY(bfci_sealer_close(c->sealer, r->aead[worker], frame, b->bytes, len, err));
    b->ref.crc = bfci_crc32c(b->bytes, b->ref.stored);
    return bfci_sha256(b->bytes, b->ref.stored, b->ref.digest, err);
}

static int copy_blocks(bfci_compact *c, bfc_err *err)
{
    AUTO_RESEALER resealer resealing = {0}; /* goes last: workers use it */
    AUTO(bfci_pool) bfci_pool *pool = NULL;
    AUTO(bfci_ring) bfci_ring *ring = NULL; /* goes before the pool */
    copy k = {0};

    BFC_TRY(bfci_pool_new(c->options.jobs ? c->options.jobs : bfci_processors(), &pool, err));
    BFC_TRY(bfci_ring_new(&c->source, pool, RING_STORED, RING_MEMORY, &ring, err));
    if (c->sealer) {
        BFC_TRY(resealer_init(&resealing, c, bfci_pool_count(pool), err));
        bfci_ring_map(ring, reseal, &resealing);
    }
    k.ring = ring;
    BFC_TRY(bfci_compact_each(c, TABLE_BLOCKS, copy_block, &k, err));
    while (bfci_ring_pending(ring) > 0)
        BFC_TRY(take_block(c, &k, err));
    return 0;
}

/* ── Tables ── */

typedef struct table_copy {
    enum bfci_table table;
    bfci_builder *builder;
    uint64_t count;
    size_t block; /* in the index */
    buf value;
} table_copy;

static bool is_wanted(const bfci_compact *c, enum bfci_table table, bfci_span key, bfci_span value)
{
    uint64_t ino = 0;

    switch ((int)table) {
    case TABLE_XATTRS:
        return key.len == BFC_DIGEST_SIZE && bfci_compact_has_set(c, key.p);
    case TABLE_EXTENTS:
        return key.len == 16 && bfci_set_has(&c->spilled, get_u64be(key.p));
    case TABLE_CONTENTS:
        return bfci_number_decode(value, &ino, NULL) == 0 && bfci_set_has(&c->files, ino);
    default:
        return true;
    }
}

static int copy_entry(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    table_copy *t = ctx;

    if (!is_wanted(c, t->table, key, value))
        return 0;
    t->count++;
    return bfci_builder_add(t->builder, key, value, err);
}

static int copy_block_entry(bfci_compact *c, bfci_span key, bfci_span value, void *ctx,
                            bfc_err *err)
{
    table_copy *t = ctx;
    size_t at = t->block++;
    uint64_t offset = c->offset[at];
    bfci_ref ref;

    if (offset == BFCI_BLOCK_DEAD)
        return 0;
    BFC_TRY(bfci_block_decode(value, &ref, err));
    ref.offset = offset;
    if (c->sums) {
        ref.crc = c->sums[at].crc;
        memcpy(ref.digest, c->sums[at].digest, BFC_DIGEST_SIZE);
    }
    c->commit.data_stored += ref.stored;
    c->commit.data_raw += ref.raw;
    buf_clear(&t->value);
    bfci_block_encode(&t->value, &ref);
    BFC_TRY(buf_check(&t->value, err));
    t->count++;
    return bfci_builder_add(t->builder, key, (bfci_span){t->value.data, t->value.len}, err);
}

static int copy_table(bfci_compact *c, enum bfci_table table, bfc_err *err)
{
    AUTO(bfci_builder) bfci_builder *builder = NULL;
    table_copy t = {.table = table};

    BFC_TRY(bfci_builder_new(c->sink, table, &builder, err));
    t.builder = builder;
    int rc =
        bfci_compact_each(c, table, table == TABLE_BLOCKS ? copy_block_entry : copy_entry, &t, err);
    bfci_buf_free(&t.value);
    BFC_TRY(rc);
    return bfci_builder_finish(builder, t.count, &c->commit.table[table], err);
}

int bfci_compact_copy(bfci_compact *c, bfc_err *err)
{
    BFC_TRY(copy_blocks(c, err));
    BFC_TRY(bfci_page_sink_new(&c->segment, NULL, PAGE_LEVEL, &c->sink, err));
    for (unsigned table = TABLE_TREES; table < TABLE_ROOTED_END; table++)
        BFC_TRY(copy_table(c, (enum bfci_table)table, err));
    return 0;
}
