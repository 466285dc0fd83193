/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tables. Pages are loaded once, checked, decoded, and held in a small cache; cursors hold
 * the pages on their way from the root, so that neighbouring look-ups touch no other page.
 *
 * A page is believed only where its parent says it belongs: table, level, first key, and keys below
 * the parent's next one. Since keys rise along a table, no page can then be met twice on one way
 * through. */
#include "container/table.h"

enum {
    CACHE_SLOTS = 512 /* pages; about 20 MiB when full of spread-out pages */
};

struct bfci_held {
    bfci_page page;
    uint64_t offset; /* of the payload: the cache's key */
    unsigned refs;   /* cursors, and one for the cache */
};

struct bfci_tables {
    const bfci_source *source;
    bfci_unpacker *unpacker;
    bfci_held *slot[CACHE_SLOTS]; /* by hash of the offset: a newer page drives out the older */
};

int bfci_tables_new(const bfci_source *source, bfci_tables **out, bfc_err *err)
{
    AUTO(bfci_tables) bfci_tables *t = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *t, &t, err));
    t->source = source;
    BFC_TRY(bfci_unpacker_new(&t->unpacker, err));
    *out = bfci_steal(&t);
    return 0;
}

void bfci_held_release(bfci_held *h)
{
    if (h && --h->refs == 0) {
        bfci_page_release(&h->page);
        free(h);
    }
}

void bfci_tables_free(bfci_tables *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        bfci_held_release(t->slot[i]);
    bfci_unpacker_free(t->unpacker);
    free(t);
}

bfci_unpacker *bfci_tables_unpacker(bfci_tables *t)
{
    return t->unpacker;
}

static int load_page(bfci_tables *t, const bfci_ref *ref, bfci_frame_id frame, bfci_held **out,
                     bfc_err *err)
{
    AUTO_FREE uint8_t *raw = NULL;
    AUTO_FREE bfci_held *h = NULL;

    if (ref->raw > UINT32_C(1) << t->source->super.page_shift)
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset, "metadata page above the page size");
    BFC_TRY(bfci_alloc(ref->raw, 1, &raw, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *h, &h, err));
    BFC_TRY(bfci_source_read(t->source, frame, ref, t->unpacker, raw, err));
    BFC_TRY(bfci_page_decode(raw, ref->raw, ref->offset, &h->page, err));
    (void)bfci_steal(&raw);
    h->offset = ref->offset;
    h->refs = 1;
    *out = bfci_steal(&h);
    return 0;
}

/* Returns the page with a reference of the caller's. */
static int get_page(bfci_tables *t, const bfci_ref *ref, bfci_frame_id frame, bfci_held **out,
                    bfc_err *err)
{
    size_t at = (size_t)((ref->offset * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % CACHE_SLOTS;
    bfci_held *h = t->slot[at];

    if (!h || h->offset != ref->offset) {
        BFC_TRY(load_page(t, ref, frame, &h, err));
        bfci_held_release(t->slot[at]);
        t->slot[at] = h;
    }
    h->refs++;
    *out = h;
    return 0;
}

int bfci_tables_hold(bfci_tables *t, const bfci_ref *ref, uint8_t table, uint8_t level,
                     bfci_held **out, bfc_err *err)
{
    AUTO(bfci_held) bfci_held *h = NULL;

    BFC_TRY(get_page(t, ref, bfci_page_id(table, level), &h, err));
    if (h->page.table != table || h->page.level != level)
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset,
                            "metadata page of another table or level");
    *out = bfci_steal(&h);
    return 0;
}

const bfci_page *bfci_held_page(const bfci_held *h)
{
    return &h->page;
}

/* ── Cursors ── */

void bfci_cursor_init(bfci_cursor *c, bfci_tables *t, enum bfci_table table)
{
    *c = (bfci_cursor){.tables = t, .table = (uint8_t)table};
}

static void drop_from(bfci_cursor *c, unsigned depth)
{
    while (c->depth > depth)
        bfci_held_release(c->held[--c->depth]);
}

void bfci_cursor_release(bfci_cursor *c)
{
    drop_from(c, 0);
}

static const bfci_page *page_at(const bfci_cursor *c, unsigned depth)
{
    return &c->held[depth]->page;
}

/* The first key after the page at `depth` that an ancestor knows of; len 0: there is none. */
static bfci_span upper_bound(const bfci_cursor *c, unsigned depth)
{
    while (depth-- > 0) {
        const bfci_page *p = page_at(c, depth);
        if (c->index[depth] + 1 < p->count)
            return bfci_page_key(p, c->index[depth] + 1);
    }
    return (bfci_span){NULL, 0};
}

static int check_child(const bfci_cursor *c, const bfci_page *child, uint64_t offset, bfc_err *err)
{
    const bfci_page *parent = page_at(c, c->depth - 1u);
    bfci_span first = bfci_page_key(parent, c->index[c->depth - 1]);
    bfci_span bound = upper_bound(c, c->depth);

    if (bfci_span_compare(bfci_page_key(child, 0), first) != 0 ||
        (bound.len && bfci_span_compare(bfci_page_key(child, child->count - 1), bound) >= 0))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset,
                            "metadata page does not belong where it is referred to");
    return 0;
}

/* Adds the page under `ref` below what the cursor holds. */
static int push(bfci_cursor *c, const bfci_ref *ref, bfc_err *err)
{
    AUTO(bfci_held) bfci_held *h = NULL;
    uint8_t level = c->tables->source->commit.table[c->table].level;

    BFC_TRY(bfci_tables_hold(c->tables, ref, c->table, (uint8_t)(level - c->depth), &h, err));
    if (c->depth > 0)
        BFC_TRY(check_child(c, &h->page, ref->offset, err));
    c->held[c->depth] = bfci_steal(&h);
    c->index[c->depth] = 0;
    c->depth++;
    return 0;
}

static int push_child(bfci_cursor *c, bfc_err *err)
{
    bfci_ref ref;

    BFC_TRY(bfci_page_ref_decode(bfci_page_value(page_at(c, c->depth - 1u), c->index[c->depth - 1]),
                                 &ref, err));
    return push(c, &ref, err);
}

static bool on_leaf(const bfci_cursor *c)
{
    return c->depth > 0 && page_at(c, c->depth - 1u)->level == 0;
}

static void show_entry(bfci_cursor *c)
{
    const bfci_page *leaf = page_at(c, c->depth - 1u);

    c->key = bfci_page_key(leaf, c->index[c->depth - 1]);
    c->value = bfci_page_value(leaf, c->index[c->depth - 1]);
    c->at_end = false;
}

/* To the next entry of the lowest page that has one, then down to its first leaf entry. */
static int step(bfci_cursor *c, bfc_err *err)
{
    while (c->depth > 0 && c->index[c->depth - 1] + 1 >= page_at(c, c->depth - 1u)->count)
        drop_from(c, c->depth - 1u);
    if (c->depth == 0) {
        c->at_end = true;
        return 0;
    }
    c->index[c->depth - 1]++;
    while (!on_leaf(c))
        BFC_TRY(push_child(c, err));
    show_entry(c);
    return 0;
}

/* Keeps the pages from the root down that the key lies in. */
static void keep_common(bfci_cursor *c, bfci_span key)
{
    unsigned keep = 0;

    while (keep < c->depth) {
        if (keep > 0) {
            bfci_span bound = upper_bound(c, keep);
            if (bfci_span_compare(bfci_page_key(page_at(c, keep), 0), key) > 0 ||
                (bound.len && bfci_span_compare(key, bound) >= 0))
                break;
        }
        keep++;
    }
    drop_from(c, keep);
}

static int seek(bfci_cursor *c, bfci_span key, bfc_err *err)
{
    const bfci_table_ref *table = &c->tables->source->commit.table[c->table];

    if (table->root.offset == 0) {
        c->at_end = true;
        return 0;
    }
    keep_common(c, key);
    if (c->depth == 0)
        BFC_TRY(push(c, &table->root, err));
    for (;;) {
        unsigned low = c->depth - 1u;
        int32_t at = bfci_page_find(page_at(c, low), key);
        c->index[low] = at < 0 ? 0 : (uint32_t)at;
        if (on_leaf(c))
            break;
        BFC_TRY(push_child(c, err));
    }
    show_entry(c);
    return bfci_span_compare(c->key, key) < 0 ? step(c, err) : 0;
}

int bfci_cursor_seek(bfci_cursor *c, bfci_span key, bfc_err *err)
{
    int rc = seek(c, key, err);
    if (rc < 0)
        drop_from(c, 0); /* half a way down is no place */
    return rc;
}

int bfci_cursor_next(bfci_cursor *c, bfc_err *err)
{
    if (c->at_end)
        return 0;
    int rc = step(c, err);
    if (rc < 0)
        drop_from(c, 0);
    return rc;
}

int bfci_cursor_find(bfci_cursor *c, bfci_span key, bool *found, bfc_err *err)
{
    BFC_TRY(bfci_cursor_seek(c, key, err));
    *found = !c->at_end && bfci_span_compare(c->key, key) == 0;
    return 0;
}

/* ── Look-ups ── */

int bfci_load_inode(bfci_cursor *inodes, uint64_t ino, bfci_inode *out, bfc_err *err)
{
    uint8_t key[8];
    bool found = false;

    BFC_TRY(bfci_cursor_find(inodes, bfci_key_u64(key, ino), &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT, "inode %llu is missing", (unsigned long long)ino);
    return bfci_inode_decode(inodes->value, out, err);
}

int bfci_load_block(bfci_cursor *blocks, uint64_t number, bfci_ref *out, bfc_err *err)
{
    uint8_t key[8];
    bool found = false;
    bfci_ref ref;

    BFC_TRY(bfci_cursor_find(blocks, bfci_key_u64(key, number), &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT, "block %llu is missing", (unsigned long long)number);
    BFC_TRY(bfci_block_decode(blocks->value, &ref, err));
    const bfci_source *s = blocks->tables->source;
    BFC_TRY(bfci_source_check_ref(s, &ref, s->super.block_max, err));
    *out = ref;
    return 0;
}

int bfci_load_nlink(bfci_cursor *links, uint64_t ino, uint64_t *out, bfc_err *err)
{
    uint8_t key[8];
    bool found = false;

    BFC_TRY(bfci_cursor_find(links, bfci_key_u64(key, ino), &found, err));
    if (!found) {
        *out = 1;
        return 0;
    }
    return bfci_number_decode(links->value, out, err);
}

int bfci_load_dirent(bfci_cursor *dirents, uint64_t dir, const char *name, size_t len, bool *found,
                     bfci_dirent *out, bfc_err *err)
{
    uint8_t key[KEY_MAX];

    if (!bfci_name_ok(name, len)) {
        *found = false;
        return 0;
    }
    BFC_TRY(bfci_cursor_find(dirents, bfci_key_dirent(key, dir, name, len), found, err));
    return *found ? bfci_dirent_decode(dirents->value, out, err) : 0;
}

/* ── Extents of a file ── */

void bfci_extent_iter_init(bfci_extent_iter *it, bfci_tables *t, uint64_t ino,
                           const bfci_inode *inode)
{
    it->inode = inode;
    it->ino = ino;
    it->at = it->count = 0;
    it->done_to = 0;
    bfci_cursor_init(&it->spilled, t, TABLE_EXTENTS);
}

void bfci_extent_iter_release(bfci_extent_iter *it)
{
    bfci_cursor_release(&it->spilled);
}

/* Fetches the next entry of the extents table that belongs to the file. */
static int load_chunk(bfci_extent_iter *it, bfc_err *err)
{
    uint8_t key[16];
    bfci_cursor *c = &it->spilled;

    if (c->depth == 0 && !c->at_end)
        BFC_TRY(bfci_cursor_seek(c, bfci_key_pair(key, it->ino, 0), err));
    else
        BFC_TRY(bfci_cursor_next(c, err));
    it->at = it->count = 0;
    if (c->at_end || c->key.len != 16 || get_u64be(c->key.p) != it->ino)
        return 0;
    uint64_t from = get_u64be(c->key.p + 8);
    if (from < it->done_to)
        return bfci_fail(err, BFC_E_CORRUPT, "extents of inode %llu overlap",
                         (unsigned long long)it->ino);
    return bfci_extents_entry_decode(c->value, from, it->inode->size, it->chunk, &it->count, err);
}

int bfci_extent_iter_next(bfci_extent_iter *it, const bfci_extent **out, bfc_err *err)
{
    const bfci_extent *e = NULL;

    if (!(it->inode->flags & INODE_SPILLED)) {
        if (it->at < it->inode->extent_count)
            e = &it->inode->extent[it->at++];
    } else {
        if (it->at == it->count)
            BFC_TRY(load_chunk(it, err));
        if (it->at < it->count)
            e = &it->chunk[it->at++];
    }
    if (e)
        it->done_to = e->start + e->len;
    *out = e;
    return 0;
}
