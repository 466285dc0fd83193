/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of batches of leaf pages. A batch goes to the pool when it is full; one that is not when
 * it is wanted back is packed by the caller, so that a small commit wakes nobody. */
#include "container/page_sink.h"

#include "codec/digest.h"
#include "codec/zstd.h"
#include "sys/bell.h"
#include "sys/meter.h"

enum {
    BATCH_BYTES = 64 << 10, /* of pages, raw: a worker has them for a millisecond */
    BATCH_PAGES = 32,
};

/* What a thread packs with. */
typedef struct tools {
    bool ready;
    bfci_compressor *zstd; /* NULL: pages are stored plain */
    bfci_aead *aead;       /* NULL: the container is not sealed */
} tools;

typedef struct leaf {
    bfci_leaf told;
    size_t at;        /* in the batch's raw bytes */
    size_t packed_at; /* in its packed ones: the payload */
} leaf;

typedef struct batch {
    bfci_task task; /* first: a task is its batch */
    bfci_page_sink *sink;
    uint8_t table;
    buf raw, packed;
    leaf leaf[BATCH_PAGES];
    unsigned count, taken;
    bool closed; /* no page is added to it any more */
    bool away;   /* a worker has it; the bell's */
    int rc;
    bfc_err err;
} batch;

struct bfci_page_sink {
    bfci_segment *segment;
    bfci_pool *pool; /* or NULL */
    int level;
    tools *tools; /* one a worker, then the caller's */
    unsigned workers;
    buf packed;   /* of a page that is written at once */
    batch *batch; /* ring */
    unsigned batches, first, used;
    bfci_bell packed_one;
};

/* ── Making and freeing ── */

static int make_ring(bfci_page_sink *s, bfc_err *err)
{
    const unsigned batches = s->workers + 2;

    BFC_TRY(bfci_alloc_zero(batches, sizeof *s->batch, &s->batch, err));
    s->batches = batches;
    return 0;
}

int bfci_page_sink_new(bfci_segment *segment, bfci_pool *pool, int level, bfci_page_sink **out,
                       bfc_err *err)
{
    bfci_page_sink *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    bfci_bell_init(&fresh->packed_one);
    AUTO(bfci_page_sink) bfci_page_sink *s = fresh;
    s->segment = segment;
    s->pool = pool;
    s->level = level;
    s->workers = pool ? bfci_pool_count(pool) : 0;
    BFC_TRY(bfci_alloc_zero(s->workers + 1, sizeof *s->tools, &s->tools, err));
    BFC_TRY(make_ring(s, err));
    *out = bfci_steal(&s);
    return 0;
}

void bfci_page_sink_free(bfci_page_sink *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->batches; i++) {
        bfci_bell_wait(&s->packed_one, &s->batch[i].away);
        bfci_buf_free(&s->batch[i].raw);
        bfci_buf_free(&s->batch[i].packed);
    }
    for (unsigned i = 0; s->tools && i <= s->workers; i++) {
        bfci_compressor_free(s->tools[i].zstd);
        bfci_aead_free(s->tools[i].aead);
    }
    free(s->batch);
    free(s->tools);
    bfci_buf_free(&s->packed);
    bfci_bell_destroy(&s->packed_one);
    free(s);
}

size_t bfci_page_sink_page_size(const bfci_page_sink *s)
{
    return (size_t)1 << s->segment->super.page_shift;
}

/* ── Packing ── */

/* Made when there is a page to pack: most threads of a small commit have none. */
static int tools_of(bfci_page_sink *s, unsigned thread, tools **out, bfc_err *err)
{
    tools *t = &s->tools[thread];

    *out = t;
    if (t->ready)
        return 0;
    if (s->level > 0 && !t->zstd)
        BFC_TRY(bfci_compressor_new(s->level, &t->zstd, err));
    if (s->segment->sealer && !t->aead)
        BFC_TRY(bfci_sealer_aead(s->segment->sealer, &t->aead, err));
    t->ready = true;
    return 0;
}

typedef struct raw_page {
    bfci_frame_id id;
    const uint8_t *bytes;
    size_t len;
} raw_page;

/* The payload as it is stored goes to the end of `packed`; all but its place into `ref`. */
static int pack_page(bfci_page_sink *s, unsigned thread, const raw_page *page, buf *packed,
                     bfci_ref *ref, bfc_err *err)
{
    tools *t = NULL;
    size_t len = 0;

    BFC_TRY(tools_of(s, thread, &t, err));
    uint8_t *payload = bfci_buf_room(packed, bfci_sealed_size(page->len));
    BFC_TRY(buf_check(packed, err));
    uint8_t *text = payload + (t->aead ? SEALED_AT_CIPHERTEXT : 0);
    if (t->zstd && page->len > 1)
        BFC_TRY(bfci_compress(t->zstd, page->bytes, page->len, text, page->len - 1, &len, err));
    *ref = (bfci_ref){.raw = (uint32_t)page->len, .comp = len ? COMP_ZSTD : COMP_NONE};
    if (!len) {
        len = page->len;
        memcpy(text, page->bytes, len);
    }
    ref->stored = (uint32_t)(t->aead ? bfci_sealed_size(len) : len);
    if (t->aead)
        BFC_TRY(bfci_sealer_close(s->segment->sealer, t->aead, page->id, payload, len, err));
    ref->crc = bfci_crc32c(payload, ref->stored);
    packed->len += ref->stored;
    return bfci_sha256(payload, ref->stored, ref->digest, err);
}

int bfci_page_sink_put(bfci_page_sink *s, uint8_t table, uint8_t level, const buf *page,
                       bfci_ref *out, bfc_err *err)
{
    const raw_page raw = {bfci_page_id(table, level), page->data, page->len};
    bfci_ref ref;

    buf_clear(&s->packed);
    BFC_TRY(pack_page(s, s->workers, &raw, &s->packed, &ref, err));
    BFC_TRY(bfci_segment_put_page(s->segment, table, level, s->packed.data, &ref, err));
    *out = ref;
    return 0;
}

static void pack_batch(batch *b, unsigned thread)
{
    const bfci_frame_id id = bfci_page_id(b->table, 0);

    buf_clear(&b->packed);
    for (unsigned i = 0; i < b->count && b->rc == 0; i++) {
        leaf *l = &b->leaf[i];
        const size_t end = i + 1 < b->count ? b->leaf[i + 1].at : b->raw.len;
        const raw_page raw = {id, b->raw.data + l->at, end - l->at};
        l->packed_at = b->packed.len;
        b->rc = pack_page(b->sink, thread, &raw, &b->packed, &l->told.ref, &b->err);
    }
}

static void pack_task(bfci_task *task, unsigned worker)
{
    batch *b = (batch *)task;
    BFCI_METER(STAGE_PAGES);

    pack_batch(b, worker);
    bfci_meter_count(b->count, b->raw.len);
    bfci_bell_ring(&b->sink->packed_one, &b->away);
}

/* ── The queue ── */

static batch *newest(const bfci_page_sink *s)
{
    return &s->batch[(s->first + s->used - 1) % s->batches];
}

static batch *open_batch(bfci_page_sink *s, uint8_t table)
{
    if (s->used > 0 && !newest(s)->closed)
        return newest(s);
    s->used++;
    batch *b = newest(s);
    buf_clear(&b->raw);
    b->task.fn = pack_task;
    b->sink = s;
    b->table = table;
    b->count = b->taken = 0;
    b->closed = false;
    b->rc = 0;
    b->err = (bfc_err)BFC_ERR_INIT;
    return b;
}

/* Without a pool this packs it. */
static void close_batch(bfci_page_sink *s, batch *b)
{
    b->closed = true;
    if (!s->pool) {
        pack_batch(b, s->workers);
        return;
    }
    b->away = true;
    bfci_pool_submit(s->pool, &b->task, true);
}

bool bfci_page_sink_is_full(const bfci_page_sink *s)
{
    return s->used == s->batches && newest(s)->closed;
}

int bfci_page_sink_queue(bfci_page_sink *s, uint8_t table, const buf *page, bfci_span first_key,
                         bfc_err *err)
{
    batch *b = open_batch(s, table);
    leaf *l = &b->leaf[b->count];

    l->at = b->raw.len;
    l->told.first_key_len = first_key.len;
    memcpy(l->told.first_key, first_key.p, first_key.len);
    bfci_buf_put(&b->raw, page->data, page->len);
    BFC_TRY(buf_check(&b->raw, err));
    b->count++;
    if (b->raw.len >= BATCH_BYTES || b->count == BATCH_PAGES)
        close_batch(s, b);
    return 0;
}

/* The oldest batch, packed. */
static int first_batch(bfci_page_sink *s, batch **out, bfc_err *err)
{
    batch *b = &s->batch[s->first];

    if (b->closed) {
        bfci_bell_wait(&s->packed_one, &b->away);
    } else {
        b->closed = true;
        pack_batch(b, s->workers);
    }
    if (b->rc < 0) {
        if (err)
            *err = b->err;
        return b->rc;
    }
    *out = b;
    return 0;
}

int bfci_page_sink_take(bfci_page_sink *s, const bfci_leaf **out, bfc_err *err)
{
    batch *b = NULL;

    *out = NULL;
    if (s->used == 0)
        return 0;
    BFC_TRY(first_batch(s, &b, err));
    leaf *l = &b->leaf[b->taken++];
    if (b->taken == b->count) {
        s->first = (s->first + 1) % s->batches;
        s->used--;
    }
    BFC_TRY(bfci_segment_put_page(s->segment, b->table, 0, b->packed.data + l->packed_at,
                                  &l->told.ref, err));
    *out = &l->told;
    return 0;
}
