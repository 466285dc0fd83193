/* SPDX-License-Identifier: Apache-2.0 */
/* The packer. Blocks get their numbers when they are opened and are written in the order in which
 * they are closed, so that the file depends on the order of the input alone, never on which thread
 * was done first. */
#include "container/pack.h"

#include <pthread.h>
#include <stdatomic.h>

#include "codec/branch.h"
#include "codec/digest.h"
#include "codec/noise.h"
#include "codec/zstd.h"
#include "sys/meter.h"

enum {
    BINS_MAX = 32,
    FLIGHT_MAX = 64
};

typedef struct block {
    bfci_task task;
    bfci_packer *packer;
    struct block *next; /* in the queue of blocks in flight, or in the free list */
    uint64_t number;
    uint32_t len;
    bool branches; /* of code, which are to be moved */
    bool done;     /* guarded by the packer's lock */
    int rc;
    bfc_err err;
    bfci_ref ref;
    uint8_t *raw;
    uint8_t *packed;        /* while it is in flight */
    const uint8_t *content; /* raw, or in the buffer of somebody else */
    const uint8_t *payload; /* what is written: packed, or the content */
    bfci_buffer *buffer;    /* a reference to that; NULL: raw */
} block;

struct bfci_packer {
    bfci_packer_config config;
    bfci_compressor **zstd; /* one a worker */
    bfci_sha256_ctx **sha;  /* one a worker */
    bfci_aead **aead;       /* one a worker; NULL: the container is not sealed */
    uint8_t **moved;        /* one a worker: code with its branches moved; NULL: none yet */
    bool moved_branches;
    pthread_mutex_t lock;
    pthread_cond_t block_done;
    block *oldest, *newest; /* in flight, in the order they were closed */
    block *spare;
    uint8_t *packed_spare[FLIGHT_MAX];
    unsigned packed_spare_count;
    const block *awaited; /* guarded by the lock: the one that is waited for */
    unsigned in_flight;
    size_t flight_bytes, flight_max; /* of them, before compression */
    block **bin; /* open blocks of small pieces, the last one of code; NULL: none */
    unsigned bin_count;
    uint64_t next_block;
    block *run; /* the open block of the run; NULL: none */
    bfci_kind run_kind;
    bfci_extent run_extent;
    uint64_t run_first;   /* its first block's number; UINT64_MAX: there is no run */
    uint64_t run_at;      /* where that was written */
    uint64_t run_written; /* blocks of the run that were written, and their sizes */
    uint64_t run_stored, run_raw;
    uint64_t stored, raw;
    atomic_bool dropped; /* nobody wants what is still in flight */
    buf record;
};

/* ── Making and freeing ── */

static bfci_arena *arena_of(const bfci_packer *p)
{
    return bfci_pool_arena(p->config.pool);
}

static void block_free(block *b)
{
    if (!b)
        return;
    bfci_buffer_unref(b->buffer);
    free(b);
}

static int workers_new(bfci_packer *p, bfc_err *err)
{
    unsigned count = bfci_pool_count(p->config.pool);

    BFC_TRY(bfci_alloc_zero(count, sizeof(bfci_compressor *), &p->zstd, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof(bfci_sha256_ctx *), &p->sha, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof(uint8_t *), &p->moved, err));
    if (p->config.segment->sealer)
        BFC_TRY(bfci_alloc_zero(count, sizeof(bfci_aead *), &p->aead, err));
    for (unsigned i = 0; i < count; i++) {
        BFC_TRY(bfci_sha256_new(&p->sha[i], err));
        if (p->aead)
            BFC_TRY(bfci_sealer_aead(p->config.segment->sealer, &p->aead[i], err));
        if (p->config.level > 0)
            BFC_TRY(bfci_compressor_new(p->config.level, &p->zstd[i], err));
        if (p->config.level > 0 && p->config.thorough)
            BFC_TRY(bfci_compressor_search_more(p->zstd[i], err));
    }
    return 0;
}

int bfci_packer_new(const bfci_packer_config *config, bfci_packer **out, bfc_err *err)
{
    AUTO(bfci_packer) bfci_packer *p = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *p, &p, err));
    p->config = *config;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->block_done, NULL);
    p->next_block = config->first_block;
    p->run_first = UINT64_MAX;
    const unsigned bins = (unsigned)(config->memory.bins / config->block_size);
    p->flight_max =
        MAX(config->memory.flight / 2, (size_t)config->memory.flight_least * config->block_size);
    p->bin_count = MIN(BINS_MAX, MAX(2u, bins));
    BFC_TRY(bfci_alloc_zero(p->bin_count, sizeof(block *), &p->bin, err));
    BFC_TRY(workers_new(p, err));
    *out = bfci_steal(&p);
    return 0;
}

static void wait_for(bfci_packer *p, const block *b)
{
    pthread_mutex_lock(&p->lock);
    p->awaited = b;
    while (!b->done)
        bfci_cond_wait(&p->block_done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static block *take_oldest(bfci_packer *p)
{
    block *b = p->oldest;
    p->oldest = b->next;
    if (!p->oldest)
        p->newest = NULL;
    p->in_flight--;
    p->flight_bytes -= b->len;
    return b;
}

void bfci_packer_free(bfci_packer *p)
{
    if (!p)
        return;
    atomic_store(&p->dropped, true);
    while (p->oldest) {
        wait_for(p, p->oldest);
        block_free(take_oldest(p));
    }
    while (p->spare) {
        block *b = p->spare;
        p->spare = b->next;
        block_free(b);
    }
    for (unsigned i = 0; p->bin && i < p->bin_count; i++)
        block_free(p->bin[i]);
    block_free(p->run);
    for (unsigned i = 0; i < bfci_pool_count(p->config.pool); i++) {
        if (p->zstd)
            bfci_compressor_free(p->zstd[i]);
        if (p->sha)
            bfci_sha256_free(p->sha[i]);
        if (p->aead)
            bfci_aead_free(p->aead[i]);
    }
    free(p->moved);
    free(p->aead);
    free(p->zstd);
    free(p->sha);
    free(p->bin);
    bfci_buf_free(&p->record);
    pthread_cond_destroy(&p->block_done);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ── In the workers ── */

/* In place, where the compressor put the bytes. A block that is stored plain is copied: its content
 * may be in the buffer of somebody else. */
static int seal_block(block *b, unsigned worker)
{
    bfci_packer *p = b->packer;
    size_t len = b->ref.stored;
    BFCI_METER(STAGE_SEAL);

    bfci_meter_count(1, len);
    if (b->payload != b->packed)
        memcpy(b->packed + SEALED_AT_CIPHERTEXT, b->content, len);
    b->payload = b->packed;
    b->ref.stored = (uint32_t)bfci_sealed_size(len);
    return bfci_sealer_close(p->config.segment->sealer, p->aead[worker], bfci_block_id(b->number),
                             b->packed, len, &b->err);
}

/* The content is not the packer's to change. */
static int move_branches(block *b, unsigned worker, const uint8_t **out)
{
    uint8_t **moved = &b->packer->moved[worker];

    *out = b->content;
    if (!b->branches)
        return 0;
    if (!*moved)
        BFC_TRY(bfci_arena_take(arena_of(b->packer), b->packer->config.block_size, moved, &b->err));
    memcpy(*moved, b->content, b->len);
    bfci_branches_to_positions(*moved, b->len);
    *out = *moved;
    return 0;
}

static bool is_worth_trying(const block *b)
{
    const bfci_packer_config *c = &b->packer->config;

    return c->level > 0 && b->len > 1 && (c->thorough || !bfci_is_noise(b->content, b->len));
}

static int compress_block(block *b, unsigned worker)
{
    bfci_packer *p = b->packer;
    const uint8_t *content = b->content;
    uint8_t *packed = b->packed + (p->aead ? SEALED_AT_CIPHERTEXT : 0);
    size_t limit = b->len - (b->len >> BFCI_SAVING_SHIFT), packed_len = 0;
    BFCI_METER(STAGE_COMPRESS);

    bfci_meter_count(1, b->len);
    b->payload = b->content;
    b->ref = (bfci_ref){.stored = b->len, .raw = b->len, .comp = COMP_NONE};
    if (is_worth_trying(b)) {
        BFC_TRY(move_branches(b, worker, &content));
        BFC_TRY(bfci_compress(p->zstd[worker], content, b->len, packed, limit - 1, &packed_len,
                              &b->err));
    }
    if (packed_len) {
        b->ref.stored = (uint32_t)packed_len;
        b->ref.comp = b->branches ? COMP_ZSTD_X86 : COMP_ZSTD;
        b->payload = b->packed;
    }
    if (p->aead)
        BFC_TRY(seal_block(b, worker));
    (void)bfci_meter_enter(STAGE_SUM); /* from here on */
    bfci_meter_count(1, b->ref.stored);
    b->ref.crc = bfci_crc32c(b->payload, b->ref.stored);
    BFC_TRY(bfci_sha256_start(p->sha[worker], &b->err));
    BFC_TRY(bfci_sha256_update(p->sha[worker], b->payload, b->ref.stored, &b->err));
    return bfci_sha256_finish(p->sha[worker], b->ref.digest, &b->err);
}

static void compress_task(bfci_task *task, unsigned worker)
{
    block *b = (block *)((char *)task - offsetof(block, task));
    bfci_packer *p = b->packer;

    b->rc = atomic_load(&p->dropped) ? BFC_E_CANCELLED : compress_block(b, worker);
    pthread_mutex_lock(&p->lock);
    b->done = true;
    if (p->awaited == b)
        pthread_cond_signal(&p->block_done);
    pthread_mutex_unlock(&p->lock);
}

/* ── Opening, closing, writing ── */

static int open_block(bfci_packer *p, bfci_kind kind, block **out, bfc_err *err)
{
    block *b = p->spare;

    if (b) {
        p->spare = b->next;
    } else {
        BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
        if (bfci_arena_take(arena_of(p), p->config.block_size, &b->raw, err) < 0) {
            block_free(b);
            return BFC_E_NOMEM;
        }
    }
    b->content = b->raw;
    b->packer = p;
    b->next = NULL;
    b->task.fn = compress_task;
    b->number = p->next_block++;
    b->len = 0;
    b->branches = kind.branches && p->config.may_move_branches && p->config.level > 0;
    p->moved_branches |= b->branches;
    b->done = false;
    b->rc = 0;
    *out = b;
    return 0;
}

static int write_block(bfci_packer *p, block *b, bfc_err *err)
{
    uint8_t key[8];

    if (b->rc < 0) {
        if (err)
            *err = b->err;
        return b->rc;
    }
    uint64_t at = p->config.segment->at;
    BFC_TRY(bfci_segment_put_data(p->config.segment, b->number, b->payload, &b->ref, err));
    buf_clear(&p->record);
    bfci_block_encode(&p->record, &b->ref);
    BFC_TRY(buf_check(&p->record, err));
    p->stored += b->ref.stored;
    p->raw += b->ref.raw;
    if (b->number >= p->run_first) {
        if (p->run_written++ == 0)
            p->run_at = at;
        p->run_stored += b->ref.stored;
        p->run_raw += b->ref.raw;
    }
    return bfci_sorter_put(p->config.blocks, bfci_key_u64(key, b->number),
                           (bfci_span){p->record.data, p->record.len}, err);
}

/* There are fewer blocks in flight than open ones, and memory that was just used is cheapest. */
static int take_packed(bfci_packer *p, block *b, bfc_err *err)
{
    if (p->packed_spare_count > 0) {
        b->packed = p->packed_spare[--p->packed_spare_count];
        return 0;
    }
    return bfci_arena_take(arena_of(p), bfci_sealed_size(p->config.block_size), &b->packed, err);
}

static void put_aside(bfci_packer *p, block *b)
{
    if (b->packed)
        p->packed_spare[p->packed_spare_count++] = bfci_steal(&b->packed);
    bfci_buffer_unref(bfci_steal(&b->buffer));
    b->next = p->spare;
    p->spare = b;
}

/* Takes the oldest block out of flight, which must be done. */
static int retire(bfci_packer *p, bfc_err *err)
{
    block *b = take_oldest(p);
    int rc = write_block(p, b, err);

    put_aside(p, b);
    return rc;
}

static bool oldest_is_done(bfci_packer *p)
{
    bool done = false;
    if (p->oldest) {
        pthread_mutex_lock(&p->lock);
        done = p->oldest->done;
        pthread_mutex_unlock(&p->lock);
    }
    return done;
}

int bfci_packer_poll(bfci_packer *p, bfc_err *err)
{
    while (oldest_is_done(p))
        BFC_TRY(retire(p, err));
    return 0;
}

static unsigned most_in_flight(const bfci_packer *p)
{
    return MIN((unsigned)FLIGHT_MAX, (unsigned)(p->flight_max / p->config.block_size));
}

static bool flight_is_full(const bfci_packer *p)
{
    return p->flight_bytes >= p->flight_max || p->in_flight >= FLIGHT_MAX;
}

/* Too many are in flight: writes half of them. Waiting for the one in the middle first wakes this
 * thread once, not once for each block. */
static int make_room(bfci_packer *p, bfc_err *err)
{
    const block *middle = p->oldest;

    for (unsigned i = 0; i < p->in_flight / 2; i++)
        middle = middle->next;
    wait_for(p, middle);
    for (unsigned left = p->in_flight / 2; p->in_flight > left;) {
        wait_for(p, p->oldest);
        BFC_TRY(retire(p, err));
    }
    return 0;
}

/* Sends a block off to be compressed and written. It is the packer's from here on. */
static int close_block(bfci_packer *p, block *b, bfc_err *err)
{
    int rc = take_packed(p, b, err);
    if (rc < 0) {
        block_free(b);
        return rc;
    }
    if (p->newest)
        p->newest->next = b;
    else
        p->oldest = b;
    p->newest = b;
    p->in_flight++;
    p->flight_bytes += b->len;
    bfci_meter_queue(QUEUE_BLOCKS, p->in_flight, most_in_flight(p));
    bfci_pool_submit(p->config.pool, &b->task, true);
    if (flight_is_full(p))
        BFC_TRY(make_room(p, err));
    return bfci_packer_poll(p, err);
}

/* ── Small pieces ── */

static block **bin_of(const bfci_packer *p, bfci_kind kind)
{
    unsigned last = p->bin_count - 1;
    return &p->bin[kind.code ? last : kind.likeness % last];
}

int bfci_pack_small(bfci_packer *p, bfci_kind kind, const void *bytes, size_t len, bfci_extent *out,
                    bfc_err *err)
{
    const uint32_t size = p->config.block_size;
    block **bin = bin_of(p, kind);

    if (*bin && (*bin)->len + len > size)
        BFC_TRY(close_block(p, bfci_steal(bin), err));
    if (!*bin)
        BFC_TRY(open_block(p, kind, bin, err));
    block *b = *bin;
    *out = (bfci_extent){.start = 0, .len = len, .block = b->number, .offset = b->len, .shift = 0};
    memcpy(b->raw + b->len, bytes, len);
    b->len += (uint32_t)len;
    if (b->len == size)
        return close_block(p, bfci_steal(bin), err);
    return 0;
}

/* ── Runs ── */

int bfci_pack_run_begin(bfci_packer *p, bfci_kind kind, uint64_t start, bfc_err *err)
{
    p->run_kind = kind;
    p->run_extent = (bfci_extent){.start = start};
    BFC_TRY(open_block(p, p->run_kind, &p->run, err));
    p->run_first = p->run->number;
    p->run_written = p->run_stored = p->run_raw = 0;
    return 0;
}

/* A run's blocks must have numbers that follow each other: the open block's number was the last
 * given out. */
int bfci_pack_run_add(bfci_packer *p, const void *bytes, size_t len, bfci_buffer *buffer,
                      bfc_err *err)
{
    const uint8_t *from = bytes;
    const uint32_t size = p->config.block_size;

    while (len > 0) {
        if (p->run->len == size) {
            BFC_TRY(close_block(p, bfci_steal(&p->run), err));
            BFC_TRY(open_block(p, p->run_kind, &p->run, err));
        }
        if (p->run_extent.len == 0)
            p->run_extent.block = p->run->number;
        size_t n = MIN(len, size - p->run->len);
        if (buffer && n == size) {
            p->run->content = from;
            p->run->buffer = bfci_buffer_ref(buffer);
        } else {
            memcpy(p->run->raw + p->run->len, from, n);
        }
        p->run->len += (uint32_t)n;
        p->run_extent.len += n;
        from += n;
        len -= n;
    }
    return 0;
}

/* The run's block was not needed: its content goes to the others of its kind, its number back. */
static int pack_short_run(bfci_packer *p, bfc_err *err)
{
    uint64_t start = p->run_extent.start;
    block *b = bfci_steal(&p->run);

    p->next_block--;
    int rc = bfci_pack_small(p, p->run_kind, b->raw, b->len, &p->run_extent, err);
    p->run_extent.start = start;
    put_aside(p, b);
    return rc;
}

int bfci_pack_run_end(bfci_packer *p, bfci_extent *out, bfc_err *err)
{
    const uint32_t size = p->config.block_size;

    p->run_first = UINT64_MAX;
    if (p->run_extent.len < size / 2) {
        BFC_TRY(pack_short_run(p, err));
    } else {
        if (p->run_extent.len > size)
            p->run_extent.shift = (uint8_t)__builtin_ctz(size);
        BFC_TRY(close_block(p, bfci_steal(&p->run), err));
    }
    *out = p->run_extent;
    return 0;
}

/* Blocks of small pieces were opened, and those in flight closed, before the run began: so the
 * run's blocks are the last in flight and the last written. How many were written depends on the
 * threads: the table of blocks must not see that there were any. */
int bfci_pack_run_drop(bfci_packer *p, bfc_err *err)
{
    uint64_t first = p->run_first;
    uint8_t key[8];

    while (p->oldest) {
        wait_for(p, p->oldest);
        if (p->oldest->number >= first)
            put_aside(p, take_oldest(p));
        else
            BFC_TRY(retire(p, err));
    }
    put_aside(p, bfci_steal(&p->run));
    for (uint64_t i = 0; i < p->run_written; i++)
        BFC_TRY(bfci_sorter_forget(p->config.blocks, bfci_key_u64(key, first + i), err));
    if (p->run_written)
        BFC_TRY(bfci_segment_rewind(p->config.segment, p->run_at, err));
    p->stored -= p->run_stored;
    p->raw -= p->run_raw;
    p->next_block = first;
    p->run_first = UINT64_MAX;
    return 0;
}

int bfci_pack_piece(bfci_packer *p, bfci_kind kind, uint64_t start, const void *bytes, size_t len,
                    bfci_extent *out, bfc_err *err)
{
    if (len >= p->config.block_size / 2) {
        BFC_TRY(bfci_pack_run_begin(p, kind, start, err));
        BFC_TRY(bfci_pack_run_add(p, bytes, len, NULL, err));
        return bfci_pack_run_end(p, out, err);
    }
    BFC_TRY(bfci_pack_small(p, kind, bytes, len, out, err));
    out->start = start;
    return 0;
}

/* ── The end ── */

int bfci_packer_finish(bfci_packer *p, bfc_err *err)
{
    for (unsigned i = 0; i < p->bin_count; i++)
        if (p->bin[i])
            BFC_TRY(close_block(p, bfci_steal(&p->bin[i]), err));
    while (p->oldest) {
        wait_for(p, p->oldest);
        BFC_TRY(retire(p, err));
    }
    return 0;
}

bfci_packer_totals bfci_packer_get_totals(const bfci_packer *p)
{
    return (bfci_packer_totals){p->next_block, p->stored, p->raw, p->moved_branches};
}
