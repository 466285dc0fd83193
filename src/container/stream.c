/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of tasks reads a file: each fills one buffer, hashes it (hashing must go in order, so
 * there is one task at a time), and submits itself again while a buffer is free. */
#include "container/stream.h"

#include <pthread.h>

#include "format/limits.h"
#include "sys/file.h"
#include "sys/inspect.h"
#include "sys/meter.h"

enum {
    CHUNK_SIZE = 1 << 20, /* a multiple of the hole grain */
    CHUNKS = 4
};

typedef struct chunk_buffer {
    uint64_t offset, len;
    bool hole;
    bfci_buffer *buffer; /* the task's to take, the taker's to give back */
} chunk_buffer;

_Static_assert((int)CHUNK_SIZE <= (int)POOL_BUFFER_SIZE, "a chunk stands in a buffer of the pool");

struct bfci_stream {
    bfci_task task;
    bfci_pool *pool;
    int fd;
    bool sparse;
    bfci_sha256_ctx *sha;
    bfci_hasher hasher;            /* the task's, until it has ended */
    uint64_t at, size;             /* the task's */
    uint64_t data_start, data_end; /* the task's: the range of data that was found last */
    pthread_mutex_t lock;          /* guards what follows */
    pthread_cond_t bell;
    chunk_buffer chunk[CHUNKS];
    unsigned first, filled; /* ring */
    bool running, ended;
    int rc;
    bfc_err err;

    /* the taker's: */
    bool holds;     /* the ring's first chunk is in use */
    uint64_t taken; /* bytes of it that were given out */
    bfci_chunk current;
};

/* ── The task ── */

/* What stands at `at`: the next chunk is a hole, or data of at most CHUNK_SIZE. */
static int next_range(bfci_stream *s, chunk_buffer *c, bfc_err *err)
{
    uint64_t limit = s->size;

    c->hole = false;
    if (s->sparse) {
        if (s->at >= s->data_end)
            BFC_TRY(bfci_next_data(s->fd, s->at, s->size, &s->data_start, &s->data_end, err));
        /* Holes are whole grains: what the file system calls data may begin and end anywhere. */
        uint64_t start = s->data_start & ~(uint64_t)(HOLE_GRAIN - 1);
        c->hole = s->at < start;
        limit = c->hole ? start : MIN(s->size, bfci_align_up(s->data_end, HOLE_GRAIN));
    }
    c->offset = s->at;
    c->len = c->hole ? limit - s->at : MIN(limit - s->at, (uint64_t)CHUNK_SIZE);
    return 0;
}

static int hash_chunk(bfci_stream *s, const chunk_buffer *c, bfc_err *err)
{
    if (c->hole)
        return bfci_hasher_hole(&s->hasher, c->len, err);
    if (!s->sparse)
        return bfci_hasher_data(&s->hasher, c->buffer->bytes, (size_t)c->len, err);
    for (size_t at = 0; at < c->len;) {
        bool hole = false;
        size_t n = bfci_next_piece(c->buffer->bytes + at, (size_t)c->len - at, &hole);
        BFC_TRY(hole ? bfci_hasher_hole(&s->hasher, n, err)
                     : bfci_hasher_data(&s->hasher, c->buffer->bytes + at, n, err));
        at += n;
    }
    return 0;
}

static int fill(bfci_stream *s, chunk_buffer *c, bfc_err *err)
{
    BFC_TRY(next_range(s, c, err));
    if (!c->hole) {
        size_t got = 0;
        BFC_TRY(bfci_buffer_take(s->pool, &c->buffer, err));
        BFC_TRY(bfci_pread(s->fd, c->buffer->bytes, (size_t)c->len, c->offset, &got, err));
        if (got < c->len)
            s->size = c->offset + got; /* it was cut short meanwhile */
        c->len = got;
    }
    BFC_TRY(hash_chunk(s, c, err));
    s->at = c->offset + c->len;
    return 0;
}

static void read_task(bfci_task *task, unsigned worker)
{
    (void)worker;
    BFCI_METER(STAGE_STREAM);
    bfci_stream *s = (bfci_stream *)((char *)task - offsetof(bfci_stream, task));
    bfc_err why = BFC_ERR_INIT;

    pthread_mutex_lock(&s->lock);
    chunk_buffer *c = &s->chunk[(s->first + s->filled) % CHUNKS];
    pthread_mutex_unlock(&s->lock);
    int rc = fill(s, c, &why);
    bfci_meter_count(1, c->hole ? 0 : c->len);

    pthread_mutex_lock(&s->lock);
    if (rc < 0) {
        s->rc = rc;
        s->err = why;
    } else if (c->len > 0) {
        s->filled++;
    }
    s->ended = rc < 0 || s->at >= s->size;
    bool go_on = !s->ended && s->filled < CHUNKS;
    s->running = go_on;
    if (go_on)
        bfci_pool_submit(s->pool, &s->task, true);
    pthread_cond_signal(&s->bell);
    pthread_mutex_unlock(&s->lock);
}

/* ── The taker ── */

int bfci_stream_new(bfci_pool *pool, int fd, uint64_t size, bool sparse, bfci_stream **out,
                    bfc_err *err)
{
    AUTO(bfci_stream) bfci_stream *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->bell, NULL);
    s->pool = pool;
    s->fd = fd;
    s->size = size;
    s->sparse = sparse;
    s->task.fn = read_task;
    BFC_TRY(bfci_sha256_new(&s->sha, err));
    BFC_TRY(bfci_hasher_start(&s->hasher, s->sha, sparse, err));
    s->ended = size == 0;
    if (!s->ended) {
        s->running = true;
        bfci_pool_submit(pool, &s->task, true);
    }
    *out = bfci_steal(&s);
    return 0;
}

/* Gives the first chunk back to the task. */
static void let_go(bfci_stream *s)
{
    bfci_buffer_unref(bfci_steal(&s->chunk[s->first].buffer));
    pthread_mutex_lock(&s->lock);
    s->first = (s->first + 1) % CHUNKS;
    s->filled--;
    if (!s->running && !s->ended) {
        s->running = true;
        bfci_pool_submit(s->pool, &s->task, true);
    }
    pthread_mutex_unlock(&s->lock);
    s->holds = false;
}

static int wait_for_chunk(bfci_stream *s, bool *more, bfc_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&s->lock);
    while (s->filled == 0 && !s->ended)
        bfci_cond_wait(&s->bell, &s->lock);
    *more = s->filled > 0;
    if (!*more && s->rc < 0) {
        rc = s->rc;
        if (err)
            *err = s->err;
    }
    pthread_mutex_unlock(&s->lock);
    s->holds = *more;
    s->taken = 0;
    return rc;
}

static void cut_piece(bfci_stream *s, const chunk_buffer *c)
{
    bool hole = c->hole;
    uint64_t n = c->len - s->taken;

    if (s->sparse && !c->hole)
        n = bfci_next_piece(c->buffer->bytes + s->taken, (size_t)n, &hole);
    s->current = (bfci_chunk){.offset = c->offset + s->taken, .len = n};
    if (!hole) {
        s->current.data = c->buffer->bytes + s->taken;
        s->current.buffer = c->buffer;
    }
    s->taken += n;
}

int bfci_stream_next(bfci_stream *s, const bfci_chunk **out, bfc_err *err)
{
    bool more = true;

    if (s->holds && s->taken == s->chunk[s->first].len)
        let_go(s);
    if (!s->holds)
        BFC_TRY(wait_for_chunk(s, &more, err));
    if (!more) {
        *out = NULL;
        return 0;
    }
    cut_piece(s, &s->chunk[s->first]);
    *out = &s->current;
    return 0;
}

int bfci_stream_sums(bfci_stream *s, uint64_t *size, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE],
                     bfc_err *err)
{
    *size = s->at;
    return bfci_hasher_finish(&s->hasher, crc, digest, err);
}

void bfci_stream_free(bfci_stream *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    while (s->running) /* it stops when the ring is full, at the latest */
        bfci_cond_wait(&s->bell, &s->lock);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < CHUNKS; i++)
        bfci_buffer_unref(s->chunk[i].buffer);
    bfci_sha256_free(s->sha);
    pthread_cond_destroy(&s->bell);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
