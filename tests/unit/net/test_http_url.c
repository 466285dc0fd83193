/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: which ones are taken, what a relative one means (the examples of RFC 3986,
 * section 5.4), what counts as one origin, and that no secret of an address is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http_parts.h"

static void test_http_url__rfc3986(void **state)
{
    (void)state;
    static const struct {
        const char *link, *whole;
    } cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://h", "https://h/"},
        {"https://h?x", "https://h/?x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *whole = NULL;
        assert_int_equal(bfci_http_resolve("http://a/b/c/d;p?q", cases[i].link, &whole, NULL), 0);
        assert_string_equal(whole, cases[i].whole);
    }
}

static void test_http_url__resolves(void **state)
{
    (void)state;
    static const struct {
        const char *base, *link, *whole;
    } cases[] = {
        {"https://r.example/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=x%3D",
         "https://r.example/v2/a/blobs/uploads/1?_state=x%3D"},
        {"https://r.example/v2/", "HTTPS://Other.Example:443/x", "https://Other.Example:443/x"},
        {"http://[::1]:5000/v2/", "/x", "http://[::1]:5000/x"},
        {"http://a/", "/\xc3\xa4 b", "http://a/%c3%a4%20b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *whole = NULL;
        assert_int_equal(bfci_http_resolve(cases[i].base, cases[i].link, &whole, NULL), 0);
        assert_string_equal(whole, cases[i].whole);
    }
}

static void test_http_url__refuses(void **state)
{
    (void)state;
    static const char *const links[] = {
        "ftp://a/",        "file:///etc/passwd", "http://u:p@a/", "http://u@a/",
        "//u@a/",          "gopher://a/",        "http://",       "http://a:x/",
        "http://a:99999/", "http://a/\nX: y",    "javascript:x",  "http://[::1/",
        "http://a b/",
    };
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        AUTO_FREE char *whole = NULL;
        bfc_err err = BFC_ERR_INIT;
        int rc = bfci_http_resolve("http://a/b", links[i], &whole, &err);
        /* What has no scheme that is known may be a path: then it stays on this host. */
        if (rc == 0)
            assert_true(bfci_http_same_origin("http://a/", whole));
        else
            assert_int_equal(rc, BFC_E_CORRUPT);
        if (i != 10)
            assert_int_equal(rc, BFC_E_CORRUPT);
    }
    AUTO_FREE char *out = NULL;
    assert_int_equal(bfci_http_url_check("http://u:p@a/", &out, NULL), BFC_E_INVALID);
    assert_int_equal(bfci_http_url_check("a/b", &out, NULL), BFC_E_INVALID);
    assert_int_equal(bfci_http_url_check("", &out, NULL), BFC_E_INVALID);
    assert_null(out);
}

static void test_http_url__origins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://a/x", "http://a/y?z", true},
        {"http://a/", "http://A:80/", true},
        {"https://a/", "https://a:443/", true},
        {"http://a/", "https://a/", false},
        {"http://a/", "http://a:81/", false},
        {"https://a/", "https://a:80/", false},
        {"http://a/", "http://a.b/", false},
        {"http://127.0.0.1/", "http://localhost/", false},
        {"http://a/", "http://a./", false},
        {"http://a", "HTTP://A:80/x", true},
        {"https://[::1]:5000/", "https://[::1]:5000/x?y", true},
        {"https://a/", "https://a:0443/", true},
        {"http://a:443", "https://a", false},
        {"https://a", "https://a.b", false},
        {"https://[::1]:5000", "https://[::1]:500", false},
        {"ftp://a", "ftp://a", false},
        {"/a", "/a", false},
        {"https://a@b", "https://a@b", false},
        {"http://a/", "nothing", false},
        {"", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(bfci_http_same_origin(cases[i].a, cases[i].b), cases[i].same);
        assert_int_equal(bfci_http_same_origin(cases[i].b, cases[i].a), cases[i].same);
    }
}

static void test_http_url__shows_no_secret(void **state)
{
    (void)state;
    assert_string_equal(BFCI_HTTP_SHOW("https://a:5/b/c?sig=x#y"), "https://a:5/b/c");
    assert_string_equal(BFCI_HTTP_SHOW("https://user:word@a/b"), "https://a/b");
    assert_string_equal(BFCI_HTTP_SHOW("https://a/b'\xff"), "https://a/b\\x27\\xff");
    assert_string_equal(BFCI_HTTP_SHOW("user:word@a/b?c"), "an address that cannot be read");
    char *long_path = NULL;
    assert_int_equal(bfci_alloc_zero(9000, 1, &long_path, NULL), 0);
    memset(long_path, 'a', 8999);
    memcpy(long_path, "http://a/", 9);
    assert_true(strlen(BFCI_HTTP_SHOW(long_path)) < sizeof(struct bfci_http_shown));
    free(long_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_url__rfc3986),         cmocka_unit_test(test_http_url__resolves),
        cmocka_unit_test(test_http_url__refuses),         cmocka_unit_test(test_http_url__origins),
        cmocka_unit_test(test_http_url__shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
