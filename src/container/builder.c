/* SPDX-License-Identifier: Apache-2.0 */
/* Building a B+tree from below: one page is open on each level; a page that is full becomes a
 * frame, and its reference an entry one level up. Pages of an older commit are taken over by their
 * references. */
#include "container/builder.h"

enum {
    INNER_LARGE = 2 << 10,
    INNER_MANY = 32, /* whatever their size, so that long names do not make a tree too high */
};

typedef struct level_state {
    bfci_page_writer open;
    uint8_t first_key[KEY_MAX];
    size_t first_key_len;
    uint64_t pages; /* of this level that are in the segment, or were taken over */
} level_state;

struct bfci_builder {
    bfci_page_sink *sink;
    uint8_t table;
    level_state level[LEVEL_MAX + 2]; /* one more: the parent of a lone top page */
    bfci_ref last;                    /* the page that was finished or taken over last */
};

int bfci_builder_new(bfci_page_sink *sink, enum bfci_table table, bfci_builder **out, bfc_err *err)
{
    bfci_builder *b = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
    b->sink = sink;
    b->table = (uint8_t)table;
    *out = b;
    return 0;
}

void bfci_builder_free(bfci_builder *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < ARRAY_LEN(b->level); i++)
        bfci_buf_free(&b->level[i].open.bytes);
    free(b);
}

static int put_entry(bfci_builder *b, unsigned level, bfci_span key, bfci_span value, bfc_err *err);

static int put_page_ref(bfci_builder *b, unsigned level, bfci_span first_key, const bfci_ref *ref,
                        bfc_err *err)
{
    uint8_t value[PAGE_REF_SIZE];

    b->level[level].pages++;
    b->last = *ref;
    if (level > LEVEL_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a metadata table grew above %d levels", LEVEL_MAX + 1);
    bfci_page_ref_encode(ref, value);
    return put_entry(b, level + 1, first_key, (bfci_span){value, sizeof value}, err);
}

/* Leaves that were finished go into the segment: all of them, or as many as make room for one. */
static int settle_leaves(bfci_builder *b, bool all, bfc_err *err)
{
    while (all || bfci_page_sink_is_full(b->sink)) {
        const bfci_leaf *leaf = NULL;
        BFC_TRY(bfci_page_sink_take(b->sink, &leaf, err));
        if (!leaf)
            return 0;
        const bfci_span first_key = {leaf->first_key, leaf->first_key_len};
        BFC_TRY(put_page_ref(b, 0, first_key, &leaf->ref, err));
    }
    return 0;
}

static int finish_page(bfci_builder *b, unsigned level, bfc_err *err)
{
    level_state *l = &b->level[level];
    const bfci_span first_key = {l->first_key, l->first_key_len};
    bfci_ref ref;

    if (l->open.count == 0)
        return 0;
    bfci_page_finish(&l->open);
    BFC_TRY(buf_check(&l->open.bytes, err));
    l->open.count = 0;
    if (level > 0) {
        BFC_TRY(bfci_page_sink_put(b->sink, b->table, (uint8_t)level, &l->open.bytes, &ref, err));
        return put_page_ref(b, level, first_key, &ref, err);
    }
    BFC_TRY(bfci_page_sink_queue(b->sink, b->table, &l->open.bytes, first_key, err));
    return settle_leaves(b, false, err);
}

/* The page that is open on a level, and what is still to come to it from below, is written. */
static int close_level(bfci_builder *b, unsigned level, bfc_err *err)
{
    BFC_TRY(finish_page(b, level, err));
    return level == 0 ? settle_leaves(b, true, err) : 0;
}

static void start_page(bfci_builder *b, unsigned level, bfci_span key)
{
    level_state *l = &b->level[level];

    bfci_page_start(&l->open, b->table, (uint8_t)level, bfci_page_sink_page_size(b->sink));
    memcpy(l->first_key, key.p, key.len);
    l->first_key_len = key.len;
}

/* What is small is quick to look into, and an append writes anew each page on the way to what it
 * changes. Digests do not compress, so that larger pages of them save nothing; names do a little,
 * but a look-up reads a page of them for each folder on its way. */
static size_t leaf_large(uint8_t table)
{
    if (table == TABLE_INODES)
        return 8 << 10;
    bool names_or_sums = table == TABLE_DIRENTS || table == TABLE_BLOCKS || table == TABLE_CONTENTS;
    return names_or_sums ? 4 << 10 : PAGE_SIZE_MAX;
}

static bool is_large(const bfci_builder *b, unsigned level)
{
    const bfci_page_writer *open = &b->level[level].open;

    if (level > 0)
        return open->bytes.len >= INNER_LARGE && open->count >= INNER_MANY;
    return open->bytes.len >= leaf_large(b->table);
}

static int put_entry(bfci_builder *b, unsigned level, bfci_span key, bfci_span value, bfc_err *err)
{
    level_state *l = &b->level[level];

    if (l->open.count > 0 && !is_large(b, level) && bfci_page_add(&l->open, key, value))
        return 0;
    BFC_TRY(finish_page(b, level, err));
    start_page(b, level, key);
    if (!bfci_page_add(&l->open, key, value))
        return bfci_fail(err, BFC_E_LIMIT, "a metadata entry does not fit into a page");
    return buf_check(&l->open.bytes, err);
}

int bfci_builder_add(bfci_builder *b, bfci_span key, bfci_span value, bfc_err *err)
{
    if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a metadata entry is too large");
    return put_entry(b, 0, key, value, err);
}

int bfci_builder_add_page(bfci_builder *b, uint8_t level, bfci_span first_key, const bfci_ref *ref,
                          bfc_err *err)
{
    for (unsigned i = 0; i <= level; i++)
        BFC_TRY(close_level(b, i, err));
    return put_page_ref(b, level, first_key, ref, err);
}

/* True if this level has the only page there is, so that it is the root. */
static bool is_top(const bfci_builder *b, unsigned level)
{
    for (unsigned i = level + 1; i < ARRAY_LEN(b->level); i++)
        if (b->level[i].pages > 0)
            return false;
    return b->level[level].pages == 1;
}

int bfci_builder_finish(bfci_builder *b, uint64_t count, bfci_table_ref *out, bfc_err *err)
{
    for (unsigned i = 0; i <= LEVEL_MAX; i++) {
        BFC_TRY(close_level(b, i, err));
        if (is_top(b, i)) {
            *out = (bfci_table_ref){.root = b->last, .level = (uint8_t)i, .count = count};
            return 0;
        }
    }
    *out = (bfci_table_ref){0};
    return 0;
}
