/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: codes, messages that never overflow, quoting of strangers' bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/base.h"

static void test_err__fail_fills_all(void **state)
{
    (void)state;
    bfc_err err;
    memset(&err, 0xff, sizeof err);
    assert_int_equal(bfci_fail(&err, BFC_E_LIMIT, "%d items", 3), BFC_E_LIMIT);
    assert_int_equal(err.code, BFC_E_LIMIT);
    assert_int_equal(err.os_errno, 0);
    assert_true(err.offset == BFC_NO_OFFSET);
    assert_string_equal(err.msg, "3 items");
}

static void test_err__fail_at_tells_the_byte(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_fail_at(&err, BFC_E_CORRUPT, 4096, "bad magic"), BFC_E_CORRUPT);
    assert_true(err.offset == 4096);
    assert_string_equal(err.msg, "bad magic (byte 4096)");
    (void)bfci_fail_at(&err, BFC_E_CORRUPT, BFC_NO_OFFSET, "bad magic");
    assert_string_equal(err.msg, "bad magic");
}

static void test_err__fail_errno_keeps_the_cause(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_fail_errno(&err, ENOENT, "open '%s'", "a"), BFC_E_NOT_FOUND);
    assert_int_equal(err.code, BFC_E_NOT_FOUND);
    assert_int_equal(err.os_errno, ENOENT);
    assert_string_equal(err.msg, "open 'a': No such file or directory");
}

static void test_err__wrap_puts_the_context_before(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_fail_at(&err, BFC_E_CORRUPT, 7, "bad magic");
    assert_int_equal(bfci_wrap(&err, rc, "open '%s'", "a.bfc"), BFC_E_CORRUPT);
    assert_string_equal(err.msg, "open 'a.bfc': bad magic (byte 7)");
    assert_int_equal(err.code, BFC_E_CORRUPT);
    assert_true(err.offset == 7);
}

static void test_err__null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(bfci_fail(NULL, BFC_E_IO, "%s", "x"), BFC_E_IO);
    assert_int_equal(bfci_fail_at(NULL, BFC_E_IO, 1, "%s", "x"), BFC_E_IO);
    assert_int_equal(bfci_fail_errno(NULL, EACCES, "%s", "x"), BFC_E_DENIED);
    assert_int_equal(bfci_fail_nomem(NULL), BFC_E_NOMEM);
    assert_int_equal(bfci_wrap(NULL, BFC_E_IO, "%s", "x"), BFC_E_IO);
}

static void test_err__long_messages_are_cut(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bfc_err err = BFC_ERR_INIT;
    (void)bfci_fail(&err, BFC_E_IO, "%s", text);
    assert_int_equal(strlen(err.msg), BFC_ERR_MSG_MAX - 1);
    (void)bfci_fail_at(&err, BFC_E_IO, 12, "%s", text);
    assert_int_equal(strlen(err.msg), BFC_ERR_MSG_MAX - 1);
    assert_non_null(strstr(err.msg, "x (byte 12)"));
    (void)bfci_fail_errno(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.msg), BFC_ERR_MSG_MAX - 1);
    assert_non_null(strstr(err.msg, "x: Input/output error"));

    (void)bfci_fail(&err, BFC_E_IO, "the cause");
    for (int i = 0; i < 5; i++)
        (void)bfci_wrap(&err, BFC_E_IO, "%s", text);
    assert_true(strlen(err.msg) < BFC_ERR_MSG_MAX);
    (void)bfci_fail(&err, BFC_E_IO, "the cause");
    (void)bfci_wrap(&err, BFC_E_IO, "%s", text);
    assert_non_null(strstr(err.msg, ": the cause"));
}

static void test_err__arguments_may_be_the_message(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    (void)bfci_fail(&err, BFC_E_IO, "one");
    (void)bfci_fail(&err, BFC_E_IO, "<%s>", err.msg);
    assert_string_equal(err.msg, "<one>");
}

static void test_err__codes_of_errnos(void **state)
{
    (void)state;
    static const struct {
        int os_errno;
        enum bfc_code code;
    } want[] = {
        {ENOENT, BFC_E_NOT_FOUND},   {EEXIST, BFC_E_EXISTS},
        {ENOTEMPTY, BFC_E_EXISTS},   {ENOSPC, BFC_E_NOSPC},
        {EDQUOT, BFC_E_NOSPC},       {ENOMEM, BFC_E_NOMEM},
        {EACCES, BFC_E_DENIED},      {EPERM, BFC_E_DENIED},
        {EROFS, BFC_E_DENIED},       {EWOULDBLOCK, BFC_E_BUSY},
        {EBUSY, BFC_E_BUSY},         {ETXTBSY, BFC_E_BUSY},
        {EINVAL, BFC_E_INVALID},     {ENAMETOOLONG, BFC_E_INVALID},
        {ENOTDIR, BFC_E_INVALID},    {EISDIR, BFC_E_INVALID},
        {ELOOP, BFC_E_INVALID},      {ENOTSUP, BFC_E_UNSUPPORTED},
        {ENOSYS, BFC_E_UNSUPPORTED}, {EIO, BFC_E_IO},
        {EMFILE, BFC_E_IO},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(bfci_code_of_errno(want[i].os_errno), want[i].code);
}

static void test_err__every_code_has_a_name(void **state)
{
    (void)state;
    for (int code = BFC_E_CANCELLED; code <= BFC_OK; code++) {
        assert_string_not_equal(bfc_code_name((enum bfc_code)code), "unknown");
        for (int other = BFC_E_CANCELLED; other < code; other++)
            assert_string_not_equal(bfc_code_name((enum bfc_code)code),
                                    bfc_code_name((enum bfc_code)other));
    }
    assert_string_equal(bfc_code_name(BFC_E_NOT_FOUND), "not-found");
    assert_string_equal(bfc_code_name((enum bfc_code)5), "unknown");
}

static void check_quote(const char *bytes, const char *want)
{
    assert_string_equal(BFCI_QUOTE_STR(bytes), want);
}

static void test_err__utf8(void **state)
{
    (void)state;
    assert_true(bfci_is_utf8("", 0));
    assert_true(bfci_is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15));
    assert_true(bfci_is_utf8("\xf4\x8f\xbf\xbf", 4));
    assert_false(bfci_is_utf8("\xf4\x90\x80\x80", 4)); /* beyond the last character */
    assert_false(bfci_is_utf8("a\xff", 2));
    assert_false(bfci_is_utf8("\xe2\x82\xac", 2)); /* cut */
    assert_false(bfci_is_utf8("\xc0\xaf", 2));     /* a longer form */
    assert_false(bfci_is_utf8("\xed\xa0\x80", 3)); /* a surrogate */
}

static void test_err__quote(void **state)
{
    (void)state;
    check_quote("", "");
    check_quote("plain name.txt", "plain name.txt");
    check_quote("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
                "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    check_quote("a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f");
    check_quote("it's \\", "it\\x27s \\x5c");
    check_quote("\xff\xc3", "\\xff\\xc3");
    check_quote("\xc0\xaf", "\\xc0\\xaf");                   /* a longer form */
    check_quote("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    check_quote("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
    check_quote("\xc2\x9b", "\\xc2\\x9b");                   /* a control character in two bytes */
    check_quote("\xe2\x80\xae"
                "txt",
                "\\xe2\\x80\\xaetxt"); /* right to left */
    assert_string_equal(BFCI_QUOTE("a\0b", 3), "a\\x00b");
}

static void test_err__quote_is_cut(void **state)
{
    (void)state;
    char text[1000];
    for (size_t len = 380; len < sizeof text; len++) {
        for (size_t kind = 0; kind < 3; kind++) {
            memset(text, "x\n\xc3"[kind], len);
            for (size_t i = 1; kind == 2 && i < len; i += 2)
                text[i] = '\xbc';
            struct bfci_quoted q = bfci_quote_bytes(text, len);
            size_t got = strlen(q.text);
            assert_true(got < sizeof q.text);
            if (kind == 0 && len <= sizeof q.text - 4)
                assert_int_equal(got, len);
            else if (kind == 0)
                assert_string_equal(q.text + got - 4, "x...");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__fail_fills_all),
        cmocka_unit_test(test_err__fail_at_tells_the_byte),
        cmocka_unit_test(test_err__fail_errno_keeps_the_cause),
        cmocka_unit_test(test_err__wrap_puts_the_context_before),
        cmocka_unit_test(test_err__null_is_allowed),
        cmocka_unit_test(test_err__long_messages_are_cut),
        cmocka_unit_test(test_err__arguments_may_be_the_message),
        cmocka_unit_test(test_err__codes_of_errnos),
        cmocka_unit_test(test_err__every_code_has_a_name),
        cmocka_unit_test(test_err__utf8),
        cmocka_unit_test(test_err__quote),
        cmocka_unit_test(test_err__quote_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
