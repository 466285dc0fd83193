/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: every task runs once, urgent ones first, tasks of tasks too. */
#include "scratch.h"

#include <sched.h>

#include "sys/pool.h"

typedef struct counting {
    bfci_task task;
    unsigned *runs; /* atomic */
} counting;

static void count_run(bfci_task *task, unsigned worker)
{
    counting *self = (counting *)(void *)task;
    assert_true(worker < 4);
    __atomic_fetch_add(self->runs, 1, __ATOMIC_RELAXED);
    free(self); /* the pool must not touch it any more */
}

static void submit_counting(bfci_pool *pool, unsigned *runs, bool urgent)
{
    counting *task = NULL;
    assert_int_equal(bfci_alloc(1, sizeof *task, &task, NULL), 0);
    *task = (counting){{count_run, NULL}, runs};
    bfci_pool_submit(pool, &task->task, urgent);
}

static void test_pool__runs_all_before_it_ends(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        bfci_pool *pool = NULL;
        unsigned runs = 0;
        assert_int_equal(bfci_pool_new(threads, &pool, NULL), 0);
        assert_int_equal(bfci_pool_count(pool), threads);
        for (int i = 0; i < 5000; i++)
            submit_counting(pool, &runs, i % 3 == 0);
        bfci_pool_free(pool);
        assert_int_equal(runs, 5000);
    }
}

static void test_pool__nothing_to_do(void **state)
{
    (void)state;
    bfci_pool *pool = NULL;
    bfci_pool_free(NULL);
    assert_int_equal(bfci_pool_new(3, &pool, NULL), 0);
    bfci_pool_free(pool);
    pool = NULL;
    assert_int_equal(bfci_pool_new(0, &pool, NULL), BFC_E_INVALID);
    assert_null(pool);
}

typedef struct fork_task {
    bfci_task task;
    bfci_pool *pool;
    unsigned *runs;
    unsigned depth;
} fork_task;

static void run_fork(bfci_task *task, unsigned worker)
{
    fork_task *self = (fork_task *)(void *)task;
    (void)worker;
    __atomic_fetch_add(self->runs, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2 && self->depth > 0; i++) {
        fork_task *child = NULL;
        assert_int_equal(bfci_alloc(1, sizeof *child, &child, NULL), 0);
        *child = *self;
        child->depth--;
        bfci_pool_submit(self->pool, &child->task, i);
    }
    free(self);
}

static void test_pool__tasks_submit_tasks_while_it_ends(void **state)
{
    (void)state;
    bfci_pool *pool = NULL;
    unsigned runs = 0;
    fork_task *root = NULL;
    assert_int_equal(bfci_pool_new(4, &pool, NULL), 0);
    assert_int_equal(bfci_alloc(1, sizeof *root, &root, NULL), 0);
    *root = (fork_task){{run_fork, NULL}, pool, &runs, 10};
    bfci_pool_submit(pool, &root->task, false);
    bfci_pool_free(pool);
    assert_int_equal(runs, (1 << 11) - 1);
}

/* One worker, held until all stand in line: then the order is what the queues say. */
typedef struct line {
    pthread_mutex_t gate;
    unsigned count, order[6];
} line;

typedef struct line_task {
    bfci_task task;
    line *line;
    unsigned number;
} line_task;

static void wait_at_gate(bfci_task *task, unsigned worker)
{
    line *l = ((line_task *)(void *)task)->line;
    (void)worker;
    pthread_mutex_lock(&l->gate);
    pthread_mutex_unlock(&l->gate);
}

static void note_order(bfci_task *task, unsigned worker)
{
    line_task *self = (line_task *)(void *)task;
    (void)worker;
    self->line->order[self->line->count++] = self->number;
}

static void test_pool__urgent_first_then_in_order(void **state)
{
    (void)state;
    static const unsigned want[6] = {1, 3, 5, 0, 2, 4};
    bfci_pool *pool = NULL;
    line l = {PTHREAD_MUTEX_INITIALIZER, 0, {0}};
    line_task gate = {{wait_at_gate, NULL}, &l, 0}, task[6];
    assert_int_equal(bfci_pool_new(1, &pool, NULL), 0);
    pthread_mutex_lock(&l.gate);
    bfci_pool_submit(pool, &gate.task, true);
    for (unsigned i = 0; i < 6; i++) {
        task[i] = (line_task){{note_order, NULL}, &l, i};
        bfci_pool_submit(pool, &task[i].task, i % 2 == 1);
    }
    pthread_mutex_unlock(&l.gate);
    bfci_pool_free(pool);
    assert_int_equal(l.count, 6);
    assert_memory_equal(l.order, want, sizeof want);
}

static void test_pool__processors(void **state)
{
    (void)state;
    unsigned count = bfci_processors();
    assert_true(count >= 1);
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_true(count <= (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
            break;
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(bfci_processors(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__runs_all_before_it_ends),
        cmocka_unit_test(test_pool__nothing_to_do),
        cmocka_unit_test(test_pool__tasks_submit_tasks_while_it_ends),
        cmocka_unit_test(test_pool__urgent_first_then_in_order),
        cmocka_unit_test(test_pool__processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
