/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files into jobs. Small files are gathered by the block that they lie in, so that each
 * block is read and decoded once for all of them; writers fill several blocks at a time, so several
 * groups are open at a time. The content of a large file is cut into chunks that several workers
 * write at once. Holes are not written. */
#include "container/extract.h"

#include <inttypes.h>

#include "sys/meter.h"

/* ── Small files: one job for all in a block ── */

typedef struct bfci_xgroup {
    bfci_task task;
    bfci_extraction *x;
    uint64_t block;
    bfci_ref ref;
    bool has_block; /* else a group of files without data */
    uint64_t used;  /* when a file came last */
    uint64_t bytes; /* of the block that were asked for */
    unsigned count;
    bfci_xfile *first, **end;
} group;

static void write_small(group *g, bfci_xworker *w, bfci_xfile *f, const bfci_xblock *b)
{
    bfc_err err = BFC_ERR_INIT;
    int rc = 0;

    if (bfci_x_stopped(g->x)) {
        atomic_store(&f->failed, true);
        return;
    }
    if (f->fd < 0)
        rc = bfci_x_make_owned(g->x, w, f, &err);
    if (rc == 0 && f->len)
        rc = bfci_x_write_owned(g->x, w, f, b->data + f->offset, f->len, f->at, &err);
    if (rc < 0)
        bfci_xfile_fail(g->x, f, &err);
    else
        atomic_fetch_add_explicit(&g->x->done_bytes, f->size, memory_order_relaxed);
}

static void run_group(bfci_task *task, unsigned worker)
{
    group *g = (group *)((char *)task - offsetof(group, task));
    bfci_extraction *x = g->x;
    bfci_xworker *w = &x->worker[worker];
    bfci_xblock *b = NULL;
    bfc_err err = BFC_ERR_INIT;
    BFCI_METER(STAGE_FILES);

    bfci_meter_count(g->count, 0);
    bfci_x_settle_owner(x, w);
    /* Of a block that is written out whole, hardly anything is wanted again; without it the buffer
     * that is still in the processor's cache serves the next one. */
    const bool keep = g->bytes < g->ref.raw;
    if (g->has_block && !bfci_x_stopped(x) &&
        bfci_xcache_get(x->cache, w, g->block, &g->ref, keep, &b, &err) < 0)
        bfci_xfile_fail(x, g->first, &err); /* the others see that all is stopped */
    for (bfci_xfile *f = g->first, *next; f; f = next) {
        next = f->next;
        write_small(g, w, f, b);
        bfci_xfile_unref(x, f);
    }
    if (b)
        bfci_xcache_put(x->cache, b);
    free(g);
    bfci_x_job_done(x);
}

static int group_new(bfci_extraction *x, group **out, bfc_err *err)
{
    group *g = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *g, &g, err));
    g->task.fn = run_group;
    g->x = x;
    g->end = &g->first;
    *out = g;
    return 0;
}

static void group_add(group *g, bfci_xfile *f)
{
    *g->end = f;
    g->end = &f->next;
    g->count++;
    g->bytes += f->len;
    g->used = g->x->seq;
}

static void submit_group(bfci_extraction *x, size_t at)
{
    group *g = x->group[at];

    x->group[at] = x->group[--x->group_count];
    bfci_x_submit(x, &g->task);
}

static void submit_empties(bfci_extraction *x)
{
    group *g = bfci_steal(&x->empties);
    if (g)
        bfci_x_submit(x, &g->task);
}

void bfci_x_flush(bfci_extraction *x)
{
    while (x->group_count)
        submit_group(x, x->group_count - 1);
    submit_empties(x);
}

static void drop_group(bfci_extraction *x, group *g)
{
    for (bfci_xfile *f = g->first, *next; f; f = next) {
        next = f->next;
        atomic_store(&f->failed, true);
        bfci_xfile_unref(x, f);
    }
    free(g);
}

void bfci_x_drop_groups(bfci_extraction *x)
{
    while (x->group_count)
        drop_group(x, x->group[--x->group_count]);
    group *g = bfci_steal(&x->empties);
    if (g)
        drop_group(x, g);
}

static size_t find_group(const bfci_extraction *x, uint64_t block)
{
    size_t at = 0;
    while (at < x->group_count && x->group[at]->block != block)
        at++;
    return at;
}

static void submit_oldest(bfci_extraction *x)
{
    size_t oldest = 0;
    for (size_t i = 1; i < x->group_count; i++)
        if (x->group[i]->used < x->group[oldest]->used)
            oldest = i;
    submit_group(x, oldest);
}

static int open_group(bfci_extraction *x, uint64_t block, bfc_err *err)
{
    group *g = NULL;

    if (x->group_count == XGROUPS_MAX)
        submit_oldest(x);
    BFC_TRY(group_new(x, &g, err));
    int rc = bfci_load_block(&x->reader->blocks, block, &g->ref, err);
    if (rc < 0) {
        free(g);
        return rc;
    }
    g->has_block = true;
    g->block = block;
    x->group[x->group_count++] = g;
    return 0;
}

static int too_short(uint64_t block, const bfci_ref *ref, bfc_err *err)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset,
                        "block %" PRIu64 " is shorter than what lies in it", block);
}

static int add_small(bfci_extraction *x, bfci_xfile *f, const bfci_extent *e, bfc_err *err)
{
    size_t at = find_group(x, e->block);

    if (at == x->group_count) {
        BFC_TRY(open_group(x, e->block, err));
        at = x->group_count - 1;
    }
    group *g = x->group[at];
    if (e->offset > g->ref.raw || e->len > g->ref.raw - e->offset) {
        int rc = too_short(e->block, &g->ref, err);
        if (!g->first) /* it was opened for this file */
            free(x->group[--x->group_count]);
        return rc;
    }
    f->at = e->start;
    f->offset = e->offset;
    f->len = (uint32_t)e->len;
    group_add(g, f);
    if (g->count == XGROUP_FILES_MAX || g->bytes >= g->ref.raw)
        submit_group(x, at);
    return 0;
}

static int add_empty(bfci_extraction *x, bfci_xfile *f, bfc_err *err)
{
    if (!x->empties)
        BFC_TRY(group_new(x, &x->empties, err));
    group_add(x->empties, f);
    if (x->empties->count == XEMPTIES_MAX)
        submit_empties(x);
    return 0;
}

/* ── Large files: one job for each chunk ── */

typedef struct piece {
    bfci_ref ref;
    uint64_t block;
    uint64_t at; /* in the file */
    uint32_t offset, len;
    bool shared; /* other files may lie in its block */
} piece;

typedef struct chunk {
    bfci_task task;
    bfci_extraction *x;
    bfci_xfile *file; /* held */
    uint64_t bytes;
    size_t count, cap;
    piece *piece;
} chunk;

static void chunk_free(chunk *c)
{
    if (c)
        free(c->piece);
    free(c);
}

static int write_pieces(chunk *c, bfci_xworker *w, bfc_err *err)
{
    struct bfci_xcache *cache = c->x->cache;
    bfci_xblock *b = NULL;
    int rc = 0;

    if (c->file->fd < 0)
        BFC_TRY(bfci_x_make_owned(c->x, w, c->file, err));
    for (size_t i = 0; i < c->count && rc == 0; i++) {
        const piece *p = &c->piece[i];
        if (b && b->number != p->block) {
            bfci_xcache_put(cache, b);
            b = NULL;
        }
        if (!b)
            rc = bfci_xcache_get(cache, w, p->block, &p->ref, p->shared, &b, err);
        if (rc == 0)
            rc = bfci_x_write_owned(c->x, w, c->file, b->data + p->offset, p->len, p->at, err);
    }
    if (b)
        bfci_xcache_put(cache, b);
    return rc;
}

static void run_chunk(bfci_task *task, unsigned worker)
{
    chunk *c = (chunk *)((char *)task - offsetof(chunk, task));
    bfci_extraction *x = c->x;
    bfc_err err = BFC_ERR_INIT;
    BFCI_METER(STAGE_FILES);

    bfci_meter_count(1, 0);
    bfci_x_settle_owner(x, &x->worker[worker]);
    if (bfci_x_stopped(x))
        atomic_store(&c->file->failed, true);
    else if (write_pieces(c, &x->worker[worker], &err) < 0)
        bfci_xfile_fail(x, c->file, &err);
    else
        atomic_fetch_add_explicit(&x->done_bytes, c->bytes, memory_order_relaxed);
    bfci_xfile_unref(x, c->file);
    chunk_free(c);
    bfci_x_job_done(x);
}

/* Gathers the pieces of one file. */
typedef struct cutter {
    bfci_extraction *x;
    bfci_xfile *file;
    chunk *open;
} cutter;

static int open_chunk(cutter *k, bfc_err *err)
{
    chunk *c = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->task.fn = run_chunk;
    c->x = k->x;
    c->file = k->file;
    k->open = c;
    return 0;
}

/* Others follow, so the file must be there for all of them. */
static int submit_chunk(cutter *k, bfc_err *err)
{
    if (k->file->fd < 0)
        BFC_TRY(bfci_xfile_make(k->x, k->file, err));
    atomic_fetch_add_explicit(&k->file->refs, 1, memory_order_relaxed);
    bfci_x_submit(k->x, &bfci_steal(&k->open)->task);
    return 0;
}

static int add_piece(cutter *k, const piece *p, bfc_err *err)
{
    if (k->open && (k->open->bytes >= XCHUNK_BYTES || k->open->count == XCHUNK_PIECES))
        BFC_TRY(submit_chunk(k, err));
    if (!k->open)
        BFC_TRY(open_chunk(k, err));
    chunk *c = k->open;
    BFC_TRY(bfci_reserve(&c->piece, &c->cap, c->count + 1, sizeof *c->piece, err));
    c->piece[c->count++] = *p;
    c->bytes += p->len;
    return 0;
}

static int add_extent(cutter *k, const bfci_extent *e, bfc_err *err)
{
    uint64_t left = e->len;
    piece p = {.block = e->block, .at = e->start, .offset = e->offset, .shared = e->shift == 0};

    while (left > 0) {
        if (bfci_x_stopped(k->x))
            return 0;
        BFC_TRY(bfci_load_block(&k->x->reader->blocks, p.block, &p.ref, err));
        uint64_t here = e->shift ? MIN(left, UINT64_C(1) << e->shift) : left;
        if (p.offset > p.ref.raw || here > p.ref.raw - p.offset ||
            (left > here && p.ref.raw != here))
            return too_short(p.block, &p.ref, err);
        p.len = (uint32_t)here;
        BFC_TRY(add_piece(k, &p, err));
        p.block++;
        p.at += here;
        left -= here;
    }
    return 0;
}

static int cut(cutter *k, const bfci_step *s, bfc_err *err)
{
    bfci_extent_iter it;
    const bfci_extent *e = NULL;
    uint64_t data = 0;
    int rc;

    bfci_extent_iter_init(&it, k->x->reader->tables, s->ino, s->inode);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e) {
        data += e->len;
        rc = add_extent(k, e, err);
        if (rc < 0 || bfci_x_stopped(k->x))
            break;
    }
    bfci_extent_iter_release(&it);
    k->file->hole_bytes = k->file->size - data;
    return rc;
}

/* The file's own reference goes to its last chunk. */
static int add_large(bfci_extraction *x, bfci_xfile *f, const bfci_step *s, bfc_err *err)
{
    cutter k = {.x = x, .file = f};
    int rc = cut(&k, s, err);

    if (rc == 0 && !k.open)
        rc = open_chunk(&k, err);
    if (rc < 0) {
        chunk_free(k.open);
        return rc;
    }
    bfci_x_submit(x, &k.open->task);
    return 0;
}

/* ── All of them ── */

static int add_file(bfci_extraction *x, bfci_xfile *f, const bfci_step *s, bool linked,
                    bfc_err *err)
{
    const bfci_inode *n = s->inode;
    const bfci_extent *e = n->extent;

    if (x->reader->v1)
        return bfci_x_add_v1(x, f, s->ino, err);
    if (linked)
        BFC_TRY(bfci_xfile_make(x, f, err));
    if ((n->flags & INODE_SPILLED) || n->extent_count > 1 || (n->extent_count == 1 && e->shift))
        return add_large(x, f, s, err);
    return n->extent_count ? add_small(x, f, e, err) : add_empty(x, f, err);
}

int bfci_x_file(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bool linked, bfc_err *err)
{
    bfci_xfile *f = NULL;

    BFC_TRY(bfci_xfile_new(x, dir, s->name, s->inode, &f, err));
    int rc = add_file(x, f, s, linked, err);
    if (rc < 0) {
        atomic_store(&f->failed, true);
        bfci_xfile_unref(x, f);
        return rc;
    }
    x->files++;
    x->content_bytes += s->inode->size;
    return 0;
}
