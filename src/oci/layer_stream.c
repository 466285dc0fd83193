/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads and a ring of buffers. The producer reads the blob, hashes it and inflates it into
 * the ring; the hasher makes the diffID of the buffers while the taker already has them: a buffer
 * is free again when both are done with it. A plain tar is hashed once, by the hasher, since its
 * two digests are one.
 *
 * Nothing that the taker saw may be kept before the end was reached without an error: only there
 * the digest has been compared. */
#include "oci/layer_stream.h"

#include "sys/meter.h"
#include "sys/pool.h"

enum {
    IN_SIZE = 256 << 10,
    BUFFER_SIZE = 1 << 20,
    BUFFERS = 8,
    SNIFF_LEN = 4
};

typedef struct buffer {
    uint8_t *bytes;
    size_t len;
} buffer;

struct bfci_layer_stream {
    bfci_pool *pool;
    bfci_arena *arena; /* all buffers are in it */
    bfci_task producer, hasher;

    /* The producer's: */
    bfci_bytes in;
    bfci_layer_produce_fn *fn; /* NULL: there is a blob */
    void *fn_ctx;
    bfci_digest promised;
    uint64_t promised_size, size_max;
    enum bfci_coding coding; /* the hasher's, too, once `ended` is set */
    bfci_inflow *inflow;
    bfci_sha256_ctx *blob_sha;
    uint8_t *in_bytes;
    buffer *open; /* the one that is being filled */
    uint64_t tar_size;
    uint64_t size; /* atomic: bytes read of the blob */
    bfci_digest digest;

    /* The hasher's: */
    bfci_sha256_ctx *tar_sha;
    bfci_digest diff_id;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t bell;
    buffer ring[BUFFERS];
    uint64_t filled, hashed, taken; /* buffers since the start */
    bool stop;                      /* atomic: also looked at without the lock */
    bool ended, finished;           /* the producer; all */
    int rc;
    bfc_err err;

    bool holds; /* the taker's: it has a buffer */
};

static bool is_stopped(bfci_layer_stream *s)
{
    return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

static int fail_stopped(bfc_err *err)
{
    return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
}

/* With the lock. The first failure is the one that is told. */
static void note_failure(bfci_layer_stream *s, int rc, const bfc_err *why)
{
    if (rc == 0 || s->rc < 0)
        return;
    s->rc = rc;
    s->err = *why;
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
}

/* ── The producer fills buffers ── */

/* The buffer to fill; waits for one that is free. */
static int get_room(bfci_layer_stream *s, bfc_err *err)
{
    if (s->open)
        return 0;
    pthread_mutex_lock(&s->lock);
    while (s->filled - MIN(s->hashed, s->taken) == BUFFERS && !s->stop)
        bfci_cond_wait(&s->bell, &s->lock);
    bool stopped = s->stop;
    s->open = &s->ring[s->filled % BUFFERS];
    pthread_mutex_unlock(&s->lock);
    s->open->len = 0;
    return stopped ? fail_stopped(err) : 0;
}

static void publish(bfci_layer_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->filled++;
    bfci_meter_queue(QUEUE_BUFFERS, s->filled - MIN(s->hashed, s->taken), BUFFERS);
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
    s->open = NULL;
}

static void filled_up(bfci_layer_stream *s, size_t len)
{
    s->open->len += len;
    s->tar_size += len;
    if (s->open->len == BUFFER_SIZE)
        publish(s);
}

static int take_tar(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_layer_stream *s = (bfci_layer_stream *)ctx;
    const uint8_t *from = (const uint8_t *)bytes;

    if (is_stopped(s))
        return fail_stopped(err);
    while (len > 0) {
        BFC_TRY(get_room(s, err));
        size_t n = MIN(len, BUFFER_SIZE - s->open->len);
        memcpy(s->open->bytes + s->open->len, from, n);
        filled_up(s, n);
        from += n;
        len -= n;
    }
    __atomic_store_n(&s->size, s->tar_size, __ATOMIC_RELAXED);
    return 0;
}

/* ── The producer reads a blob ── */

static int fail_too_long(const bfci_layer_stream *s, bfc_err *err)
{
    return bfci_fail(err, BFC_E_CORRUPT, "has more than the %llu bytes that were promised",
                     (unsigned long long)s->promised_size);
}

/* Some bytes behind the `have` that are there; *got is 0 at the end. */
static int read_more(bfci_layer_stream *s, size_t have, size_t *got, bfc_err *err)
{
    if (is_stopped(s))
        return fail_stopped(err);
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
        BFC_TRY(get_room(s, err));
        uint64_t left = s->size_max - s->tar_size;
        cap = BUFFER_SIZE - s->open->len;
        if (cap > left)
            cap = (size_t)left + 1; /* one byte too many is enough to see it */
        BFC_TRY(
            bfci_inflow_run(s->inflow, &in, &len, s->open->bytes + s->open->len, cap, &got, err));
        if (got > left)
            return fail_too_large(s, err);
        bfci_meter_count(0, got);
        filled_up(s, got);
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

    if (rc == 0 && s->open && s->open->len > 0)
        publish(s);
    bfci_meter_count(1, s->fn ? s->tar_size : 0);
    pthread_mutex_lock(&s->lock);
    note_failure(s, rc, &why);
    s->ended = true;
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
}

/* ── The hasher ── */

/* The next buffer, or NULL when there is none to come. */
static const buffer *wait_for_filled(bfci_layer_stream *s)
{
    const buffer *b = NULL;

    pthread_mutex_lock(&s->lock);
    while (s->hashed == s->filled && !s->ended && !s->stop)
        bfci_cond_wait(&s->bell, &s->lock);
    if (s->hashed < s->filled && !s->stop)
        b = &s->ring[s->hashed % BUFFERS];
    pthread_mutex_unlock(&s->lock);
    return b;
}

static int hash_all(bfci_layer_stream *s, bfc_err *err)
{
    const buffer *b;

    BFC_TRY(bfci_sha256_start(s->tar_sha, err));
    while ((b = wait_for_filled(s))) {
        BFC_TRY(bfci_sha256_update(s->tar_sha, b->bytes, b->len, err));
        bfci_meter_count(0, b->len);
        pthread_mutex_lock(&s->lock);
        s->hashed++;
        pthread_cond_broadcast(&s->bell);
        pthread_mutex_unlock(&s->lock);
    }
    if (is_stopped(s))
        return fail_stopped(err);
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

    pthread_mutex_lock(&s->lock);
    note_failure(s, rc, &why);
    s->finished = true;
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
}

/* ── The taker ── */

static int stream_new(bfci_layer_stream **out, bfc_err *err)
{
    bfci_layer_stream *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->bell, NULL);
    AUTO(bfci_layer_stream) bfci_layer_stream *s = fresh;
    BFC_TRY(bfci_arena_new(&s->arena, err));
    for (size_t i = 0; i < BUFFERS; i++)
        BFC_TRY(bfci_arena_take(s->arena, BUFFER_SIZE, &s->ring[i].bytes, err));
    BFC_TRY(bfci_sha256_new(&s->tar_sha, err));
    s->producer.fn = run_producer;
    s->hasher.fn = run_hasher;
    *out = bfci_steal(&s);
    return 0;
}

static int start(bfci_layer_stream *s, bfc_err *err)
{
    BFC_TRY(bfci_pool_new(2, &s->pool, err));
    bfci_pool_submit(s->pool, &s->producer, false);
    bfci_pool_submit(s->pool, &s->hasher, false);
    return 0;
}

int bfci_layer_stream_open(bfci_bytes *in, const bfci_descriptor *promised, uint64_t size_max,
                           bfci_layer_stream **out, bfc_err *err)
{
    AUTO_BYTES bfci_bytes source = *in;
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;

    *in = (bfci_bytes){0};
    BFC_TRY(stream_new(&s, err));
    BFC_TRY(bfci_arena_take(s->arena, IN_SIZE, &s->in_bytes, err));
    BFC_TRY(bfci_sha256_new(&s->blob_sha, err));
    s->promised = promised->digest;
    s->promised_size = promised->size;
    s->size_max = size_max;
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

    BFC_TRY(stream_new(&s, err));
    s->fn = fn;
    s->fn_ctx = ctx;
    s->coding = CODING_PLAIN;
    BFC_TRY(start(s, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_layer_stream_next(bfci_layer_stream *s, const uint8_t **bytes, size_t *len, bfc_err *err)
{
    static const uint8_t nothing[1];
    int rc;

    pthread_mutex_lock(&s->lock);
    if (s->holds) {
        s->taken++;
        pthread_cond_broadcast(&s->bell);
    }
    while (s->rc == 0 && s->taken == s->filled && !s->finished)
        bfci_cond_wait(&s->bell, &s->lock);
    rc = s->rc;
    s->holds = rc == 0 && s->taken < s->filled;
    if (rc < 0 && err)
        *err = s->err;
    pthread_mutex_unlock(&s->lock);
    if (rc < 0)
        return rc;
    const buffer *b = &s->ring[s->taken % BUFFERS];
    *bytes = s->holds ? b->bytes : nothing;
    *len = s->holds ? b->len : 0;
    return 0;
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
    pthread_mutex_lock(&s->lock);
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
    if (s->in.stop)
        s->in.stop(s->in.ctx);
    bfci_pool_free(s->pool);
    bfci_bytes_close(&s->in);
    bfci_inflow_free(s->inflow);
    bfci_sha256_free(s->blob_sha);
    bfci_sha256_free(s->tar_sha);
    bfci_arena_free(s->arena);
    pthread_cond_destroy(&s->bell);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
