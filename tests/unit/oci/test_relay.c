/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through another thread: all of them, in order; failures come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/relay.h"

enum {
    TOTAL = 5 << 20
};

struct taker {
    uint64_t at, fail_at;
    unsigned calls_after_failure;
    bool failed;
};

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static int take(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct taker *t = ctx;
    const uint8_t *p = bytes;

    if (t->failed)
        t->calls_after_failure++;
    for (size_t i = 0; i < len; i++)
        if (p[i] != byte_at(t->at + i))
            return bfci_fail(err, BFC_E_CORRUPT, "byte %zu is wrong", i);
    t->at += len;
    if (t->at <= t->fail_at)
        return 0;
    t->failed = true;
    return bfci_fail(err, BFC_E_NOSPC, "full");
}

/* Puts up to TOTAL bytes in portions; what put or finish failed with. */
static int put_all(bfci_relay *r, bfc_err *err)
{
    static uint8_t bytes[TOTAL];
    size_t portion = 1;

    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = byte_at(i);
    for (size_t at = 0, n; at < TOTAL; at += n) {
        n = MIN(portion, (size_t)TOTAL - at);
        BFC_TRY(bfci_relay_put(r, bytes + at, n, err));
        portion = portion * 3 % 700001 + 1;
    }
    return bfci_relay_finish(r, err);
}

static void test_relay__all_bytes_in_order(void **state)
{
    (void)state;
    struct taker t = {.fail_at = UINT64_MAX};
    bfci_relay *r = NULL;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_relay_new(take, &t, &r, NULL), 0);
    if (put_all(r, &err) != 0)
        fail_msg("%s", err.msg);
    bfci_relay_free(r);
    assert_int_equal(t.at, TOTAL);
}

static void test_relay__failure_comes_back(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < TOTAL; at += 400000) {
        struct taker t = {.fail_at = at};
        bfci_relay *r = NULL;
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(bfci_relay_new(take, &t, &r, NULL), 0);
        assert_int_equal(put_all(r, &err), BFC_E_NOSPC);
        assert_string_equal(err.msg, "full");
        assert_int_equal(bfci_relay_put(r, "x", 1, NULL), BFC_E_NOSPC);
        bfci_relay_free(r);
        assert_int_equal(t.calls_after_failure, 0);
    }
}

static void test_relay__can_be_dropped(void **state)
{
    (void)state;
    struct taker t = {.fail_at = UINT64_MAX};
    bfci_relay *r = NULL;

    bfci_relay_free(NULL);
    assert_int_equal(bfci_relay_new(take, &t, &r, NULL), 0);
    bfci_relay_free(r);
    assert_int_equal(bfci_relay_new(take, &t, &r, NULL), 0);
    assert_int_equal(bfci_relay_put(r, (uint8_t[1]){0}, 1, NULL), 0);
    bfci_relay_free(r);
    assert_int_equal(t.at, 0);
}

static void test_relay__nothing(void **state)
{
    (void)state;
    struct taker t = {.fail_at = 0};
    bfci_relay *r = NULL;

    assert_int_equal(bfci_relay_new(take, &t, &r, NULL), 0);
    assert_int_equal(bfci_relay_finish(r, NULL), 0);
    bfci_relay_free(r);
    assert_int_equal(t.at, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay__all_bytes_in_order),
        cmocka_unit_test(test_relay__failure_comes_back),
        cmocka_unit_test(test_relay__can_be_dropped),
        cmocka_unit_test(test_relay__nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
