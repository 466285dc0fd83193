/* SPDX-License-Identifier: Apache-2.0 */
/* What counters say of more threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bfc/stats.h>
#include <cmocka.h>

static void expect(const bfc_stats *s, unsigned threads, bool overlap, double want)
{
    double have = bfc_stats_speedup(s, threads, overlap);

    if (have < want - 0.001 || have > want + 0.001)
        fail_msg("%u threads, %d: %f in place of %f", threads, overlap, have, want);
}

static void test_stats__nothing_was_counted(void **state)
{
    const bfc_stats s = BFC_STATS_INIT;

    (void)state;
    expect(&s, 8, false, 1);
    expect(&s, 8, true, 1);
}

/* 100 of work: 60 by workers, 10 + 6 and 12 by two threads beside them, 12 alone. */
static void test_stats__serial_stages_bound_the_speedup(void **state)
{
    const bfc_stats s = {
        .size = sizeof s,
        .stage_count = 5,
        .stage = {{.name = "a", .thread = "one", .busy_ns = 10, .serial_ns = 10},
                  {.name = "b", .thread = "workers", .busy_ns = 60},
                  {.name = "c", .thread = "two", .busy_ns = 12, .serial_ns = 12},
                  {.name = "d", .thread = "one", .busy_ns = 6, .serial_ns = 6},
                  {.name = "e", .thread = "one", .alone = true, .busy_ns = 12, .serial_ns = 12}}};

    (void)state;
    expect(&s, 1, false, 1);
    expect(&s, 1, true, 1);
    expect(&s, 0, true, 1);
    expect(&s, 4, false, 100.0 / (40 + 60.0 / 4));
    expect(&s, 4, true, 100.0 / (12 + 88.0 / 4));
    expect(&s, 16, true, 100.0 / (12 + 16)); /* thread "one" sets the pace */
    expect(&s, 1000000, false, 2.5);
}

/* 100 of work: 40 by workers, 60 for layers, of which the largest took 25. */
static void test_stats__so_does_the_largest_layer(void **state)
{
    const bfc_stats s = {.size = sizeof s,
                         .stage_count = 3,
                         .stage = {{.name = "a", .thread = "layer", .busy_ns = 20, .serial_ns = 5},
                                   {.name = "b", .thread = "layer", .busy_ns = 40, .serial_ns = 20},
                                   {.name = "c", .thread = "workers", .busy_ns = 40}}};

    (void)state;
    expect(&s, 2, true, 2);
    expect(&s, 8, true, 4);
    expect(&s, 8, false, 100.0 / (25 + 75.0 / 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats__nothing_was_counted),
        cmocka_unit_test(test_stats__serial_stages_bound_the_speedup),
        cmocka_unit_test(test_stats__so_does_the_largest_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
