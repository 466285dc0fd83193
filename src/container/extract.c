/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_extract(): the coordinator. It walks the tree, keeps the folders that the walk is in, gives
 * work to the pool, and holds jobs, memory and open descriptors within their bounds by waiting. The
 * first failure, in the order of the tree as far as known, stops all: jobs that have not begun are
 * dropped. */
#include "container/extract.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/hooks.h"
#include "base/path.h"
#include "sys/meter.h"

enum {
    TELL_EVERY = 64, /* entries between two progress reports */
    TELL_MS = 100,   /* the same while waiting */
    JOBS_MAX = 256
};

/* ── Paths in messages ── */

/* Of a very long path the end is told. */
struct bfci_quoted bfci_x_path(const bfci_xdir *dir, const char *name)
{
    enum {
        SHOWN_MAX = 300,
        DOTS = 3
    };
    char text[SHOWN_MAX];
    size_t at = sizeof text;

    if (!name) {
        name = dir->parent ? dir->name : ".";
        dir = dir->parent;
    }
    for (;;) {
        size_t len = strlen(name);
        if (len + 1 + DOTS > at) {
            at -= DOTS;
            memcpy(text + at, "...", DOTS);
            break;
        }
        at -= len;
        memcpy(text + at, name, len);
        if (!dir || !dir->parent)
            break;
        text[--at] = '/';
        name = dir->name;
        dir = dir->parent;
    }
    return bfci_quote_bytes(text + at, sizeof text - at);
}

int bfci_x_wrap(const bfci_xdir *dir, const char *name, bfc_err *err, int rc)
{
    if (err->code == BFC_E_EXISTS) /* it names the path itself */
        return rc;
    return bfci_wrap(err, rc, "extract '%s'", bfci_x_path(dir, name).text);
}

/* ── Failing, telling, waiting ── */

void bfci_x_fail(bfci_extraction *x, uint64_t seq, const bfc_err *err)
{
    pthread_mutex_lock(&x->lock);
    if (x->failed.code == BFC_OK || seq < x->failed_seq) {
        x->failed = *err;
        x->failed_seq = seq;
    }
    pthread_mutex_unlock(&x->lock);
    atomic_store(&x->stop, true);
}

static void check_cancel(bfci_extraction *x)
{
    bfc_err err = BFC_ERR_INIT;

    if (bfci_cancelled(x->hooks) && !bfci_x_stopped(x)) {
        (void)bfci_check_cancel(x->hooks, &err);
        bfci_x_fail(x, x->seq, &err);
    }
}

static void tell(bfci_extraction *x)
{
    check_cancel(x);
    x->progress.files_done = atomic_load(&x->done_entries);
    x->progress.bytes_done = atomic_load(&x->done_bytes);
    bfci_progress(x->hooks, &x->progress);
}

/* Until at most `wanted` jobs are waiting or running. */
static void wait_for_jobs(bfci_extraction *x, unsigned wanted)
{
    pthread_mutex_lock(&x->lock);
    x->wanted = wanted;
    while (x->in_flight > wanted) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TELL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        uint64_t began = bfci_wait_begin();
        int rc = pthread_cond_timedwait(&x->fewer, &x->lock, &until);
        bfci_wait_end(began);
        if (rc == ETIMEDOUT) {
            pthread_mutex_unlock(&x->lock);
            tell(x);
            pthread_mutex_lock(&x->lock);
        }
    }
    pthread_mutex_unlock(&x->lock);
}

void bfci_x_submit(bfci_extraction *x, bfci_task *task)
{
    const unsigned most = XJOBS_PER_WORKER * bfci_pool_count(x->pool);

    pthread_mutex_lock(&x->lock);
    bool full = x->in_flight >= most;
    x->in_flight++;
    bfci_meter_queue(QUEUE_JOBS, x->in_flight, most + 1);
    pthread_mutex_unlock(&x->lock);
    bfci_pool_submit(x->pool, task, false);
    if (full)
        wait_for_jobs(x, most / 2);
}

void bfci_x_job_done(bfci_extraction *x)
{
    pthread_mutex_lock(&x->lock);
    if (--x->in_flight <= x->wanted)
        pthread_cond_signal(&x->fewer);
    pthread_mutex_unlock(&x->lock);
}

static bool over_bounds(bfci_extraction *x)
{
    return atomic_load_explicit(&x->queued, memory_order_relaxed) > XQUEUE_BYTES ||
           atomic_load_explicit(&x->open_fds, memory_order_relaxed) > x->depth + x->fds_max;
}

/* Before each entry. */
static void hold_bounds(bfci_extraction *x)
{
    if (x->seq % TELL_EVERY == 0)
        tell(x);
    bfci_meter_queue(QUEUE_BYTES, atomic_load_explicit(&x->queued, memory_order_relaxed),
                     XQUEUE_BYTES);
    if (!over_bounds(x))
        return;
    bfci_x_flush(x);
    wait_for_jobs(x, bfci_pool_count(x->pool)); /* nobody is idle meanwhile */
    if (over_bounds(x))
        wait_for_jobs(x, 0);
}

/* ── One entry ── */

static int extract_special(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bool *made,
                           bfc_err *err)
{
    BFCI_METER(STAGE_NODES);

    bfci_meter_count(1, 0);
    *made = true;
    if (s->inode->type == BFC_TYPE_SYMLINK) {
        BFC_TRY(bfci_x_make_symlink(x, dir, s->name, s->inode, err));
        x->symlinks++;
    } else {
        BFC_TRY(bfci_x_make_special(x, dir, s->name, s->inode, made, err));
        x->others += *made;
    }
    atomic_fetch_add_explicit(&x->done_entries, 1, memory_order_relaxed);
    return 0;
}

static int extract_name(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bfc_err *err)
{
    uint64_t nlink = 1;
    bool linked = false, made = true;

    BFC_TRY(bfci_load_nlink(&x->reader->links, s->ino, &nlink, err));
    if (nlink > 1)
        BFC_TRY(bfci_x_link(x, dir, s, &linked, err));
    if (linked)
        return 0;
    if (s->inode->type == BFC_TYPE_FILE)
        BFC_TRY(bfci_x_file(x, dir, s, nlink > 1, err));
    else
        BFC_TRY(extract_special(x, dir, s, &made, err));
    return nlink > 1 ? bfci_x_note_link(x, s, nlink, made, err) : 0;
}

/* ── The walk ── */

typedef struct dirs {
    bfci_xdir **item; /* held */
    size_t count, cap;
} dirs;

static void leave(bfci_extraction *x, dirs *d, size_t count)
{
    if (d->count <= count)
        return;
    BFCI_METER(STAGE_NODES);
    while (d->count > count)
        bfci_xdir_unref(x, d->item[--d->count]);
}

static int enter(bfci_extraction *x, dirs *d, bfci_xdir *parent, const bfci_step *s, bfc_err *err)
{
    BFCI_METER(STAGE_NODES);

    bfci_meter_count(1, 0);
    BFC_TRY(bfci_reserve(&d->item, &d->cap, d->count + 1, sizeof *d->item, err));
    bfci_xdir *dir = x->target;
    if (s->path_len == 0)
        bfci_xdir_ref(dir);
    else
        BFC_TRY(bfci_xdir_make(x, parent, s->name, s->inode, false, &dir, err));
    d->item[d->count++] = dir;
    x->dirs++;
    atomic_fetch_add_explicit(&x->done_entries, 1, memory_order_relaxed);
    return 0;
}

static int extract_entry(bfci_extraction *x, dirs *d, bfci_xdir *top, const bfci_step *s,
                         bfc_err *err)
{
    leave(x, d, s->depth);
    bfci_xdir *parent = s->depth ? d->item[s->depth - 1] : top;
    x->seq++;
    x->depth = x->lead_depth + s->depth;
    hold_bounds(x);
    if (s->inode->type == BFC_TYPE_DIR)
        return enter(x, d, parent, s, err);
    int rc = extract_name(x, parent, s, err);
    return rc < 0 ? bfci_x_wrap(parent, s->name, err, rc) : 0;
}

/* `top`: the folder that the path's last name stands in. */
static int extract_path(bfci_extraction *x, const char *path, bfci_xdir *top, bfc_err *err)
{
    BFCI_METER(STAGE_TREE);
    AUTO(bfci_tree_walk) bfci_tree_walk *w = NULL;
    dirs d = {NULL, 0, 0};
    const bfci_step *s = NULL;
    int rc;

    BFC_TRY(bfci_tree_walk_new(x->reader, path, WALK_FILES_FIRST, &w, err));
    while ((rc = bfci_tree_walk_next(w, &s, err)) == 0 && s && !bfci_x_stopped(x)) {
        rc = extract_entry(x, &d, top, s, err);
        if (rc < 0)
            break;
    }
    if (rc < 0) /* before folders are completed */
        bfci_x_fail(x, x->seq, err);
    leave(x, &d, 0);
    free(d.item);
    return rc;
}

/* ── Folders that lead to a path ── */

typedef struct leads {
    dirs dirs; /* the target first */
    uint64_t *ino;
    size_t ino_cap;
} leads;

static int lead_on(bfci_extraction *x, leads *l, const char *part, size_t len, bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE bfci_inode *inode = NULL;
    bfci_dirent entry = {0, 0};
    bool found = false;
    const size_t at = l->dirs.count;

    BFC_TRY(bfci_memdup_str(part, len, &name, err));
    BFC_TRY(bfci_alloc(1, sizeof *inode, &inode, err));
    BFC_TRY(bfci_load_dirent(&x->reader->dirents, l->ino[at - 1], part, len, &found, &entry, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT, "folder '%s' is gone", BFCI_QUOTE(part, len));
    BFC_TRY(bfci_load_inode(&x->reader->inodes, entry.ino, inode, err));
    if (inode->type != BFC_TYPE_DIR)
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' is not a folder", BFCI_QUOTE(part, len));
    BFC_TRY(bfci_reserve(&l->dirs.item, &l->dirs.cap, at + 1, sizeof *l->dirs.item, err));
    BFC_TRY(bfci_reserve(&l->ino, &l->ino_cap, at + 1, sizeof *l->ino, err));
    BFC_TRY(bfci_xdir_make(x, l->dirs.item[at - 1], name, inode, true, &l->dirs.item[at], err));
    l->ino[at] = entry.ino;
    l->dirs.count++;
    return 0;
}

/* Makes the folders before the path's last name; those that the path before this one had too are
 * kept. */
static int lead_to(bfci_extraction *x, leads *l, const char *path, bfc_err *err)
{
    size_t depth = 1;
    const char *slash;

    for (; (slash = strchr(path, '/')) != NULL; path = slash + 1, depth++) {
        size_t len = (size_t)(slash - path);
        if (depth < l->dirs.count) {
            const char *there = l->dirs.item[depth]->name;
            if (strlen(there) == len && memcmp(there, path, len) == 0)
                continue;
            leave(x, &l->dirs, depth);
        }
        BFC_TRY(lead_on(x, l, path, len, err));
    }
    leave(x, &l->dirs, depth);
    return 0;
}

static int start_leads(bfci_extraction *x, leads *l, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&l->dirs.item, &l->dirs.cap, 1, sizeof *l->dirs.item, err));
    BFC_TRY(bfci_reserve(&l->ino, &l->ino_cap, 1, sizeof *l->ino, err));
    l->dirs.item[0] = x->target;
    l->ino[0] = x->reader->root;
    bfci_xdir_ref(x->target);
    l->dirs.count = 1;
    return 0;
}

static int extract_paths(bfci_extraction *x, const bfci_xpaths *paths, bfc_err *err)
{
    leads l = {{NULL, 0, 0}, NULL, 0};
    int rc = start_leads(x, &l, err);

    for (size_t i = 0; i < paths->count && rc == 0 && !bfci_x_stopped(x); i++) {
        rc = lead_to(x, &l, paths->item[i], err);
        x->lead_depth = (unsigned)l.dirs.count;
        if (rc == 0)
            rc = extract_path(x, paths->item[i], l.dirs.item[l.dirs.count - 1], err);
    }
    if (rc < 0)
        bfci_x_fail(x, x->seq, err);
    leave(x, &l.dirs, 0);
    free(l.dirs.item);
    free(l.ino);
    return rc;
}

/* ── Setting up and ending ── */

static int start_workers(bfci_extraction *x, unsigned jobs, bfc_err *err)
{
    unsigned count = MIN(jobs ? jobs : bfci_processors(), (unsigned)JOBS_MAX);

    BFC_TRY(bfci_alloc_zero(count, sizeof *x->worker, &x->worker, err));
    BFC_TRY(bfci_pool_new(count, &x->pool, err));
    BFC_TRY(bfci_xcache_new(&x->reader->source, bfci_pool_arena(x->pool), &x->cache, err));
    for (unsigned i = 0; i < count; i++) {
        BFC_TRY(bfci_unpacker_new(&x->worker[i].unpacker, err));
        bfci_unpacker_use(x->worker[i].unpacker, bfci_pool_arena(x->pool));
    }
    return 0;
}

static int extraction_new(bfc_reader *r, const bfc_extract_options *o, bfci_extraction **out,
                          bfc_err *err)
{
    bfci_extraction *x = NULL;
    pthread_condattr_t attr;

    BFC_TRY(bfci_alloc_zero(1, sizeof *x, &x, err));
    x->reader = r;
    x->hooks = o->hooks;
    x->replace = o->replace;
    x->strict = o->strict;
    x->privileged = geteuid() == 0;
    x->no_owners = r->v1 != NULL;
    x->umask = bfci_umask();
    x->fds_max = MIN((uint64_t)XFDS_MAX, MAX(UINT64_C(16), bfci_fd_limit() / 4));
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->fewer, &attr);
    pthread_condattr_destroy(&attr);
    x->progress.phase = "extract";
    *out = x;
    return 0;
}

static void extraction_free(bfci_extraction *x)
{
    unsigned workers = x->pool ? bfci_pool_count(x->pool) : 0;

    bfci_pool_free(x->pool);
    for (unsigned i = 0; i < workers; i++)
        bfci_unpacker_free(x->worker[i].unpacker);
    free(x->worker);
    bfci_xcache_free(x->cache);
    for (size_t i = 0; i < XSETS_CACHED; i++)
        bfci_xset_unref(x->set[i]);
    bfci_x_release_links(x);
    bfci_buf_free(&x->scratch);
    pthread_cond_destroy(&x->fewer);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

/* The commit counts what all trees have together; of one among several it tells nothing. */
static void set_totals(bfci_extraction *x)
{
    const bfci_commit *c = &x->reader->source.commit;

    if (c->table[TABLE_TREES].count != 1)
        return;
    x->progress.bytes_total = c->content_bytes;
    x->progress.files_total = c->files + c->dirs + c->symlinks + c->others;
}

/* All jobs are over when this returns. */
static void finish_jobs(bfci_extraction *x)
{
    BFCI_METER(STAGE_TREE);

    bfci_meter_count(x->seq, 0);
    if (bfci_x_stopped(x))
        bfci_x_drop_groups(x);
    else
        bfci_x_flush(x);
    wait_for_jobs(x, 0);
    bfci_xdir_unref(x, x->target);
}

static int run(bfci_extraction *x, const char *target, const bfc_extract_options *o, bfc_err *err)
{
    bfci_xpaths paths;

    BFC_TRY(bfci_xpaths_init(&paths, x->reader, o->paths, err));
    bool whole = paths.count == 1 && paths.item[0][0] == '\0';
    int rc = start_workers(x, o->jobs, err);
    if (rc == 0)
        rc = bfci_xdir_open_target(x, target, whole, err);
    if (rc == 0) {
        if (whole)
            set_totals(x);
        bfci_x_start_owners(x);
        (void)extract_paths(x, &paths, err);
        finish_jobs(x);
        tell(x);
        if (x->failed.code != BFC_OK) {
            *err = x->failed;
            rc = (int)err->code;
        }
    }
    bfci_xpaths_release(&paths);
    return rc;
}

static void warn(const bfci_extraction *x, uint64_t count, const char *what)
{
    if (count)
        bfci_log(x->hooks, BFC_LOG_WARNING, "extract", "%" PRIu64 " %s", count, what);
}

static void tell_losses(const bfci_extraction *x, const bfc_extract_report *r)
{
    warn(x, r->lost_owner, "entries did not get their owner: this user may not set it");
    warn(x, r->lost_mode,
         "entries did not get their whole mode: no setuid or setgid without the right owner");
    warn(
        x, r->lost_xattrs,
        "entries did not get all extended attributes: this user or file system does not take them");
    warn(x, r->lost_device, "devices were not made: this user may not make them");
}

static void fill_report(bfci_extraction *x, bfc_extract_report *out)
{
    *out = (bfc_extract_report){
        .files = x->files,
        .dirs = x->dirs,
        .symlinks = x->symlinks,
        .others = x->others,
        .hardlinks = x->hardlinks,
        .content_bytes = x->content_bytes,
        .lost_owner = atomic_load(&x->lost_owner),
        .lost_mode = atomic_load(&x->lost_mode),
        .lost_xattrs = atomic_load(&x->lost_xattrs),
        .lost_device = atomic_load(&x->lost_device),
    };
}

/* The reader looks at its own tree again afterwards. */
static int run_in_tree(bfci_extraction *x, const char *target, const bfc_extract_options *o,
                       bfc_err *err)
{
    const uint64_t root = x->reader->root;

    if (o->tree)
        BFC_TRY(bfci_reader_use_tree(x->reader, o->tree, err));
    int rc = run(x, target, o, err);
    x->reader->root = root;
    return rc;
}

int bfc_extract(bfc_reader *r, const char *target, const bfc_extract_options *options,
                bfc_extract_report *report, bfc_err *err)
{
    static const bfc_extract_options defaults = BFC_EXTRACT_OPTIONS_INIT;
    const bfc_extract_options *o = options ? options : &defaults;
    bfc_extract_report done = {0};
    bfci_extraction *x = NULL;
    bfc_err inner = BFC_ERR_INIT;
    bfci_gauge gauge;

    if (!r || !target || !target[0])
        return bfci_fail(err, BFC_E_INVALID, "extract needs a reader and a target");
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_EXTRACT_OPTIONS_INIT, err));
    BFC_TRY(BFCI_CHECK_OPTIONS(o->stats, BFC_STATS_INIT, err));
    bfci_gauge_begin(&gauge, o->stats);
    int rc = extraction_new(r, o, &x, &inner);
    if (rc == 0) {
        rc = run_in_tree(x, target, o, &inner);
        fill_report(x, &done);
        tell_losses(x, &done);
        extraction_free(x);
    }
    bfci_gauge_end(&gauge);
    if (report)
        *report = done;
    if (rc < 0 && err)
        *err = inner;
    return rc;
}
