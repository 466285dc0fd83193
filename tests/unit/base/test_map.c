/* SPDX-License-Identifier: Apache-2.0 */
/* The map, against a plain array as the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

enum {
    KEYS = 512,
    STEPS = 200000
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
    return *state >> 33;
}

static void test_map__empty(void **state)
{
    (void)state;
    bfci_map m = BFCI_MAP_INIT;
    size_t at = 0;
    uint64_t a, b, value;
    assert_null(bfci_map_get(&m, 0, 0));
    bfci_map_remove(&m, 1, 2);
    assert_false(bfci_map_next(&m, &at, &a, &b, &value));
    bfci_map_release(&m);
}

static void check_against(const bfci_map *m, const uint64_t model[KEYS])
{
    size_t at = 0, count = 0, want = 0;
    uint64_t a, b, value;
    while (bfci_map_next(m, &at, &a, &b, &value)) {
        assert_true(a < 32 && b < KEYS / 32);
        assert_true(model[a * (KEYS / 32) + b] == value);
        count++;
    }
    for (size_t i = 0; i < KEYS; i++) {
        const uint64_t *got = bfci_map_get(m, i / (KEYS / 32), i % (KEYS / 32));
        want += model[i] != 0;
        assert_true(got ? *got == model[i] : model[i] == 0);
    }
    assert_int_equal(count, want);
    assert_int_equal(m->used, want);
}

/* Values are never 0 here: 0 in the model is "not there". Keys hold (0, 0). */
static void test_map__as_the_model(void **state)
{
    (void)state;
    uint64_t model[KEYS] = {0}, random = 1;
    bfci_map m = BFCI_MAP_INIT;
    for (int step = 1; step <= STEPS; step++) {
        size_t i = (size_t)next_random(&random) % KEYS;
        uint64_t a = i / (KEYS / 32), b = i % (KEYS / 32);
        /* Phases of more puts and of more removals, so that clusters grow and break up. */
        if (next_random(&random) % 8 < (step / 5000 % 2 ? 6u : 3u)) {
            assert_int_equal(bfci_map_put(&m, a, b, (uint64_t)step, NULL), 0);
            model[i] = (uint64_t)step;
        } else {
            bfci_map_remove(&m, a, b);
            model[i] = 0;
        }
        if (step % 1000 == 0)
            check_against(&m, model);
    }
    bfci_map_release(&m);
}

static void test_map__key_zero_is_a_key(void **state)
{
    (void)state;
    bfci_map m = BFCI_MAP_INIT;
    assert_int_equal(bfci_map_put(&m, 0, 0, 7, NULL), 0);
    for (uint64_t i = 1; i < 1000; i++)
        assert_int_equal(bfci_map_put(&m, 0, i, i, NULL), 0);
    assert_true(*bfci_map_get(&m, 0, 0) == 7);
    assert_int_equal(bfci_map_put(&m, 0, 0, 8, NULL), 0);
    assert_true(*bfci_map_get(&m, 0, 0) == 8);
    assert_int_equal(m.used, 1000);
    bfci_map_remove(&m, 0, 0);
    assert_null(bfci_map_get(&m, 0, 0));
    assert_int_equal(m.used, 999);
    bfci_map_release(&m);
}

static void test_map__many(void **state)
{
    (void)state;
    enum {
        MANY = 300000
    };
    bfci_map m = BFCI_MAP_INIT;
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(bfci_map_put(&m, i << 40, i, ~i, NULL), 0);
    for (uint64_t i = 0; i < MANY; i++)
        assert_true(*bfci_map_get(&m, i << 40, i) == ~i);
    assert_null(bfci_map_get(&m, (uint64_t)MANY << 40, MANY));
    bfci_map_release(&m);
    assert_null(bfci_map_get(&m, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__empty),
        cmocka_unit_test(test_map__as_the_model),
        cmocka_unit_test(test_map__key_zero_is_a_key),
        cmocka_unit_test(test_map__many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
