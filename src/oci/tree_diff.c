/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two trees by their names in memory. Inodes are loaded only where both sides have a name
 * and not the same inode. */
#include "oci/tree_diff.h"

typedef struct diff {
    bfci_side *from, *to;
    bool shared; /* inode numbers mean the same in both */
    bfc_image_change_fn *fn;
    void *ctx;
    bfci_inode old, now;
} diff;

enum {
    STOPPED = 1 /* the caller wants no more */
};

/* ── Sides ── */

int bfci_side_load(bfci_side *s, bfc_reader *reader, bfc_err *err)
{
    *s = (bfci_side){.reader = reader};
    return bfci_names_load(reader, &s->names, err);
}

static int merge_layers(bfci_image_in *ii, bfc_reader *reader, const bfci_layer_facts *layers,
                        size_t count, bfc_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        bfci_nametree layer = {0};
        rc = bfci_reader_use_tree(reader, layers[i].tree, err);
        if (rc == 0)
            rc = bfci_names_load(reader, &layer, err);
        if (rc == 0)
            rc = bfci_layer_merge(ii, &layer, err);
        bfci_nametree_release(&layer);
    }
    return rc;
}

int bfci_side_merge(bfci_side *s, bfc_reader *reader, const bfci_layer_facts *layers, size_t count,
                    bfc_err *err)
{
    AUTO_IMAGE_IN bfci_image_in ii = {0};

    BFC_TRY(merge_layers(&ii, reader, layers, count, err));
    *s = (bfci_side){.reader = reader, .names = ii.merged};
    ii.merged = (bfci_nametree){0};
    return 0;
}

void bfci_side_release(bfci_side *s)
{
    bfci_nametree_release(&s->names);
}

/* ── Entries ── */

static bool same_owner(const bfci_inode *a, const bfci_inode *b)
{
    return a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

static bool same_xattrs(const bfci_inode *a, const bfci_inode *b)
{
    if ((a->flags & INODE_XATTRS) != (b->flags & INODE_XATTRS))
        return false;
    return !(a->flags & INODE_XATTRS) || memcmp(a->xattrs, b->xattrs, sizeof a->xattrs) == 0;
}

static bool same_content(const bfci_inode *a, const bfci_inode *b)
{
    switch (a->type) {
    case BFC_TYPE_FILE:
        return a->size == b->size &&
               (a->size == 0 || memcmp(a->digest, b->digest, sizeof a->digest) == 0);
    case BFC_TYPE_SYMLINK:
        return a->link_len == b->link_len && memcmp(a->link, b->link, a->link_len) == 0;
    case BFC_TYPE_CHAR:
    case BFC_TYPE_BLOCK:
        return a->major == b->major && a->minor == b->minor;
    default:
        return true;
    }
}

bool bfci_inode_same(const bfci_inode *a, const bfci_inode *b)
{
    if (!same_owner(a, b) || !same_xattrs(a, b) || !same_content(a, b))
        return false;
    return a->type == BFC_TYPE_DIR || (a->mtime == b->mtime && a->mtime_ns == b->mtime_ns);
}

/* ── Content with holes in one and zeros in the other, whose digests differ ── */

enum {
    CHUNK = 1 << 20
};

static int has_holes(bfci_side *s, uint64_t ino, const bfci_inode *n, bool *out, bfc_err *err)
{
    bfci_extent_iter it;
    const bfci_extent *e = NULL;
    uint64_t data = 0;
    int rc;

    bfci_extent_iter_init(&it, s->reader->tables, ino, n);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e)
        data += e->len;
    bfci_extent_iter_release(&it);
    *out = data < n->size;
    return rc;
}

static int same_bytes(diff *d, uint64_t old, uint64_t now, bool *out, bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    size_t got[2] = {CHUNK, CHUNK};

    BFC_TRY(bfci_alloc(2, CHUNK, &bytes, err));
    *out = true;
    for (uint64_t at = 0; *out && got[0] == CHUNK; at += CHUNK) {
        BFC_TRY(bfc_reader_read(d->from->reader, old, at, bytes, CHUNK, &got[0], err));
        BFC_TRY(bfc_reader_read(d->to->reader, now, at, bytes + CHUNK, CHUNK, &got[1], err));
        *out = got[0] == got[1] && memcmp(bytes, bytes + CHUNK, got[0]) == 0;
    }
    return 0;
}

/* Whether the two files of `d`, of which the digests differ, are the same nevertheless. Read is
 * only what promises it, and has all its bytes in one of them: a hole of a terabyte is not gone
 * through. */
static int same_but_for_holes(diff *d, uint64_t old, uint64_t now, bool *out, bfc_err *err)
{
    bool holes[2] = {false, false};
    uint8_t digest[BFC_DIGEST_SIZE];

    *out = false;
    if (d->old.type != BFC_TYPE_FILE || d->now.type != BFC_TYPE_FILE || d->old.crc != d->now.crc)
        return 0;
    memcpy(digest, d->now.digest, sizeof digest);
    memcpy(d->now.digest, d->old.digest, sizeof digest);
    bool else_same = bfci_inode_same(&d->old, &d->now);
    memcpy(d->now.digest, digest, sizeof digest);
    if (!else_same)
        return 0;
    BFC_TRY(has_holes(d->from, old, &d->old, &holes[0], err));
    BFC_TRY(has_holes(d->to, now, &d->now, &holes[1], err));
    return holes[0] != holes[1] ? same_bytes(d, old, now, out, err) : 0;
}

/* A folder's attributes stand with its name: one that was merged here has no inode. */
static int load(bfci_side *s, uint32_t index, bfci_inode *out, bfc_err *err)
{
    const bfci_node *n = bfci_nametree_node(&s->names, index);

    if (n->type != BFC_TYPE_DIR)
        return bfci_load_inode(&s->reader->inodes, n->ino, out, err);
    bfci_dir_attr_put(bfci_nametree_attr(&s->names, index), (n->flags & NODE_MADE_UP) != 0, out);
    return 0;
}

static int tell(diff *d, char kind, const bfci_side *s, uint32_t index, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_nametree_path(&s->names, index, &path, err));
    const bfc_image_change change = {.kind = kind,
                                     .path = path,
                                     .type =
                                         (enum bfc_type)bfci_nametree_node(&s->names, index)->type};
    return d->fn(d->ctx, &change) ? STOPPED : 0;
}

/* ── Folders ── */

typedef struct children {
    uint32_t *index;
    size_t count, cap;
} children;

static int compare_names(const void *a, const void *b, void *tree)
{
    const bfci_nametree *t = tree;

    return strcmp(bfci_nametree_name(t, *(const uint32_t *)a),
                  bfci_nametree_name(t, *(const uint32_t *)b));
}

/* `folder` is of any type: what is none has no children. */
static int list(bfci_side *s, uint32_t folder, children *out, bfc_err *err)
{
    bfci_nametree *t = &s->names;

    if (bfci_nametree_node(t, folder)->type != BFC_TYPE_DIR)
        return 0;
    for (uint32_t c = bfci_nametree_first(t, folder); c != NODE_NONE;
         c = bfci_nametree_next(t, c)) {
        BFC_TRY(bfci_reserve(&out->index, &out->cap, out->count + 1, sizeof *out->index, err));
        out->index[out->count++] = c;
    }
    if (out->count > 1)
        qsort_r(out->index, out->count, sizeof *out->index, compare_names, t);
    return 0;
}

static void free_children(children *c)
{
    free(c->index);
}
#define AUTO_CHILDREN __attribute__((cleanup(free_children)))

/* One that the other side has not, with all below it. */
static int tell_all(diff *d, char kind, bfci_side *s, uint32_t index, bfc_err *err)
{
    AUTO_CHILDREN children below = {0};

    int rc = tell(d, kind, s, index, err);
    if (rc != 0)
        return rc;
    BFC_TRY(list(s, index, &below, err));
    for (size_t i = 0; rc == 0 && i < below.count; i++)
        rc = tell_all(d, kind, s, below.index[i], err);
    return rc;
}

static int compare_folders(diff *d, uint32_t from, uint32_t to, bfc_err *err);

static int compare_entries(diff *d, uint32_t from, uint32_t to, bfc_err *err)
{
    uint64_t old = bfci_nametree_node(&d->from->names, from)->ino;
    uint64_t now = bfci_nametree_node(&d->to->names, to)->ino;

    if (d->shared && old == now && old != 0)
        return 0; /* a folder's inode tells all that is below it */
    BFC_TRY(load(d->from, from, &d->old, err));
    BFC_TRY(load(d->to, to, &d->now, err));
    bool same = bfci_inode_same(&d->old, &d->now);
    if (!same)
        BFC_TRY(same_but_for_holes(d, old, now, &same, err));
    int rc = same ? 0 : tell(d, 'C', d->to, to, err);
    return rc != 0 ? rc : compare_folders(d, from, to, err);
}

/* As deep as paths may be: 4096. */
static int compare_folders(diff *d, uint32_t from, uint32_t to, bfc_err *err)
{
    AUTO_CHILDREN children old = {0};
    AUTO_CHILDREN children now = {0};
    size_t a = 0, b = 0;
    int rc = 0;

    BFC_TRY(list(d->from, from, &old, err));
    BFC_TRY(list(d->to, to, &now, err));
    while (rc == 0 && (a < old.count || b < now.count)) {
        int order = a == old.count   ? 1
                    : b == now.count ? -1
                                     : strcmp(bfci_nametree_name(&d->from->names, old.index[a]),
                                              bfci_nametree_name(&d->to->names, now.index[b]));
        if (order == 0)
            rc = compare_entries(d, old.index[a++], now.index[b++], err);
        else if (order < 0)
            rc = tell_all(d, 'D', d->from, old.index[a++], err);
        else
            rc = tell_all(d, 'A', d->to, now.index[b++], err);
    }
    return rc;
}

int bfci_tree_diff(bfci_side *from, bfci_side *to, bfc_image_change_fn *fn, void *ctx, bfc_err *err)
{
    diff d = {.from = from, .to = to, .fn = fn, .ctx = ctx};

    d.shared = memcmp(from->reader->source.commit.root_digest,
                      to->reader->source.commit.root_digest, BFC_DIGEST_SIZE) == 0;
    int rc = compare_entries(&d, NODE_ROOT, NODE_ROOT, err);
    return rc == STOPPED ? 0 : rc;
}
