/* SPDX-License-Identifier: Apache-2.0 */
/* Telling problems with the paths of their files. Two scans of the directory entries find them all:
 * the first finds a name of each file and the folder that it is in, the second the names of the
 * folders on the way to the roots. */
#include <inttypes.h>
#include <stdio.h>

#include "container/verify.h"

typedef struct dir_name {
    uint32_t dir;
    char *name;
} dir_name;

typedef struct resolve {
    bfci_verify *v;
    char **leaf;      /* of each finding: its last name, or NULL */
    uint32_t *parent; /* of each finding: the folder it is in, or BFCI_NO_DIR */
    bfci_set wanted;  /* folders whose names are needed, by index */
    bfci_set known;   /* of these: the first name was found */
    dir_name *name;
    size_t name_count, name_cap;
} resolve;

/* The first finding of an inode; findings are sorted. */
static size_t first_of(const bfci_verify *v, uint64_t ino)
{
    size_t low = 0, high = v->finding_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->finding[middle].ino < ino)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the entries of a scan one by one; those that are malformed are passed over. */
static int next_entry(bfci_table_scan *s, uint32_t *dir, bfci_span *name, bfci_dirent *d, bool *got,
                      bfc_err *err)
{
    for (;;) {
        uint64_t ino = 0;
        BFC_TRY(bfci_table_scan_next(s, got, err));
        if (!*got)
            return 0;
        if (bfci_dirent_key_decode(s->key, &ino, name, NULL) < 0 ||
            bfci_dirent_decode(s->value, d, NULL) < 0)
            continue;
        *dir = bfci_verify_dir_of(s->v, ino);
        if (*dir != BFCI_NO_DIR && s->v->dir[*dir].parent != BFCI_NO_DIR)
            return 0;
    }
}

/* ── First scan: names of files ── */

static int note_leaf(resolve *r, uint64_t ino, uint32_t dir, bfci_span name, bfc_err *err)
{
    const bfci_verify *v = r->v;

    for (size_t i = first_of(v, ino); i < v->finding_count && v->finding[i].ino == ino; i++) {
        if (r->leaf[i])
            break;
        BFC_TRY(bfci_memdup_str((const char *)name.p, name.len, &r->leaf[i], err));
        r->parent[i] = dir;
    }
    return 0;
}

static int find_leaves(resolve *r, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    uint32_t dir = 0;
    bfci_span name;
    bfci_dirent d;
    bool got = false;

    bfci_table_scan_init(&s, r->v, TABLE_DIRENTS, false);
    for (;;) {
        BFC_TRY(next_entry(&s, &dir, &name, &d, &got, err));
        if (!got)
            return 0;
        if (bfci_verify_dir_of(r->v, d.ino) == BFCI_NO_DIR)
            BFC_TRY(note_leaf(r, d.ino, dir, name, err));
    }
}

/* ── Second scan: names of folders ── */

static int want_up(resolve *r, uint32_t dir, bfc_err *err)
{
    const bfci_verify *v = r->v;
    bool added = true;

    while (v->dir[dir].parent != dir && added) {
        BFC_TRY(bfci_set_add(&r->wanted, dir, &added, err));
        dir = v->dir[dir].parent;
    }
    return 0;
}

static int want_all(resolve *r, bfc_err *err)
{
    const bfci_verify *v = r->v;

    for (size_t i = 0; i < v->finding_count; i++) {
        uint32_t dir = bfci_verify_dir_of(v, v->finding[i].ino);
        if (dir != BFCI_NO_DIR && v->dir[dir].parent != BFCI_NO_DIR)
            r->parent[i] = dir; /* a folder: its own path, without a leaf */
        if (r->parent[i] != BFCI_NO_DIR)
            BFC_TRY(want_up(r, r->parent[i], err));
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const dir_name *x = a, *y = b;
    return (x->dir > y->dir) - (x->dir < y->dir);
}

static int find_dirs(resolve *r, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    uint32_t dir = 0;
    bfci_span name;
    bfci_dirent d;
    bool got = false, added = false;

    bfci_table_scan_init(&s, r->v, TABLE_DIRENTS, false);
    for (;;) {
        BFC_TRY(next_entry(&s, &dir, &name, &d, &got, err));
        if (!got)
            break;
        uint32_t child = bfci_verify_dir_of(r->v, d.ino);
        if (child == BFCI_NO_DIR || r->v->dir[child].parent != dir ||
            !bfci_set_has(&r->wanted, child))
            continue;
        BFC_TRY(bfci_set_add(&r->known, child, &added, err));
        if (!added)
            continue; /* entered under several names, which was reported */
        BFC_TRY(bfci_reserve(&r->name, &r->name_cap, r->name_count + 1, sizeof *r->name, err));
        r->name[r->name_count] = (dir_name){child, NULL};
        BFC_TRY(bfci_memdup_str((const char *)name.p, name.len, &r->name[r->name_count].name, err));
        r->name_count++;
    }
    if (r->name_count)
        qsort(r->name, r->name_count, sizeof *r->name, compare_names);
    return 0;
}

/* ── Putting paths together ── */

static const char *name_of(const resolve *r, uint32_t dir)
{
    const dir_name key = {dir, NULL};
    const dir_name *found =
        r->name_count ? bsearch(&key, r->name, r->name_count, sizeof key, compare_names) : NULL;
    return found ? found->name : "?";
}

/* From the root down to `dir`, each name with its '/'. */
static void put_dirs(const resolve *r, uint32_t dir, buf *out)
{
    const char *names[BFCI_DEPTH_MAX + 1];
    size_t count = 0;

    for (; r->v->dir[dir].parent != dir && count < ARRAY_LEN(names); dir = r->v->dir[dir].parent)
        names[count++] = name_of(r, dir);
    while (count > 0) {
        bfci_buf_put(out, names[count - 1], strlen(names[count - 1]));
        buf_u8(out, '/');
        count--;
    }
}

/* NULL in *out where no path leads to it. */
static int put_path(const resolve *r, size_t i, buf *path, const char **out, bfc_err *err)
{
    *out = NULL;
    if (r->parent[i] == BFCI_NO_DIR)
        return 0;
    buf_clear(path);
    put_dirs(r, r->parent[i], path);
    if (r->leaf[i])
        bfci_buf_put(path, r->leaf[i], strlen(r->leaf[i]));
    else if (path->len > 0)
        path->len--; /* a folder's own path ends without '/' */
    buf_u8(path, 0);
    *out = (const char *)path->data;
    return buf_check(path, err);
}

/* Of the tree that the path is in: nothing where that is tree 0. */
static void put_tree(const resolve *r, size_t i, char *out, size_t size)
{
    const bfci_verify *v = r->v;
    uint32_t dir = r->parent[i];
    int depth = 0;

    out[0] = '\0';
    if (dir == BFCI_NO_DIR)
        return;
    while (v->dir[dir].parent != dir && depth++ < BFCI_DEPTH_MAX)
        dir = v->dir[dir].parent;
    const uint32_t tree = v->dir[dir].parent == dir ? v->dir[dir].tree : 0;
    if (tree > 0 && v->tree[tree - 1].id != ROOT_TREE)
        (void)snprintf(out, size, " (in tree %" PRIu32 ")", v->tree[tree - 1].id);
}

static int tell_one(const resolve *r, size_t i, const char *path, bfc_err *err)
{
    const bfci_finding *f = &r->v->finding[i];
    char tree[32];
    bfci_finding told = *f;
    AUTO_FREE char *what = NULL;

    put_tree(r, i, tree, sizeof tree);
    BFC_TRY(bfci_asprintf(&what, err, "%s%s", f->what, tree));
    told.what = what;
    bfci_verify_tell(r->v, &told, path);
    return 0;
}

static int run(resolve *r, bfc_err *err)
{
    AUTO_BUF buf path = BUF_INIT;
    const char *text = NULL;

    BFC_TRY(find_leaves(r, err));
    BFC_TRY(want_all(r, err));
    BFC_TRY(find_dirs(r, err));
    for (size_t i = 0; i < r->v->finding_count; i++) {
        BFC_TRY(put_path(r, i, &path, &text, err));
        BFC_TRY(tell_one(r, i, text, err));
    }
    return 0;
}

int bfci_verify_tell_paths(bfci_verify *v, bfc_err *err)
{
    resolve r = {.v = v};
    int rc = bfci_alloc_zero(v->finding_count, sizeof *r.leaf, &r.leaf, err);

    if (rc == 0)
        rc = bfci_alloc(v->finding_count, sizeof *r.parent, &r.parent, err);
    for (size_t i = 0; rc == 0 && i < v->finding_count; i++)
        r.parent[i] = BFCI_NO_DIR;
    if (rc == 0)
        rc = run(&r, err);
    for (size_t i = 0; r.leaf && i < v->finding_count; i++)
        free(r.leaf[i]);
    for (size_t i = 0; i < r.name_count; i++)
        free(r.name[i].name);
    free(r.name);
    free(r.leaf);
    free(r.parent);
    bfci_set_release(&r.wanted);
    bfci_set_release(&r.known);
    return rc;
}
