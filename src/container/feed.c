/* SPDX-License-Identifier: Apache-2.0 */
/* The feed. A small content is looked up before it is stored: at once if it comes in one piece, as
 * most do, else gathered first. A large one is stored while it comes, and its blocks are given back
 * if it turns out to be known: so nothing is stored twice, and memory is bounded whatever a file's
 * size. */
#include "container/feed.h"

#include "sys/meter.h"

void bfci_feed_release(bfci_feed *f)
{
    bfci_sha256_free(f->sha);
    bfci_buf_free(&f->gathered);
    bfci_buf_free(&f->record);
    f->sha = NULL;
}

/* ── Sums ── */

static int start_sums(bfci_feed *f, bool sparse, bfc_err *err)
{
    if (f->sums)
        return 0;
    if (!f->sha)
        BFC_TRY(bfci_sha256_new(&f->sha, err));
    return bfci_hasher_start(&f->hasher, f->sha, sparse, err);
}

static int sum_data(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return f->sums ? 0 : bfci_hasher_data(&f->hasher, bytes, len, err);
}

static int sum_hole(bfci_feed *f, uint64_t len, bfc_err *err)
{
    return f->sums ? 0 : bfci_hasher_hole(&f->hasher, len, err);
}

static int finish_sums(bfci_feed *f, bfc_err *err)
{
    return f->sums ? f->sums(f->sums_ctx, &f->crc, f->digest, err)
                   : bfci_hasher_finish(&f->hasher, &f->crc, f->digest, err);
}

/* ── Content ── */

int bfci_feed_begin(bfci_feed *f, const char *name, uint64_t size, bool sparse, bfc_err *err)
{
    BFC_TRY(start_sums(f, sparse, err));
    f->kind = bfci_kind_of(name);
    f->sparse = sparse;
    f->gathers = !sparse && size <= SCAN_SMALL_MAX;
    f->may_be_known = !sparse && bfci_dedup_may_have_size(f->in->dedup, size);
    f->in_run = f->settled = false;
    f->at = 0;
    f->size = size;
    buf_clear(&f->gathered);
    f->in->extent_count = 0;
    return 0;
}

static int end_run(bfci_feed *f, bfc_err *err)
{
    bfci_extent e;

    if (!f->in_run)
        return 0;
    f->in_run = false;
    BFC_TRY(bfci_pack_run_end(f->in->packer, &e, err));
    return bfci_intake_extent(f->in, &e, err);
}

static int settle_small(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    f->settled = true;
    BFC_TRY(finish_sums(f, err));
    BFC_TRY(bfci_intake_known(f->in, f->digest, len, &f->known, err));
    if (f->known)
        return 0;
    bfci_kind_look(&f->kind, bytes, len);
    return bfci_intake_piece(f->in, f->kind, 0, bytes, len, err);
}

static int take_small(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (len > f->size - f->at)
        return bfci_fail(err, BFC_E_INVALID, "more than the %llu bytes that were announced",
                         (unsigned long long)f->size);
    if (len == f->size)
        return settle_small(f, bytes, len, err);
    bfci_buf_put(&f->gathered, bytes, len);
    return buf_check(&f->gathered, err);
}

static int take_large(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (f->at == 0)
        bfci_kind_look(&f->kind, bytes, len);
    if (!f->in_run)
        BFC_TRY(bfci_pack_run_begin(f->in->packer, f->kind, f->at, err));
    f->in_run = true;
    return bfci_pack_run_add(f->in->packer, bytes, len, NULL, err);
}

int bfci_feed_data(bfci_feed *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (len == 0)
        return 0;
    bfci_meter_count(0, len);
    BFC_TRY(sum_data(f, bytes, len, err));
    BFC_TRY(f->gathers ? take_small(f, bytes, len, err) : take_large(f, bytes, len, err));
    f->at += len;
    f->in->progress.bytes_done += len;
    return 0;
}

int bfci_feed_hole(bfci_feed *f, uint64_t len, bfc_err *err)
{
    BFC_TRY(end_run(f, err));
    f->at += len;
    return sum_hole(f, len, err);
}

/* Everything came: is it there already? */
static int settle_large(bfci_feed *f, bfc_err *err)
{
    BFC_TRY(finish_sums(f, err));
    f->known = false;
    if (f->may_be_known && f->in_run) {
        BFC_TRY(bfci_intake_known(f->in, f->digest, f->at, &f->known, err));
        if (f->known) {
            f->in_run = false;
            return bfci_pack_run_drop(f->in->packer, err);
        }
    }
    return end_run(f, err);
}

static int settle(bfci_feed *f, bfc_err *err)
{
    if (f->settled)
        return 0;
    if (f->gathers && f->at > 0)
        return settle_small(f, f->gathered.data, f->gathered.len, err);
    return settle_large(f, err);
}

int bfci_feed_end(bfci_feed *f, uint64_t ino, bfci_inode *n, bfc_err *err)
{
    BFC_TRY(settle(f, err));
    n->size = f->at;
    n->crc = f->crc;
    memcpy(n->digest, f->digest, sizeof n->digest);
    if (n->size == 0)
        return 0;
    if (!f->known && !f->sparse)
        BFC_TRY(bfci_intake_remember(f->in, ino, n, err));
    return bfci_packer_poll(f->in->packer, err);
}

int bfci_feed_inode(bfci_feed *f, uint64_t ino, bfci_inode *n, bool again, bfc_err *err)
{
    bool file = n->type == BFC_TYPE_FILE && n->size > 0;

    n->flags &= (uint8_t)~INODE_SPILLED;
    n->extent_count = 0;
    f->in->progress.files_done++;
    return bfci_stage_inode(f->stage, ino, n, f->in->extent, file ? f->in->extent_count : 0, again,
                            err);
}

int bfci_feed_xattrs(bfci_feed *f, const bfci_xattr_item *items, size_t count, bfci_inode *n,
                     bfc_err *err)
{
    n->flags &= (uint8_t)~INODE_XATTRS;
    if (count == 0)
        return 0;
    buf_clear(&f->record);
    bfci_xattr_set_encode(&f->record, items, count);
    BFC_TRY(buf_check(&f->record, err));
    if (f->record.len > XATTR_SET_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "its extended attributes take %zu bytes, %d are allowed",
                         f->record.len, XATTR_SET_MAX);
    n->flags |= INODE_XATTRS;
    BFC_TRY(bfci_sha256(f->record.data, f->record.len, n->xattrs, err));
    return bfci_intake_xattrs(f->in, f->record.data, f->record.len, n->xattrs, err);
}

int bfci_feed_blob(bfci_feed *f, const uint8_t *bytes, size_t len, bfci_stored *out, bfc_err *err)
{
    return bfci_intake_store_blob(f->in, bytes, len, out, err);
}
