/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness, as far as they can be foretold. */
#include "scratch.h"

#include <time.h>

#include "sys/clock.h"

static void test_clock__now(void **state)
{
    (void)state;
    int64_t seconds = 0;
    uint32_t ns = UINT32_MAX;
    time_t before = time(NULL);
    bfci_now(&seconds, &ns);
    assert_true(seconds >= before - 1 && seconds <= time(NULL) + 1);
    assert_true(ns < 1000000000);
}

static void test_clock__monotonic(void **state)
{
    (void)state;
    uint64_t before = bfci_monotonic_ns();
    usleep(2000);
    uint64_t after = bfci_monotonic_ns();
    assert_true(after - before >= 1000000);
}

static void test_clock__random(void **state)
{
    (void)state;
    uint8_t a[600] = {0}, b[600] = {0};
    assert_int_equal(bfci_random(a, sizeof a, NULL), 0);
    assert_int_equal(bfci_random(b, sizeof b, NULL), 0);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a + 500, b + 500, 100); /* filled to the end */
    uint8_t guard = 0x5a;
    assert_int_equal(bfci_random(&guard, 0, NULL), 0);
    assert_int_equal(guard, 0x5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__now),
        cmocka_unit_test(test_clock__monotonic),
        cmocka_unit_test(test_clock__random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
