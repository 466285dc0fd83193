/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that make no sense, or would smuggle something into another: refused before anything is
 * sent, in words without secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http_parts.h"

static int try_it(const bfci_http_request *request, bfc_err *err)
{
    bfci_http_call *c = NULL;

    int rc = bfci_http_call_new(NULL, request, &c, err);
    bfci_http_call_free(c);
    return rc;
}

static void test_http_request__addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "http://user:pass-word@127.0.0.1/",
        "http://user@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///x",
        "here",
        "",
        "http://",
        "http://a b/",
        "http://127.0.0.1/\x01",
        "http://127.0.0.1:0x/",
    };
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;
    char too_long[BFCI_HTTP_URL_MAX + 2];

    assert_int_equal(try_it(&request, NULL), BFC_E_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bfc_err err = BFC_ERR_INIT;
        request.url = bad[i];
        assert_int_equal(try_it(&request, &err), BFC_E_INVALID);
        assert_int_equal(err.code, BFC_E_INVALID);
        assert_null(strstr(err.msg, "pass-word"));
    }
    memset(too_long, 'a', sizeof too_long);
    memcpy(too_long, "http://a/", 9);
    too_long[sizeof too_long - 1] = '\0';
    request.url = too_long;
    assert_int_equal(try_it(&request, NULL), BFC_E_INVALID);
    too_long[sizeof too_long - 2] = '\0';
    assert_int_equal(try_it(&request, NULL), 0);
}

static void test_http_request__headers(void **state)
{
    (void)state;
    static const bfci_http_header bad[] = {
        {"A", "b\nC: d"},
        {"A", "b\r"},
        {"A", "\x7f"},
        {"A B", "c"},
        {"A:", "b"},
        {"", "a"},
        {"A\r\nB", "c"},
        {"authorization", "Basic x"},
        {"Host", "other"},
        {"cookie", "a=b"},
        {"Accept", "*/ *"},
        {"range", "bytes=0-"},
        {"Expect", ""},
        {"Proxy-Authorization", "x"},
        {"Content-Length", "1"},
        {"Connection", ""},
        {"accept-encoding", "gzip"},
        {"Transfer-Encoding", "chunked"},
    };
    static const char *const bad_credentials[] = {"", "Basic a\r\nX: y", "Basic a\n", "\x01"};
    static const char *const bad_accept[] = {"a/b\r\nX: y", NULL};
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;

    request.url = "http://127.0.0.1/";
    request.header_count = 1;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        request.headers = &bad[i];
        assert_int_equal(try_it(&request, NULL), BFC_E_INVALID);
    }
    request.headers = &(bfci_http_header){"Content-Type", "a/b; c=\"\xc3\xa4\""};
    assert_int_equal(try_it(&request, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad_credentials); i++) {
        bfc_err err = BFC_ERR_INIT;
        request.authorization = bad_credentials[i];
        assert_int_equal(try_it(&request, &err), BFC_E_INVALID);
        assert_null(strstr(err.msg, "Basic"));
    }
    request.authorization = "Basic YTpi";
    request.accept = bad_accept;
    assert_int_equal(try_it(&request, NULL), BFC_E_INVALID);
}

static void test_http_request__bodies(void **state)
{
    (void)state;
    const bfci_http_source source = {.len = 1};
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;

    request.url = "http://127.0.0.1/";
    for (int i = BFCI_HTTP_GET; i <= BFCI_HTTP_DELETE; i++) {
        const bool takes = i == BFCI_HTTP_POST || i == BFCI_HTTP_PUT || i == BFCI_HTTP_PATCH;
        request.method = (enum bfci_http_method)i;
        request.source = &source;
        assert_int_equal(try_it(&request, NULL), takes ? 0 : BFC_E_INVALID);
        request.source = NULL;
        request.body = "x";
        request.body_len = 1;
        assert_int_equal(try_it(&request, NULL), takes ? 0 : BFC_E_INVALID);
        request.body_len = 0;
    }
    request.method = BFCI_HTTP_PUT;
    request.source = &source;
    request.body_len = 1;
    assert_int_equal(try_it(&request, NULL), BFC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_request__addresses),
        cmocka_unit_test(test_http_request__headers),
        cmocka_unit_test(test_http_request__bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
