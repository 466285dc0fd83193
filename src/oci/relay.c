/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of buffers between two threads. The putter owns the buffer it fills, the relay's thread
 * the one it writes; they change hands under the lock. */
#include "oci/relay.h"

#include <pthread.h>

enum {
    BUFFER_SIZE = 256 << 10,
    BUFFERS = 4
};

typedef struct relay_buffer {
    uint8_t *bytes;
    size_t len;
} relay_buffer;

struct bfci_relay {
    bfci_write_fn *write;
    void *ctx;
    pthread_t thread;
    bool has_thread, has_lock;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    relay_buffer buffer[BUFFERS];
    unsigned first, filled; /* those that wait for the thread, the one that it writes included */
    bool ended, dropped;
    int rc; /* what `write` failed with */
    bfc_err err;
};

/* ── The thread ── */

/* The oldest filled buffer, or NULL at the end. */
static relay_buffer *next_filled(bfci_relay *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->filled == 0 && !r->ended)
        pthread_cond_wait(&r->changed, &r->lock);
    relay_buffer *b = r->filled > 0 && !r->dropped && r->rc == 0 ? &r->buffer[r->first] : NULL;
    pthread_mutex_unlock(&r->lock);
    return b;
}

static void *run(void *arg)
{
    bfci_relay *r = arg;
    int rc = 0;

    for (relay_buffer *b = next_filled(r); b; b = next_filled(r)) {
        bfc_err err = BFC_ERR_INIT;
        rc = r->write(r->ctx, b->bytes, b->len, &err);
        pthread_mutex_lock(&r->lock);
        r->first = (r->first + 1) % BUFFERS;
        r->filled--;
        r->rc = rc < 0 ? rc : 0;
        r->err = err;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

/* ── The putter ── */

static int start(bfci_relay *r, bfc_err *err)
{
    for (unsigned i = 0; i < BUFFERS; i++)
        BFC_TRY(bfci_alloc(BUFFER_SIZE, 1, &r->buffer[i].bytes, err));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->has_lock = true;
    int e = pthread_create(&r->thread, NULL, run, r);
    if (e != 0)
        return bfci_fail_errno(err, e, "start a thread");
    r->has_thread = true;
    return 0;
}

int bfci_relay_new(bfci_write_fn *write, void *ctx, bfci_relay **out, bfc_err *err)
{
    AUTO(bfci_relay) bfci_relay *r = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *r, &r, err));
    r->write = write;
    r->ctx = ctx;
    BFC_TRY(start(r, err));
    *out = bfci_steal(&r);
    return 0;
}

static int tell_failure(const bfci_relay *r, bfc_err *err)
{
    if (r->rc < 0 && err)
        *err = r->err;
    return r->rc;
}

/* The buffer that the putter fills: there is one that the thread does not have. */
static relay_buffer *current(bfci_relay *r)
{
    return &r->buffer[(r->first + r->filled) % BUFFERS];
}

/* Hands the current buffer to the thread, and waits until there is another. */
static int hand_over(bfci_relay *r, bfc_err *err)
{
    pthread_mutex_lock(&r->lock);
    r->filled++;
    pthread_cond_signal(&r->changed);
    while (r->filled == BUFFERS && r->rc == 0)
        pthread_cond_wait(&r->changed, &r->lock);
    int rc = tell_failure(r, err);
    if (rc == 0)
        current(r)->len = 0;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

int bfci_relay_put(void *relay, const void *bytes, size_t len, bfc_err *err)
{
    bfci_relay *r = relay;
    const uint8_t *from = bytes;

    while (len > 0) {
        pthread_mutex_lock(&r->lock); /* first and filled move, the buffer stays the same */
        relay_buffer *b = current(r);
        int rc = tell_failure(r, err);
        pthread_mutex_unlock(&r->lock);
        BFC_TRY(rc);
        size_t n = MIN(len, (size_t)BUFFER_SIZE - b->len);
        memcpy(b->bytes + b->len, from, n);
        b->len += n;
        from += n;
        len -= n;
        if (b->len == BUFFER_SIZE)
            BFC_TRY(hand_over(r, err));
    }
    return 0;
}

static void stop(bfci_relay *r, bool drop)
{
    if (!r->has_thread)
        return;
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    r->dropped = drop;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    r->has_thread = false;
}

int bfci_relay_finish(bfci_relay *relay, bfc_err *err)
{
    pthread_mutex_lock(&relay->lock);
    bool failed = relay->rc < 0;
    if (!failed && current(relay)->len > 0)
        relay->filled++;
    pthread_mutex_unlock(&relay->lock);
    stop(relay, false);
    return tell_failure(relay, err);
}

void bfci_relay_free(bfci_relay *relay)
{
    if (!relay)
        return;
    stop(relay, true);
    if (relay->has_lock) {
        pthread_cond_destroy(&relay->changed);
        pthread_mutex_destroy(&relay->lock);
    }
    for (unsigned i = 0; i < BUFFERS; i++)
        free(relay->buffer[i].bytes);
    free(relay);
}
