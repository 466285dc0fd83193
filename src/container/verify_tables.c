/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that stand for themselves: blocks, sets of extended attributes, hints, trees, blobs,
 * signatures. Each is gone through once; what later passes look up is kept in sorted arrays,
 * which take less room than any map. */
#include <inttypes.h>

#include "codec/digest.h"
#include "container/verify.h"
#include "format/signature.h"

/* ── Blocks ── */

static int take_block(bfci_verify *v, const bfci_table_scan *s, bfc_err *why, bfc_err *err)
{
    const bfci_source *src = &v->source;
    uint64_t number = get_u64be(s->key.p);
    bfci_ref ref;

    if (bfci_block_decode(s->value, &ref, why) < 0 ||
        bfci_source_check_ref(src, &ref, src->super.block_max, why) < 0)
        return 0;
    if (number >= src->commit.next_block)
        (void)bfci_fail(why, BFC_E_CORRUPT, "block number not below next_block");
    else if (ref.comp == COMP_ZSTD_X86 && !(src->super.features_refuse & FEATURE_REFUSE_X86))
        (void)bfci_fail_at(why, BFC_E_CORRUPT, ref.offset,
                           "a block of code, of which the superblock says there are none");
    else if (ref.offset & ((UINT64_C(1) << src->super.align_shift) - 1))
        (void)bfci_fail_at(why, BFC_E_CORRUPT, ref.offset, "block is not aligned");
    v->counted.data_stored += ref.stored;
    v->counted.data_raw += ref.raw;
    v->report.blocks++;
    BFC_TRY(bfci_verify_take(v, ref.offset - FRAME_HEADER_SIZE, ref.offset + ref.stored, err));
    return bfci_block_index_add(&v->blocks, number, ref.raw, err);
}

int bfci_verify_blocks(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_BLOCKS, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            break;
        BFC_TRY(take_block(v, &s, &why, err));
        if (why.code != BFC_OK)
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
    }
    bfci_block_index_finish(&v->blocks);
    return 0;
}

/* ── Bytes in blocks, of sets and blobs ── */

static void check_stored(const bfci_verify *v, const bfci_stored *stored, bfc_err *why)
{
    size_t first = 0;

    for (size_t i = 0; i < stored->extent_count && why->code == BFC_OK; i++)
        (void)bfci_block_index_check(&v->blocks, &stored->extent[i], &first, why);
}

/* ── Sets of extended attributes ── */

static int check_set(const bfci_verify *v, const bfci_table_scan *s, bfc_err *why, bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];
    bfci_stored stored;

    if (bfci_stored_decode(s->value, false, XATTR_SET_MAX, &stored, why) < 0)
        return 0;
    if (!stored.is_inline) {
        check_stored(v, &stored, why);
        return 0;
    }
    if (bfci_xattr_set_each(stored.bytes, NULL, NULL, NULL, why) < 0)
        return 0;
    BFC_TRY(bfci_sha256(stored.bytes.p, stored.bytes.len, digest, err));
    if (memcmp(digest, s->key.p, sizeof digest) != 0)
        (void)bfci_fail(why, BFC_E_CORRUPT,
                        "set of extended attributes under a key that is not its digest");
    return 0;
}

int bfci_verify_xattrs(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_XATTRS, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        BFC_TRY(check_set(v, &s, &why, err));
        if (why.code != BFC_OK) {
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
            BFC_TRY(bfci_verify_bad_set(v, s.key.p, err));
        }
        BFC_TRY(
            bfci_reserve(&v->xattr_key, &v->xattr_cap, v->xattr_count + 1, BFC_DIGEST_SIZE, err));
        memcpy(v->xattr_key[v->xattr_count++], s.key.p, BFC_DIGEST_SIZE);
    }
}

int bfci_verify_bad_set(bfci_verify *v, const uint8_t key[BFC_DIGEST_SIZE], bfc_err *err)
{
    BFC_TRY(bfci_reserve(&v->bad_set, &v->bad_set_cap, v->bad_set_count + 1, BFC_DIGEST_SIZE, err));
    memcpy(v->bad_set[v->bad_set_count++], key, BFC_DIGEST_SIZE);
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, BFC_DIGEST_SIZE);
}

int bfci_verify_bad_sets(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_INODES, false);
    if (v->bad_set_count == 0)
        return 0;
    qsort(v->bad_set, v->bad_set_count, BFC_DIGEST_SIZE, compare_keys);
    for (;;) {
        bfci_inode n;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        if (bfci_inode_decode(s.value, &n, NULL) == 0 && n.flags & INODE_XATTRS &&
            bsearch(n.xattrs, v->bad_set, v->bad_set_count, BFC_DIGEST_SIZE, compare_keys))
            BFC_TRY(bfci_verify_file_problem(v, get_u64be(s.key.p), BFC_NO_OFFSET, err,
                                             "its set of extended attributes is damaged"));
    }
}

/* ── Hints ── */

static int compare_hints(const void *a, const void *b)
{
    const bfci_verify_hint *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return memcmp(x->prefix, y->prefix, sizeof x->prefix);
}

int bfci_verify_hints(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_CONTENTS, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        bfci_verify_hint hint = {0, {0}};
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            break;
        if (bfci_number_decode(s.value, &hint.ino, &why) < 0) {
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
            continue;
        }
        memcpy(hint.prefix, s.key.p, sizeof hint.prefix);
        BFC_TRY(bfci_reserve(&v->hint, &v->hint_cap, v->hint_count + 1, sizeof *v->hint, err));
        v->hint[v->hint_count++] = hint;
    }
    if (v->hint_count)
        qsort(v->hint, v->hint_count, sizeof *v->hint, compare_hints);
    return 0;
}

/* ── Trees ── */

static int add_tree(bfci_verify *v, const bfci_table_scan *s, const bfci_tree *tree, bfc_err *err)
{
    if (v->tree_count == TREES_MAX)
        return 0;
    BFC_TRY(bfci_reserve(&v->tree, &v->tree_cap, v->tree_count + 1, sizeof *v->tree, err));
    v->tree[v->tree_count++] =
        (bfci_verify_tree){tree->root, get_u32be(s->key.p), tree->kind == TREE_KEPT};
    return 0;
}

int bfci_verify_trees(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false, has_first = false;
    uint64_t count = 0;

    bfci_table_scan_init(&s, v, TABLE_TREES, true);
    for (;; count++) {
        bfc_err why = BFC_ERR_INIT;
        bfci_tree tree;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            break;
        has_first = has_first || get_u32be(s.key.p) == ROOT_TREE;
        if (bfci_tree_decode(s.value, &tree, &why) == 0) {
            BFC_TRY(add_tree(v, &s, &tree, err));
        } else {
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
            v->damaged[TABLE_TREES] = true; /* what it leads to is not known */
        }
    }
    if (count > TREES_MAX) {
        bfci_verify_problem(v, v->source.commit.offset, "the commit has more than %d trees",
                            TREES_MAX);
        v->damaged[TABLE_TREES] = true;
    }
    if (!has_first && !v->damaged[TABLE_TREES])
        bfci_verify_problem(v, v->source.commit.offset, "the commit has no file system tree");
    return 0;
}

/* ── Blobs and signatures ── */

static int check_blob(const bfci_verify *v, const bfci_table_scan *s, bfc_err *why)
{
    bfci_stored stored;

    if (bfci_stored_decode(s->value, true, BLOB_SIZE_MAX, &stored, why) < 0)
        return 0;
    if (memchr(s->key.p, 0, s->key.len))
        (void)bfci_fail(why, BFC_E_CORRUPT, "name of a blob with a zero byte");
    check_stored(v, &stored, why);
    return 0;
}

int bfci_verify_blobs(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_BLOBS, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        BFC_TRY(check_blob(v, &s, &why));
        if (why.code != BFC_OK)
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
    }
}

/* One that is not valid is no damage: it says nothing, and whoever can write to the file can add
 * it. */
static int check_signature(bfci_verify *v, const bfci_table_scan *s, bfc_err *why, bfc_err *err)
{
    bfc_signature signature;
    bool known = false, valid = false;
    char text[BFC_KEY_TEXT_MAX];

    if (bfci_signature_decode(s->key, s->value, &signature, &known, why) < 0 || !known ||
        !v->options.deep)
        return 0;
    BFC_TRY(bfci_check_cancel(v->options.hooks, err));
    BFC_TRY(bfc_signature_check(&signature, &valid, err));
    if (valid || v->report.bad_signatures++)
        return 0;
    bfc_signer_text(signature.signer, text);
    bfci_log(v->options.hooks, BFC_LOG_WARNING, "verify",
             "the signature in the name of %s is not valid", text);
    return 0;
}

int bfci_verify_signatures(bfci_verify *v, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, v, TABLE_SIGNATURES, true);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            break;
        if (v->report.signatures++ < SIGNATURES_MAX)
            BFC_TRY(check_signature(v, &s, &why, err));
        if (why.code != BFC_OK)
            BFC_TRY(bfci_table_scan_problem(&s, &why, err));
    }
    if (v->report.signatures > SIGNATURES_MAX)
        bfci_verify_problem(v, v->source.commit.offset, "the commit has more than %d signatures",
                            SIGNATURES_MAX);
    return 0;
}
