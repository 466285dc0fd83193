/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again: what is worth it, how long is waited, within which bounds; and that a wait ends
 * when it is cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/retry.h"
#include "sys/clock.h"

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static void test_retry__what_helps(void **state)
{
    (void)state;
    static const int again[] = {408, 429, 500, 502, 503, 504};
    for (int status = 100; status < 700; status++) {
        bool want = false;
        for (size_t i = 0; i < ARRAY_LEN(again); i++)
            want = want || again[i] == status;
        assert_int_equal(bfci_retry_helps(BFCI_HTTP_FAULT_NONE, status), want);
    }
    static const bool faults[] = {
        [BFCI_HTTP_FAULT_CONNECT] = true,     [BFCI_HTTP_FAULT_CONNECT_TIME] = true,
        [BFCI_HTTP_FAULT_ANSWER_TIME] = true, [BFCI_HTTP_FAULT_STALL] = true,
        [BFCI_HTTP_FAULT_CUT] = true,         [BFCI_HTTP_FAULT_INTERNAL] = false,
    };
    for (size_t i = BFCI_HTTP_FAULT_RESOLVE; i < ARRAY_LEN(faults); i++) {
        assert_int_equal(bfci_retry_helps((enum bfci_http_fault)i, 0), faults[i]);
        assert_int_equal(bfci_retry_helps((enum bfci_http_fault)i, 503), faults[i]);
    }
}

static void test_retry__after(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"7", true, 7000},
        {"300", true, 300000},
        {"301", true, 300000},
        {"00000000000000000000000000000000000002", true, 2000},
        {"99999999999999999999999999999999999999", true, 300000},
        {"Sun, 06 Nov 1994 08:49:47 GMT", true, 10000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", true, 0},
        {"Sat, 05 Nov 1994 08:49:37 GMT", true, 0},
        {"Mon, 07 Nov 1994 08:49:37 GMT", true, 300000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", true, 300000},
        {"", false, 0},
        {"-1", false, 0},
        {"1.5", false, 0},
        {"7 ", false, 0},
        {"+7", false, 0},
        {"soon", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t ms = 42;
        assert_int_equal(bfci_retry_after(cases[i].text, NOW, &ms), cases[i].good);
        assert_int_equal(ms, cases[i].good ? cases[i].ms : 42);
    }
}

static bfci_http_answer answered(int status, bfci_http_header *retry_after)
{
    bfci_http_answer a = BFCI_HTTP_ANSWER_INIT;

    a.status = status;
    a.header = retry_after;
    a.header_count = retry_after ? 1 : 0;
    return a;
}

static void test_retry__backs_off(void **state)
{
    (void)state;
    const bfci_http_answer a = answered(503, NULL);
    uint64_t ms = 0;

    for (unsigned tries = 1; tries < BFCI_RETRY_TRIES_MAX; tries++) {
        const uint64_t most = 500u << (tries - 1);
        assert_true(bfci_retry_next(&a, tries, NOW, 0, &ms));
        assert_int_equal(ms, 0);
        assert_true(bfci_retry_next(&a, tries, NOW, most, &ms));
        assert_int_equal(ms, most);
        assert_true(bfci_retry_next(&a, tries, NOW, most + 1, &ms));
        assert_int_equal(ms, 0);
        assert_true(bfci_retry_next(&a, tries, NOW, UINT64_MAX, &ms));
        assert_true(ms <= most);
    }
    assert_false(bfci_retry_next(&a, BFCI_RETRY_TRIES_MAX, NOW, 0, &ms));
    const bfci_http_answer missing = answered(404, NULL);
    assert_false(bfci_retry_next(&missing, 1, NOW, 0, &ms));
}

static void test_retry__does_as_it_is_told(void **state)
{
    (void)state;
    bfci_http_header header = {"retry-after", "12"};
    bfci_http_answer a = answered(429, &header);
    uint64_t ms = 0;

    assert_true(bfci_retry_next(&a, 1, NOW, 3, &ms));
    assert_int_equal(ms, 12000);
    header.value = "Sun, 06 Nov 1994 08:49:40 GMT";
    assert_true(bfci_retry_next(&a, 4, NOW, 3, &ms));
    assert_int_equal(ms, 3000);
    assert_false(bfci_retry_next(&a, 5, NOW, 3, &ms));
    header.value = "nonsense";
    assert_true(bfci_retry_next(&a, 1, NOW, 3, &ms));
    assert_int_equal(ms, 3);
    a.fault = BFCI_HTTP_FAULT_CUT; /* what it said came from an answer that was not whole */
    header.value = "12";
    assert_true(bfci_retry_next(&a, 1, NOW, 3, &ms));
    assert_int_equal(ms, 3);
}

static void test_retry__waits(void **state)
{
    (void)state;
    int cancel = 0;
    const bfc_hooks hooks = {.cancel = &cancel};

    const uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_retry_wait(0, NULL, NULL), 0);
    assert_int_equal(bfci_retry_wait(120, &hooks, NULL), 0);
    assert_true(bfci_monotonic_ns() - start >= 120000000u);
    cancel = 1;
    assert_int_equal(bfci_retry_wait(60000, &hooks, NULL), BFC_E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry__what_helps), cmocka_unit_test(test_retry__after),
        cmocka_unit_test(test_retry__backs_off),  cmocka_unit_test(test_retry__does_as_it_is_told),
        cmocka_unit_test(test_retry__waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
