/* SPDX-License-Identifier: Apache-2.0 */
/* Which store a URI means, and which one is meant without any. */
#include "helper.h"

#include <sys/stat.h>
#include <unistd.h>

static char *uri_of(const char *uri)
{
    bfc_store *store = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_store_open(uri, &store, &err) < 0)
        fail_msg("%s", err.msg);
    char *got = text("%s", bfc_store_uri(store));
    bfc_store_close(store);
    return got;
}

static void expect_uri(const char *uri, const char *expected)
{
    char *got = uri_of(uri);

    assert_string_equal(got, expected);
    free(got);
}

static void test_open__uris(void **state)
{
    scratch *s = *state;
    char *expected = text("dir:%s/x", s->top);

    assert_int_equal(chdir(s->top), 0);
    expect_uri("/a/b", "dir:/a/b");
    expect_uri("dir:/a//b/./c/", "dir:/a/b/c");
    expect_uri("dir:/", "dir:/");
    expect_uri("x", expected);
    expect_uri("dir:x", expected);
    expect_uri("./x", expected);
    expect_uri("/a:b", "dir:/a:b");
    assert_false(exists("x")); /* opening makes nothing */
    free(expected);
}

static void test_open__refusals(void **state)
{
    scratch *s = *state;
    bfc_store *store = NULL;
    bfc_err err = BFC_ERR_INIT;
    char *file = text("%s/tree/zeros", s->top);
    char *below = text("%s/tree/zeros/x", s->top);

    expect_error(bfc_store_open("zfs:", &store, &err), BFC_E_INVALID, &err, "no dataset");
    expect_error(bfc_store_open("zfs:tank//x", &store, &err), BFC_E_INVALID, &err, "dataset");
    expect_error(bfc_store_open("ftp:/x", &store, &err), BFC_E_INVALID, &err, "no kind 'ftp'");
    expect_error(bfc_store_open("dir:", &store, &err), BFC_E_INVALID, &err, "no path");
    expect_error(bfc_store_open("", &store, &err), BFC_E_INVALID, &err, "no path");
    expect_error(bfc_store_open(file, &store, &err), BFC_E_INVALID, &err, "is not a folder");
    assert_int_equal(bfc_store_open(below, &store, &err), BFC_E_INVALID);
    assert_null(store);
    bfc_store_close(NULL);
    free(below);
    free(file);
}

static void test_open__default(void **state)
{
    (void)state;
    assert_int_equal(setenv("BFC_STORE", "dir:/from/env", 1), 0);
    expect_uri(NULL, "dir:/from/env");
    expect_uri("/given", "dir:/given");
    assert_int_equal(setenv("BFC_STORE", "", 1), 0);
    if (geteuid() == 0) {
        expect_uri(NULL, "dir:/var/lib/bfc/images");
        assert_int_equal(seteuid(65534), 0);
    }
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(setenv("HOME", "/home/me", 1), 0);
    expect_uri(NULL, "dir:/data/bfc/images");
    assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
    expect_uri(NULL, "dir:/home/me/.local/share/bfc/images");
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    expect_uri(NULL, "dir:/home/me/.local/share/bfc/images");
    assert_int_equal(unsetenv("HOME"), 0);
    bfc_store *store = NULL;
    bfc_err err = BFC_ERR_INIT;
    expect_error(bfc_store_open(NULL, &store, &err), BFC_E_INVALID, &err, "BFC_STORE");
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_open__##name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {TEST(uris), TEST(refusals), TEST(default)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
