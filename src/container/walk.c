/* SPDX-License-Identifier: Apache-2.0 */
/* Going through a tree, folders before what is in them. The stack is on the heap and bounded by the
 * depth limit; a folder that is met twice ends the walk, so that no container can make it endless.
 */
#include "container/reader.h"

#include "base/map.h"
#include "base/path.h"

typedef struct walk_level {
    uint64_t dir;    /* inode of the folder whose names are read */
    size_t path_len; /* of the folder */
    bfci_cursor names;
    bool placed;       /* the cursor stands on the last name returned */
    bool folders_pass; /* WALK_FILES_FIRST: the second time through */
} walk_level;

struct bfci_tree_walk {
    bfc_reader *reader;
    enum bfci_walk_order order;
    walk_level *level;
    size_t depth, cap;
    bfci_set seen; /* folders */
    buf path;      /* of the entry that came last, with a NUL behind */
    bfci_inode inode;
    bfci_step step;
    bool started, descend, names_only;
    size_t start_name; /* where the start's own name begins in its path */
    bfci_dirent start;
};

static void pop(bfci_tree_walk *w)
{
    bfci_cursor_release(&w->level[--w->depth].names);
}

void bfci_tree_walk_free(bfci_tree_walk *w)
{
    if (!w)
        return;
    while (w->depth)
        pop(w);
    free(w->level);
    bfci_set_release(&w->seen);
    bfci_buf_free(&w->path);
    free(w);
}

/* Inode and normalised path of where the walk starts. */
static int find_start(bfci_tree_walk *w, const char *start, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bfci_dirent d = {BFC_TYPE_DIR, w->reader->root};

    BFC_TRY(bfci_path_normalize(start, &path, err));
    bfci_parts parts = {path};
    const char *part;
    size_t len;
    while (bfci_parts_next(&parts, &part, &len)) {
        bool found = false;
        if (d.type == BFC_TYPE_DIR)
            BFC_TRY(bfci_load_dirent(&w->reader->dirents, d.ino, part, len, &found, &d, err));
        if (!found)
            return bfci_fail(err, BFC_E_NOT_FOUND, "'%s' is not in the container",
                             BFCI_QUOTE_STR(start));
        w->start_name = (size_t)(part - path);
    }
    w->start = d;
    bfci_buf_put(&w->path, path, strlen(path) + 1);
    return buf_check(&w->path, err);
}

int bfci_tree_walk_new(bfc_reader *r, const char *start, enum bfci_walk_order order,
                       bfci_tree_walk **out, bfc_err *err)
{
    AUTO(bfci_tree_walk) bfci_tree_walk *w = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *w, &w, err));
    w->reader = r;
    w->order = order;
    BFC_TRY(find_start(w, start ? start : "", err));
    *out = bfci_steal(&w);
    return 0;
}

static int push_dir(bfci_tree_walk *w, uint64_t dir, bfc_err *err)
{
    if (w->depth >= BFCI_DEPTH_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "folders are nested more than %d deep", BFCI_DEPTH_MAX);
    BFC_TRY(bfci_reserve(&w->level, &w->cap, w->depth + 1, sizeof *w->level, err));
    walk_level *l = &w->level[w->depth++];
    *l = (walk_level){.dir = dir, .path_len = w->path.len - 1};
    bfci_cursor_init(&l->names, w->reader->tables, TABLE_DIRENTS);
    return 0;
}

static int note_dir(bfci_tree_walk *w, uint64_t ino, bfc_err *err)
{
    bool added = false;

    BFC_TRY(bfci_set_add(&w->seen, ino, &added, err));
    if (!added)
        return bfci_fail(err, BFC_E_CORRUPT, "folder '%s' stands in the tree twice",
                         BFCI_QUOTE((const char *)w->path.data, w->path.len - 1));
    w->descend = true;
    return 0;
}

static int load_inode(bfci_tree_walk *w, const bfci_dirent *d, bfc_err *err)
{
    BFC_TRY(bfci_load_inode(&w->reader->inodes, d->ino, &w->inode, err));
    if (w->inode.type != d->type)
        return bfci_fail(err, BFC_E_CORRUPT, "inode %llu is not of the type its name says",
                         (unsigned long long)d->ino);
    return 0;
}

/* Makes the entry whose path is in place the step. */
static int enter(bfci_tree_walk *w, const bfci_dirent *d, size_t name_at, bfc_err *err)
{
    if (!w->names_only)
        BFC_TRY(load_inode(w, d, err));
    w->descend = false;
    if (d->type == BFC_TYPE_DIR)
        BFC_TRY(note_dir(w, d->ino, err));
    const char *path = (const char *)w->path.data;
    w->step = (bfci_step){.ino = d->ino,
                          .type = d->type,
                          .inode = w->names_only ? NULL : &w->inode,
                          .path = path,
                          .path_len = w->path.len - 1,
                          .name = path + name_at,
                          .depth = (unsigned)w->depth};
    return 0;
}

static bool wanted(const bfci_tree_walk *w, const walk_level *l, uint8_t type)
{
    return w->order == WALK_BY_NAME || (type == BFC_TYPE_DIR) == l->folders_pass;
}

/* Moves to the folder's next name that is wanted in this pass; *more is false when all passes are
 * over. */
static int next_name(bfci_tree_walk *w, walk_level *l, bfci_span *name, bfci_dirent *d, bool *more,
                     bfc_err *err)
{
    uint8_t key[8];

    for (;;) {
        if (l->placed)
            BFC_TRY(bfci_cursor_next(&l->names, err));
        else
            BFC_TRY(bfci_cursor_seek(&l->names, bfci_key_u64(key, l->dir), err));
        l->placed = true;
        bool over = l->names.at_end || l->names.key.len < 8 || get_u64be(l->names.key.p) != l->dir;
        if (over && w->order == WALK_FILES_FIRST && !l->folders_pass) {
            l->folders_pass = true;
            l->placed = false;
            continue;
        }
        *more = !over;
        if (over)
            return 0;
        uint64_t dir;
        BFC_TRY(bfci_dirent_key_decode(l->names.key, &dir, name, err));
        BFC_TRY(bfci_dirent_decode(l->names.value, d, err));
        if (wanted(w, l, d->type))
            return 0;
    }
}

static int put_path(bfci_tree_walk *w, size_t parent_len, bfci_span name, size_t *name_at,
                    bfc_err *err)
{
    w->path.len = parent_len;
    if (parent_len)
        buf_u8(&w->path, '/');
    *name_at = w->path.len;
    bfci_buf_put(&w->path, name.p, name.len);
    buf_u8(&w->path, 0);
    return buf_check(&w->path, err);
}

int bfci_tree_walk_next(bfci_tree_walk *w, const bfci_step **out, bfc_err *err)
{
    if (!w->started) {
        w->started = true;
        BFC_TRY(enter(w, &w->start, w->start_name, err));
        *out = &w->step;
        return 0;
    }
    if (w->descend) {
        w->descend = false;
        BFC_TRY(push_dir(w, w->step.ino, err));
    }
    while (w->depth > 0) {
        walk_level *l = &w->level[w->depth - 1];
        bfci_span name;
        bfci_dirent d;
        bool more = false;
        BFC_TRY(next_name(w, l, &name, &d, &more, err));
        if (more) {
            size_t name_at;
            BFC_TRY(put_path(w, l->path_len, name, &name_at, err));
            BFC_TRY(enter(w, &d, name_at, err));
            *out = &w->step;
            return 0;
        }
        pop(w);
    }
    *out = NULL;
    return 0;
}

void bfci_tree_walk_names_only(bfci_tree_walk *w)
{
    w->names_only = true;
}

void bfci_tree_walk_skip(bfci_tree_walk *w)
{
    w->descend = false;
}
