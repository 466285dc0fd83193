/* SPDX-License-Identifier: Apache-2.0 */
/* A version 1 container into one of version 2, through the feed. Inode numbers are those of the
 * nodes. Owners were not recorded and become 0; a folder that only paths tell of, and the root, get
 * no attributes at all ("synthetic"). */
#include "container/v1.h"

#include "base/hooks.h"
#include "container/feed.h"
#include "sys/file.h"

BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

enum {
    PIECE_SIZE = 256 << 10
};

struct feeding {
    bfci_v1 *v;
    bfci_feed *feed;
    const bfc_hooks *hooks;
    bool contents;
    uint8_t *piece;
    bfci_inode inode;
};

/* ── One entry ── */

static int feed_content(struct feeding *f, const bfci_v1_node *n, const char *name, uint64_t ino,
                        bfc_err *err)
{
    AUTO(bfci_v1_stream) bfci_v1_stream *s = NULL;
    uint64_t left = n->entry->raw;

    if (n->entry->sealed)
        BFC_TRY(bfci_v1_unlock(f->v, err));
    BFC_TRY(bfci_v1_stream_open(f->v, n->entry, &s, err));
    BFC_TRY(bfci_feed_begin(f->feed, name, left, false, err));
    do { /* once also for nothing: that has a checksum, too */
        size_t got = 0;
        BFC_TRY(bfci_check_cancel(f->hooks, err));
        BFC_TRY(bfci_v1_stream_read(s, f->piece, PIECE_SIZE, &got, err));
        BFC_TRY(bfci_feed_data(f->feed, f->piece, got, err));
        left -= got;
        bfci_progress(f->hooks, &f->feed->in->progress);
    } while (left > 0);
    return bfci_feed_end(f->feed, ino, &f->inode, err);
}

static void describe(bfci_inode *n, const bfci_v1_entry *e)
{
    memset(n, 0, offsetof(bfci_inode, link));
    n->link[0] = '\0';
    if (!e) {
        n->type = BFC_TYPE_DIR;
        n->flags = INODE_SYNTHETIC;
        n->mode = 0755;
        return;
    }
    n->type = e->type;
    n->mode = e->mode;
    n->mtime = e->mtime;
    n->mtime_ns = e->mtime_ns;
}

static int feed_inode(struct feeding *f, const bfci_v1_node *n, const char *name, uint64_t ino,
                      bfc_err *err)
{
    const bfci_v1_entry *e = n->entry;

    describe(&f->inode, e);
    if (e && e->type == BFC_TYPE_SYMLINK) {
        BFC_TRY(bfci_v1_link(f->v, e, f->inode.link, err));
        f->inode.link_len = (size_t)e->raw;
    }
    if (e && e->type == BFC_TYPE_FILE && f->contents)
        BFC_TRY(feed_content(f, n, name, ino, err));
    else if (e && e->type == BFC_TYPE_FILE) {
        f->inode.size = e->raw;
        f->inode.crc = e->crc;
    }
    return bfci_feed_inode(f->feed, ino, &f->inode, false, err);
}

static int feed_node(struct feeding *f, uint64_t ino, bfc_err *err)
{
    const bfci_v1_node *n = &f->v->node[ino - 1];
    char name[BFCI_NAME_MAX + 1] = "";

    if (n->parent) {
        uint32_t above = f->v->node[n->parent - 1].path_len;
        uint32_t start = above ? above + 1 : 0;
        memcpy(name, n->path + start, n->path_len - start);
        name[n->path_len - start] = '\0';
    }
    BFC_TRY(feed_inode(f, n, name, ino, err));
    if (!n->parent)
        return 0;
    return bfci_stage_dirent(f->feed->stage, n->parent, name, f->inode.type, ino, err);
}

/* ── All of them ── */

static int feed_all(void *ctx, bfci_feed *feed, bfc_err *err)
{
    struct feeding *f = ctx;
    bfc_progress *p = &feed->in->progress;
    const bfci_tree tree = {.kind = TREE_ROOTFS, .root = 1, .label = {(const uint8_t *)"", 0}};

    f->feed = feed;
    p->files_total = f->v->node_count;
    p->bytes_total = f->contents ? f->v->content_bytes : 0;
    BFC_TRY(bfci_stage_tree(feed->stage, ROOT_TREE, &tree, err));
    for (size_t i = 0; i < f->v->node_count; i++) {
        const bfci_v1_node *n = &f->v->node[i];
        BFC_TRY(bfci_check_cancel(f->hooks, err));
        int rc = feed_node(f, bfci_feed_ino(feed), err);
        if (rc < 0)
            return n->entry ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE(n->path, n->path_len)) : rc;
    }
    return 0;
}

int bfci_v1_convert(bfci_v1 *v, const bfci_v1_conversion *how, bfc_commit_info *info, bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *w = NULL;
    AUTO_FREE uint8_t *piece = NULL;
    struct feeding f = {.v = v, .hooks = how->writer->hooks, .contents = true};

    BFC_TRY(bfci_alloc(PIECE_SIZE, 1, &piece, err));
    f.piece = piece;
    BFC_TRY(bfc_writer_create(how->path, how->writer, &w, err));
    bfci_writer_feed(w, feed_all, &f);
    if (how->blob_name)
        BFC_TRY(bfc_writer_put_blob(w, how->blob_name, how->blob, how->blob_len, err));
    return bfc_writer_commit(w, info, err);
}

int bfci_v1_shadow(bfci_v1 *v, const bfc_hooks *hooks, int *fd, bfc_err *err)
{
    AUTO_FREE char *beside = NULL;
    bfc_writer_options options = BFC_WRITER_OPTIONS_INIT;
    AUTO(bfc_writer) bfc_writer *w = NULL;
    AUTO_FD int memory = -1;
    struct feeding f = {.v = v, .hooks = hooks};

    options.jobs = 1;
    BFC_TRY(bfci_open_memory(&memory, err));
    BFC_TRY(bfci_temp_path(&beside, err));
    BFC_TRY(bfci_writer_create_unnamed(memory, beside, &options, &w, err));
    bfci_writer_feed(w, feed_all, &f);
    BFC_TRY(bfc_writer_commit(w, NULL, err));
    *fd = bfci_steal_fd(&memory);
    return 0;
}
