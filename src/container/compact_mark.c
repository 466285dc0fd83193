/* SPDX-License-Identifier: Apache-2.0 */
/* What of a commit is in use: sets of extended attributes that an inode has; blocks that an inode,
 * such a set or a blob has bytes in. An extent marks its first block and the one after its last; a
 * sum over all blocks then tells each one's users. So an extent through a million blocks costs no
 * more than one through two. */
#include <inttypes.h>

#include "container/compact.h"

typedef struct marks {
    int64_t *change; /* one more than there are blocks */
    uint64_t sets;   /* in use, and found */
} marks;

int bfci_compact_each(bfci_compact *c, enum bfci_table table, bfci_compact_fn *fn, void *ctx,
                      bfc_err *err)
{
    static const uint8_t nothing[1];
    AUTO_CURSOR bfci_cursor cursor;

    bfci_cursor_init(&cursor, c->tables, table);
    BFC_TRY(bfci_cursor_seek(&cursor, (bfci_span){nothing, 0}, err));
    for (uint64_t i = 0; !cursor.at_end; i++) {
        if (i % 256 == 0)
            BFC_TRY(bfci_check_cancel(c->options.hooks, err));
        BFC_TRY(fn(c, cursor.key, cursor.value, ctx, err));
        BFC_TRY(bfci_cursor_next(&cursor, err));
    }
    return 0;
}

static int check_key(bfci_span key, size_t len, const char *table, bfc_err *err)
{
    if (key.len == len)
        return 0;
    return bfci_fail(err, BFC_E_CORRUPT, "key of a wrong length in the table of %s", table);
}

static int load_block(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    bfci_ref ref;

    (void)ctx;
    BFC_TRY(check_key(key, 8, "blocks", err));
    BFC_TRY(bfci_block_decode(value, &ref, err));
    BFC_TRY(bfci_source_check_ref(&c->source, &ref, c->source.super.block_max, err));
    return bfci_block_index_add(&c->blocks, get_u64be(key.p), ref.raw, err);
}

static int mark_extent(bfci_compact *c, marks *m, const bfci_extent *e, bfc_err *err)
{
    size_t first = 0;

    BFC_TRY(bfci_block_index_check(&c->blocks, e, &first, err));
    m->change[first]++;
    m->change[first + (size_t)bfci_extent_blocks(e)]--;
    return 0;
}

static int mark_file(bfci_compact *c, marks *m, uint64_t ino, const bfci_inode *n, bfc_err *err)
{
    const bfci_extent *e = NULL;
    bfci_extent_iter it;
    int rc;

    bfci_extent_iter_init(&it, c->tables, ino, n);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e) {
        rc = mark_extent(c, m, e, err);
        if (rc < 0)
            break;
    }
    bfci_extent_iter_release(&it);
    return rc;
}

static int mark_inode(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    bfci_inode n;
    bool added = false;

    BFC_TRY(check_key(key, 8, "inodes", err));
    BFC_TRY(bfci_inode_decode(value, &n, err));
    uint64_t ino = get_u64be(key.p);
    if (n.flags & INODE_XATTRS && !bfci_compact_has_set(c, n.xattrs))
        BFC_TRY(bfci_map_put(&c->xattrs, get_u64le(n.xattrs), get_u64le(n.xattrs + 8), 0, err));
    if (n.type != BFC_TYPE_FILE)
        return 0;
    BFC_TRY(bfci_set_add(&c->files, ino, &added, err));
    if (n.flags & INODE_SPILLED)
        BFC_TRY(bfci_set_add(&c->spilled, ino, &added, err));
    int rc = mark_file(c, ctx, ino, &n, err);
    return rc < 0 ? bfci_wrap(err, rc, "inode %" PRIu64, ino) : 0;
}

static int mark_stored(bfci_compact *c, marks *m, bfci_span value, bool with_sums,
                       uint64_t size_max, bfc_err *err)
{
    bfci_stored s;

    BFC_TRY(bfci_stored_decode(value, with_sums, size_max, &s, err));
    for (size_t i = 0; i < s.extent_count; i++)
        BFC_TRY(mark_extent(c, m, &s.extent[i], err));
    return 0;
}

static int mark_xattrs(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    marks *m = ctx;

    BFC_TRY(check_key(key, BFC_DIGEST_SIZE, "xattrs", err));
    if (!bfci_compact_has_set(c, key.p))
        return 0;
    m->sets++;
    return mark_stored(c, m, value, false, XATTR_SET_MAX, err);
}

static int mark_blob(bfci_compact *c, bfci_span key, bfci_span value, void *ctx, bfc_err *err)
{
    (void)key;
    return mark_stored(c, ctx, value, true, BLOB_SIZE_MAX, err);
}

static void sum_up(bfci_compact *c, const marks *m)
{
    int64_t users = 0;

    for (size_t i = 0; i < c->blocks.count; i++) {
        users += m->change[i];
        c->offset[i] = users > 0 ? BFCI_BLOCK_LIVE : BFCI_BLOCK_DEAD;
        if (users > 0) {
            c->report.blocks_kept++;
            c->live_raw += c->blocks.item[i].raw;
        } else {
            c->report.blocks_dropped++;
        }
    }
}

int bfci_compact_mark(bfci_compact *c, bfc_err *err)
{
    AUTO_FREE int64_t *change = NULL;
    marks m = {0};

    BFC_TRY(bfci_compact_each(c, TABLE_BLOCKS, load_block, NULL, err));
    bfci_block_index_finish(&c->blocks);
    BFC_TRY(bfci_alloc_zero(c->blocks.count + 1, sizeof *change, &change, err));
    BFC_TRY(bfci_alloc_zero(c->blocks.count + 1, sizeof *c->offset, &c->offset, err));
    m.change = change;
    BFC_TRY(bfci_compact_each(c, TABLE_INODES, mark_inode, &m, err));
    BFC_TRY(bfci_compact_each(c, TABLE_XATTRS, mark_xattrs, &m, err));
    BFC_TRY(bfci_compact_each(c, TABLE_BLOBS, mark_blob, &m, err));
    if (m.sets != c->xattrs.used)
        return bfci_fail(err, BFC_E_CORRUPT, "a set of extended attributes is missing");
    sum_up(c, &m);
    return 0;
}
