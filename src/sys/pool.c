/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: one lock, two queues. A task counts as pending until its fn has returned, so that the
 * end comes only when no task can submit another one. */
#include "sys/pool.h"

#include <signal.h>

#include "sys/meter.h"

typedef struct queue {
    bfci_task *first, *last;
} queue;

struct bfci_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a task came, or the end */
    queue urgent, normal;
    size_t pending; /* submitted and not yet returned from */
    bool ending;
    bfci_arena *arena;
    bfci_buffer *spare; /* buffers that nobody uses */
    unsigned count;
    bfci_gauge *gauge; /* of the operation that made it; or NULL */
    struct worker {
        bfci_pool *pool;
        unsigned index;
        pthread_t thread;
    } * worker;
};

static void push(queue *q, bfci_task *task)
{
    task->next = NULL;
    if (q->last)
        q->last->next = task;
    else
        q->first = task;
    q->last = task;
}

static bfci_task *pop(queue *q)
{
    bfci_task *task = q->first;
    if (task) {
        q->first = task->next;
        if (!q->first)
            q->last = NULL;
    }
    return task;
}

static void work(const struct worker *self)
{
    bfci_pool *pool = self->pool;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        bfci_task *task = pop(&pool->urgent);
        if (!task)
            task = pop(&pool->normal);
        if (task) {
            pthread_mutex_unlock(&pool->lock);
            task->fn(task, self->index); /* the task may be gone after this */
            bfci_meter_count(1, 0);
            pthread_mutex_lock(&pool->lock);
            if (--pool->pending == 0 && pool->ending)
                pthread_cond_broadcast(&pool->wake);
        } else if (pool->ending && pool->pending == 0) {
            break;
        } else {
            bfci_cond_wait(&pool->wake, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *run(void *arg)
{
    const struct worker *self = arg;
    bfci_meter meter;

    bfci_meter_start(&meter, self->pool->gauge, STAGE_POOL);
    work(self);
    bfci_meter_stop(&meter);
    return NULL;
}

/* Workers take no signals: they belong to the program's own threads. */
static int start_workers(bfci_pool *pool, unsigned count, bfc_err *err)
{
    sigset_t all, before;
    int rc = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (rc == 0 && pool->count < count) {
        struct worker *worker = &pool->worker[pool->count];
        worker->pool = pool;
        worker->index = pool->count;
        rc = pthread_create(&worker->thread, NULL, run, worker);
        if (rc == 0)
            pool->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc ? bfci_fail_errno(err, rc, "start a thread") : 0;
}

int bfci_pool_new(unsigned count, bfci_pool **out, bfc_err *err)
{
    AUTO_FREE bfci_pool *shell = NULL;
    AUTO_FREE struct worker *worker = NULL;
    if (count == 0)
        return bfci_fail(err, BFC_E_INVALID, "a pool needs at least one thread");
    BFC_TRY(bfci_alloc_zero(1, sizeof *shell, &shell, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof *worker, &worker, err));
    int rc = pthread_mutex_init(&shell->lock, NULL);
    if (rc != 0)
        return bfci_fail_errno(err, rc, "make a lock");
    rc = pthread_cond_init(&shell->wake, NULL);
    if (rc != 0) {
        pthread_mutex_destroy(&shell->lock);
        return bfci_fail_errno(err, rc, "make a condition");
    }
    rc = bfci_arena_new(&shell->arena, err);
    if (rc < 0) {
        pthread_cond_destroy(&shell->wake);
        pthread_mutex_destroy(&shell->lock);
        return rc;
    }
    shell->worker = bfci_steal(&worker);
    shell->gauge = bfci_gauge_here();

    AUTO(bfci_pool) bfci_pool *pool = bfci_steal(&shell);
    BFC_TRY(start_workers(pool, count, err));
    *out = bfci_steal(&pool);
    return 0;
}

void bfci_pool_free(bfci_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->worker[i].thread, NULL);
    while (pool->spare) {
        bfci_buffer *b = pool->spare;
        pool->spare = b->next;
        free(b);
    }
    bfci_arena_free(pool->arena);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->worker);
    free(pool);
}

unsigned bfci_pool_count(const bfci_pool *pool)
{
    return pool->count;
}

void bfci_pool_submit(bfci_pool *pool, bfci_task *task, bool urgent)
{
    pthread_mutex_lock(&pool->lock);
    push(urgent ? &pool->urgent : &pool->normal, task);
    pool->pending++;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

bfci_arena *bfci_pool_arena(bfci_pool *pool)
{
    return pool->arena;
}

static int buffer_new(bfci_pool *pool, bfci_buffer **out, bfc_err *err)
{
    AUTO_FREE bfci_buffer *b = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
    BFC_TRY(bfci_arena_take(pool->arena, POOL_BUFFER_SIZE, &b->bytes, err));
    b->pool = pool;
    *out = bfci_steal(&b);
    return 0;
}

int bfci_buffer_take(bfci_pool *pool, bfci_buffer **out, bfc_err *err)
{
    pthread_mutex_lock(&pool->lock);
    bfci_buffer *b = pool->spare;
    if (b)
        pool->spare = b->next;
    pthread_mutex_unlock(&pool->lock);
    if (!b)
        BFC_TRY(buffer_new(pool, &b, err));
    atomic_init(&b->refs, 1);
    *out = b;
    return 0;
}

bfci_buffer *bfci_buffer_ref(bfci_buffer *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void bfci_buffer_unref(bfci_buffer *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    bfci_pool *pool = b->pool;
    pthread_mutex_lock(&pool->lock);
    b->next = pool->spare;
    pool->spare = b;
    pthread_mutex_unlock(&pool->lock);
}
