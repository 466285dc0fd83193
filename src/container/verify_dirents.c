/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over the directory entries: each names an inode that is there and has the type that it
 * says; each inode has a name; which folder holds which, and which names of inodes that may have
 * several, is kept for the walk. */
#include <inttypes.h>
#include <stdio.h>

#include "container/verify.h"

typedef struct pass {
    bfci_verify *v;
    bfci_table_scan scan;
    uint64_t dir;    /* inode of the folder that the entry is in */
    uint32_t at;     /* its index, or BFCI_NO_DIR */
    uint32_t filled; /* folders before this one have their first_edge */
    bool started;
    bfci_set told; /* inodes whose missing count of names was reported */
} pass;

static int entry_problem(pass *p, uint64_t ino, bfci_span name, bfc_err *err, const char *what)
{
    return bfci_verify_file_problem(p->v, ino, p->scan.offset, err,
                                    "%s (name '%s' in folder %" PRIu64 ")", what,
                                    BFCI_QUOTE((const char *)name.p, name.len), p->dir);
}

/* ── Folders ── */

static void fill_edges(pass *p, uint32_t up_to)
{
    while (p->filled < up_to)
        p->v->dir[p->filled++].first_edge = (uint32_t)p->v->edge_count;
}

static int enter_dir(pass *p, uint64_t dir, bfc_err *err)
{
    if (p->started && p->dir == dir)
        return 0;
    p->started = true;
    p->dir = dir;
    p->at = bfci_verify_dir_of(p->v, dir);
    if (p->at != BFCI_NO_DIR) {
        fill_edges(p, p->at + 1);
        p->v->dir[p->at].has_entries = true;
        return 0;
    }
    if (p->v->damaged[TABLE_INODES])
        return 0;
    return bfci_verify_file_problem(p->v, 0, p->scan.offset, err,
                                    "entries of folder %" PRIu64 ", which does not exist", dir);
}

static int put_edge(pass *p, uint32_t edge, bfc_err *err)
{
    bfci_verify *v = p->v;

    if (p->at == BFCI_NO_DIR)
        return 0;
    if (v->edge_count == UINT32_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "too many folders and links to check");
    BFC_TRY(bfci_reserve(&v->edge, &v->edge_cap, v->edge_count + 1, sizeof *v->edge, err));
    v->edge[v->edge_count++] = edge;
    return 0;
}

static int add_folder(pass *p, uint64_t child, bfc_err *err)
{
    uint32_t to = bfci_verify_dir_of(p->v, child);
    return to == BFCI_NO_DIR ? 0 : put_edge(p, to, err);
}

/* ── Folders whose inodes are lost ── */

static int compare_dirs(const void *a, const void *b)
{
    const bfci_verify_dir *x = a, *y = b;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

static int adopt_dir(bfci_verify *v, uint64_t ino, bfci_set *adopted, bfc_err *err)
{
    bool is_new = false;

    if (bfci_verify_type_of(v, ino) || v->dir_count >= BFCI_EDGE_NAME)
        return 0;
    BFC_TRY(bfci_set_add(adopted, ino, &is_new, err));
    if (!is_new)
        return 0;
    BFC_TRY(bfci_reserve(&v->dir, &v->dir_cap, v->dir_count + 1, sizeof *v->dir, err));
    v->dir[v->dir_count++] = (bfci_verify_dir){.ino = ino, .parent = BFCI_NO_DIR};
    return 0;
}

static int adopt_dirs(bfci_verify *v, bfci_set *adopted, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bfci_dirent d;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_DIRENTS, false);
    for (size_t i = 0; i < v->tree_count; i++)
        BFC_TRY(adopt_dir(v, v->tree[i].root, adopted, err));
    for (;;) {
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            break;
        if (bfci_dirent_decode(s.value, &d, NULL) == 0 && d.type == BFC_TYPE_DIR)
            BFC_TRY(adopt_dir(v, d.ino, adopted, err));
    }
    if (v->dir_count)
        qsort(v->dir, v->dir_count, sizeof *v->dir, compare_dirs);
    return 0;
}

/* A page of inodes that cannot be read must not take the paths of all that is below its folders
 * with it: what roots and names say is a folder is taken for one. */
static int adopt_lost_dirs(bfci_verify *v, bfc_err *err)
{
    bfci_set adopted = BFCI_SET_INIT;

    if (!v->damaged[TABLE_INODES])
        return 0;
    int rc = adopt_dirs(v, &adopted, err);
    bfci_set_release(&adopted);
    return rc;
}

static void mark_kept(bfci_verify *v)
{
    for (size_t i = 0; i < v->tree_count; i++) {
        uint32_t root = bfci_verify_dir_of(v, v->tree[i].root);
        if (root != BFCI_NO_DIR && v->tree[i].is_kept)
            v->dir[root].is_kept = true;
    }
}

/* ── Names ── */

static int add_name(pass *p, uint64_t ino, bfci_span name, bfc_err *err)
{
    bfci_verify *v = p->v;
    const bfci_verify_links *links = bfci_verify_links_of(v, ino);
    bool is_new = false, is_news = false;

    BFC_TRY(bfci_set_add(&v->named, ino, &is_new, err));
    v->others_named += is_new;
    if (links)
        return put_edge(p, (uint32_t)(links - v->link) | BFCI_EDGE_NAME, err);
    if (!is_new)
        BFC_TRY(bfci_set_add(&p->told, ino, &is_news, err));
    return is_news ? entry_problem(p, ino, name, err,
                                   "has several names, which the table of links does not tell")
                   : 0;
}

/* docs/format.md, section 12: a tree of kept contents has files under the numbers of their inodes.
 */
static int check_kept(pass *p, const bfci_dirent *d, bfci_span name, bfc_err *err)
{
    char number[24];
    int len = snprintf(number, sizeof number, "%" PRIu64, d->ino);

    if (p->at == BFCI_NO_DIR || !p->v->dir[p->at].is_kept)
        return 0;
    if (d->type == BFC_TYPE_FILE && name.len == (size_t)len &&
        memcmp(name.p, number, name.len) == 0)
        return 0;
    return entry_problem(p, d->ino, name, err,
                         "a tree of kept contents has a name that is not the number of a file");
}

static int check_entry(pass *p, const bfci_dirent *d, bfci_span name, bfc_err *err)
{
    bfci_verify *v = p->v;
    uint8_t type = bfci_verify_type_of(v, d->ino);

    v->report.entries++;
    BFC_TRY(check_kept(p, d, name, err));
    if (type == 0) {
        char what[96];
        (void)snprintf(what, sizeof what, "its inode %" PRIu64 " is missing", d->ino);
        if (!bfci_set_has(&v->faulty, d->ino)) /* else it was reported */
            BFC_TRY(entry_problem(p, d->ino, name, err, what));
        return d->type == BFC_TYPE_DIR ? add_folder(p, d->ino, err) : 0;
    }
    if (type != d->type)
        BFC_TRY(
            entry_problem(p, d->ino, name, err, "an entry gives it another type than its inode"));
    return type == BFC_TYPE_DIR ? add_folder(p, d->ino, err) : add_name(p, d->ino, name, err);
}

static int run(pass *p, bfc_err *err)
{
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        bool got = false;
        uint64_t dir = 0;
        bfci_span name;
        bfci_dirent d;
        BFC_TRY(bfci_table_scan_next(&p->scan, &got, err));
        if (!got)
            break;
        if (bfci_dirent_key_decode(p->scan.key, &dir, &name, &why) < 0 ||
            bfci_dirent_decode(p->scan.value, &d, &why) < 0) {
            BFC_TRY(bfci_table_scan_problem(&p->scan, &why, err));
            continue;
        }
        BFC_TRY(enter_dir(p, dir, err));
        BFC_TRY(check_entry(p, &d, name, err));
    }
    fill_edges(p, (uint32_t)p->v->dir_count);
    return 0;
}

/* ── Inodes without a name ── */

/* Only if some inode has no name: they are looked for. */
static int check_unnamed(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_INODES, false);
    if (v->damaged[TABLE_DIRENTS] || v->inodes == v->others_named + v->counted.dirs)
        return 0;
    for (;;) {
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        uint64_t ino = get_u64be(s.key.p);
        uint8_t type = bfci_verify_type_of(v, ino);
        if (type && type != BFC_TYPE_DIR && !bfci_set_has(&v->named, ino))
            BFC_TRY(bfci_verify_file_problem(v, ino, s.offset, err, "no name leads to it"));
    }
}

int bfci_verify_dirents(bfci_verify *v, bfc_err *err)
{
    pass p = {.v = v};

    BFC_TRY(adopt_lost_dirs(v, err));
    mark_kept(v);
    BFC_TRY(bfci_verify_links_gather(v, err));
    bfci_table_scan_init(&p.scan, v, TABLE_DIRENTS, true);
    int rc = run(&p, err);
    bfci_table_scan_release(&p.scan);
    bfci_set_release(&p.told);
    BFC_TRY(rc);
    return check_unnamed(v, err);
}
