/* SPDX-License-Identifier: Apache-2.0 */
/* Files of version 1 containers: a content is one piece without blocks, so each is a job of its own
 * that reads it from start to end. */
#include "container/extract.h"
#include "container/v1.h"
#include "sys/meter.h"

enum {
    PIECE_SIZE = 256 << 10
};

typedef struct copying {
    bfci_task task;
    bfci_extraction *x;
    bfci_xfile *file; /* held */
    const bfci_v1_entry *entry;
} copying;

/* Reads on until the stream says that it is the end, also in an empty file: only then are size and
 * checksum known to be right. */
static int copy(const copying *c, uint8_t *piece, bfc_err *err)
{
    AUTO(bfci_v1_stream) bfci_v1_stream *s = NULL;
    uint64_t at = 0;

    BFC_TRY(bfci_v1_stream_open(c->x->reader->v1->file, c->entry, &s, err));
    BFC_TRY(bfci_xfile_make(c->x, c->file, err));
    do {
        size_t got = 0;
        if (bfci_x_stopped(c->x)) {
            atomic_store(&c->file->failed, true);
            return 0;
        }
        size_t want = (size_t)MIN(c->entry->raw - at, (uint64_t)PIECE_SIZE);
        BFC_TRY(bfci_v1_stream_read(s, piece, want, &got, err));
        BFC_TRY(bfci_xfile_write(c->file, piece, got, at, err));
        at += got;
        atomic_fetch_add_explicit(&c->x->done_bytes, got, memory_order_relaxed);
    } while (at < c->entry->raw);
    return 0;
}

static int run_copy(const copying *c, bfc_err *err)
{
    AUTO_FREE uint8_t *piece = NULL;

    BFC_TRY(bfci_alloc((size_t)MIN(c->entry->raw + 1, (uint64_t)PIECE_SIZE), 1, &piece, err));
    return copy(c, piece, err);
}

static void run(bfci_task *task, unsigned worker)
{
    copying *c = (copying *)((char *)task - offsetof(copying, task));
    bfci_extraction *x = c->x;
    bfc_err err = BFC_ERR_INIT;

    (void)worker;
    BFCI_METER(STAGE_FILES);
    bfci_meter_count(1, 0);
    if (bfci_x_stopped(x))
        atomic_store(&c->file->failed, true);
    else if (run_copy(c, &err) < 0)
        bfci_xfile_fail(x, c->file, &err);
    bfci_xfile_unref(x, c->file);
    free(c);
    bfci_x_job_done(x);
}

int bfci_x_add_v1(bfci_extraction *x, bfci_xfile *f, uint64_t ino, bfc_err *err)
{
    bfci_v1 *v = x->reader->v1->file;
    const bfci_v1_entry *e = bfci_v1_entry_of(v, ino);
    copying *c = NULL;

    if (e->sealed)
        BFC_TRY(bfci_v1_unlock(v, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->task.fn = run;
    c->x = x;
    c->file = f;
    c->entry = e;
    f->has_holes = false;
    bfci_x_submit(x, &c->task);
    return 0;
}
