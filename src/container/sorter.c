/* SPDX-License-Identifier: Apache-2.0 */
/* An external merge sort. Changes are appended to an arena; a full arena is sorted and written out
 * as a run; at the end the runs and what is still in memory are merged. Among equal keys the one
 * that was put last comes out: within a run it stands last, and later runs win over earlier ones.
 */
#include "container/sorter.h"

#include "base/cursor.h"
#include "container/spill.h"
#include "sys/bell.h"
#include "sys/meter.h"

enum {
    REC_HEADER = 5, /* u16 key length, u16 value length, u8 of the next enum */
    REC_MAX = REC_HEADER + KEY_MAX + VALUE_MAX,
    RUN_BUFFER_MAX = 1 << 18,
    RUN_BUFFER_MIN = 8 * REC_MAX,
    MERGE_MEMORY = 4 << 20, /* shared by the buffers of all runs */
    AHEAD_LEAST = 4096      /* records: fewer are sorted sooner than a worker wakes up */
};

enum {
    IS_PUT = 0,
    IS_DELETED = 1,
    IS_FORGOTTEN = 2
};

/* A sorted sequence: in the temporary file, or the arena itself (then `buffer` is not used). */
typedef struct run {
    uint64_t at, end; /* in the file: what is not in the buffer yet */
    uint8_t *buffer;
    size_t pos, filled, cap;
    size_t index;        /* in memory: of the next sorted record */
    const uint8_t *head; /* the record it stands on; NULL at the end */
} run;

struct bfci_sorter {
    const char *beside;
    bool sealed;
    size_t budget;
    buf arena;
    const uint8_t **sorted; /* records of the arena */
    size_t count;
    bfci_spill *spill; /* NULL: all is in memory */
    run *runs;
    size_t run_count, run_cap;
    size_t *heap; /* indexes of runs, the one with the least key first */
    size_t heap_len;
    bool empty;
    bfci_change current;
    bool at_end;
    bfci_task task; /* sorts the arena ahead */
    bfci_bell sorted_ahead;
    bool ahead;   /* the task was submitted */
    bool sorting; /* it has not ended; the bell's */
    int sort_rc;
    bfc_err sort_err;
};

int bfci_sorter_new(const char *beside, bool sealed, size_t budget, bfci_sorter **out, bfc_err *err)
{
    bfci_sorter *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->beside = beside;
    s->budget = budget;
    s->sealed = sealed;
    s->empty = true;
    s->sort_err = (bfc_err)BFC_ERR_INIT;
    bfci_bell_init(&s->sorted_ahead);
    *out = s;
    return 0;
}

void bfci_sorter_free(bfci_sorter *s)
{
    if (!s)
        return;
    bfci_bell_wait(&s->sorted_ahead, &s->sorting);
    for (size_t i = 0; i < s->run_count; i++)
        free(s->runs[i].buffer);
    free(s->runs);
    free(s->heap);
    free(s->sorted);
    bfci_buf_free(&s->arena);
    bfci_spill_free(s->spill);
    bfci_bell_destroy(&s->sorted_ahead);
    free(s);
}

/* ── Records ── */

static bfci_span rec_key(const uint8_t *rec)
{
    return (bfci_span){rec + REC_HEADER, get_u16le(rec)};
}

static bfci_span rec_value(const uint8_t *rec)
{
    return (bfci_span){rec + REC_HEADER + get_u16le(rec), get_u16le(rec + 2)};
}

static size_t rec_len(const uint8_t *rec)
{
    return (size_t)REC_HEADER + get_u16le(rec) + get_u16le(rec + 2);
}

/* Records of one arena: equal keys stay in the order in which they were put. */
static int compare_records(const void *a, const void *b)
{
    const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;
    int c = bfci_span_compare(rec_key(x), rec_key(y));
    return c ? c : (x > y) - (x < y);
}

static int sort_arena(bfci_sorter *s, bfc_err *err)
{
    size_t n = 0;
    bool rising = true;

    free(bfci_steal(&s->sorted));
    BFC_TRY(bfci_alloc(MAX(s->count, 1u), sizeof *s->sorted, &s->sorted, err));
    for (size_t at = 0; at < s->arena.len; at += rec_len(s->arena.data + at)) {
        s->sorted[n] = s->arena.data + at;
        rising = rising && (n == 0 || compare_records(&s->sorted[n - 1], &s->sorted[n]) <= 0);
        n++;
    }
    if (!rising)
        qsort(s->sorted, n, sizeof *s->sorted, compare_records);
    return 0;
}

static void sort_task(bfci_task *task, unsigned worker)
{
    (void)worker;
    bfci_sorter *s = (bfci_sorter *)((char *)task - offsetof(bfci_sorter, task));
    BFCI_METER(STAGE_SORT);

    s->sort_rc = sort_arena(s, &s->sort_err);
    bfci_meter_count(s->count, s->arena.len);
    bfci_bell_ring(&s->sorted_ahead, &s->sorting);
}

void bfci_sorter_sort_ahead(bfci_sorter *s, bfci_pool *pool)
{
    if (s->count < AHEAD_LEAST)
        return;
    s->task.fn = sort_task;
    s->ahead = s->sorting = true;
    bfci_pool_submit(pool, &s->task, true);
}

/* What is in memory, sorted by now or ahead. */
static int finish_sort(bfci_sorter *s, bfc_err *err)
{
    if (!s->ahead)
        return sort_arena(s, err);
    bfci_bell_wait(&s->sorted_ahead, &s->sorting);
    if (s->sort_rc < 0 && err)
        *err = s->sort_err;
    return s->sort_rc;
}

/* ── Adding ── */

static int spill(bfci_sorter *s, bfc_err *err)
{
    AUTO_BUF buf out = BUF_INIT;

    BFC_TRY(sort_arena(s, err));
    if (!s->spill)
        BFC_TRY(bfci_spill_new(s->beside, s->sealed, &s->spill, err));
    uint64_t start = bfci_spill_size(s->spill);
    for (size_t i = 0; i < s->count; i++) {
        bfci_buf_put(&out, s->sorted[i], rec_len(s->sorted[i]));
        if (out.len < RUN_BUFFER_MAX && i + 1 < s->count)
            continue;
        BFC_TRY(buf_check(&out, err));
        BFC_TRY(bfci_spill_put(s->spill, out.data, out.len, err));
        buf_clear(&out);
    }
    BFC_TRY(bfci_reserve(&s->runs, &s->run_cap, s->run_count + 1, sizeof *s->runs, err));
    s->runs[s->run_count++] = (run){.at = start, .end = bfci_spill_size(s->spill)};
    buf_clear(&s->arena);
    s->count = 0;
    return 0;
}

static int put(bfci_sorter *s, bfci_span key, bfci_span value, uint8_t what, bfc_err *err)
{
    size_t len = REC_HEADER + key.len + value.len;

    if (s->arena.len > 0 && s->arena.len + len > s->budget)
        BFC_TRY(spill(s, err));
    uint8_t *rec = bfci_buf_room(&s->arena, len);
    BFC_TRY(buf_check(&s->arena, err));
    put_u16le(rec, (uint16_t)key.len);
    put_u16le(rec + 2, (uint16_t)value.len);
    rec[4] = what;
    memcpy(rec + REC_HEADER, key.p, key.len);
    if (value.len)
        memcpy(rec + REC_HEADER + key.len, value.p, value.len);
    s->arena.len += len;
    s->count++;
    s->empty = false;
    return 0;
}

int bfci_sorter_put(bfci_sorter *s, bfci_span key, bfci_span value, bfc_err *err)
{
    if (key.len > KEY_MAX || value.len > VALUE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a metadata entry is too large");
    return put(s, key, value, IS_PUT, err);
}

int bfci_sorter_delete(bfci_sorter *s, bfci_span key, bfc_err *err)
{
    return put(s, key, (bfci_span){key.p, 0}, IS_DELETED, err);
}

int bfci_sorter_forget(bfci_sorter *s, bfci_span key, bfc_err *err)
{
    return put(s, key, (bfci_span){key.p, 0}, IS_FORGOTTEN, err);
}

bool bfci_sorter_is_empty(const bfci_sorter *s)
{
    return s->empty;
}

/* ── Merging ── */

static bool is_memory_run(const run *r)
{
    return r->cap == 0;
}

/* Moves what is left to the front of the buffer and reads on. */
static int fill(bfci_sorter *s, run *r, bfc_err *err)
{
    size_t left = r->filled - r->pos;
    size_t n = (size_t)MIN((uint64_t)(r->cap - left), r->end - r->at);

    memmove(r->buffer, r->buffer + r->pos, left);
    BFC_TRY(bfci_spill_read(s->spill, r->at, r->buffer + left, n, err));
    r->at += n;
    r->pos = 0;
    r->filled = left + n;
    return 0;
}

/* To the run's next record. */
static int advance(bfci_sorter *s, run *r, bfc_err *err)
{
    if (is_memory_run(r)) {
        r->head = r->index < s->count ? s->sorted[r->index++] : NULL;
        return 0;
    }
    if (r->head)
        r->pos += rec_len(r->head);
    if (r->filled - r->pos < 2 * REC_MAX && r->at < r->end) /* this record and the next */
        BFC_TRY(fill(s, r, err));
    r->head = r->pos < r->filled ? r->buffer + r->pos : NULL;
    return 0;
}

/* Least key first; of equal keys the later run first. */
static bool comes_before(const bfci_sorter *s, size_t a, size_t b)
{
    int c = bfci_span_compare(rec_key(s->runs[a].head), rec_key(s->runs[b].head));
    return c ? c < 0 : a > b;
}

static void sift_down(bfci_sorter *s, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->heap_len)
            return;
        if (child + 1 < s->heap_len && comes_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!comes_before(s, s->heap[child], s->heap[at]))
            return;
        size_t swap = s->heap[at];
        s->heap[at] = s->heap[child];
        s->heap[child] = swap;
        at = child;
    }
}

/* The first run goes on by one record. */
static int advance_first(bfci_sorter *s, bfc_err *err)
{
    run *r = &s->runs[s->heap[0]];

    BFC_TRY(advance(s, r, err));
    if (!r->head)
        s->heap[0] = s->heap[--s->heap_len];
    if (s->heap_len)
        sift_down(s, 0);
    return 0;
}

static bool next_has_key(const bfci_sorter *s, const run *r, bfci_span key)
{
    return is_memory_run(r) && r->index < s->count &&
           bfci_span_compare(rec_key(s->sorted[r->index]), key) == 0;
}

/* A run may hold a key several times: the last of them counts. In a run from the file the same is
 * seen by looking one record ahead, which the buffer always holds. */
static bool is_superseded(const bfci_sorter *s, const run *r)
{
    bfci_span key = rec_key(r->head);

    if (is_memory_run(r))
        return next_has_key(s, r, key);
    size_t next = r->pos + rec_len(r->head);
    return next < r->filled && bfci_span_compare(rec_key(r->buffer + next), key) == 0;
}

/* Past all records of a key. */
static int skip_key(bfci_sorter *s, bfci_span key, bfc_err *err)
{
    uint8_t copy[KEY_MAX];
    size_t len = key.len;

    memcpy(copy, key.p, len);
    while (s->heap_len &&
           bfci_span_compare(rec_key(s->runs[s->heap[0]].head), (bfci_span){copy, len}) == 0)
        BFC_TRY(advance_first(s, err));
    return 0;
}

static int show(bfci_sorter *s, bfc_err *err)
{
    const uint8_t *rec = NULL;

    while (s->heap_len) {
        while (is_superseded(s, &s->runs[s->heap[0]]))
            BFC_TRY(advance_first(s, err));
        rec = s->runs[s->heap[0]].head;
        if (rec[4] != IS_FORGOTTEN)
            break;
        BFC_TRY(skip_key(s, rec_key(rec), err));
    }
    s->at_end = s->heap_len == 0;
    if (!s->at_end)
        s->current = (bfci_change){rec_key(rec), rec_value(rec), rec[4] == IS_DELETED};
    return 0;
}

static int open_runs(bfci_sorter *s, bfc_err *err)
{
    size_t cap =
        MAX((size_t)RUN_BUFFER_MIN, MIN((size_t)RUN_BUFFER_MAX, MERGE_MEMORY / s->run_count));

    for (size_t i = 0; i < s->run_count; i++) {
        run *r = &s->runs[i];
        if (r->end > r->at) {
            BFC_TRY(bfci_alloc(cap, 1, &r->buffer, err));
            r->cap = cap;
        }
        BFC_TRY(advance(s, r, err));
        if (r->head)
            s->heap[s->heap_len++] = i;
    }
    for (size_t i = s->heap_len / 2 + 1; i-- > 0;)
        if (i < s->heap_len)
            sift_down(s, i);
    return 0;
}

int bfci_sorter_rewind(bfci_sorter *s, bfc_err *err)
{
    BFC_TRY(finish_sort(s, err));
    /* what is in memory is the last run */
    BFC_TRY(bfci_reserve(&s->runs, &s->run_cap, s->run_count + 1, sizeof *s->runs, err));
    s->runs[s->run_count++] = (run){0};
    BFC_TRY(bfci_alloc(s->run_count, sizeof *s->heap, &s->heap, err));
    BFC_TRY(open_runs(s, err));
    return show(s, err);
}

const bfci_change *bfci_sorter_peek(const bfci_sorter *s)
{
    return s->at_end ? NULL : &s->current;
}

int bfci_sorter_step(bfci_sorter *s, bfc_err *err)
{
    BFC_TRY(skip_key(s, s->current.key, err));
    return show(s, err);
}
