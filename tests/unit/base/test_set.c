/* SPDX-License-Identifier: Apache-2.0 */
/* The set of numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

static void test_set__empty(void **state)
{
    (void)state;
    bfci_set s = BFCI_SET_INIT;
    assert_false(bfci_set_has(&s, 0));
    bfci_set_release(&s);
}

static void test_set__tells_what_is_new(void **state)
{
    (void)state;
    static const uint64_t number[] = {
        0, 1, 63, 64, 511, 512, 1u << 20, UINT64_MAX, UINT64_MAX - 511};
    bfci_set s = BFCI_SET_INIT;
    for (size_t i = 0; i < ARRAY_LEN(number); i++) {
        bool added = false;
        assert_false(bfci_set_has(&s, number[i]));
        assert_int_equal(bfci_set_add(&s, number[i], &added, NULL), 0);
        assert_true(added);
        assert_int_equal(bfci_set_add(&s, number[i], &added, NULL), 0);
        assert_false(added);
        assert_true(bfci_set_has(&s, number[i]));
    }
    assert_false(bfci_set_has(&s, 2));
    assert_false(bfci_set_has(&s, 513));
    assert_false(bfci_set_has(&s, UINT64_MAX - 512));
    bfci_set_release(&s);
}

static void test_set__dense_numbers_take_a_bit(void **state)
{
    (void)state;
    bfci_set s = BFCI_SET_INIT;
    bool added = false;
    for (uint64_t i = 0; i < 1000000; i++) {
        assert_int_equal(bfci_set_add(&s, i, &added, NULL), 0);
        assert_true(added);
    }
    assert_true(s.used == (1000000 + 511) / 512);
    assert_true(bfci_set_has(&s, 999999));
    assert_false(bfci_set_has(&s, 1000000));
    bfci_set_release(&s);
}

static void test_set__sparse_numbers(void **state)
{
    (void)state;
    bfci_set s = BFCI_SET_INIT;
    bool added = false;
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(bfci_set_add(&s, i * 0x123456789abu, &added, NULL), 0);
    for (uint64_t i = 0; i < 20000; i++) {
        assert_true(bfci_set_has(&s, i * 0x123456789abu));
        assert_false(bfci_set_has(&s, i * 0x123456789abu + 1));
    }
    bfci_set_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set__empty),
        cmocka_unit_test(test_set__tells_what_is_new),
        cmocka_unit_test(test_set__dense_numbers_take_a_bit),
        cmocka_unit_test(test_set__sparse_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
