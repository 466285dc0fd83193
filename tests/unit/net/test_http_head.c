/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers, fed line by line as libcurl does: what is taken, what it says of the body, what
 * is refused, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http_parts.h"

static int make(void **state)
{
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;
    bfci_http_call *c = NULL;

    request.url = "http://127.0.0.1/x";
    if (bfci_http_call_new(NULL, &request, &c, NULL) < 0)
        return -1;
    *state = c;
    return 0;
}

static int drop(void **state)
{
    bfci_http_call_free(*state);
    return 0;
}

static bool line(bfci_http_call *c, const char *text)
{
    char copy[520];

    (void)snprintf(copy, sizeof copy, "%s\r\n", text);
    return bfci_http_on_header(copy, 1, strlen(copy), c) == strlen(copy);
}

/* Lines ended by NULL, then the empty one. */
static bool head(bfci_http_call *c, const char *const *lines)
{
    for (; *lines; lines++)
        if (!line(c, *lines))
            return false;
    return line(c, "");
}
#define HEAD(c, ...) head((c), (const char *const[]){__VA_ARGS__, NULL})

static void test_http_head__headers(void **state)
{
    bfci_http_call *c = *state;
    const bfci_http_answer *a = &c->answer;

    assert_true(HEAD(c, "HTTP/1.1 200 OK", "Content-Length: 12", "x-A:  b c \t", "X-a:d",
                     "Empty:", "Folded: one", " two", "\tthree"));
    assert_int_equal(a->status, 200);
    assert_int_equal(a->length, 12);
    assert_int_equal(c->use, BFCI_HTTP_USE_COLLECT);
    assert_int_equal(a->header_count, 5);
    assert_string_equal(bfci_http_header_get(a, "X-A", 0), "b c");
    assert_string_equal(bfci_http_header_get(a, "x-a", 1), "d");
    assert_null(bfci_http_header_get(a, "x-a", 2));
    assert_string_equal(bfci_http_header_get(a, "empty", 0), "");
    assert_string_equal(bfci_http_header_get(a, "folded", 0), "one two three");
    assert_null(bfci_http_header_get(a, "x", 0));
    assert_true(line(c, "Trailer: late")); /* and nobody sees it */
    assert_null(bfci_http_header_get(a, "Trailer", 0));

    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 404 Not Found", "A:", "\tone", "B: two", " ", "C:", " "));
    assert_string_equal(bfci_http_header_get(a, "A", 0), "one");
    assert_string_equal(bfci_http_header_get(a, "B", 0), "two");
    assert_string_equal(bfci_http_header_get(a, "C", 0), "");

    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/2 404"));
    assert_int_equal(a->status, 404);
    assert_int_equal(a->header_count, 0);
    assert_int_equal(a->length, BFCI_HTTP_LEN_UNKNOWN);
    assert_int_equal(c->use, BFCI_HTTP_USE_FAILURE);
}

static void test_http_head__interim(void **state)
{
    bfci_http_call *c = *state;

    assert_true(HEAD(c, "HTTP/1.1 100 Continue", "Content-Length: 99", "A: b"));
    assert_int_equal(c->use, BFCI_HTTP_USE_NONE);
    assert_true(HEAD(c, "HTTP/1.1 103 Early Hints", "Location: /x"));
    assert_true(HEAD(c, "HTTP/1.1 201 Created"));
    assert_int_equal(c->answer.status, 201);
    assert_int_equal(c->answer.length, BFCI_HTTP_LEN_UNKNOWN);
    assert_null(bfci_http_header_get(&c->answer, "A", 0));
}

static void test_http_head__refused(void **state)
{
    bfci_http_call *c = *state;
    static const char *const bad[] = {
        "no colon",
        ": no name",
        "blank : x",
        "A\x01: b",
        "A: b\x7f",
        "A: \x1b[2J",
        "Content-Length: x",
        "Content-Length: -1",
        "Content-Length: 1x",
        "Content-Length: ",
        "Content-Length: 18446744073709551616",
        "Content-Length: 18446744073709551615",
        " folded first",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(HEAD(c, "HTTP/1.1 200 OK", bad[i]));
        assert_int_equal(c->rc, BFC_E_CORRUPT);
        assert_int_equal(c->answer.fault, BFCI_HTTP_FAULT_PROTOCOL);
        c->rc = 0;
        bfci_http_head_reset(c);
    }
    static const char *const bad_status[] = {"HTTP/1.1 20 OK", "HTTP/1.1",     "HTTP/1.1 ",
                                             "ICY 200 OK",     "HTTP/1.1 x00", "HTT",
                                             "HTTP/1.1 099"};
    for (size_t i = 0; i < ARRAY_LEN(bad_status); i++) {
        assert_false(line(c, bad_status[i]));
        assert_int_equal(c->rc, BFC_E_CORRUPT);
        c->rc = 0;
        bfci_http_head_reset(c);
    }
    assert_false(HEAD(c, "HTTP/1.1 101 Switching Protocols", "Upgrade: x"));
    c->rc = 0;
    bfci_http_head_reset(c);
    assert_false(HEAD(c, "HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"));
    c->rc = 0;
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 1"));
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: lies"));
    assert_int_equal(c->answer.length, BFCI_HTTP_LEN_UNKNOWN);
}

static void test_http_head__bounds(void **state)
{
    bfci_http_call *c = *state;
    char text[512];

    assert_true(line(c, "HTTP/1.1 200 OK"));
    for (int i = 1; i < BFCI_HTTP_HEADER_LINES_MAX; i++)
        assert_true(line(c, "A: b"));
    assert_false(line(c, "A: b"));
    assert_int_equal(c->rc, BFC_E_LIMIT);

    c->rc = 0;
    bfci_http_head_reset(c);
    assert_true(line(c, "HTTP/1.1 200 OK"));
    memset(text, 'a', 400);
    text[1] = ':';
    text[400] = '\0';
    int taken = 0;
    while (line(c, text))
        taken++;
    assert_int_equal(taken, (BFCI_HTTP_HEADERS_MAX - 17) / 402);
    assert_int_equal(c->rc, BFC_E_LIMIT);

    c->rc = 0; /* interim answers do not start the count anew */
    bfci_http_head_reset(c);
    int heads = 0;
    while (HEAD(c, "HTTP/1.1 100 Continue"))
        heads++;
    assert_int_equal(heads, BFCI_HTTP_HEADER_LINES_MAX / 2);
    assert_int_equal(c->rc, BFC_E_LIMIT);
}

static void test_http_head__body_too_large(void **state)
{
    bfci_http_call *c = *state;

    assert_false(HEAD(c, "HTTP/1.1 200 OK", "Content-Length: 4194305"));
    assert_int_equal(c->rc, BFC_E_LIMIT);
    assert_non_null(strstr(c->err.msg, "GET 'http://127.0.0.1/x': the answer has 4194305 bytes"));
    c->rc = 0;
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 404 Not Found", "Content-Length: 4194305"));
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 200 OK", "Content-Length: 4194304"));
}

static void test_http_head__redirects(void **state)
{
    bfci_http_call *c = *state;

    assert_true(HEAD(c, "HTTP/1.1 302 Found", "Location: /y"));
    assert_int_equal(c->use, BFCI_HTTP_USE_REDIRECT);
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 302 Found", "Location:"));
    assert_int_equal(c->use, BFCI_HTTP_USE_FAILURE);
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 300 Multiple Choices", "Location: /y"));
    assert_int_equal(c->use, BFCI_HTTP_USE_FAILURE);
    bfci_http_head_reset(c);
    assert_true(HEAD(c, "HTTP/1.1 201 Created", "Location: /y"));
    assert_int_equal(c->use, BFCI_HTTP_USE_COLLECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http_head__headers, make, drop),
        cmocka_unit_test_setup_teardown(test_http_head__interim, make, drop),
        cmocka_unit_test_setup_teardown(test_http_head__refused, make, drop),
        cmocka_unit_test_setup_teardown(test_http_head__bounds, make, drop),
        cmocka_unit_test_setup_teardown(test_http_head__body_too_large, make, drop),
        cmocka_unit_test_setup_teardown(test_http_head__redirects, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
