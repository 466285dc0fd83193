/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over the inodes. The extents table and the hints, sorted by inode, run along with it, so
 * that nothing of an inode but its type has to be kept. */
#include <inttypes.h>

#include "container/verify.h"

typedef struct pass {
    bfci_verify *v;
    bfci_table_scan inodes, extents;
    bool has_extents;     /* the scan of the extents stands on an entry that was not used yet */
    size_t hint;          /* the next one */
    bool extent_is_wrong; /* of this inode, and was told */
    uint64_t ino;
    bfci_inode inode;
    bfci_extent chunk[EXTENTS_ENTRY_MAX];
} pass;

uint8_t bfci_verify_type_of(const bfci_verify *v, uint64_t ino)
{
    for (uint8_t type = BFC_TYPE_FILE; type <= BFC_TYPE_SOCKET; type++)
        if (bfci_set_has(&v->of_type[type], ino))
            return type;
    return 0;
}

uint32_t bfci_verify_dir_of(const bfci_verify *v, uint64_t ino)
{
    size_t low = 0, high = v->dir_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->dir[middle].ino < ino)
            low = middle + 1;
        else
            high = middle;
    }
    return low < v->dir_count && v->dir[low].ino == ino ? (uint32_t)low : BFCI_NO_DIR;
}

/* The inode's own content will not be looked at: it is known to be wrong. */
static int fault(pass *p, const char *what, bfc_err *err)
{
    bool added = false;

    BFC_TRY(bfci_set_add(&p->v->faulty, p->ino, &added, err));
    return bfci_verify_file_problem(p->v, p->ino, p->inodes.offset, err, "%s", what);
}

/* ── Extents ── */

/* Tells of the first that is wrong: a file need not be told of once for each of its extents. */
static int check_extents(pass *p, const bfci_extent *extents, size_t count, bfc_err *err)
{
    for (size_t i = 0; i < count && !p->extent_is_wrong; i++) {
        bfc_err why = BFC_ERR_INIT;
        size_t first = 0;
        if (bfci_block_index_check(&p->v->blocks, &extents[i], &first, &why) < 0) {
            p->extent_is_wrong = true;
            BFC_TRY(fault(p, why.msg, err));
        }
    }
    return 0;
}

static uint64_t extents_ino(const pass *p)
{
    return get_u64be(p->extents.key.p);
}

static int next_extents(pass *p, bfc_err *err)
{
    return bfci_table_scan_next(&p->extents, &p->has_extents, err);
}

/* Entries of the extents table up to, not with, this inode's belong to nobody. */
static int skip_strays(pass *p, uint64_t ino, bool to_end, bfc_err *err)
{
    const bfc_err why = {.code = BFC_E_CORRUPT, .msg = "extents of an inode that does not exist"};

    while (p->has_extents && (to_end || extents_ino(p) < ino)) {
        if (!p->v->damaged[TABLE_INODES])
            BFC_TRY(bfci_table_scan_problem(&p->extents, &why, err));
        BFC_TRY(next_extents(p, err));
    }
    return 0;
}

static int check_spilled(pass *p, bool wanted, bfc_err *err)
{
    uint64_t done_to = 0, entries = 0;

    for (; p->has_extents && extents_ino(p) == p->ino; entries++) {
        uint64_t from = get_u64be(p->extents.key.p + 8);
        bfc_err why = BFC_ERR_INIT;
        size_t count = 0;
        if (!wanted)
            BFC_TRY(fault(p, "entries in the extents table for an inode that has none there", err));
        else if (from < done_to)
            BFC_TRY(fault(p, "extents overlap", err));
        else if (bfci_extents_entry_decode(p->extents.value, from, p->inode.size, p->chunk, &count,
                                           &why) < 0)
            BFC_TRY(fault(p, why.msg, err));
        BFC_TRY(check_extents(p, p->chunk, count, err));
        if (count > 0)
            done_to = p->chunk[count - 1].start + p->chunk[count - 1].len;
        BFC_TRY(next_extents(p, err));
    }
    if (wanted && entries == 0)
        BFC_TRY(fault(p, "no extents in the extents table, where they should be", err));
    return 0;
}

/* ── Hints ── */

/* Hints up to, not with, this inode's name nothing. */
static void skip_stray_hints(pass *p, bool to_end)
{
    const bfci_verify *v = p->v;

    for (; p->hint < v->hint_count && (to_end || v->hint[p->hint].ino < p->ino); p->hint++)
        if (!v->damaged[TABLE_INODES])
            bfci_verify_problem(p->v, BFC_NO_OFFSET,
                                "the table of contents names inode %" PRIu64
                                ", which does not exist",
                                v->hint[p->hint].ino);
}

static int check_hints(pass *p, bool is_known, bfc_err *err)
{
    const bfci_verify *v = p->v;
    const bfci_inode *n = &p->inode;

    skip_stray_hints(p, false);
    for (; p->hint < v->hint_count && v->hint[p->hint].ino == p->ino; p->hint++) {
        const uint8_t *prefix = v->hint[p->hint].prefix;
        bool right = n->type == BFC_TYPE_FILE &&
                     (n->size == 0 || memcmp(prefix, n->digest, CONTENT_KEY_LEN) == 0);
        if (is_known && !right)
            BFC_TRY(
                bfci_verify_file_problem(p->v, p->ino, p->inodes.offset, err,
                                         "the table of contents names it under another digest"));
    }
    return 0;
}

/* ── Inodes ── */

static bool has_xattr_set(const bfci_verify *v, const uint8_t key[BFC_DIGEST_SIZE])
{
    size_t low = 0, high = v->xattr_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = memcmp(v->xattr_key[middle], key, BFC_DIGEST_SIZE);
        if (c == 0)
            return true;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int count_inode(bfci_verify *v, const bfci_inode *n, uint64_t ino, bfc_err *err)
{
    bool added = false;

    v->inodes++;
    switch (n->type) {
    case BFC_TYPE_FILE:
        v->counted.files++;
        v->counted.content_bytes += n->size;
        break;
    case BFC_TYPE_DIR:
        v->counted.dirs++;
        if (v->dir_count >= BFCI_EDGE_NAME)
            return bfci_fail(err, BFC_E_LIMIT, "too many folders to check");
        BFC_TRY(bfci_reserve(&v->dir, &v->dir_cap, v->dir_count + 1, sizeof *v->dir, err));
        v->dir[v->dir_count++] = (bfci_verify_dir){.ino = ino, .parent = BFCI_NO_DIR};
        break;
    case BFC_TYPE_SYMLINK:
        v->counted.symlinks++;
        break;
    default:
        v->counted.others++;
    }
    return bfci_set_add(&v->of_type[n->type], ino, &added, err);
}

static int check_inode(pass *p, bfc_err *err)
{
    bfci_verify *v = p->v;
    const bfci_inode *n = &p->inode;

    p->extent_is_wrong = false;
    BFC_TRY(count_inode(v, n, p->ino, err));
    if (p->ino == 0 || p->ino >= v->source.commit.next_ino)
        BFC_TRY(fault(p, "inode number that is not between 0 and next_ino", err));
    if (n->flags & INODE_XATTRS && !has_xattr_set(v, n->xattrs))
        BFC_TRY(fault(p, "its set of extended attributes is missing", err));
    BFC_TRY(check_extents(p, n->extent, n->extent_count, err));
    BFC_TRY(check_hints(p, true, err));
    return check_spilled(p, (n->flags & INODE_SPILLED) != 0, err);
}

/* A record that cannot be read: what belongs to it is passed over. */
static int pass_over(pass *p, bfc_err *err)
{
    bool added = false;

    BFC_TRY(bfci_set_add(&p->v->faulty, p->ino, &added, err));
    BFC_TRY(check_hints(p, false, err));
    while (p->has_extents && extents_ino(p) == p->ino)
        BFC_TRY(next_extents(p, err));
    return 0;
}

/* A deep run is told by its content, which comes later. */
static void tell_progress(const bfci_verify *v)
{
    const bfc_progress progress = {"verify", 0, 0, v->inodes,
                                   v->source.commit.table[TABLE_INODES].count};
    if (!v->options.deep && v->inodes % 1024 == 0)
        bfci_progress(v->options.hooks, &progress);
}

static int run(pass *p, bfc_err *err)
{
    BFC_TRY(next_extents(p, err));
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        bool got = false;
        BFC_TRY(bfci_table_scan_next(&p->inodes, &got, err));
        if (!got)
            break;
        p->ino = get_u64be(p->inodes.key.p);
        BFC_TRY(skip_strays(p, p->ino, false, err));
        if (bfci_inode_decode(p->inodes.value, &p->inode, &why) == 0) {
            BFC_TRY(check_inode(p, err));
        } else {
            BFC_TRY(bfci_table_scan_problem(&p->inodes, &why, err));
            BFC_TRY(pass_over(p, err));
            p->v->damaged[TABLE_INODES] = true;
        }
        tell_progress(p->v);
    }
    skip_stray_hints(p, true);
    return skip_strays(p, 0, true, err);
}

int bfci_verify_inodes(bfci_verify *v, bfc_err *err)
{
    AUTO_FREE pass *p = NULL; /* too large for the stack */

    BFC_TRY(bfci_alloc_zero(1, sizeof *p, &p, err));
    p->v = v;
    bfci_table_scan_init(&p->inodes, v, TABLE_INODES, true);
    bfci_table_scan_init(&p->extents, v, TABLE_EXTENTS, true);
    int rc = run(p, err);
    bfci_table_scan_release(&p->inodes);
    bfci_table_scan_release(&p->extents);
    return rc;
}
