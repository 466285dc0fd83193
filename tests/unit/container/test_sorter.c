/* SPDX-License-Identifier: Apache-2.0 */
/* The sorter with room for nearly nothing, so that it spills, and with room for all: both give one
 * order, and of several changes to a key the last. */
#include "core_fixture.h"

enum {
    SORTED_KEYS = 3000
};

static void run_as(struct core *c, bool sealed, bool ahead, size_t budget, uint32_t puts,
                   size_t value_len)
{
    bfci_sorter *s = NULL;
    uint8_t key[KEY_MAX];
    static uint8_t value[VALUE_MAX];
    static uint32_t last[SORTED_KEYS]; /* of each key: 0 none or forgotten, odd put, even deleted */

    memset(last, 0, sizeof last);
    core_ok(bfci_sorter_new("/tmp/none", sealed, budget, &s, why));
    assert_true(bfci_sorter_is_empty(s));
    for (uint32_t n = 1; n <= puts; n++) {
        uint32_t i = core_random(c, SORTED_KEYS);
        uint32_t what = core_random(c, 8);
        last[i] = what ? 2 * n + (what > 1) : 0;
        put_u32le(value, last[i]);
        if (what == 0)
            core_ok(bfci_sorter_forget(s, core_key(key, i), why));
        else if (last[i] & 1)
            core_ok(bfci_sorter_put(s, core_key(key, i), (bfci_span){value, value_len}, why));
        else
            core_ok(bfci_sorter_delete(s, core_key(key, i), why));
    }
    assert_int_equal(bfci_sorter_is_empty(s), puts == 0);
    if (ahead)
        bfci_sorter_sort_ahead(s, c->pool);
    core_ok(bfci_sorter_rewind(s, why));
    for (uint32_t i = 0; i < SORTED_KEYS; i++) {
        if (!last[i])
            continue;
        const bfci_change *change = bfci_sorter_peek(s);
        assert_non_null(change);
        assert_int_equal(bfci_span_compare(change->key, core_key(key, i)), 0);
        assert_int_equal(change->deleted, !(last[i] & 1));
        if (!change->deleted) {
            assert_int_equal(change->value.len, value_len);
            assert_int_equal(get_u32le(change->value.p), last[i]);
        }
        core_ok(bfci_sorter_step(s, why));
    }
    assert_null(bfci_sorter_peek(s));
    bfci_sorter_free(s);
}

static void run(struct core *c, size_t budget, uint32_t puts, size_t value_len)
{
    run_as(c, false, false, budget, puts, value_len);
    run_as(c, true, false, budget, puts, value_len);
    run_as(c, false, true, budget, puts, value_len);
}

static void test_sorter__in_memory(void **state)
{
    run(*state, 64 << 20, 20000, 20);
}

static void test_sorter__spills(void **state)
{
    run(*state, 1, 300, 20); /* a run for each change */
    run(*state, 5000, 20000, 20);
    run(*state, 100000, 3000, VALUE_MAX);
}

static void test_sorter__empty(void **state)
{
    run(*state, 100, 0, 4);
}

static void test_sorter__last_wins_within_a_run(void **state)
{
    bfci_sorter *s = NULL;
    const bfci_span key = {(const uint8_t *)"key", 3};

    (void)state;
    for (size_t budget = 1; budget < 200; budget += 7) {
        core_ok(bfci_sorter_new("/tmp/none", false, budget, &s, why));
        for (uint8_t i = 0; i < 20; i++)
            core_ok(bfci_sorter_put(s, key, (bfci_span){&i, 1}, why));
        core_ok(bfci_sorter_rewind(s, why));
        assert_int_equal(bfci_sorter_peek(s)->value.p[0], 19);
        core_ok(bfci_sorter_step(s, why));
        assert_null(bfci_sorter_peek(s));
        bfci_sorter_free(s);
    }
}

static void test_sorter__refuses_what_no_table_takes(void **state)
{
    static uint8_t bytes[VALUE_MAX + 1];
    bfci_sorter *s = NULL;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    core_ok(bfci_sorter_new("/tmp/none", false, 100, &s, why));
    assert_int_equal(
        bfci_sorter_put(s, (bfci_span){bytes, KEY_MAX + 1}, (bfci_span){bytes, 0}, &err),
        BFC_E_LIMIT);
    assert_int_equal(
        bfci_sorter_put(s, (bfci_span){bytes, 1}, (bfci_span){bytes, VALUE_MAX + 1}, &err),
        BFC_E_LIMIT);
    assert_true(bfci_sorter_is_empty(s));
    bfci_sorter_free(s);
}

/* Nobody wants it after all. */
static void test_sorter__is_freed_while_it_is_sorted(void **state)
{
    struct core *c = *state;
    uint8_t key[KEY_MAX];

    for (unsigned n = 0; n < 20; n++) {
        bfci_sorter *s = NULL;
        core_ok(bfci_sorter_new("/tmp/none", false, 64 << 20, &s, why));
        for (uint32_t i = 20000; i > 0; i--)
            core_ok(bfci_sorter_put(s, core_key(key, i), (bfci_span){key, 4}, why));
        bfci_sorter_sort_ahead(s, c->pool);
        bfci_sorter_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_sorter__in_memory),
        CORE_TEST(test_sorter__spills),
        CORE_TEST(test_sorter__empty),
        CORE_TEST(test_sorter__is_freed_while_it_is_sorted),
        CORE_TEST(test_sorter__last_wins_within_a_run),
        CORE_TEST(test_sorter__refuses_what_no_table_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
