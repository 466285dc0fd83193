/* SPDX-License-Identifier: Apache-2.0 */
/* The scan: a thread that walks, a queue of batches, and the side of the writer who takes them. The
 * thread runs ahead by a bounded number of batches. */
#include "container/scan.h"

#include "container/scan_later.h"
#include "sys/node.h"

enum {
    DIRS_AHEAD_MAX = 256
};

/* ── Handing out batches ── */

static int wait_for_room(bfci_scan *s, bfc_err *err)
{
    pthread_mutex_lock(&s->lock);
    while (s->batches >= s->config.batches && !s->stop)
        bfci_cond_wait(&s->bell, &s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop ? bfci_fail(err, BFC_E_CANCELLED, "interrupted") : 0;
}

int bfci_scan_flush(bfci_scan *s, bfc_err *err)
{
    bfci_batch *b = s->open;

    if (!b || b->count == 0)
        return 0;
    BFC_TRY(wait_for_room(s, err));
    s->open = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->newest)
        s->newest->next = b;
    else
        s->oldest = b;
    s->newest = b;
    s->batches++;
    bfci_meter_queue(QUEUE_BATCHES, s->batches, s->config.batches);
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
    bfci_meter_count(b->count, 0);
    bfci_pool_submit(s->config.pool, &b->task, false);
    return 0;
}

static int batch_room(bfci_scan *s, bfc_err *err)
{
    if (s->open && s->open->count < BATCH_ITEMS && s->open->bytes < BATCH_BYTES)
        return 0;
    BFC_TRY(bfci_scan_flush(s, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *s->open, &s->open, err));
    s->open->task.fn = bfci_batch_load;
    s->open->pool = s->config.pool;
    s->open->noatime = s->config.noatime;
    s->open->lock = &s->lock;
    s->open->bell = &s->bell;
    return 0;
}

int bfci_scan_new_item(bfci_scan *s, bfci_source_dir *dir, uint64_t parent, const char *name,
                       const char *source, const struct stat *st, bfci_item **out, bfc_err *err)
{
    BFC_TRY(bfci_check_cancel(s->config.hooks, err));
    BFC_TRY(batch_room(s, err));
    bfci_item *item = &s->open->item[s->open->count];
    BFC_TRY(bfci_strdup(name, &item->name, err));
    s->open->count++; /* from here on the batch frees it */
    if (source)
        BFC_TRY(bfci_strdup(source, &item->source, err));
    item->dir = bfci_source_dir_ref(dir);
    item->parent = parent;
    item->st = *st;
    *out = item;
    return 0;
}

void bfci_scan_expect_content(bfci_scan *s, bfci_item *item)
{
    if (!S_ISREG(item->st.st_mode) || item->link_count)
        return;
    item->streamed = item->st.st_size > SCAN_SMALL_MAX;
    if (!item->streamed)
        s->open->bytes += (uint64_t)item->st.st_size;
}

/* Adds an item for `name` with the fields that all kinds need. */
int bfci_scan_add_item(bfci_scan *s, bfci_source_dir *dir, uint64_t parent, const char *name,
                       const bfci_plan_node *plan, const struct stat *st, bfci_item **out,
                       bfc_err *err)
{
    BFC_TRY(bfci_check_cancel(s->config.hooks, err));
    atomic_fetch_add_explicit(&s->entries, 1, memory_order_relaxed);
    if (s->config.count_only) {
        s->counted = (bfci_item){.dir = dir, .parent = parent, .st = *st};
        *out = &s->counted;
        return __atomic_load_n(&s->stop, __ATOMIC_RELAXED) ? BFC_E_CANCELLED : 0;
    }
    return bfci_scan_new_item(s, dir, parent, name, plan ? plan->source : NULL, st, out, err);
}

static void *scan_thread(void *arg)
{
    bfci_scan *s = arg;
    bfc_err why = BFC_ERR_INIT;
    bfci_meter meter;

    bfci_meter_start(&meter, s->gauge, STAGE_WALK);
    int rc = bfci_scan_walk(s, &why);

    while (s->depth > 0)
        bfci_scan_pop_level(s);
    atomic_store(&s->counted_all, rc == 0);
    if (rc == 0 && s->later)
        rc = bfci_later_hand_out(s, &why);
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    s->rc = rc;
    s->err = why;
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
    bfci_meter_stop(&meter);
    return NULL;
}

/* ── The writer's side ── */

int bfci_scan_start(const bfci_scan_config *config, bfci_scan **out, bfc_err *err)
{
    AUTO(bfci_scan) bfci_scan *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->config = *config;
    s->next_ino = config->next_ino;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->bell, NULL);
    pthread_mutex_init(&s->dirs.lock, NULL);
    pthread_cond_init(&s->dirs.fewer, NULL);
    s->dirs.ahead = (unsigned)MIN((uint64_t)DIRS_AHEAD_MAX, bfci_fd_limit() / 4);
    bfci_scouts_init(&s->scouts, config->pool, config->scouts, config->one_file_system);
    if (config->base) {
        BFC_TRY(bfci_tables_new(config->base, &s->base, err));
        bfci_cursor_init(&s->base_names, s->base, TABLE_DIRENTS);
    }
    /* Counting ahead is for the display, no work on the container. */
    s->gauge = config->count_only ? NULL : bfci_gauge_here();
    if (config->by_likeness)
        BFC_TRY(bfci_later_new(config->beside, config->sealed, &s->later, err));
    int failed = pthread_create(&s->thread, NULL, scan_thread, s);
    if (failed)
        return bfci_fail_errno(err, failed, "start a thread");
    s->thread_runs = true;
    *out = bfci_steal(&s);
    return 0;
}

int bfci_scan_next(bfci_scan *s, bfci_batch **out, bfc_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&s->lock);
    while (!s->oldest && !s->ended)
        bfci_cond_wait(&s->bell, &s->lock);
    bfci_batch *b = s->oldest;
    if (b) {
        while (!b->loaded)
            bfci_cond_wait(&s->bell, &s->lock);
        s->oldest = b->next;
        if (!s->oldest)
            s->newest = NULL;
    } else if (s->rc < 0) {
        rc = s->rc;
        if (err)
            *err = s->err;
    }
    pthread_mutex_unlock(&s->lock);
    *out = b;
    return rc;
}

void bfci_scan_release_batch(bfci_scan *s, bfci_batch *b)
{
    bfci_batch_free(b);
    pthread_mutex_lock(&s->lock);
    s->batches--;
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
}

uint64_t bfci_scan_next_ino(const bfci_scan *s)
{
    return s->next_ino;
}

bool bfci_scan_totals(const bfci_scan *s, uint64_t *entries, uint64_t *bytes)
{
    bool all = atomic_load(&s->counted_all);

    *entries = atomic_load_explicit(&s->entries, memory_order_relaxed);
    *bytes = atomic_load_explicit(&s->bytes, memory_order_relaxed);
    return all;
}

size_t bfci_batch_count(const bfci_batch *b)
{
    return b->count;
}

bfci_item *bfci_batch_item(bfci_batch *b, size_t index)
{
    return &b->item[index];
}

static void stop_thread(bfci_scan *s)
{
    if (!s->thread_runs)
        return;
    pthread_mutex_lock(&s->lock);
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&s->bell);
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&s->dirs.lock);
    pthread_cond_broadcast(&s->dirs.fewer);
    pthread_mutex_unlock(&s->dirs.lock);
    pthread_join(s->thread, NULL);
}

/* Batches that nobody took: their loads must have ended before they can be freed. */
static void drop_batches(bfci_scan *s)
{
    while (s->oldest) {
        bfci_batch *b = s->oldest;
        pthread_mutex_lock(&s->lock);
        while (!b->loaded)
            pthread_cond_wait(&s->bell, &s->lock);
        s->oldest = b->next;
        pthread_mutex_unlock(&s->lock);
        bfci_batch_free(b);
    }
    bfci_batch_free(s->open);
}

void bfci_scan_free(bfci_scan *s)
{
    if (!s)
        return;
    stop_thread(s);
    drop_batches(s);
    bfci_later_free(s->later);
    bfci_map_release(&s->first_name);
    bfci_map_release(&s->names_left);
    if (s->base) {
        bfci_cursor_release(&s->base_names);
        bfci_tables_free(s->base);
    }
    free(s->level);
    bfci_scouts_release(&s->scouts);
    pthread_cond_destroy(&s->bell);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->dirs.fewer);
    pthread_mutex_destroy(&s->dirs.lock);
    free(s);
}
