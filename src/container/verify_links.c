/* SPDX-License-Identifier: Apache-2.0 */
/* How many names each inode has. The table of links counts them in the tree where there are most,
 * and an inode may well be named once in each of many trees, so names are counted tree by tree as
 * the walk enters the folders that hold them.
 *
 * Counted are only inodes that have an entry, and, where there are several trees, those that stand
 * in the table of dirents more than once: of any other no tree can hold two names. That bounds the
 * memory whatever the number of trees: 32 bytes for each such inode, and 4 in edge[] for each of
 * its names; a bit or so for any other inode. */
#include <inttypes.h>
#include <stdio.h>

#include "container/verify.h"

static int compare_links(const void *a, const void *b)
{
    const bfci_verify_links *x = a, *y = b;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

static bfci_verify_links *find(const bfci_verify *v, size_t count, uint64_t ino)
{
    const bfci_verify_links key = {.ino = ino};
    return count ? bsearch(&key, v->link, count, sizeof key, compare_links) : NULL;
}

bfci_verify_links *bfci_verify_links_of(const bfci_verify *v, uint64_t ino)
{
    return find(v, v->link_count, ino);
}

static int add(bfci_verify *v, uint64_t ino, uint64_t names, bfc_err *err)
{
    if (v->link_count >= BFCI_EDGE_NAME)
        return bfci_fail(err, BFC_E_LIMIT, "too many links to check");
    BFC_TRY(bfci_reserve(&v->link, &v->link_cap, v->link_count + 1, sizeof *v->link, err));
    v->link[v->link_count++] = (bfci_verify_links){.ino = ino, .said = names};
    return 0;
}

/* ── Which inodes to count ── */

int bfci_verify_links_load(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_LINKS, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        uint64_t names = 0;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        if (bfci_number_decode(s.value, &names, &why) == 0 && names < 2)
            (void)bfci_fail(&why, BFC_E_CORRUPT, "a count of names below 2");
        if (why.code != BFC_OK)
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
        BFC_TRY(add(v, get_u64be(s.key.p), names, err));
    }
}

typedef struct sightings {
    bfci_set once, again;
    size_t known; /* entries of the table; they stand before those that are added */
} sightings;

static int note_name(bfci_verify *v, sightings *seen, uint64_t ino, bfc_err *err)
{
    bool is_new = false;

    BFC_TRY(bfci_set_add(&seen->once, ino, &is_new, err));
    if (is_new)
        return 0;
    BFC_TRY(bfci_set_add(&seen->again, ino, &is_new, err));
    const uint8_t type = is_new ? bfci_verify_type_of(v, ino) : 0;
    if (type == 0 || type == BFC_TYPE_DIR || find(v, seen->known, ino))
        return 0;
    return add(v, ino, NAMES_UNTOLD, err);
}

static int scan_names(bfci_verify *v, sightings *seen, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bfci_dirent d;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_DIRENTS, false);
    for (;;) {
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        if (bfci_dirent_decode(s.value, &d, NULL) == 0 && d.type != BFC_TYPE_DIR)
            BFC_TRY(note_name(v, seen, d.ino, err));
    }
}

int bfci_verify_links_gather(bfci_verify *v, bfc_err *err)
{
    sightings seen = {.known = v->link_count};

    if (v->tree_count < 2)
        return 0;
    int rc = scan_names(v, &seen, err);
    bfci_set_release(&seen.once);
    bfci_set_release(&seen.again);
    if (v->link_count > seen.known)
        qsort(v->link, v->link_count, sizeof *v->link, compare_links);
    return rc;
}

/* ── Counting ── */

void bfci_verify_links_count(bfci_verify_links *l, uint32_t tree)
{
    if (l->tree != tree) {
        l->tree = tree;
        l->seen = 0;
    }
    if (++l->seen > l->most) {
        l->most = l->seen;
        l->most_in = tree;
    }
}

static int report(bfci_verify *v, const bfci_verify_links *l, bfc_err *err)
{
    char where[40] = "";

    if (v->tree_count > 1 && l->most > 0)
        (void)snprintf(where, sizeof where, " in tree %" PRIu32, v->tree[l->most_in - 1].id);
    if (l->said == NAMES_UNTOLD)
        return bfci_verify_file_problem(
            v, l->ino, BFC_NO_OFFSET, err,
            "has several names%s, which the table of links does not tell", where);
    return bfci_verify_file_problem(v, l->ino, BFC_NO_OFFSET, err,
                                    "has %" PRIu32 " names%s, the table of links says %" PRIu64,
                                    l->most, where, l->said);
}

static bool is_wrong(const bfci_verify *v, const bfci_verify_links *l)
{
    const bool all_seen =
        !v->damaged[TABLE_DIRENTS] && !v->damaged[TABLE_TREES] && !v->walk_is_partial;

    return l->most > l->said || (all_seen && l->said != NAMES_UNTOLD && l->most != l->said);
}

int bfci_verify_links_check(bfci_verify *v, bfc_err *err)
{
    for (size_t i = 0; i < v->link_count; i++) {
        const bfci_verify_links *l = &v->link[i];
        const uint8_t type = bfci_verify_type_of(v, l->ino);
        if (type == 0 && !v->damaged[TABLE_INODES])
            bfci_verify_problem(v, BFC_NO_OFFSET,
                                "the table of links names inode %" PRIu64 ", which does not exist",
                                l->ino);
        else if (type == BFC_TYPE_DIR)
            BFC_TRY(bfci_verify_file_problem(v, l->ino, BFC_NO_OFFSET, err,
                                             "a folder in the table of links"));
        else if (type && is_wrong(v, l))
            BFC_TRY(report(v, l, err));
    }
    return 0;
}
