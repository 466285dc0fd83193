/* SPDX-License-Identifier: Apache-2.0 */
/* The producer reads the blob, hashes it and inflates it into the ring; one reader makes the diffID
 * of the buffers, and another the sums of the contents. A plain tar is hashed once, for the diffID,
 * since its two digests are one.
 *
 * Nothing that the taker saw may be kept before the end was reached without an error: only there
 * the digest has been compared. */
#include "oci/layer_stream.h"

#include "oci/layer_ring.h"
#include "oci/layer_sums.h"
#include "sys/meter.h"
#include "sys/pool.h"

enum {
    IN_SIZE = 256 << 10,
    SNIFF_LEN = 4
};

struct bfci_layer_stream {
    bfci_pool *pool;
    bfci_arena *arena; /* all buffers are in it */
    bfci_layer_ring *ring;
    bfci_layer_sums *sums; /* NULL: nobody asks for them */
    bfci_task producer, hasher, summer;

    /* The producer's: */
    bfci_bytes in;
    bfci_layer_produce_fn *fn; /* NULL: there is a blob */
    void *fn_ctx;
    bfci_digest promised;
    uint64_t promised_size, size_max;
    enum bfci_coding coding; /* the hasher's, too, once the producer has ended */
    bfci_inflow *inflow;
    bfci_sha256_ctx *blob_sha;
    uint8_t *in_bytes;
    uint64_t tar_size;
    uint64_t size; /* atomic: bytes read of the blob */
    bfci_digest digest;

    /* The hasher's: */
    bfci_sha256_ctx *tar_sha;
    bfci_digest diff_id;
};

static int check_stop(bfci_layer_stream *s, bfc_err *err)
{
    if (bfci_layer_ring_is_stopped(s->ring))
        return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
    return 0;
}

/* ── The producer: a tar that is made ── */

static int take_tar(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_layer_stream *s = (bfci_layer_stream *)ctx;
    const uint8_t *from = (const uint8_t *)bytes;

    BFC_TRY(check_stop(s, err));
    while (len > 0) {
        uint8_t *to = NULL;
        size_t room = 0;
        BFC_TRY(bfci_layer_ring_room(s->ring, &to, &room, err));
        size_t n = MIN(len, room);
        memcpy(to, from, n);
        bfci_layer_ring_filled(s->ring, n);
        s->tar_size += n;
        from += n;
        len -= n;
    }
    __atomic_store_n(&s->size, s->tar_size, __ATOMIC_RELAXED);
    return 0;
}

/* ── The producer: a blob ── */

static int fail_too_long(const bfci_layer_stream *s, bfc_err *err)
{
    return bfci_fail(err, BFC_E_CORRUPT, "has more than the %llu bytes that were promised",
                     (unsigned long long)s->promised_size);
}

/* Some bytes behind the `have` that are there; *got is 0 at the end. */
static int read_more(bfci_layer_stream *s, size_t have, size_t *got, bfc_err *err)
{
    BFC_TRY(check_stop(s, err));
    BFC_TRY(s->in.read(s->in.ctx, s->in_bytes + have, IN_SIZE - have, got, err));
    if (*got > s->promised_size - s->size)
        return fail_too_long(s, err);
    __atomic_store_n(&s->size, s->size + *got, __ATOMIC_RELAXED);
    bfci_meter_count(0, *got);
    return 0;
}

/* The first bytes, enough to see what is in there; fewer if there are no more. */
static int read_head(bfci_layer_stream *s, size_t *len, bfc_err *err)
{
    size_t got = 1;

    for (*len = 0; got > 0 && *len < SNIFF_LEN; *len += got)
        BFC_TRY(read_more(s, *len, &got, err));
    return 0;
}

static int fail_too_large(const bfci_layer_stream *s, bfc_err *err)
{
    return bfci_fail(err, BFC_E_LIMIT,
                     "has more than %llu bytes uncompressed, the limit; a higher one can be given "
                     "with --max-size",
                     (unsigned long long)s->size_max);
}

static int inflate(bfci_layer_stream *s, size_t len, bfc_err *err)
{
    const uint8_t *in = s->in_bytes;
    size_t cap, got = 0;
    BFCI_METER(STAGE_INFLATE);

    do {
        uint8_t *to = NULL;
        BFC_TRY(bfci_layer_ring_room(s->ring, &to, &cap, err));
        uint64_t left = s->size_max - s->tar_size;
        if (cap > left)
            cap = (size_t)left + 1; /* one byte too many is enough to see it */
        BFC_TRY(bfci_inflow_run(s->inflow, &in, &len, to, cap, &got, err));
        if (got > left)
            return fail_too_large(s, err);
        bfci_meter_count(0, got);
        bfci_layer_ring_filled(s->ring, got);
        s->tar_size += got;
    } while (len > 0 || got == cap);
    return 0;
}

static int check_promise(const bfci_layer_stream *s, const bfci_digest *digest, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE];

    if (s->size != s->promised_size)
        return bfci_fail(err, BFC_E_CORRUPT, "has %llu bytes, %llu were promised",
                         (unsigned long long)s->size, (unsigned long long)s->promised_size);
    if (bfci_digest_equal(digest, &s->promised))
        return 0;
    bfci_digest_text(digest, text);
    return bfci_fail(err, BFC_E_CORRUPT, "its bytes have the digest %s", text);
}

/* Damage that inflating finds is told only when the blob is what was promised: else the blob was
 * damaged on its way here, and its digest says so. */
static int read_coded(bfci_layer_stream *s, size_t len, bfc_err *err)
{
    int rc = 0;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_sha256_start(s->blob_sha, err));
    while (len > 0) {
        BFC_TRY(bfci_sha256_update(s->blob_sha, s->in_bytes, len, err));
        if (rc == 0)
            rc = inflate(s, len, &why);
        if (rc < 0 && rc != BFC_E_CORRUPT)
            break;
        BFC_TRY(read_more(s, 0, &len, err));
    }
    if (rc == 0 || rc == BFC_E_CORRUPT) {
        BFC_TRY(bfci_sha256_finish(s->blob_sha, s->digest.bytes, err));
        BFC_TRY(check_promise(s, &s->digest, err));
    }
    if (rc == 0)
        rc = bfci_inflow_end(s->inflow, &why);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int read_plain(bfci_layer_stream *s, size_t len, bfc_err *err)
{
    while (len > 0) {
        BFC_TRY(inflate(s, len, err));
        BFC_TRY(read_more(s, 0, &len, err));
    }
    return 0;
}

static int read_blob(bfci_layer_stream *s, bfc_err *err)
{
    size_t len = 0;

    BFC_TRY(read_head(s, &len, err));
    s->coding = bfci_coding_sniff(s->in_bytes, len);
    BFC_TRY(bfci_inflow_new(s->coding, &s->inflow, err));
    return s->coding == CODING_PLAIN ? read_plain(s, len, err) : read_coded(s, len, err);
}

static void run_producer(bfci_task *task, unsigned worker)
{
    (void)worker;
    BFCI_METER(STAGE_BLOB);
    bfci_layer_stream *s =
        (bfci_layer_stream *)((char *)task - offsetof(bfci_layer_stream, producer));
    bfc_err why = BFC_ERR_INIT;
    int rc = s->fn ? s->fn(s->fn_ctx, take_tar, s, &why) : read_blob(s, &why);

    bfci_meter_count(1, s->fn ? s->tar_size : 0);
    bfci_layer_ring_end(s->ring, rc, &why);
}

/* ── The readers ── */

static int hash_all(bfci_layer_stream *s, bfc_err *err)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;

    BFC_TRY(bfci_sha256_start(s->tar_sha, err));
    while (bfci_layer_ring_read(s->ring, RING_DIFF_ID, &bytes, &len)) {
        BFC_TRY(bfci_sha256_update(s->tar_sha, bytes, len, err));
        bfci_meter_count(0, len);
    }
    BFC_TRY(check_stop(s, err));
    BFC_TRY(bfci_sha256_finish(s->tar_sha, s->diff_id.bytes, err));
    if (s->coding != CODING_PLAIN)
        return 0;
    s->digest = s->diff_id;
    return s->fn ? 0 : check_promise(s, &s->digest, err);
}

static void run_hasher(bfci_task *task, unsigned worker)
{
    (void)worker;
    BFCI_METER(STAGE_DIFF_ID);
    bfci_layer_stream *s =
        (bfci_layer_stream *)((char *)task - offsetof(bfci_layer_stream, hasher));
    bfc_err why = BFC_ERR_INIT;

    int rc = hash_all(s, &why);
    bfci_meter_count(1, 0);
    bfci_layer_ring_read_end(s->ring, rc, &why);
}

static int sum_all(bfci_layer_stream *s, bfc_err *err)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;

    while (bfci_layer_ring_read(s->ring, RING_CONTENTS, &bytes, &len)) {
        BFC_TRY(bfci_layer_sums_feed(s->sums, bytes, len, err));
        bfci_meter_count(0, len);
    }
    return 0;
}

static void run_summer(bfci_task *task, unsigned worker)
{
    (void)worker;
    BFCI_METER(STAGE_HASH);
    bfci_layer_stream *s =
        (bfci_layer_stream *)((char *)task - offsetof(bfci_layer_stream, summer));
    bfc_err why = BFC_ERR_INIT;

    int rc = sum_all(s, &why);
    bfci_meter_count(1, 0);
    bfci_layer_ring_read_end(s->ring, rc, &why);
}

/* ── The taker ── */

static int stream_new(bool sums, bfci_spill **spill, uint64_t spill_max, bfci_layer_stream **out,
                      bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    BFC_TRY(bfci_arena_new(&s->arena, err));
    BFC_TRY(bfci_layer_ring_new(s->arena, sums, bfci_steal(spill), spill_max, &s->ring, err));
    if (sums)
        BFC_TRY(bfci_layer_sums_new(&s->sums, err));
    BFC_TRY(bfci_sha256_new(&s->tar_sha, err));
    s->producer.fn = run_producer;
    s->hasher.fn = run_hasher;
    s->summer.fn = run_summer;
    *out = bfci_steal(&s);
    return 0;
}

static int start(bfci_layer_stream *s, bfc_err *err)
{
    BFC_TRY(bfci_pool_new(s->sums ? 3 : 2, &s->pool, err));
    bfci_pool_submit(s->pool, &s->producer, false);
    bfci_pool_submit(s->pool, &s->hasher, false);
    if (s->sums)
        bfci_pool_submit(s->pool, &s->summer, false);
    return 0;
}

int bfci_layer_stream_open(bfci_bytes *in, const bfci_layer_stream_options *o,
                           bfci_layer_stream **out, bfc_err *err)
{
    AUTO_BYTES bfci_bytes source = *in;
    AUTO(bfci_spill) bfci_spill *spill = o->spill;
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;

    *in = (bfci_bytes){0};
    BFC_TRY(stream_new(o->sums, &spill, o->spill_max, &s, err));
    BFC_TRY(bfci_arena_take(s->arena, IN_SIZE, &s->in_bytes, err));
    BFC_TRY(bfci_sha256_new(&s->blob_sha, err));
    s->promised = o->promised->digest;
    s->promised_size = o->promised->size;
    s->size_max = o->size_max;
    s->in = source;
    source = (bfci_bytes){0};
    BFC_TRY(start(s, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_layer_stream_produce(bfci_layer_produce_fn *fn, void *ctx, bfci_layer_stream **out,
                              bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    bfci_spill *none = NULL;

    BFC_TRY(stream_new(true, &none, 0, &s, err));
    s->fn = fn;
    s->fn_ctx = ctx;
    s->coding = CODING_PLAIN;
    BFC_TRY(start(s, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_layer_stream_next(bfci_layer_stream *s, const uint8_t **bytes, size_t *len, bfc_err *err)
{
    return bfci_layer_ring_take(s->ring, bytes, len, err);
}

int bfci_layer_stream_content(bfci_layer_stream *s, uint64_t offset, uint32_t *crc,
                              uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    return bfci_layer_sums_take(s->sums, offset, crc, digest, err);
}

void bfci_layer_stream_sums(const bfci_layer_stream *s, bfci_digest *diff_id, uint64_t *tar_size,
                            bfci_digest *digest, uint64_t *size)
{
    *diff_id = s->diff_id;
    *tar_size = s->tar_size;
    *digest = s->digest;
    *size = s->size;
}

uint64_t bfci_layer_stream_done(const bfci_layer_stream *s)
{
    return __atomic_load_n(&s->size, __ATOMIC_RELAXED);
}

void bfci_layer_stream_free(bfci_layer_stream *s)
{
    if (!s)
        return;
    if (s->ring)
        bfci_layer_ring_stop(s->ring);
    if (s->in.stop)
        s->in.stop(s->in.ctx);
    bfci_pool_free(s->pool);
    bfci_bytes_close(&s->in);
    bfci_inflow_free(s->inflow);
    bfci_sha256_free(s->blob_sha);
    bfci_sha256_free(s->tar_sha);
    bfci_layer_sums_free(s->sums);
    bfci_layer_ring_free(s->ring);
    bfci_arena_free(s->arena);
    free(s);
}
