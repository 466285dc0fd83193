/* SPDX-License-Identifier: Apache-2.0 */
/* base64url against RFC 4648, section 10, without its padding, and what must not be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"

static void check(const char *plain, const char *text)
{
    char out[16];
    uint8_t back[8];
    size_t len = strlen(plain);

    bfci_base64url((const uint8_t *)plain, len, out);
    assert_string_equal(out, text);
    assert_true(bfci_unbase64url(text, strlen(text), back, len));
    assert_memory_equal(back, plain, len);
    assert_false(bfci_unbase64url(text, strlen(text), back, len + 1));
    if (len > 0)
        assert_false(bfci_unbase64url(text, strlen(text), back, len - 1));
}

static void test_base64__rfc4648(void **state)
{
    (void)state;
    check("", "");
    check("f", "Zg");
    check("fo", "Zm8");
    check("foo", "Zm9v");
    check("foob", "Zm9vYg");
    check("fooba", "Zm9vYmE");
    check("foobar", "Zm9vYmFy");
    check("\xfb\xff\xbf", "-_-_");
}

static void test_base64__refused(void **state)
{
    (void)state;
    /* Padding, left-over bits, the other alphabet, blanks. */
    static const char *const bad[] = {"Zg==", "Zh", "Z+", "Z/", "Z ", "Z\n", "Z"};
    uint8_t byte = 0;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bfci_unbase64url(bad[i], strlen(bad[i]), &byte, 1));
    assert_true(bfci_unbase64url("Zg", 2, &byte, 1));
    assert_false(bfci_unbase64url("Z\0", 2, &byte, 1));
}

/* Libraries that compare signed characters take these for "-" and "_". */
static void test_base64__high_bits(void **state)
{
    (void)state;
    uint8_t bytes[3];
    assert_true(bfci_unbase64url("-_-_", 4, bytes, 3));
    assert_false(bfci_unbase64url("-\xdf-_", 4, bytes, 3));
    assert_false(bfci_unbase64url("\xad_-_", 4, bytes, 3));
}

static void check_padded(const char *plain, const char *text)
{
    char out[BFCI_BASE64_PADDED_SIZE(8)];
    uint8_t back[8];
    size_t len = strlen(plain), got = 99;

    bfci_base64((const uint8_t *)plain, len, out);
    assert_string_equal(out, text);
    assert_true(bfci_unbase64(text, strlen(text), back, len, &got));
    assert_int_equal(got, len);
    assert_memory_equal(back, plain, len);
    got = 99;
    if (len > 0)
        assert_false(bfci_unbase64(text, strlen(text), back, len - 1, &got));
    if (len > 0)
        assert_int_equal(got, 99);
}

static void test_base64__padded(void **state)
{
    (void)state;
    check_padded("", "");
    check_padded("f", "Zg==");
    check_padded("fo", "Zm8=");
    check_padded("foo", "Zm9v");
    check_padded("foob", "Zm9vYg==");
    check_padded("fooba", "Zm9vYmE=");
    check_padded("foobar", "Zm9vYmFy");
    check_padded("\xfb\xff\xbf", "+/+/");
}

static void test_base64__padded_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg",   "Zg=",  "Zg===", "Zh==",    "Zg==Zg==",
                                      "Z-==", "Z_==", "Z g==", "Zg==\n",  "=",
                                      "====", "Z",    "Z===",  "\xab/+/", "+\xaf+/"};
    uint8_t bytes[16];
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bfci_unbase64(bad[i], strlen(bad[i]), bytes, sizeof bytes, &len));
    assert_false(bfci_unbase64("Zg=\0", 4, bytes, sizeof bytes, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64__rfc4648),        cmocka_unit_test(test_base64__refused),
        cmocka_unit_test(test_base64__high_bits),      cmocka_unit_test(test_base64__padded),
        cmocka_unit_test(test_base64__padded_refused),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
