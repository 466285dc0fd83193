/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of HTTP: the examples of RFC 9110, held against the C library, and what is no date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "net/http_date.h"

#define NOW 1700000000 /* in 2023 */

static void test_http_date__three_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200}, /* a leap second */
        {"Tue Feb 29 00:00:00 2000", 951782400},
        {"Monday, 01-Jan-73 00:00:00 GMT", 3250454400}, /* 50 years ahead */
        {"Monday, 01-Jan-74 00:00:00 GMT", 126230400},  /* 51 would be, so the century before */
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 0;
        assert_true(bfci_http_date_parse(cases[i].text, NOW, &got));
        assert_int_equal(got, cases[i].seconds);
    }
}

static void test_http_date__every_day(void **state)
{
    (void)state;
    for (int64_t at = 45296; at < (int64_t)200 * 366 * 86400; at += 86400) {
        char text[64];
        struct tm tm;
        int64_t got = 0;
        const time_t t = (time_t)at;
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_not_equal(strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm), 0);
        assert_true(bfci_http_date_parse(text, NOW, &got));
        assert_int_equal(got, at);
        assert_non_null(asctime_r(&tm, text));
        text[strcspn(text, "\n")] = '\0';
        assert_true(bfci_http_date_parse(text, NOW, &got));
        assert_int_equal(got, at);
    }
}

static void test_http_date__no_date(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "Sun",
        "Sun,",
        "Sun, ",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov",
        "Sun Nov ",
        "Sun  ",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = 42;
        assert_false(bfci_http_date_parse(cases[i], NOW, &got));
        assert_int_equal(got, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_date__three_forms),
        cmocka_unit_test(test_http_date__every_day),
        cmocka_unit_test(test_http_date__no_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
