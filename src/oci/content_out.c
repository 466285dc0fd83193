/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files from front to back through the reader's cache of blocks. Where it stands in a file's
 * extents is kept from one range to the next: a file with a million holes is read by a million
 * ranges, and must not be gone through from its start for each. */
#include "oci/content_out.h"

#include "base/hooks.h"
#include "container/content.h"

enum {
    CHUNK_SIZE = 256 << 10,
    SKIPS_MAX = 1 << 24 /* extents gone through without reading them: only who was made to mislead
                           comes near */
};

struct bfci_content_out {
    bfc_reader *r;
    const bfc_hooks *hooks;
    bfci_write_fn *write;
    void *ctx;
    uint8_t *chunk;
    uint64_t ino; /* of the open file */
    bool is_open;
    bfci_inode inode;
    bfci_extent_iter extents;
    const bfci_extent *extent; /* the first that ends after `low`; NULL: there is none */
    uint64_t low;              /* end of the one before */
    uint64_t skips;
};

int bfci_content_out_new(bfc_reader *r, const bfc_hooks *hooks, bfci_write_fn *write, void *ctx,
                         bfci_content_out **out, bfc_err *err)
{
    AUTO(bfci_content_out) bfci_content_out *c = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->r = r;
    c->hooks = hooks;
    c->write = write;
    c->ctx = ctx;
    BFC_TRY(bfci_alloc(CHUNK_SIZE, 1, &c->chunk, err));
    *out = bfci_steal(&c);
    return 0;
}

static void close_file(bfci_content_out *c)
{
    if (c->is_open)
        bfci_extent_iter_release(&c->extents);
    c->is_open = false;
}

void bfci_content_out_free(bfci_content_out *c)
{
    if (!c)
        return;
    close_file(c);
    free(c->chunk);
    free(c);
}

/* ── Where it stands ── */

static int first_extent(bfci_content_out *c, bfc_err *err)
{
    bfci_extent_iter_init(&c->extents, c->r->tables, c->ino, &c->inode);
    c->is_open = true;
    c->low = 0;
    return bfci_extent_iter_next(&c->extents, &c->extent, err);
}

static int open_file(bfci_content_out *c, uint64_t ino, bfc_err *err)
{
    if (c->is_open && c->ino == ino)
        return 0;
    close_file(c);
    BFC_TRY(bfci_load_inode(&c->r->inodes, ino, &c->inode, err));
    if (c->inode.type != BFC_TYPE_FILE)
        return bfci_fail(err, BFC_E_CORRUPT, "inode %llu is no regular file",
                         (unsigned long long)ino);
    c->ino = ino;
    return first_extent(c, err);
}

static int next_extent(bfci_content_out *c, bfc_err *err)
{
    c->low = c->extent->start + c->extent->len;
    return bfci_extent_iter_next(&c->extents, &c->extent, err);
}

/* To the extent that holds `offset`, or the first behind it. */
static int seek(bfci_content_out *c, uint64_t offset, bfc_err *err)
{
    if (offset < c->low) {
        close_file(c);
        BFC_TRY(first_extent(c, err));
    }
    while (c->extent && c->extent->start + c->extent->len <= offset) {
        if (++c->skips > SKIPS_MAX)
            return bfci_fail(err, BFC_E_LIMIT, "files are gone through too often: inode %llu",
                             (unsigned long long)c->ino);
        BFC_TRY(next_extent(c, err));
    }
    return 0;
}

int bfci_content_out_size(bfci_content_out *c, uint64_t ino, uint64_t *size, bfc_err *err)
{
    BFC_TRY(open_file(c, ino, err));
    *size = c->inode.size;
    return 0;
}

/* ── Writing ── */

int bfci_content_out_zeros(bfci_content_out *c, uint64_t len, bfc_err *err)
{
    static const uint8_t zeros[64 << 10];

    while (len > 0) {
        size_t n = (size_t)MIN(len, sizeof zeros);
        BFC_TRY(bfci_check_cancel(c->hooks, err));
        BFC_TRY(c->write(c->ctx, zeros, n, err));
        len -= n;
    }
    return 0;
}

/* Up to one chunk from the extent that `at` lies in; *done is its length. */
static int write_data(bfci_content_out *c, uint64_t at, uint64_t end, uint64_t *done, bfc_err *err)
{
    const bfci_extent *e = c->extent;
    uint64_t here = MIN(end, e->start + e->len) - at;
    size_t n = (size_t)MIN(here, (uint64_t)CHUNK_SIZE);

    BFC_TRY(bfci_check_cancel(c->hooks, err));
    BFC_TRY(bfci_block_cache_read(c->r->cache, e, at - e->start, c->chunk, n, err));
    BFC_TRY(c->write(c->ctx, c->chunk, n, err));
    *done = n;
    return 0;
}

int bfci_content_out_write(bfci_content_out *c, uint64_t ino, uint64_t offset, uint64_t len,
                           bfc_err *err)
{
    uint64_t done = 0;

    BFC_TRY(open_file(c, ino, err));
    if (offset > c->inode.size || len > c->inode.size - offset)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "bytes %llu to %llu of inode %llu are wanted, but it has %llu",
                         (unsigned long long)offset, (unsigned long long)(offset + len),
                         (unsigned long long)ino, (unsigned long long)c->inode.size);
    BFC_TRY(seek(c, offset, err));
    for (uint64_t at = offset, end = offset + len; at < end; at += done) {
        while (c->extent && c->extent->start + c->extent->len <= at)
            BFC_TRY(next_extent(c, err));
        if (c->extent && c->extent->start <= at) {
            BFC_TRY(write_data(c, at, end, &done, err));
            continue;
        }
        done = (c->extent ? MIN(end, c->extent->start) : end) - at;
        BFC_TRY(bfci_content_out_zeros(c, done, err));
    }
    return 0;
}
