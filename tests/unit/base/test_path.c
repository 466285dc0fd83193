/* SPDX-License-Identifier: Apache-2.0 */
/* Names and paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/path.h"

static void test_path__names(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', sizeof name);
    assert_true(bfci_name_ok("a", 1));
    assert_true(bfci_name_ok("...", 3));
    assert_true(bfci_name_ok(".a", 2));
    assert_true(bfci_name_ok("-\n\xff", 3));
    assert_true(bfci_name_ok(name, 255));
    assert_false(bfci_name_ok(name, 256));
    assert_false(bfci_name_ok("", 0));
    assert_false(bfci_name_ok(".", 1));
    assert_false(bfci_name_ok("..", 2));
    assert_false(bfci_name_ok("a/b", 3));
    assert_false(bfci_name_ok("/", 1));
    assert_false(bfci_name_ok("a\0b", 3));
}

static void check_normalized(const char *path, const char *want)
{
    AUTO_FREE char *got = NULL;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_path_normalize(path, &got, &err);
    if (want) {
        assert_int_equal(rc, 0);
        assert_string_equal(got, want);
    } else {
        assert_int_equal(rc, BFC_E_INVALID);
        assert_null(got);
        assert_int_equal(err.code, BFC_E_INVALID);
    }
}

static void test_path__normalize(void **state)
{
    (void)state;
    check_normalized("", "");
    check_normalized("/", "");
    check_normalized("./.", "");
    check_normalized("a//b/./c/", "a/b/c");
    check_normalized("/a", "a");
    check_normalized("./a", "a");
    check_normalized("...", "...");
    check_normalized(".a/..b", ".a/..b");
    check_normalized("..", NULL);
    check_normalized("a/../b", NULL);
    check_normalized("a/..", NULL);
}

static void test_path__limits(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    for (int i = 0; i < 255; i++)
        buf_u8(&b, 'n');
    buf_u8(&b, '\0');
    check_normalized((const char *)b.data, (const char *)b.data);
    b.data[b.len - 1] = 'n';
    buf_u8(&b, '\0');
    check_normalized((const char *)b.data, NULL);

    buf_clear(&b);
    for (int i = 0; i < BFCI_DEPTH_MAX; i++)
        bfci_buf_printf(&b, "%sd", i ? "/" : "");
    buf_u8(&b, '\0');
    check_normalized((const char *)b.data, (const char *)b.data);
    b.len--;
    bfci_buf_printf(&b, "/d%c", '\0');
    check_normalized((const char *)b.data, NULL);
}

static void test_path__parts(void **state)
{
    (void)state;
    bfci_parts it = {"//a/./../bcd//"};
    const char *part = NULL;
    size_t len = 0;
    assert_true(bfci_parts_next(&it, &part, &len));
    assert_int_equal(len, 1);
    assert_memory_equal(part, "a", 1);
    assert_true(bfci_parts_next(&it, &part, &len));
    assert_int_equal(len, 2);
    assert_memory_equal(part, "..", 2);
    assert_true(bfci_parts_next(&it, &part, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(part, "bcd", 3);
    assert_false(bfci_parts_next(&it, &part, &len));
    assert_false(bfci_parts_next(&it, &part, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path__names),
        cmocka_unit_test(test_path__normalize),
        cmocka_unit_test(test_path__limits),
        cmocka_unit_test(test_path__parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
