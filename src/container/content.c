/* SPDX-License-Identifier: Apache-2.0 */
/* Reading content at random places: extents to blocks, blocks decompressed and kept for a while. */
#include "container/content.h"

#include "container/reader.h"

enum {
    CACHED_BLOCKS = 16,
    PIECE = 128 << 10,    /* what zstd decodes at once */
    SMALL_READ = 16 << 10 /* more is read by who goes through all of it */
};

typedef struct cached_block {
    uint64_t number;
    uint64_t used; /* tick of the last use; 0: empty */
    uint8_t *raw;  /* in the arena */
    size_t cap;
    uint32_t len, decoded; /* what is there of it, from its start */
} cached_block;

struct bfci_block_cache {
    const bfci_source *source;
    bfci_cursor blocks;
    bfci_unpacker *unpacker; /* the tables' */
    bfci_arena *arena;
    uint64_t tick;
    cached_block block[CACHED_BLOCKS];
};

int bfci_block_cache_new(const bfci_source *source, bfci_tables *tables, bfci_block_cache **out,
                         bfc_err *err)
{
    AUTO(bfci_block_cache) bfci_block_cache *c = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->source = source;
    bfci_cursor_init(&c->blocks, tables, TABLE_BLOCKS);
    c->unpacker = bfci_tables_unpacker(tables);
    BFC_TRY(bfci_arena_new(&c->arena, err));
    bfci_unpacker_use(c->unpacker, c->arena);
    *out = bfci_steal(&c);
    return 0;
}

void bfci_block_cache_free(bfci_block_cache *c)
{
    if (!c)
        return;
    bfci_unpacker_use(c->unpacker, NULL);
    bfci_arena_free(c->arena);
    bfci_cursor_release(&c->blocks);
    free(c);
}

static cached_block *oldest(bfci_block_cache *c)
{
    cached_block *best = &c->block[0];
    for (size_t i = 1; i < CACHED_BLOCKS; i++)
        if (c->block[i].used < best->used)
            best = &c->block[i];
    return best;
}

static cached_block *find(bfci_block_cache *c, uint64_t number)
{
    for (size_t i = 0; i < CACHED_BLOCKS; i++)
        if (c->block[i].used && c->block[i].number == number)
            return &c->block[i];
    return NULL;
}

/* How much of a block to decode for bytes [skip, skip + len): a single small read leaves the rest
 * out where that spares zstd a piece. */
static uint32_t wanted(const bfci_ref *ref, uint64_t skip, size_t len)
{
    if (ref->raw <= PIECE || len > SMALL_READ)
        return ref->raw;
    uint32_t low = ref->raw - PIECE;
    return skip <= low && len <= low - skip ? (uint32_t)(skip + len) : ref->raw;
}

/* Into the place of `b`, which holds the block's start, or of the oldest one. A block that is asked
 * for again is decoded to its end. */
static int load(bfci_block_cache *c, uint64_t number, uint64_t skip, size_t len, cached_block **b,
                bfc_err *err)
{
    bfci_ref ref;
    uint32_t got = 0;

    BFC_TRY(bfci_load_block(&c->blocks, number, &ref, err));
    uint32_t want = *b ? ref.raw : wanted(&ref, skip, len);
    cached_block *to = *b ? *b : oldest(c);
    to->used = 0;
    BFC_TRY(bfci_arena_fit(c->arena, ref.raw, &to->raw, &to->cap, err));
    BFC_TRY(bfci_source_read_start(c->source, bfci_block_id(number), &ref, c->unpacker, to->raw,
                                   want, &got, err));
    to->number = number;
    to->len = ref.raw;
    to->decoded = got;
    *b = to;
    return 0;
}

static int get_block(bfci_block_cache *c, uint64_t number, uint64_t skip, size_t len,
                     cached_block **out, bfc_err *err)
{
    cached_block *b = find(c, number);

    if (!b || (b->decoded < b->len && (skip > b->decoded || len > b->decoded - skip)))
        BFC_TRY(load(c, number, skip, len, &b, err));
    b->used = ++c->tick;
    *out = b;
    return 0;
}

int bfci_block_cache_read(bfci_block_cache *c, const bfci_extent *e, uint64_t from, uint8_t *out,
                          size_t len, bfc_err *err)
{
    while (len > 0) {
        uint64_t index = e->shift ? from >> e->shift : 0;
        uint64_t skip = e->offset + from - (index << e->shift);
        uint64_t here = e->shift ? (UINT64_C(1) << e->shift) - skip : len;
        size_t n = (size_t)MIN(here, len);
        cached_block *b = NULL;
        BFC_TRY(get_block(c, e->block + index, skip, n, &b, err));
        if (skip > b->len || n > b->len - skip)
            return bfci_fail(err, BFC_E_CORRUPT, "block %llu is shorter than what lies in it",
                             (unsigned long long)(e->block + index));
        memcpy(out, b->raw + skip, n);
        out += n;
        from += n;
        len -= n;
    }
    return 0;
}

int bfci_reader_content(bfc_reader *r, uint64_t ino, const bfci_inode *inode, uint64_t offset,
                        void *out, size_t len, bfc_err *err)
{
    uint8_t *to = out;
    const uint64_t end = offset + len;
    bfci_extent_iter it;
    const bfci_extent *e = NULL;
    int rc = 0;

    memset(to, 0, len);
    bfci_extent_iter_init(&it, r->tables, ino, inode);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e && e->start < end) {
        uint64_t low = MAX(e->start, offset), high = MIN(e->start + e->len, end);
        if (low >= high)
            continue;
        rc = bfci_block_cache_read(r->cache, e, low - e->start, to + (low - offset),
                                   (size_t)(high - low), err);
        if (rc < 0)
            break;
    }
    bfci_extent_iter_release(&it);
    return rc;
}
