/* SPDX-License-Identifier: Apache-2.0 */
/* Reading content at random places: extents to blocks, blocks decompressed and kept for a while. */
#include "container/content.h"

#include "container/reader.h"

enum {
    CACHED_BLOCKS = 16
};

typedef struct cached_block {
    uint64_t number;
    uint64_t used; /* tick of the last use; 0: empty */
    uint8_t *raw;
    uint32_t len;
} cached_block;

struct bfci_block_cache {
    const bfci_source *source;
    bfci_cursor blocks;
    bfci_unpacker *unpacker; /* the tables' */
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
    *out = bfci_steal(&c);
    return 0;
}

void bfci_block_cache_free(bfci_block_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < CACHED_BLOCKS; i++)
        free(c->block[i].raw);
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

static int load(bfci_block_cache *c, uint64_t number, cached_block **out, bfc_err *err)
{
    bfci_ref ref;
    AUTO_FREE uint8_t *raw = NULL;

    BFC_TRY(bfci_load_block(&c->blocks, number, &ref, err));
    BFC_TRY(bfci_alloc(ref.raw, 1, &raw, err));
    BFC_TRY(bfci_source_read(c->source, bfci_block_id(number), &ref, c->unpacker, raw, err));
    cached_block *b = oldest(c);
    free(b->raw);
    *b = (cached_block){number, 0, bfci_steal(&raw), ref.raw};
    *out = b;
    return 0;
}

static int get_block(bfci_block_cache *c, uint64_t number, cached_block **out, bfc_err *err)
{
    cached_block *found = NULL;

    for (size_t i = 0; i < CACHED_BLOCKS && !found; i++)
        if (c->block[i].used && c->block[i].number == number)
            found = &c->block[i];
    if (!found)
        BFC_TRY(load(c, number, &found, err));
    found->used = ++c->tick;
    *out = found;
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
        BFC_TRY(get_block(c, e->block + index, &b, err));
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
