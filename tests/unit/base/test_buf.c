/* SPDX-License-Identifier: Apache-2.0 */
/* The byte buffer: fields, growth, text, the sticky failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_buf__fields_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x01, 0x78, 0x56, 0x34, 0x12, 8, 7, 6, 5, 4, 3, 2, 1};
    AUTO_BUF buf b = BUF_INIT;
    buf_u8(&b, 1);
    buf_u32(&b, 0x12345678);
    buf_u64(&b, 0x0102030405060708);
    assert_int_equal(buf_check(&b, NULL), 0);
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.data, want, sizeof want);
}

static void test_buf__varints_come_back(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    for (unsigned shift = 0; shift < 64; shift++) {
        bfci_buf_varint(&b, (uint64_t)1 << shift);
        bfci_buf_varint(&b, ((uint64_t)1 << shift) - 1);
        buf_svarint(&b, -(int64_t)((uint64_t)1 << shift >> 1));
    }
    bfci_buf_varint(&b, UINT64_MAX);
    buf_svarint(&b, INT64_MIN);
    buf_svarint(&b, INT64_MAX);
    assert_int_equal(buf_check(&b, NULL), 0);

    rd r = rd_over(b.data, b.len);
    for (unsigned shift = 0; shift < 64; shift++) {
        assert_true(rd_varint(&r) == (uint64_t)1 << shift);
        assert_true(rd_varint(&r) == ((uint64_t)1 << shift) - 1);
        assert_true(rd_svarint(&r) == -(int64_t)((uint64_t)1 << shift >> 1));
    }
    assert_true(rd_varint(&r) == UINT64_MAX);
    assert_true(rd_svarint(&r) == INT64_MIN);
    assert_true(rd_svarint(&r) == INT64_MAX);
    assert_true(rd_finished(&r));
}

static void test_buf__varint_is_shortest(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    bfci_buf_varint(&b, 127);
    assert_int_equal(b.len, 1);
    bfci_buf_varint(&b, 128);
    assert_int_equal(b.len, 3);
    buf_clear(&b);
    bfci_buf_varint(&b, UINT64_MAX);
    assert_int_equal(b.len, 10);
}

static void test_buf__printf_of_any_length(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text);
    for (int len = 0; len < 1000; len++) {
        AUTO_BUF buf b = BUF_INIT;
        buf_u8(&b, '<');
        bfci_buf_printf(&b, "%.*s", len, text);
        buf_u8(&b, '>');
        assert_int_equal(b.len, len + 2);
        assert_int_equal(b.data[0], '<');
        assert_memory_equal(b.data + 1, text, (size_t)len);
        assert_int_equal(b.data[len + 1], '>');
    }
}

static void test_buf__room_is_never_null_when_empty(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    assert_non_null(bfci_buf_room(&b, 0));
    bfci_buf_put(&b, NULL, 0);
    assert_int_equal(buf_check(&b, NULL), 0);
}

static void test_buf__failure_sticks(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    AUTO_BUF buf b = BUF_INIT;
    buf_u8(&b, 1);
    assert_null(bfci_buf_room(&b, SIZE_MAX));
    buf_u8(&b, 2);
    assert_null(bfci_buf_room(&b, 1));
    bfci_buf_printf(&b, "%d", 3);
    assert_int_equal(b.len, 1);
    assert_int_equal(buf_check(&b, &err), BFC_E_NOMEM);
    bfci_buf_free(&b);
    assert_int_equal(buf_check(&b, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__fields_are_little_endian),
        cmocka_unit_test(test_buf__varints_come_back),
        cmocka_unit_test(test_buf__varint_is_shortest),
        cmocka_unit_test(test_buf__printf_of_any_length),
        cmocka_unit_test(test_buf__room_is_never_null_when_empty),
        cmocka_unit_test(test_buf__failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
