/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that hands out in the deep check: goes through inodes, sets and blobs, puts small
 * items that share blocks into one batch, and at the end sees to the blocks that nothing refers to.
 * Its memory is bounded by the batches that are under way and the ring of blocks for large files.
 */
#include <inttypes.h>

#include "container/verify_deep.h"

enum {
    BATCH_BYTES =
        1 << 20, /* a batch of so much ends where the next item does not share its last block */
    BATCH_ITEMS = 1024,
    LARGE_MIN = 4 << 20, /* larger files go through the ring */
    RING_MEMORY = 16 << 20,
    WORKERS_MEMORY = 40 << 20 /* each holds a block twice, as stored and decompressed */
};

/* ── Setting up ── */

static unsigned count_workers(const bfci_verify *v)
{
    unsigned wanted = v->options.jobs ? v->options.jobs : bfci_processors();
    unsigned room = WORKERS_MEMORY / (2 * v->source.super.block_max);

    return MAX(MIN(wanted, room), 1u);
}

static int set_up(bfci_deep *d, bfc_err *err)
{
    unsigned workers = count_workers(d->v);

    BFC_TRY(bfci_tables_new(&d->v->source, &d->tables, err));
    bfci_cursor_init(&d->blocks, d->tables, TABLE_BLOCKS);
    BFC_TRY(bfci_alloc_zero(workers + 1, sizeof *d->worker, &d->worker, err));
    for (; d->workers < workers + 1; d->workers++) {
        BFC_TRY(bfci_block_checker_init(&d->worker[d->workers].checker, err));
        int rc = bfci_sha256_new(&d->worker[d->workers].sha, err);
        if (rc < 0) {
            bfci_block_checker_release(&d->worker[d->workers].checker);
            return rc;
        }
    }
    BFC_TRY(bfci_pool_new(workers, &d->pool, err));
    return bfci_ring_new(&d->v->source, d->pool, RING_RAW, RING_MEMORY, &d->ring, err);
}

static void tear_down(bfci_deep *d)
{
    bfci_check_batch_free(d->open);
    bfci_ring_free(d->ring);
    bfci_pool_free(d->pool); /* waits for the batches */
    for (unsigned i = 0; i < d->workers; i++) {
        bfci_block_checker_release(&d->worker[i].checker);
        bfci_sha256_free(d->worker[i].sha);
        free(d->worker[i].raw);
    }
    free(d->worker);
    bfci_cursor_release(&d->blocks);
    bfci_tables_free(d->tables);
    bfci_set_release(&d->checked);
    bfci_set_release(&d->bad);
    for (size_t i = 0; i < d->found_count; i++)
        free(d->found[i].what);
    free(d->found);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
}

/* ── Between this thread and the workers ── */

void bfci_deep_progress(bfci_deep *d, uint64_t ahead)
{
    const bfci_verify *v = d->v;

    pthread_mutex_lock(&d->lock);
    const bfc_progress progress = {"verify", d->done + ahead, v->source.commit.content_bytes,
                                   d->files, v->source.commit.files};
    pthread_mutex_unlock(&d->lock);
    bfci_progress(v->options.hooks, &progress);
}

/* Takes over what workers found. */
static int drain(bfci_deep *d, bfc_err *err)
{
    pthread_mutex_lock(&d->lock);
    bfci_finding *found = bfci_steal(&d->found);
    size_t count = d->found_count;
    d->found_count = d->found_cap = 0;
    int rc = d->fatal;
    if (rc < 0 && err)
        *err = d->why;
    pthread_mutex_unlock(&d->lock);

    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            rc = bfci_verify_file_problem(d->v, found[i].ino, found[i].offset, err, "%s",
                                          found[i].what);
        free(found[i].what);
    }
    free(found);
    BFC_TRY(rc);
    return bfci_check_cancel(d->v->options.hooks, err);
}

static void wait_until(bfci_deep *d, unsigned in_flight)
{
    pthread_mutex_lock(&d->lock);
    while (d->in_flight > in_flight)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

static int submit(bfci_deep *d, bfc_err *err)
{
    bfci_check_batch *b = bfci_steal(&d->open);

    if (!b)
        return 0;
    pthread_mutex_lock(&d->lock);
    d->in_flight++;
    pthread_mutex_unlock(&d->lock);
    b->task.fn = bfci_check_batch_run;
    bfci_pool_submit(d->pool, &b->task, false);
    wait_until(d, 2 * d->workers);
    bfci_deep_progress(d, 0);
    return drain(d, err);
}

/* ── Filling batches ── */

/* Makes sure that a batch is open, a new one where the last is full and does not end in
 * `first_block`. */
static int open_batch(bfci_deep *d, uint64_t first_block, bfc_err *err)
{
    bfci_check_batch *b = d->open;

    if (b && (b->bytes >= BATCH_BYTES || b->item_count >= BATCH_ITEMS)) {
        bool shares = b->block_count && b->block[b->block_count - 1].number == first_block;
        if (!shares || b->bytes >= LARGE_MIN || b->item_count >= (size_t)4 * BATCH_ITEMS)
            BFC_TRY(submit(d, err));
    }
    if (d->open)
        return 0;
    BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
    b->deep = d;
    d->open = b;
    return 0;
}

static int add_piece(bfci_deep *d, uint64_t number, bfci_check_piece p, bfc_err *err)
{
    bfci_check_batch *b = d->open;

    if (b->block_count == 0 || b->block[b->block_count - 1].number != number) {
        bfci_ref ref;
        BFC_TRY(bfci_load_block(&d->blocks, number, &ref, err));
        BFC_TRY(bfci_reserve(&b->block, &b->block_cap, b->block_count + 1, sizeof *b->block, err));
        b->block[b->block_count++] = (bfci_check_block){number, ref};
    }
    p.block = (uint32_t)(b->block_count - 1);
    BFC_TRY(bfci_reserve(&b->piece, &b->piece_cap, b->piece_count + 1, sizeof *b->piece, err));
    b->piece[b->piece_count++] = p;
    b->bytes += p.len;
    return 0;
}

static int add_pieces(bfci_deep *d, const bfci_extent *extents, size_t count, bfc_err *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t blocks = bfci_extent_blocks(&extents[i]);
        for (uint64_t k = 0; k < blocks; k++)
            BFC_TRY(add_piece(d, extents[i].block + k, bfci_check_piece_of(&extents[i], k), err));
    }
    return 0;
}

/* False if an extent is wrong, which was reported by the pass that met it first. */
static bool extents_are_right(const bfci_deep *d, const bfci_extent *extents, size_t count)
{
    size_t first = 0;

    for (size_t i = 0; i < count; i++)
        if (bfci_block_index_check(&d->v->blocks, &extents[i], &first, NULL) < 0)
            return false;
    return true;
}

static int add_item(bfci_deep *d, bfci_check_item item, bfci_span name, const bfci_extent *extents,
                    size_t count, bfc_err *err)
{
    uint64_t data = 0;

    for (size_t i = 0; i < count; i++)
        data += extents[i].len;
    BFC_TRY(open_batch(d, count ? extents[0].block : 0, err));
    bfci_check_batch *b = d->open;
    size_t pieces = b->piece_count;
    int rc = add_pieces(d, extents, count, err);
    if (rc < 0)
        return rc;
    item.sparse = data != item.size;
    item.first_piece = pieces;
    item.piece_count = b->piece_count - pieces;
    item.name_at = b->names.len;
    item.name_len = name.len;
    if (name.len)
        bfci_buf_put(&b->names, name.p, name.len);
    BFC_TRY(buf_check(&b->names, err));
    BFC_TRY(bfci_reserve(&b->item, &b->item_cap, b->item_count + 1, sizeof *b->item, err));
    b->item[b->item_count++] = item;
    return 0;
}

/* ── Files ── */

static int sum_extents(bfci_deep *d, uint64_t ino, const bfci_inode *n, uint64_t *out, bfc_err *err)
{
    const bfci_extent *e = NULL;
    bfci_extent_iter it;
    uint64_t sum = 0;
    int rc;

    bfci_extent_iter_init(&it, d->tables, ino, n);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e)
        sum += e->len;
    bfci_extent_iter_release(&it);
    *out = sum;
    return rc;
}

static int check_file(bfci_deep *d, uint64_t ino, const bfci_inode *n, bfc_err *err)
{
    bfci_check_item item = {.kind = CHECK_FILE, .ino = ino, .size = n->size, .crc = n->crc};
    uint64_t data = 0;

    if (n->type != BFC_TYPE_FILE || n->size == 0 || bfci_set_has(&d->v->faulty, ino))
        return 0;
    memcpy(item.digest, n->digest, BFC_DIGEST_SIZE);
    BFC_TRY(sum_extents(d, ino, n, &data, err));
    if (!(n->flags & INODE_SPILLED) && data < LARGE_MIN)
        return add_item(d, item, (bfci_span){NULL, 0}, n->extent, n->extent_count, err);
    item.sparse = data != n->size;
    BFC_TRY(bfci_deep_large(d, &item, n, err));
    return drain(d, err);
}

static int check_files(bfci_deep *d, bfc_err *err)
{
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, d->v, TABLE_INODES, false);
    for (;;) {
        bfc_err why = BFC_ERR_INIT;
        bfci_inode n;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        if (bfci_inode_decode(s.value, &n, NULL) < 0)
            continue;
        int rc = check_file(d, get_u64be(s.key.p), &n, &why);
        if (bfci_verify_is_problem(rc)) {
            BFC_TRY(
                bfci_verify_file_problem(d->v, get_u64be(s.key.p), why.offset, err, "%s", why.msg));
        } else if (rc < 0) {
            if (err)
                *err = why;
            return rc;
        }
    }
}

/* ── Sets and blobs that are not inline, and blocks that nothing refers to ── */

static int check_stored(bfci_deep *d, enum bfci_table table, bfc_err *err)
{
    const bool is_blob = table == TABLE_BLOBS;
    AUTO_TABLE_SCAN bfci_table_scan s;
    bool got = false;

    bfci_table_scan_init(&s, d->v, table, false);
    for (;;) {
        bfci_stored stored;
        BFC_TRY(bfci_table_scan_next(&s, &got, err));
        if (!got)
            return 0;
        uint64_t max = is_blob ? BLOB_SIZE_MAX : XATTR_SET_MAX;
        if (bfci_stored_decode(s.value, is_blob, max, &stored, NULL) < 0 || stored.is_inline ||
            !extents_are_right(d, stored.extent, stored.extent_count))
            continue;
        bfci_check_item item = {
            .kind = is_blob ? CHECK_BLOB : CHECK_XATTRS, .size = stored.size, .crc = stored.crc};
        memcpy(item.digest, is_blob ? stored.digest : s.key.p, BFC_DIGEST_SIZE);
        BFC_TRY(add_item(d, item, is_blob ? s.key : (bfci_span){NULL, 0}, stored.extent,
                         stored.extent_count, err));
    }
}

static int finish_batches(bfci_deep *d, bfc_err *err)
{
    BFC_TRY(submit(d, err));
    wait_until(d, 0);
    return drain(d, err);
}

/* Only when no worker is busy, so that `checked` stands still. */
static int check_unused(bfci_deep *d, bfc_err *err)
{
    const bfci_block_index *index = &d->v->blocks;
    AUTO_FREE uint64_t *left = NULL;
    size_t count = 0, cap = 0;

    for (size_t i = 0; i < index->count; i++) {
        if (bfci_set_has(&d->checked, index->item[i].number))
            continue;
        BFC_TRY(bfci_reserve(&left, &cap, count + 1, sizeof *left, err));
        left[count++] = index->item[i].number;
    }
    for (size_t i = 0; i < count; i++) {
        const bfci_check_item item = {.kind = CHECK_BLOCK};
        const bfci_extent one = {.len = 1, .block = left[i]};
        BFC_TRY(add_item(d, item, (bfci_span){NULL, 0}, &one, 1, err));
    }
    return finish_batches(d, err);
}

static int run(bfci_deep *d, bfc_err *err)
{
    BFC_TRY(set_up(d, err));
    BFC_TRY(check_files(d, err));
    BFC_TRY(check_stored(d, TABLE_XATTRS, err));
    BFC_TRY(check_stored(d, TABLE_BLOBS, err));
    BFC_TRY(finish_batches(d, err));
    BFC_TRY(check_unused(d, err));
    d->v->report.bytes = d->bytes;
    return 0;
}

int bfci_verify_content(bfci_verify *v, bfc_err *err)
{
    bfci_deep d = {.v = v, .why = BFC_ERR_INIT};

    pthread_mutex_init(&d.lock, NULL);
    pthread_cond_init(&d.changed, NULL);
    int rc = run(&d, err);
    tear_down(&d);
    return rc;
}
