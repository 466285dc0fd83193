/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's bytes are spent on, for those who want to spend fewer.
 *
 *     weigh CONTAINER
 *
 * Prints one JSON object: bytes in the file of the contents of files, of the recipes of layers, of
 * other blobs and attributes, of the tables (each one's pages), and of what is left (headers,
 * filling up). A block that several share is divided by the bytes that each has in it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "container/source.h"
#include "container/table.h"
#include "sys/file.h"

typedef struct weights {
    bfci_source source;
    bfci_tables *tables;
    bfci_ref *block;
    size_t blocks;
    uint64_t *recipe, *other; /* raw bytes of them in each block */
    uint64_t page[TABLE_SLOTS];
    uint64_t data;
} weights;

typedef int each_fn(weights *w, bfci_span key, bfci_span value, bfc_err *err);

static int each(weights *w, enum bfci_table table, each_fn *fn, bfc_err *err)
{
    static const uint8_t nothing[1];
    AUTO_CURSOR bfci_cursor cursor;

    bfci_cursor_init(&cursor, w->tables, table);
    BFC_TRY(bfci_cursor_seek(&cursor, (bfci_span){nothing, 0}, err));
    while (!cursor.at_end) {
        BFC_TRY(fn(w, cursor.key, cursor.value, err));
        BFC_TRY(bfci_cursor_next(&cursor, err));
    }
    return 0;
}

/* ── Blocks ── */

static int take_block(weights *w, bfci_span key, bfci_span value, bfc_err *err)
{
    uint64_t number = get_u64be(key.p);

    if (number >= w->blocks)
        return bfci_fail(err, BFC_E_CORRUPT, "block %" PRIu64 " has no place", number);
    BFC_TRY(bfci_block_decode(value, &w->block[number], err));
    w->data += w->block[number].stored;
    return 0;
}

static int add_use(const weights *w, uint64_t *use, const bfci_extent *e, bfc_err *err)
{
    uint64_t left = e->len, offset = e->offset;

    for (uint64_t b = e->block; left > 0; b++) {
        uint64_t raw = b < w->blocks ? w->block[b].raw : 0;
        if (raw <= offset)
            return bfci_fail(err, BFC_E_CORRUPT, "an extent leads out of block %" PRIu64, b);
        uint64_t n = MIN(left, raw - offset);
        use[b] += n;
        left -= n;
        offset = 0;
    }
    return 0;
}

static int add_stored(const weights *w, uint64_t *use, bfci_span value, bool blob, bfc_err *err)
{
    bfci_stored s;

    BFC_TRY(bfci_stored_decode(value, blob, blob ? BLOB_SIZE_MAX : XATTR_SET_MAX, &s, err));
    for (size_t i = 0; i < s.extent_count; i++)
        BFC_TRY(add_use(w, use, &s.extent[i], err));
    return 0;
}

static int take_blob(weights *w, bfci_span key, bfci_span value, bfc_err *err)
{
    static const char recipe[] = "recipe/";
    const size_t len = sizeof recipe - 1;
    bool is_recipe = key.len > len && memcmp(key.p, recipe, len) == 0;

    return add_stored(w, is_recipe ? w->recipe : w->other, value, true, err);
}

static int take_xattrs(weights *w, bfci_span key, bfci_span value, bfc_err *err)
{
    (void)key;
    return add_stored(w, w->other, value, false, err);
}

static uint64_t share(const weights *w, const uint64_t *use)
{
    double sum = 0;

    for (size_t i = 0; i < w->blocks; i++)
        if (use[i])
            sum += (double)w->block[i].stored * (double)use[i] / (double)w->block[i].raw;
    return (uint64_t)sum;
}

/* ── Pages ── */

static int weigh_page(weights *w, const bfci_ref *ref, uint8_t table, uint8_t level, bfc_err *err)
{
    AUTO(bfci_held) bfci_held *held = NULL;
    bfci_ref below;

    w->page[table] += ref->stored;
    if (level == 0)
        return 0;
    BFC_TRY(bfci_tables_hold(w->tables, ref, table, level, &held, err));
    const bfci_page *page = bfci_held_page(held);
    for (uint32_t i = 0; i < page->count; i++) {
        BFC_TRY(bfci_page_ref_decode(bfci_page_value(page, i), &below, err));
        BFC_TRY(weigh_page(w, &below, table, (uint8_t)(level - 1), err));
    }
    return 0;
}

static int weigh_tables(weights *w, bfc_err *err)
{
    for (uint8_t t = 1; t < TABLE_COUNT; t++) {
        const bfci_table_ref *table = &w->source.commit.table[t];
        if (table->root.offset)
            BFC_TRY(weigh_page(w, &table->root, t, table->level, err));
    }
    return 0;
}

/* ── Telling ── */

static void tell(const weights *w)
{
    static const char *const name[TABLE_COUNT] = {NULL,       "trees",  "inodes",    "dirents",
                                                  "links",    "xattrs", "extents",   "blocks",
                                                  "contents", "blobs",  "signatures"};
    uint64_t recipe = share(w, w->recipe), other = share(w, w->other), pages = 0;

    printf("{\"size\": %" PRIu64 ", \"contents\": %" PRIu64 ", \"recipes\": %" PRIu64
           ", \"other_blobs\": %" PRIu64 ", \"tables\": {",
           w->source.file_size, w->data - recipe - other, recipe, other);
    for (size_t t = 1; t < TABLE_COUNT; t++) {
        printf("%s\"%s\": %" PRIu64, t > 1 ? ", " : "", name[t], w->page[t]);
        pages += w->page[t];
    }
    printf("}, \"rest\": %" PRIu64 "}\n", w->source.file_size - w->data - pages);
}

static int weigh(weights *w, bfc_err *err)
{
    w->blocks = (size_t)w->source.commit.next_block;
    BFC_TRY(bfci_tables_new(&w->source, &w->tables, err));
    BFC_TRY(bfci_alloc_zero(w->blocks + 1, sizeof *w->block, &w->block, err));
    BFC_TRY(bfci_alloc_zero(w->blocks + 1, sizeof *w->recipe, &w->recipe, err));
    BFC_TRY(bfci_alloc_zero(w->blocks + 1, sizeof *w->other, &w->other, err));
    BFC_TRY(each(w, TABLE_BLOCKS, take_block, err));
    BFC_TRY(each(w, TABLE_BLOBS, take_blob, err));
    BFC_TRY(each(w, TABLE_XATTRS, take_xattrs, err));
    BFC_TRY(weigh_tables(w, err));
    tell(w);
    return 0;
}

static void weights_release(weights *w)
{
    bfci_tables_free(w->tables);
    bfci_source_release(&w->source);
    free(w->block);
    free(w->recipe);
    free(w->other);
}

int main(int argc, char **argv)
{
    weights w = {.source = BFCI_SOURCE_INIT};
    bfc_err err = BFC_ERR_INIT;
    AUTO_FD int fd = -1;

    if (argc != 2) {
        fprintf(stderr, "usage: weigh CONTAINER\n");
        return 2;
    }
    int rc = bfci_open(AT_FDCWD, argv[1], O_RDONLY, 0, &fd, &err);
    if (rc == 0)
        rc = bfci_source_open_fd(fd, &w.source, &err);
    if (rc == 0) {
        fd = -1; /* the source's */
        rc = weigh(&w, &err);
    }
    if (rc < 0)
        fprintf(stderr, "weigh: %s\n", err.msg);
    weights_release(&w);
    return rc < 0;
}
