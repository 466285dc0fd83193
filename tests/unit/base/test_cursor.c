/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor over untrusted bytes. Inputs are allocated exactly, so that a sanitizer sees any read
 * beyond them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/cursor.h"

static void test_cursor__fixed_fields(void **state)
{
    (void)state;
    uint8_t raw[8];
    put_u64le(raw, 0x0102030405060708);
    assert_int_equal(raw[0], 8);
    assert_true(get_u64le(raw) == 0x0102030405060708);
    assert_true(get_u32be(raw) == 0x08070605);
    put_u64be(raw, 0x0102030405060708);
    assert_int_equal(raw[0], 1);
    assert_true(get_u64be(raw) == 0x0102030405060708);
    put_u32be(raw, 0xfffefdfc);
    assert_true(get_u32be(raw) == 0xfffefdfc);
    put_u16le(raw, 0xfffe);
    assert_true(get_u16le(raw) == 0xfffe);
}

static void test_cursor__short_input_fails_for_good(void **state)
{
    (void)state;
    AUTO_FREE uint8_t *raw = NULL;
    assert_int_equal(bfci_alloc_zero(7, 1, &raw, NULL), 0);
    rd r = rd_over(raw, 7);
    (void)rd_u32(&r);
    assert_true(rd_ok(&r));
    assert_int_equal(rd_u32(&r), 0);
    assert_false(rd_ok(&r));
    assert_int_equal(rd_left(&r), 0);
    assert_null(rd_take(&r, 0));
    assert_int_equal(rd_u8(&r), 0);
    assert_false(rd_finished(&r));
}

static void test_cursor__bytes_left_over_are_not_finished(void **state)
{
    (void)state;
    rd r = rd_over("ab", 2);
    (void)rd_u8(&r);
    assert_true(rd_ok(&r));
    assert_false(rd_finished(&r));
    (void)rd_u8(&r);
    assert_true(rd_finished(&r));
}

static bool varint_ok(const char *bytes, size_t len, uint64_t want)
{
    AUTO_FREE uint8_t *flush = NULL;
    assert_int_equal(bfci_alloc(len, 1, &flush, NULL), 0);
    memcpy(flush, bytes, len);
    rd r = rd_over(flush, len);
    uint64_t got = rd_varint(&r);
    return rd_finished(&r) && got == want;
}

static void test_cursor__varint_takes_the_shortest_form_only(void **state)
{
    (void)state;
    assert_true(varint_ok("\x00", 1, 0));
    assert_true(varint_ok("\x7f", 1, 127));
    assert_true(varint_ok("\x80\x01", 2, 128));
    assert_true(varint_ok("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX));
    assert_false(varint_ok("\x80", 1, 0));
    assert_false(varint_ok("\x80\x00", 2, 0));
    assert_false(varint_ok("\xff\x00", 2, 127));
    assert_false(varint_ok("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 0));
    assert_false(varint_ok("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11, 0));
}

static void test_cursor__count_is_bounded_by_what_follows(void **state)
{
    (void)state;
    static const uint8_t raw[] = {3, 0, 0, 0, 0, 0, 0};
    rd r = rd_over(raw, 7);
    assert_int_equal(rd_count(&r, 2), 3);
    r = rd_over(raw, 6);
    assert_int_equal(rd_count(&r, 2), 0);
    assert_false(rd_ok(&r));
}

static void test_cursor__max_and_zeros(void **state)
{
    (void)state;
    static const uint8_t raw[] = {5, 0, 0, 1};
    rd r = rd_over(raw, 4);
    assert_int_equal(rd_varint_max(&r, 5), 5);
    assert_true(rd_zeros(&r, 2));
    assert_false(rd_zeros(&r, 1));
    r = rd_over(raw, 4);
    assert_int_equal(rd_varint_max(&r, 4), 0);
    assert_false(rd_ok(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor__fixed_fields),
        cmocka_unit_test(test_cursor__short_input_fails_for_good),
        cmocka_unit_test(test_cursor__bytes_left_over_are_not_finished),
        cmocka_unit_test(test_cursor__varint_takes_the_shortest_form_only),
        cmocka_unit_test(test_cursor__count_is_bounded_by_what_follows),
        cmocka_unit_test(test_cursor__max_and_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
