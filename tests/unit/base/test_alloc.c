/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation: sizes that overflow, growth, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static void test_alloc__overflow_is_nomem_and_leaves_out_alone(void **state)
{
    (void)state;
    int mark;
    void *p = &mark;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_alloc(SIZE_MAX / 2, 3, &p, &err), BFC_E_NOMEM);
    assert_ptr_equal(p, &mark);
    assert_string_equal(err.msg, "out of memory");
    assert_int_equal(bfci_alloc_zero(SIZE_MAX / 2, 3, &p, NULL), BFC_E_NOMEM);
    assert_ptr_equal(p, &mark);
}

static void test_alloc__nothing_is_not_null(void **state)
{
    (void)state;
    AUTO_FREE void *a = NULL, *b = NULL;
    assert_int_equal(bfci_alloc(0, 8, &a, NULL), 0);
    assert_int_equal(bfci_alloc_zero(5, 0, &b, NULL), 0);
    assert_non_null(a);
    assert_non_null(b);
}

static void test_alloc__zero_is_zero(void **state)
{
    (void)state;
    AUTO_FREE uint8_t *p = NULL;
    assert_int_equal(bfci_alloc_zero(1000, 3, &p, NULL), 0);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
}

static void test_alloc__reserve_doubles_and_keeps(void **state)
{
    (void)state;
    AUTO_FREE uint32_t *item = NULL;
    size_t cap = 0, moves = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = cap;
        assert_int_equal(bfci_reserve(&item, &cap, i + 1, sizeof *item, NULL), 0);
        moves += cap != before;
        item[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(item[i], i);
    assert_true(moves < 16);

    uint32_t *before = item;
    size_t cap_before = cap;
    assert_int_equal(bfci_reserve(&item, &cap, SIZE_MAX, sizeof *item, NULL), BFC_E_NOMEM);
    assert_ptr_equal(item, before);
    assert_int_equal(cap, cap_before);
}

static void test_alloc__copies(void **state)
{
    (void)state;
    AUTO_FREE char *a = NULL, *b = NULL, *c = NULL, *d = NULL;
    assert_int_equal(bfci_strdup("abc", &a, NULL), 0);
    assert_string_equal(a, "abc");
    assert_int_equal(bfci_memdup_str("abcdef", 4, &b, NULL), 0);
    assert_string_equal(b, "abcd");
    assert_int_equal(bfci_asprintf(&c, NULL, "%d-%s", 7, "x"), 0);
    assert_string_equal(c, "7-x");
    assert_int_equal(bfci_memdup_str(NULL, 0, &d, NULL), 0);
    assert_string_equal(d, "");
}

static void test_alloc__steal_empties(void **state)
{
    (void)state;
    AUTO_FREE char *a = NULL;
    assert_int_equal(bfci_strdup("abc", &a, NULL), 0);
    char *b = bfci_steal(&a);
    assert_null(a);
    assert_string_equal(b, "abc");
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc__overflow_is_nomem_and_leaves_out_alone),
        cmocka_unit_test(test_alloc__nothing_is_not_null),
        cmocka_unit_test(test_alloc__zero_is_zero),
        cmocka_unit_test(test_alloc__reserve_doubles_and_keeps),
        cmocka_unit_test(test_alloc__copies),
        cmocka_unit_test(test_alloc__steal_empties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
