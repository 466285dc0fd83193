/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the entries of a commit's layer. A file that is read twice, for its sums and for the tar,
 * must be the same both times. */
#include <stdio.h>

#include "container/stream.h"
#include "oci/changes_parts.h"

void bfci_change_entry_release(bfci_change_entry *e)
{
    free(e->path);
    free(e->link);
    bfci_buf_free(&e->xattrs);
}

void bfci_changes_drop_xattrs(bfci_change_set *g)
{
    while (g->xattr_count)
        free((char *)(uintptr_t)g->xattr[--g->xattr_count].name);
}

/* ── Writing an entry ── */

static enum bfci_tar_kind kind_of(uint8_t type)
{
    static const enum bfci_tar_kind kinds[] = {
        [BFC_TYPE_FILE] = TAR_FILE,          [BFC_TYPE_DIR] = TAR_DIR,
        [BFC_TYPE_SYMLINK] = TAR_SYMLINK,    [BFC_TYPE_CHAR] = TAR_CHAR,
        [BFC_TYPE_BLOCK] = TAR_BLOCK_DEVICE, [BFC_TYPE_FIFO] = TAR_FIFO,
    };

    return type < ARRAY_LEN(kinds) ? kinds[type] : TAR_OTHER;
}

static int add_xattr(void *ctx, const bfci_xattr_item *item, bfc_err *err)
{
    bfci_change_set *g = ctx;
    char *name = NULL;

    BFC_TRY(bfci_reserve(&g->xattr, &g->xattr_cap, g->xattr_count + 1, sizeof *g->xattr, err));
    BFC_TRY(bfci_memdup_str((const char *)item->name.p, item->name.len, &name, err));
    g->xattr[g->xattr_count++] = (bfci_tar_xattr){name, item->value.p, item->value.len};
    return 0;
}

int bfci_changes_header(bfci_change_set *g, const char *path, const bfci_inode *n,
                        const buf *xattrs, const char *link, bool sparse, uint64_t data_size,
                        bfc_err *err)
{
    size_t count = 0;
    int rc = 0;

    bfci_changes_drop_xattrs(g);
    if (xattrs->len)
        rc = bfci_xattr_set_each((bfci_span){xattrs->data, xattrs->len}, add_xattr, g, &count, err);
    bfci_tar_entry e = {.kind = link && n->type == BFC_TYPE_FILE ? TAR_HARDLINK : kind_of(n->type),
                        .path = *path ? path : "./",
                        .link = n->type == BFC_TYPE_SYMLINK && !link ? n->link
                                : link                               ? link
                                                                     : "",
                        .mode = n->mode,
                        .uid = n->uid,
                        .gid = n->gid,
                        .mtime = n->mtime,
                        .mtime_ns = n->mtime_ns,
                        .major = n->major,
                        .minor = n->minor,
                        .size = n->size,
                        .data_size = data_size,
                        .sparse = sparse,
                        .range = g->range,
                        .range_count = sparse ? g->range_count : 0,
                        .xattr = g->xattr,
                        .xattr_count = g->xattr_count};
    if (link) {
        e.kind = TAR_HARDLINK;
        e.size = e.data_size = 0;
        e.xattr_count = 0;
    }
    if (rc == 0)
        rc = bfci_tar_write_entry(&g->out, &e, err);
    bfci_changes_drop_xattrs(g);
    return rc;
}

int bfci_changes_entry(bfci_change_set *g, const bfci_change_entry *e, const char *path,
                       const char *link, bfc_err *err)
{
    bfci_inode *n = &g->kept; /* the item at hand may come after it */

    bfci_dir_attr_put(&e->attr, false, n);
    n->type = e->type;
    n->major = e->major;
    n->minor = e->minor;
    snprintf(n->link, sizeof n->link, "%s", e->link ? e->link : "");
    return bfci_changes_header(g, path, n, &e->xattrs, link, false, 0, err);
}

/* The folders above come first, each once. */
int bfci_changes_folders(bfci_change_set *g, size_t index, bfc_err *err)
{
    for (;;) {
        size_t top = index;
        if (!g->folder[index].entry)
            return 0;
        while (top != 0 && g->folder[g->folder[top].parent].entry)
            top = g->folder[top].parent;
        bfci_change_folder *f = &g->folder[top];
        int rc = bfci_changes_entry(g, f->entry, f->entry->path, NULL, err);
        bfci_change_entry_release(f->entry);
        free(bfci_steal(&f->entry));
        if (rc < 0)
            return rc;
    }
}

/* ── Content ── */

static int note_range(bfci_change_set *g, uint64_t offset, uint64_t len, bfc_err *err)
{
    bfci_tar_range *last = g->range_count ? &g->range[g->range_count - 1] : NULL;

    if (last && last->offset + last->len == offset) {
        last->len += len;
        return 0;
    }
    BFC_TRY(bfci_reserve(&g->range, &g->range_cap, g->range_count + 1, sizeof *g->range, err));
    g->range[g->range_count++] = (bfci_tar_range){offset, len};
    return 0;
}

static uint64_t range_bytes(const bfci_change_set *g)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < g->range_count; i++)
        sum += g->range[i].len;
    return sum;
}

static int write_zeros(bfci_change_set *g, uint64_t len, bfc_err *err)
{
    static const uint8_t zeros[65536];

    for (; len > 0; len -= MIN(len, sizeof zeros))
        BFC_TRY(g->out.write(g->out.ctx, zeros, (size_t)MIN(len, sizeof zeros), err));
    return 0;
}

enum reading {
    READ_SUMS,   /* its sums, into the inode, and its ranges */
    WRITE_ALL,   /* into the tar, holes as zeros */
    WRITE_RANGES /* into the tar, without the holes */
};

static int take_chunk(bfci_change_set *g, const bfci_chunk *c, enum reading how, bfc_err *err)
{
    if (how == READ_SUMS)
        return c->data ? note_range(g, c->offset, c->len, err) : 0;
    if (c->data)
        return g->out.write(g->out.ctx, c->data, (size_t)c->len, err);
    return how == WRITE_ALL ? write_zeros(g, c->len, err) : 0;
}

static int read_file(bfci_change_set *g, int fd, bool has_holes, bfci_inode *n, enum reading how,
                     bfc_err *err)
{
    AUTO(bfci_stream) bfci_stream *stream = NULL;
    const bfci_chunk *chunk = NULL;

    BFC_TRY(bfci_stream_new(g->pool, fd, n->size, has_holes, &stream, err));
    for (;;) {
        BFC_TRY(bfci_check_cancel(g->c->hooks, err));
        BFC_TRY(bfci_stream_next(stream, &chunk, err));
        if (!chunk)
            break;
        BFC_TRY(take_chunk(g, chunk, how, err));
    }
    uint64_t size = 0;
    uint32_t crc = 0;
    uint8_t digest[BFC_DIGEST_SIZE];
    BFC_TRY(bfci_stream_sums(stream, &size, &crc, digest, err));
    if (size != n->size || (how != READ_SUMS && memcmp(digest, n->digest, sizeof digest) != 0))
        return bfci_fail(err, BFC_E_IO, "it was changed while it was read");
    n->crc = crc;
    memcpy(n->digest, digest, sizeof digest);
    return 0;
}

int bfci_changes_small(bfci_change_set *g, const char *path, const bfci_item *item, bfc_err *err)
{
    BFC_TRY(bfci_changes_header(g, path, &g->now, &item->xattrs, NULL, false, item->data_len, err));
    BFC_TRY(g->out.write(g->out.ctx, item->data, item->data_len, err));
    return bfci_tar_pad(&g->out, item->data_len, err);
}

int bfci_changes_open_file(bfci_change_set *g, const char *path, int fd, bool has_holes,
                           const buf *xattrs, bfci_inode *n, bfc_err *err)
{
    g->range_count = 0;
    BFC_TRY(read_file(g, fd, has_holes, n, READ_SUMS, err));
    uint64_t data = range_bytes(g);
    bool sparse = n->size - data >= TAR_HOLES_MIN;
    if (!sparse)
        data = n->size;
    BFC_TRY(bfci_changes_header(g, path, n, xattrs, NULL, sparse, data, err));
    BFC_TRY(read_file(g, fd, has_holes, n, sparse ? WRITE_RANGES : WRITE_ALL, err));
    return bfci_tar_pad(&g->out, data, err);
}

int bfci_changes_hash(bfci_change_set *g, int fd, bool sparse, bfci_inode *n, bfc_err *err)
{
    g->range_count = 0;
    return read_file(g, fd, sparse, n, READ_SUMS, err);
}
