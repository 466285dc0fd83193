/* SPDX-License-Identifier: Apache-2.0 */
/* Meters: what several threads counted is added up, stages get their own time, and waits are none
 * of it. */
#include "scratch.h"

#include <time.h>

#include "sys/clock.h"
#include "sys/meter.h"
#include "sys/pool.h"

#define MS UINT64_C(1000000)

static void burn(uint64_t ns)
{
    uint64_t until = bfci_thread_cpu_ns() + ns;

    while (bfci_thread_cpu_ns() < until)
        ;
}

static void rest(uint64_t ns)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

static const bfc_stage_stats *find(const bfc_stats *s, const char *name)
{
    for (size_t i = 0; i < s->stage_count; i++)
        if (strcmp(s->stage[i].name, name) == 0)
            return &s->stage[i];
    return NULL;
}

static const bfc_stage_stats *get(const bfc_stats *s, const char *name)
{
    const bfc_stage_stats *stage = find(s, name);

    assert_non_null(stage);
    return stage;
}

static void test_meter__nobody_asked(void **state)
{
    bfci_gauge gauge;

    (void)state;
    bfci_gauge_begin(&gauge, NULL);
    {
        BFCI_METER(STAGE_COMPRESS);
        bfci_meter_count(1, 1);
        bfci_meter_queue(QUEUE_JOBS, 1, 1);
        bfci_wait_end(bfci_wait_begin());
    }
    assert_null(bfci_gauge_here());
    bfci_gauge_end(&gauge);
}

/* Also that a stage goes back to the one around it, and that all of the time belongs to one. */
static void test_meter__stages_get_their_own_time(void **state)
{
    bfci_gauge gauge;
    bfc_stats s = BFC_STATS_INIT;

    (void)state;
    bfci_gauge_begin(&gauge, &s);
    uint64_t began = bfci_thread_cpu_ns();
    {
        BFCI_METER(STAGE_TAKE);
        burn(20 * MS);
        {
            BFCI_METER(STAGE_WRITE);
            burn(40 * MS);
        }
        burn(20 * MS);
        bfci_meter_count(7, 70);
    }
    uint64_t had = bfci_thread_cpu_ns() - began;
    bfci_gauge_end(&gauge);

    uint64_t take = get(&s, "take")->busy_ns, write = get(&s, "write")->busy_ns;
    assert_int_equal(get(&s, "take")->items, 7);
    assert_int_equal(get(&s, "take")->bytes, 70);
    assert_int_equal(get(&s, "take")->calls, 1);
    assert_true(get(&s, "take")->serial && !get(&s, "take")->alone && get(&s, "rest")->alone);
    assert_int_equal(s.stage_count, 3);
    assert_true(s.work_ns == take + write + get(&s, "rest")->busy_ns);
    assert_in_range(take + write, had - 2 * MS, had + 2 * MS);
    assert_in_range(take, 30 * MS, 50 * MS);
    assert_in_range(write, 30 * MS, 50 * MS);
}

/* Far shorter than what lies between two looks at the processor's clock. Twice as long a stage gets
 * twice as much, but for what befalls it when the kernel gives the processor to others. */
static void test_meter__deals_out_short_stages(void **state)
{
    bfci_gauge gauge;
    bfc_stats s = BFC_STATS_INIT;

    (void)state;
    bfci_gauge_begin(&gauge, &s);
    for (int i = 0; i < 3000; i++) {
        BFCI_METER(STAGE_TAKE);
        burn(MS / 50);
        {
            BFCI_METER(STAGE_HASH);
            burn(MS / 25);
        }
    }
    bfci_gauge_end(&gauge);
    uint64_t take = get(&s, "take")->busy_ns, hash = get(&s, "hash")->busy_ns;
    assert_int_equal(get(&s, "hash")->calls, 3000);
    assert_in_range(hash, take, 6 * take);
}

typedef struct job {
    bfci_task task;
    unsigned number;
} job;

static void run(bfci_task *task, unsigned worker)
{
    const job *j = (const job *)(void *)task;
    BFCI_METER(j->number % 2 ? STAGE_LOAD : STAGE_COMPRESS);

    (void)worker;
    bfci_meter_count(1, j->number);
    bfci_meter_queue(QUEUE_BLOCKS, j->number, 2000);
}

static void test_meter__adds_up_threads(void **state)
{
    enum {
        JOBS = 1000
    };
    static job jobs[JOBS];
    bfci_gauge gauge;
    bfc_stats s = BFC_STATS_INIT;
    bfci_pool *pool = NULL;

    (void)state;
    bfci_gauge_begin(&gauge, &s);
    assert_int_equal(bfci_pool_new(4, &pool, NULL), 0);
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (job){{.fn = run}, i};
        bfci_pool_submit(pool, &jobs[i].task, false);
    }
    bfci_pool_free(pool);
    bfci_gauge_end(&gauge);
    assert_int_equal(get(&s, "load")->items, JOBS / 2);
    assert_int_equal(get(&s, "load")->bytes, JOBS / 2 * JOBS / 2);
    assert_int_equal(get(&s, "compress")->items, JOBS / 2);
    assert_int_equal(get(&s, "compress")->bytes, JOBS / 2 * (JOBS / 2 - 1));
    assert_int_equal(get(&s, "pool")->items, JOBS);
    assert_int_equal(get(&s, "pool")->calls, 4); /* once a thread */
    assert_false(get(&s, "load")->serial);
    assert_int_equal(s.queue_count, 1);
    assert_string_equal(s.queue[0].name, "blocks");
    assert_int_equal(s.queue[0].most, JOBS - 1);
    assert_int_equal(s.queue[0].limit, 2000);
}

static void sleep_a_while(bfci_task *task, unsigned worker)
{
    (void)task;
    (void)worker;
    BFCI_METER(STAGE_LOAD);
    uint64_t began = bfci_wait_begin();
    rest(60 * MS);
    bfci_wait_end(began);
}

static void test_meter__waits_are_not_work(void **state)
{
    bfci_gauge gauge;
    bfc_stats s = BFC_STATS_INIT;
    bfci_pool *pool = NULL;
    bfci_task tasks[2] = {{.fn = sleep_a_while}, {.fn = sleep_a_while}};

    (void)state;
    bfci_gauge_begin(&gauge, &s);
    assert_int_equal(bfci_pool_new(1, &pool, NULL), 0);
    rest(30 * MS); /* the worker waits for a task */
    for (size_t i = 0; i < 2; i++)
        bfci_pool_submit(pool, &tasks[i], false);
    bfci_pool_free(pool);
    bfci_gauge_end(&gauge);
    assert_int_equal(get(&s, "load")->waits, 2);
    assert_true(get(&s, "load")->wait_ns >= 120 * MS);
    assert_true(get(&s, "load")->busy_ns < 60 * MS);
    assert_true(get(&s, "pool")->waits >= 1);
    assert_true(get(&s, "pool")->wait_ns >= 20 * MS);
    assert_true(s.wall_ns >= 150 * MS && s.work_ns < 100 * MS);
}

/* A part of an operation that is counted goes on being counted as such; one that is counted for
 * itself is not the other's. */
static void test_meter__operations_within_others(void **state)
{
    bfci_gauge outer, inner;
    bfc_stats all = BFC_STATS_INIT, part = BFC_STATS_INIT;

    (void)state;
    bfci_gauge_begin(&outer, &all);
    bfci_gauge_begin(&inner, NULL);
    {
        BFCI_METER(STAGE_TAKE);
        bfci_meter_count(1, 0);
    }
    bfci_gauge_end(&inner);
    bfci_gauge_begin(&inner, &part);
    {
        BFCI_METER(STAGE_TREE);
        bfci_meter_count(2, 0);
    }
    bfci_gauge_end(&inner);
    assert_ptr_equal(bfci_gauge_here(), &outer);
    bfci_gauge_end(&outer);
    assert_null(bfci_gauge_here());
    assert_int_equal(get(&all, "take")->items, 1);
    assert_null(find(&all, "tree"));
    assert_int_equal(get(&part, "tree")->items, 2);
    assert_null(find(&part, "take"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meter__nobody_asked),
        cmocka_unit_test(test_meter__stages_get_their_own_time),
        cmocka_unit_test(test_meter__deals_out_short_stages),
        cmocka_unit_test(test_meter__adds_up_threads),
        cmocka_unit_test(test_meter__waits_are_not_work),
        cmocka_unit_test(test_meter__operations_within_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
