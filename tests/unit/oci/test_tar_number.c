/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and codings of tar headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/tar_parts.h"

#define FIELD(text) ((const uint8_t *)(text)), sizeof(text) - 1

static void number_is(const uint8_t *field, size_t len, int64_t expected)
{
    int64_t value = -77;
    assert_true(bfci_tar_number(field, len, &value));
    assert_true(value == expected);
}

static void no_number(const uint8_t *field, size_t len)
{
    int64_t value = -77;
    assert_false(bfci_tar_number(field, len, &value));
    assert_true(value == -77);
}

static void test_tar_number__octal(void **state)
{
    (void)state;
    number_is(FIELD("0000644\0"), 0644);
    number_is(FIELD("   644 \0"), 0644);
    number_is(FIELD("644\0\0\0\0\0"), 0644);
    number_is(FIELD("\0\0 644 \0"), 0644);
    number_is(FIELD("77777777"), 077777777); /* the whole field */
    number_is(FIELD("777777777777"), INT64_C(0777777777777));
    number_is(FIELD("\0\0\0\0\0\0\0\0"), 0);
    number_is(FIELD("        "), 0);
    number_is(FIELD("12\000345\0\0"), 012); /* what follows a NUL is not of the number */
    no_number(FIELD("0000648\0"));
    no_number(FIELD("12 34\0\0\0"));
    no_number(FIELD("-000001\0"));
    no_number(FIELD("0x1\0\0\0\0\0"));
    number_is(FIELD("0777777777777777777777"), INT64_MAX);
    no_number(FIELD("1000000000000000000000"));
}

static void test_tar_number__base256(void **state)
{
    (void)state;
    number_is(FIELD("\x80\0\0\0\0\0\0\5"), 5);
    number_is(FIELD("\x80\0\0\0\0\0\0\0\xff\xff\xff\xff"), UINT32_MAX);
    number_is(FIELD("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX);
    no_number(FIELD("\x80\0\0\0\x80\0\0\0\0\0\0\0"));
    no_number(FIELD("\x80\0\0\1\0\0\0\0\0\0\0\0"));
    no_number(FIELD("\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    number_is(FIELD("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), -1);
    number_is(FIELD("\xff\xff\xff\xff\xff\xff\xff\xfe"), -2);
    number_is(FIELD("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), INT64_MIN);
    no_number(FIELD("\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"));
    no_number(FIELD("\xc0\0\0\0\0\0\0\0\0\0\0\0"));
    number_is(FIELD("\xbf\xff\xff\xff\xff\xff\xff\xff"), INT64_C(0x3fffffffffffffff));
}

static void test_tar_number__decimal(void **state)
{
    int64_t v = -77;
    (void)state;
    assert_true(bfci_tar_decimal("9223372036854775807", 19, &v) && v == INT64_MAX);
    assert_true(bfci_tar_decimal("0012x", 4, &v) && v == 12);
    v = -77;
    assert_false(bfci_tar_decimal("9223372036854775808", 19, &v));
    assert_false(bfci_tar_decimal("", 0, &v));
    assert_false(bfci_tar_decimal("-1", 2, &v));
    assert_false(bfci_tar_decimal("+1", 2, &v));
    assert_false(bfci_tar_decimal("1 ", 2, &v));
    assert_true(v == -77);
}

static void time_is(const char *text, int64_t seconds, uint32_t ns)
{
    int64_t s = -77;
    uint32_t n = 77;
    assert_true(bfci_tar_time(text, strlen(text), &s, &n));
    assert_true(s == seconds);
    assert_int_equal(n, ns);
}

static void test_tar_number__time(void **state)
{
    static const char *const bad[] = {
        "", "-", ".", ".5", "-.5", "1.x", "1.5-", "1.2.3", "1e3", "--1", "9223372036854775808"};
    int64_t s = -77;
    uint32_t n = 77;
    (void)state;
    time_is("0", 0, 0);
    time_is("1700000000.123456789", 1700000000, 123456789);
    time_is("1.5", 1, 500000000);
    time_is("1.", 1, 0);
    time_is("1.0000000019", 1, 1);
    time_is("1.000000000999999999999999999999", 1, 0);
    time_is("-1", -1, 0);
    time_is("-1.5", -2, 500000000);
    time_is("-0.25", -1, 750000000);
    time_is("-0.0", 0, 0);
    time_is("-9223372036854775807.5", INT64_MIN, 500000000);
    time_is("9223372036854775807.5", INT64_MAX, 500000000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bfci_tar_time(bad[i], strlen(bad[i]), &s, &n));
    assert_true(s == -77 && n == 77);
}

static void base64_is(const char *coded, const char *expected)
{
    char text[64];
    size_t len = strlen(coded);
    memcpy(text, coded, len + 1);
    assert_true(bfci_tar_base64(text, &len));
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
}

static void test_tar_coding__base64(void **state)
{
    char text[16];
    (void)state;
    base64_is("", "");
    base64_is("YQ==", "a");
    base64_is("YQ", "a");
    base64_is("YWI=", "ab");
    base64_is("YWJj", "abc");
    base64_is("+/+/", "\xfb\xff\xbf");
    for (size_t i = 0; i < 3; i++) {
        static const char *const bad[] = {"YQ===", "Y", "Y Q="};
        size_t len = strlen(bad[i]);
        memcpy(text, bad[i], len + 1);
        assert_false(bfci_tar_base64(text, &len));
    }
}

static void test_tar_coding__there_and_back(void **state)
{
    uint8_t bytes[256];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t len = 0; len < sizeof bytes; len++) {
        AUTO_BUF buf coded = BUF_INIT;
        bfci_tar_put_base64(&coded, bytes, len);
        size_t back = coded.len;
        assert_true(len == 0 || bfci_tar_base64((char *)coded.data, &back));
        assert_int_equal(back, len);
        assert_true(len == 0 || memcmp(coded.data, bytes, len) == 0);
    }
}

static void test_tar_coding__names(void **state)
{
    AUTO_BUF buf out = BUF_INIT;
    char good[] = "a%3Db%25%c3%a4%20", cut[] = "a%4", odd[] = "%4g", nul[] = "%00";
    (void)state;
    assert_true(bfci_tar_unescape(good));
    assert_string_equal(good, "a=b%\xc3\xa4 ");
    assert_false(bfci_tar_unescape(cut));
    assert_false(bfci_tar_unescape(odd));
    assert_false(bfci_tar_unescape(nul));
    bfci_tar_escape(&out, good);
    buf_u8(&out, 0);
    assert_string_equal((const char *)out.data, "a%3Db%25%C3%A4%20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_number__octal),
        cmocka_unit_test(test_tar_number__base256),
        cmocka_unit_test(test_tar_number__decimal),
        cmocka_unit_test(test_tar_number__time),
        cmocka_unit_test(test_tar_coding__base64),
        cmocka_unit_test(test_tar_coding__there_and_back),
        cmocka_unit_test(test_tar_coding__names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
