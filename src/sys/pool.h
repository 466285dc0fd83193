/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: a pool of workers that run small tasks. Order of completion is not defined. */
#ifndef BFCI_SYS_POOL_H
#define BFCI_SYS_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "sys/arena.h"

typedef struct bfci_task bfci_task;
/* `worker` is 0 to count-1: an index for state that each worker has of its own. */
typedef void bfci_task_fn(bfci_task *task, unsigned worker);

/* Embedded in the caller's struct; lives until fn has run. fn may free it. */
struct bfci_task {
    bfci_task_fn *fn;
    bfci_task *next; /* the pool's */
};

typedef struct bfci_pool bfci_pool;
int bfci_pool_new(unsigned count, bfci_pool **out, bfc_err *err);
/* Waits for all tasks that were submitted, ends the threads. NULL is allowed. */
void bfci_pool_free(bfci_pool *pool);
BFCI_DEFINE_AUTO(bfci_pool, bfci_pool_free)
unsigned bfci_pool_count(const bfci_pool *pool);
/* Where tasks have their large buffers. */
bfci_arena *bfci_pool_arena(bfci_pool *pool);
/* Never blocks and never fails; urgent tasks run before the others. Tasks may submit tasks. */
void bfci_pool_submit(bfci_pool *pool, bfci_task *task, bool urgent);

enum {
    POOL_BUFFER_SIZE = 3 << 19
};
/* Memory, not cleared, that goes back to the pool with its last reference, and is used again. The
 * pool outlives it. Any thread. */
typedef struct bfci_buffer {
    struct bfci_buffer *next; /* the pool's */
    bfci_pool *pool;
    atomic_uint refs;
    uint8_t *bytes;
} bfci_buffer;
int bfci_buffer_take(bfci_pool *pool, bfci_buffer **out, bfc_err *err);
bfci_buffer *bfci_buffer_ref(bfci_buffer *b);
void bfci_buffer_unref(bfci_buffer *b); /* NULL is allowed */

/* Processors this process may run on (its affinity and its cgroup's CPU limit), at least 1. */
unsigned bfci_processors(void);

#endif
