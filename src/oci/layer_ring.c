/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers are counted since the start, and number n is in place n modulo their count. Those that
 * were put aside are always the first ones: it ends when the taker comes, who reads them back
 * before it turns to the ring. */
#include "oci/layer_ring.h"

#include "sys/meter.h"

enum {
    BUFFER_SIZE = 1 << 20,
    BUFFERS = 8
};

typedef struct buffer {
    uint8_t *bytes;
    size_t len;
} buffer;

struct bfci_layer_ring {
    bfci_arena *arena;
    bool has[RING_READERS];

    buffer *open;    /* the producer's: the one that is being filled, or NULL */
    bool holds;      /* the taker's: it has a buffer */
    buffer returned; /* the taker's: what was put aside, read back */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t bell;
    buffer ring[BUFFERS];
    uint64_t filled, read[RING_READERS], aside, taken; /* buffers since the start */
    bool reads[RING_READERS];                          /* it is at one */
    unsigned running;                                  /* of producer and readers */
    bool stop;                                         /* atomic: also looked at without the lock */
    bool ended;                                        /* the producer */
    bool taker_came;
    bool puts_aside;   /* a buffer, now */
    bfci_spill *spill; /* NULL: nothing is put aside any more, and none was */
    uint64_t spill_left;
    int rc;
    bfc_err err;
};

int bfci_layer_ring_new(bfci_arena *arena, bool contents, bfci_spill *spill, uint64_t spill_max,
                        bfci_layer_ring **out, bfc_err *err)
{
    AUTO(bfci_spill) bfci_spill *aside = spill;
    bfci_layer_ring *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_cond_init(&fresh->bell, NULL);
    AUTO(bfci_layer_ring) bfci_layer_ring *r = fresh;
    r->arena = arena;
    r->has[RING_DIFF_ID] = true;
    r->has[RING_CONTENTS] = contents;
    r->running = contents ? 3 : 2;
    for (size_t i = 0; i < BUFFERS; i++)
        BFC_TRY(bfci_arena_take(arena, BUFFER_SIZE, &r->ring[i].bytes, err));
    r->spill = bfci_steal(&aside);
    r->spill_left = spill_max;
    *out = bfci_steal(&r);
    return 0;
}

void bfci_layer_ring_free(bfci_layer_ring *r)
{
    if (!r)
        return;
    bfci_spill_free(r->spill);
    pthread_cond_destroy(&r->bell);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ── With the lock ── */

static void set_stop(bfci_layer_ring *r)
{
    __atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&r->bell);
}

/* The first failure is the one that is told. */
static void note_failure(bfci_layer_ring *r, int rc, const bfc_err *why)
{
    if (rc == 0 || r->rc < 0)
        return;
    r->rc = rc;
    r->err = *why;
    set_stop(r);
}

static void end_thread(bfci_layer_ring *r, int rc, const bfc_err *why)
{
    note_failure(r, rc, why);
    r->running--;
    pthread_cond_broadcast(&r->bell);
}

/* Buffers that nobody needs any more. */
static uint64_t spent(const bfci_layer_ring *r)
{
    uint64_t least = MAX(r->taken, r->aside);

    for (size_t i = 0; i < RING_READERS; i++)
        if (r->has[i])
            least = MIN(least, r->read[i]);
    return least;
}

/* Buffers that the taker may have. */
static uint64_t ready(const bfci_layer_ring *r)
{
    return r->has[RING_CONTENTS] ? r->read[RING_CONTENTS] : r->filled;
}

/* ── Stopping ── */

void bfci_layer_ring_stop(bfci_layer_ring *r)
{
    pthread_mutex_lock(&r->lock);
    set_stop(r);
    pthread_mutex_unlock(&r->lock);
}

bool bfci_layer_ring_is_stopped(const bfci_layer_ring *r)
{
    return __atomic_load_n(&r->stop, __ATOMIC_RELAXED);
}

/* ── The producer ── */

static int open_buffer(bfci_layer_ring *r, bfc_err *err)
{
    pthread_mutex_lock(&r->lock);
    while (r->filled - spent(r) == BUFFERS && !r->stop)
        bfci_cond_wait(&r->bell, &r->lock);
    bool stopped = r->stop;
    buffer *b = &r->ring[r->filled % BUFFERS];
    pthread_mutex_unlock(&r->lock);
    if (stopped)
        return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
    b->len = 0;
    r->open = b;
    return 0;
}

static void publish(bfci_layer_ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->filled++;
    bfci_meter_queue(QUEUE_BUFFERS, r->filled - spent(r), BUFFERS);
    pthread_cond_broadcast(&r->bell);
    pthread_mutex_unlock(&r->lock);
    r->open = NULL;
}

int bfci_layer_ring_room(bfci_layer_ring *r, uint8_t **bytes, size_t *room, bfc_err *err)
{
    if (!r->open)
        BFC_TRY(open_buffer(r, err));
    *bytes = r->open->bytes + r->open->len;
    *room = BUFFER_SIZE - r->open->len;
    return 0;
}

void bfci_layer_ring_filled(bfci_layer_ring *r, size_t len)
{
    r->open->len += len;
    if (r->open->len == BUFFER_SIZE)
        publish(r);
}

void bfci_layer_ring_end(bfci_layer_ring *r, int rc, const bfc_err *why)
{
    if (rc == 0 && r->open && r->open->len > 0)
        publish(r);
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    end_thread(r, rc, why);
    pthread_mutex_unlock(&r->lock);
}

/* ── A reader ── */

/* With the lock. */
static bool begin_aside(bfci_layer_ring *r, const buffer *b)
{
    if (!r->spill || r->taker_came || r->stop || b->len > r->spill_left)
        return false;
    r->spill_left -= b->len;
    r->puts_aside = true;
    return true;
}

/* With the lock. No room for it is no failure: the taker gets all later ones out of the ring. */
static void end_aside(bfci_layer_ring *r, int rc)
{
    r->puts_aside = false;
    if (rc == 0)
        r->aside++;
    else
        r->spill_left = 0;
}

static void put_aside(bfci_layer_ring *r, const buffer *b)
{
    pthread_mutex_lock(&r->lock);
    bool begun = begin_aside(r, b);
    pthread_mutex_unlock(&r->lock);
    if (!begun)
        return;
    int rc = bfci_spill_put(r->spill, b->bytes, b->len, NULL);
    pthread_mutex_lock(&r->lock);
    end_aside(r, rc);
    pthread_mutex_unlock(&r->lock);
}

static void give_back(bfci_layer_ring *r, enum bfci_ring_reader who)
{
    if (who == RING_CONTENTS)
        put_aside(r, &r->ring[r->read[who] % BUFFERS]);
    pthread_mutex_lock(&r->lock);
    r->read[who]++;
    r->reads[who] = false;
    pthread_cond_broadcast(&r->bell);
    pthread_mutex_unlock(&r->lock);
}

bool bfci_layer_ring_read(bfci_layer_ring *r, enum bfci_ring_reader who, const uint8_t **bytes,
                          size_t *len)
{
    if (r->reads[who])
        give_back(r, who);
    pthread_mutex_lock(&r->lock);
    while (r->read[who] == r->filled && !r->ended && !r->stop)
        bfci_cond_wait(&r->bell, &r->lock);
    bool more = r->read[who] < r->filled && !r->stop;
    const buffer *b = &r->ring[r->read[who] % BUFFERS];
    r->reads[who] = more;
    pthread_mutex_unlock(&r->lock);
    *bytes = b->bytes;
    *len = more ? b->len : 0;
    return more;
}

void bfci_layer_ring_read_end(bfci_layer_ring *r, int rc, const bfc_err *why)
{
    pthread_mutex_lock(&r->lock);
    end_thread(r, rc, why);
    pthread_mutex_unlock(&r->lock);
}

/* ── The taker ── */

/* Puts the next buffer at *b, or NULL at the end. */
static int wait_for_next(bfci_layer_ring *r, const buffer **b, bool *is_aside, bfc_err *err)
{
    pthread_mutex_lock(&r->lock);
    r->taker_came = true;
    if (r->holds) {
        r->taken++;
        pthread_cond_broadcast(&r->bell);
    }
    while (r->rc == 0 && (r->puts_aside || (r->taken == ready(r) && r->running > 0)))
        bfci_cond_wait(&r->bell, &r->lock);
    int rc = r->rc;
    r->holds = rc == 0 && r->taken < r->filled;
    *is_aside = r->taken < r->aside;
    *b = r->holds ? &r->ring[r->taken % BUFFERS] : NULL;
    if (rc < 0 && err)
        *err = r->err;
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static int read_back(bfci_layer_ring *r, const buffer **b, bfc_err *err)
{
    uint64_t at = r->taken * BUFFER_SIZE, size = bfci_spill_size(r->spill);

    if (!r->returned.bytes)
        BFC_TRY(bfci_arena_take(r->arena, BUFFER_SIZE, &r->returned.bytes, err));
    r->returned.len = (size_t)MIN(size - at, (uint64_t)BUFFER_SIZE);
    *b = &r->returned;
    return bfci_spill_read(r->spill, at, r->returned.bytes, r->returned.len, err);
}

int bfci_layer_ring_take(bfci_layer_ring *r, const uint8_t **bytes, size_t *len, bfc_err *err)
{
    static const uint8_t nothing[1];
    const buffer *b = NULL;
    bool is_aside = false;

    BFC_TRY(wait_for_next(r, &b, &is_aside, err));
    if (b && is_aside)
        BFC_TRY(read_back(r, &b, err));
    *bytes = b ? b->bytes : nothing;
    *len = b ? b->len : 0;
    return 0;
}
