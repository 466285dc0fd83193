/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an entry of a folder is what the image has under its name. A file whose holes are others
 * has another digest, and yet the same content: where the sums leave that open, the bytes are
 * compared. */
#include "oci/changes_parts.h"
#include "oci/tree_diff.h"
#include "sys/file.h"
#include "sys/inspect.h"

enum {
    COMPARED_SIZE = 128 << 10
};

int bfci_changes_open(const bfci_item *item, bfci_inode *n, int *fd, bool *has_holes, bfc_err *err)
{
    struct stat st;

    BFC_TRY(bfci_item_open(item, bfci_may_skip_atime(), fd, &st, err));
    n->size = (uint64_t)st.st_size;
    return bfci_has_hole(*fd, &st, has_holes, err);
}

int bfci_changes_fill(bfci_change_set *g, const bfci_item *item, bfc_err *err)
{
    BFC_TRY(bfci_intake_fill_inode(&g->now, item, err));
    if (item->xattrs.len) {
        g->now.flags |= INODE_XATTRS;
        memcpy(g->now.xattrs, item->xattrs_digest, sizeof g->now.xattrs);
    }
    if (g->now.type != BFC_TYPE_FILE)
        return 0;
    g->now.size = item->streamed ? (uint64_t)item->st.st_size : item->data_len;
    g->now.crc = item->crc;
    memcpy(g->now.digest, item->digest, sizeof g->now.digest);
    return 0;
}

/* ── Content ── */

static int read_now(const bfci_item *item, int fd, uint64_t at, uint8_t *out, size_t len,
                    bfc_err *err)
{
    if (item->streamed)
        return bfci_pread_exact(fd, out, len, at, err);
    memcpy(out, item->data + at, len);
    return 0;
}

static int same_bytes(bfci_change_set *g, const bfci_item *item, uint64_t ino, int fd, bool *same,
                      bfc_err *err)
{
    AUTO_FREE uint8_t *was = NULL;
    AUTO_FREE uint8_t *now = NULL;

    BFC_TRY(bfci_alloc(COMPARED_SIZE, 1, &was, err));
    BFC_TRY(bfci_alloc(COMPARED_SIZE, 1, &now, err));
    *same = true;
    for (uint64_t at = 0; *same && at < g->now.size; at += COMPARED_SIZE) {
        size_t len = (size_t)MIN(g->now.size - at, (uint64_t)COMPARED_SIZE);
        BFC_TRY(bfci_check_cancel(g->c->hooks, err));
        BFC_TRY(bfci_reader_content(g->c->base, ino, &g->old, at, was, len, err));
        BFC_TRY(read_now(item, fd, at, now, len, err));
        *same = memcmp(was, now, len) == 0;
    }
    return 0;
}

/* All else is equal. */
static int same_content(bfci_change_set *g, const bfci_item *item, uint64_t ino, bool *same,
                        bfc_err *err)
{
    AUTO_FD int fd = -1;
    bool has_holes = false;

    if (item->streamed) {
        BFC_TRY(bfci_changes_open(item, &g->now, &fd, &has_holes, err));
        if (g->now.size != g->old.size)
            return 0;
        BFC_TRY(bfci_changes_hash(g, fd, has_holes, &g->now, err));
    }
    *same = memcmp(g->old.digest, g->now.digest, sizeof g->now.digest) == 0;
    if (*same || g->old.crc != g->now.crc)
        return 0;
    return same_bytes(g, item, ino, fd, same, err);
}

int bfci_changes_same(bfci_change_set *g, const bfci_item *item, uint32_t node, bool *same,
                      bfc_err *err)
{
    uint64_t ino = bfci_nametree_node(&g->base.merged, node)->ino;
    uint8_t digest[BFC_DIGEST_SIZE];

    BFC_TRY(bfci_load_inode(&g->c->base->inodes, ino, &g->old, err));
    memcpy(digest, g->now.digest, sizeof digest);
    memcpy(g->now.digest, g->old.digest, sizeof digest);
    *same = bfci_inode_same(&g->old, &g->now);
    memcpy(g->now.digest, digest, sizeof digest);
    if (g->now.type == BFC_TYPE_DIR)
        *same = *same && !(g->old.flags & INODE_SYNTHETIC) && g->old.mtime == g->now.mtime &&
                g->old.mtime_ns == g->now.mtime_ns;
    if (!*same || g->now.type != BFC_TYPE_FILE || g->now.size == 0)
        return 0;
    *same = false;
    return same_content(g, item, ino, same, err);
}
