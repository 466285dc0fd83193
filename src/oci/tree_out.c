/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as a layer's tar. What a tar cannot hold is left out and told: sockets, and in a file
 * system names that a layer would take for whiteouts. The tar is put together here and handed on in
 * a thread of its own. */
#include "base/hooks.h"
#include "oci/content_out.h"
#include "oci/layer_out.h"
#include "oci/relay.h"
#include "oci/tar.h"

#define WHITEOUT_PREFIX ".wh."

struct work {
    bfc_reader *r;
    const bfc_hooks *hooks;
    bfci_tar_out out;
    bfci_content_out *content;
    bool is_layer;  /* its whiteouts are meant */
    bfci_map first; /* inode with several names → where in `names` its first one stands */
    buf names;
    bfci_tar_range *range;
    size_t range_cap;
    bfci_tar_xattr *xattr;
    size_t xattr_cap;
    bfc_progress progress;
};

static void work_release(struct work *w)
{
    bfci_content_out_free(w->content);
    bfci_map_release(&w->first);
    bfci_buf_free(&w->names);
    free(w->range);
    free(w->xattr);
}
#define AUTO_TREE_WORK __attribute__((cleanup(work_release)))

/* ── One entry ── */

static const struct {
    enum bfci_tar_kind kind;
    char typeflag;
} kinds[] = {
    [BFC_TYPE_FILE] = {TAR_FILE, '0'},          [BFC_TYPE_DIR] = {TAR_DIR, '5'},
    [BFC_TYPE_SYMLINK] = {TAR_SYMLINK, '2'},    [BFC_TYPE_CHAR] = {TAR_CHAR, '3'},
    [BFC_TYPE_BLOCK] = {TAR_BLOCK_DEVICE, '4'}, [BFC_TYPE_FIFO] = {TAR_FIFO, '6'},
};

static void describe(const bfci_step *s, bfci_tar_entry *e)
{
    const bfci_inode *n = s->inode;
    bool synthetic = (n->flags & INODE_SYNTHETIC) != 0;

    *e = (bfci_tar_entry){
        .kind = kinds[n->type].kind,
        .typeflag = kinds[n->type].typeflag,
        .path = s->path_len ? s->path : ".",
        .link = n->type == BFC_TYPE_SYMLINK ? n->link : "",
        .mode = synthetic ? 0755 : n->mode,
        .uid = n->uid,
        .gid = n->gid,
        .mtime = synthetic ? 0 : n->mtime,
        .mtime_ns = synthetic ? 0 : n->mtime_ns,
        .major = n->major,
        .minor = n->minor,
    };
    if (synthetic)
        e->uid = e->gid = 0;
}

/* The map of a file that may have holes; *count is 0 where it would have too many ranges. */
static int map_ranges(struct work *w, const bfci_step *s, size_t *count, uint64_t *data_size,
                      bfc_err *err)
{
    bfci_extent_iter it;
    const bfci_extent *e = NULL;
    size_t ranges = 0;
    uint64_t sum = 0;
    int rc;

    bfci_extent_iter_init(&it, w->r->tables, s->ino, s->inode);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e && ranges <= TAR_RANGES_MAX) {
        bfci_tar_range *last = ranges > 0 ? &w->range[ranges - 1] : NULL;
        sum += e->len;
        if (last && last->offset + last->len == e->start) {
            last->len += e->len;
            continue;
        }
        rc = bfci_reserve(&w->range, &w->range_cap, ranges + 1, sizeof *w->range, err);
        if (rc < 0)
            break;
        w->range[ranges++] = (bfci_tar_range){e->start, e->len};
    }
    bfci_extent_iter_release(&it);
    *count = ranges <= TAR_RANGES_MAX ? ranges : 0;
    *data_size = sum;
    return rc;
}

static int describe_file(struct work *w, const bfci_step *s, bfci_tar_entry *e, bfc_err *err)
{
    uint64_t data_size = 0;
    size_t count = 0;

    e->size = e->data_size = s->inode->size;
    BFC_TRY(map_ranges(w, s, &count, &data_size, err));
    if (s->inode->size - MIN(data_size, s->inode->size) < TAR_HOLES_MIN ||
        (count == 0 && data_size > 0))
        return 0;
    e->sparse = true;
    e->range = w->range;
    e->range_count = count;
    e->data_size = data_size;
    return 0;
}

static int take_xattrs(struct work *w, const bfc_xattrs *list, bfci_tar_entry *e, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&w->xattr, &w->xattr_cap, list->count, sizeof *w->xattr, err));
    for (size_t i = 0; i < list->count; i++)
        w->xattr[i] =
            (bfci_tar_xattr){list->item[i].name, list->item[i].value, list->item[i].value_len};
    e->xattr = w->xattr;
    e->xattr_count = list->count;
    return 0;
}

/* For a name that is not the first of its inode, *e becomes a hard link. */
static int find_first_name(struct work *w, const bfci_step *s, bfci_tar_entry *e, bfc_err *err)
{
    uint64_t nlink = 1;

    if (s->inode->type == BFC_TYPE_DIR)
        return 0;
    BFC_TRY(bfci_load_nlink(&w->r->links, s->ino, &nlink, err));
    if (nlink < 2)
        return 0;
    const uint64_t *first = bfci_map_get(&w->first, s->ino, 0);
    if (first) {
        e->kind = TAR_HARDLINK;
        e->typeflag = '1';
        e->link = (const char *)w->names.data + *first;
        return 0;
    }
    BFC_TRY(bfci_map_put(&w->first, s->ino, 0, w->names.len, err));
    bfci_buf_put(&w->names, s->path, s->path_len + 1);
    return buf_check(&w->names, err);
}

static int write_content(struct work *w, const bfci_step *s, const bfci_tar_entry *e, bfc_err *err)
{
    if (!e->sparse)
        BFC_TRY(bfci_content_out_write(w->content, s->ino, 0, e->size, err));
    for (size_t i = 0; i < e->range_count; i++)
        BFC_TRY(
            bfci_content_out_write(w->content, s->ino, e->range[i].offset, e->range[i].len, err));
    return bfci_tar_pad(&w->out, e->data_size, err);
}

static int write_entry(struct work *w, const bfci_step *s, bfc_err *err)
{
    bfci_tar_entry e;
    AUTO_FREE bfc_xattrs *xattrs = NULL;

    describe(s, &e);
    BFC_TRY(find_first_name(w, s, &e, err));
    if (e.kind == TAR_FILE)
        BFC_TRY(describe_file(w, s, &e, err));
    if (e.kind != TAR_HARDLINK && (s->inode->flags & INODE_XATTRS))
        BFC_TRY(bfc_reader_xattrs(w->r, s->ino, &xattrs, err));
    if (xattrs)
        BFC_TRY(take_xattrs(w, xattrs, &e, err));
    BFC_TRY(bfci_tar_write_entry(&w->out, &e, err));
    if (e.kind == TAR_FILE)
        BFC_TRY(write_content(w, s, &e, err));
    w->progress.bytes_done += e.size;
    w->progress.files_done++;
    bfci_progress(w->hooks, &w->progress);
    return 0;
}

/* ── The tree ── */

/* Whether an entry has a place in a tar; says so where it has none. */
static bool has_place(const struct work *w, const bfci_step *s)
{
    if (s->inode->type == BFC_TYPE_SOCKET) {
        bfci_log(w->hooks, BFC_LOG_WARNING, "oci",
                 "socket '%s' is left out: a layer cannot hold it",
                 BFCI_QUOTE(s->path, s->path_len));
        return false;
    }
    if (!w->is_layer && strncmp(s->name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0) {
        bfci_log(w->hooks, BFC_LOG_WARNING, "oci",
                 "'%s' is left out: in a layer such a name deletes another",
                 BFCI_QUOTE(s->path, s->path_len));
        return false;
    }
    return true;
}

static int walk(struct work *w, bfc_err *err)
{
    AUTO(bfci_tree_walk) bfci_tree_walk *walk = NULL;
    const bfci_step *s = NULL;

    BFC_TRY(bfci_tree_walk_new(w->r, "", WALK_BY_NAME, &walk, err));
    for (;;) {
        BFC_TRY(bfci_check_cancel(w->hooks, err));
        BFC_TRY(bfci_tree_walk_next(walk, &s, err));
        if (!s)
            return bfci_tar_write_end(&w->out, err);
        if (has_place(w, s))
            BFC_TRY(write_entry(w, s, err));
        else if (s->inode->type == BFC_TYPE_DIR)
            bfci_tree_walk_skip(walk);
    }
}

static int find_kind(bfc_reader *r, uint32_t tree, uint8_t *kind, bfc_err *err)
{
    uint8_t key[4];
    bool found = false;
    bfci_tree t;

    BFC_TRY(bfci_cursor_find(&r->trees, bfci_key_u32(key, tree), &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT, "there is no tree %u", tree);
    BFC_TRY(bfci_tree_decode(r->trees.value, &t, err));
    *kind = t.kind;
    return 0;
}

static int write_tree(bfc_reader *r, uint32_t tree, const bfc_hooks *hooks, bfci_relay *relay,
                      bfc_err *err)
{
    AUTO_TREE_WORK struct work w = {
        .r = r,
        .hooks = hooks,
        .out = {bfci_relay_put, relay},
        .progress = {.phase = "export"},
    };
    uint8_t kind = 0;

    BFC_TRY(find_kind(r, tree, &kind, err));
    w.is_layer = kind == TREE_LAYER;
    BFC_TRY(bfci_content_out_new(r, hooks, bfci_relay_put, relay, &w.content, err));
    BFC_TRY(bfci_reader_use_tree(r, tree, err));
    BFC_TRY(walk(&w, err));
    return bfci_relay_finish(relay, err);
}

int bfci_tree_out(bfc_reader *r, uint32_t tree, const bfc_hooks *hooks, bfci_write_fn *write,
                  void *ctx, bfc_err *err)
{
    AUTO(bfci_relay) bfci_relay *relay = NULL;
    uint64_t root = r->root;

    BFC_TRY(bfci_relay_new(write, ctx, &relay, err));
    int rc = write_tree(r, tree, hooks, relay, err);
    r->root = root; /* the reader is left on the tree that it was on */
    return rc;
}
