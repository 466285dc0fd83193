/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors over trees of several levels, against a sorted model. */
#include "core_fixture.h"

static void fill(struct core *c, unsigned every)
{
    for (uint32_t i = 0; i < CORE_KEYS; i++)
        c->version[i] = i % every == 0;
}

/* The next key of the model from i on, or CORE_KEYS. */
static uint32_t model_from(const struct core *c, uint32_t i)
{
    while (i < CORE_KEYS && !c->version[i])
        i++;
    return i;
}

static void expect_at(const bfci_cursor *cursor, uint32_t i)
{
    uint8_t key[KEY_MAX];

    assert_int_equal(cursor->at_end, i == CORE_KEYS);
    if (i < CORE_KEYS)
        assert_int_equal(bfci_span_compare(cursor->key, core_key(key, i)), 0);
}

static void test_table__seeks_as_a_sorted_list(void **state)
{
    struct core *c = *state;
    AUTO_CURSOR bfci_cursor cursor;
    uint8_t key[KEY_MAX];

    fill(c, 2);
    core_build(c, 0);
    assert_true(c->source.commit.table[CORE_TABLE].level >= 2);
    core_compare(c);
    bfci_cursor_init(&cursor, c->tables, CORE_TABLE);
    for (int n = 0; n < 5000; n++) {
        uint32_t i = core_random(c, CORE_KEYS);
        core_ok(bfci_cursor_seek(&cursor, core_key(key, i), why));
        uint32_t at = model_from(c, i);
        expect_at(&cursor, at);
        for (uint32_t step = core_random(c, 4); step > 0 && at < CORE_KEYS; step--) {
            core_ok(bfci_cursor_next(&cursor, why));
            at = model_from(c, at + 1);
            expect_at(&cursor, at);
        }
        bool found = false;
        core_ok(bfci_cursor_find(&cursor, core_key(key, i), &found, why));
        assert_int_equal(found, c->version[i] != 0);
    }
}

static void test_table__ends_are_ends(void **state)
{
    struct core *c = *state;
    AUTO_CURSOR bfci_cursor cursor, empty;
    const uint8_t high[] = {0xff, 0xff, 0xff, 0xff, 0xff};

    fill(c, 1);
    core_build(c, 3);
    bfci_cursor_init(&cursor, c->tables, CORE_TABLE);
    core_ok(bfci_cursor_seek(&cursor, (bfci_span){high, sizeof high}, why));
    assert_true(cursor.at_end);
    core_ok(bfci_cursor_next(&cursor, why));
    assert_true(cursor.at_end);
    core_ok(bfci_cursor_seek(&cursor, (bfci_span){high, 0}, why)); /* and back again */
    expect_at(&cursor, 0);
    bfci_cursor_init(&empty, c->tables, TABLE_LINKS);
    core_ok(bfci_cursor_seek(&empty, (bfci_span){high, 1}, why));
    assert_true(empty.at_end);
}

static void test_table__goes_on_after_a_damaged_page(void **state)
{
    struct core *c = *state;
    AUTO_CURSOR bfci_cursor cursor;
    uint8_t key[KEY_MAX], byte = 0;
    bfc_err err = BFC_ERR_INIT;

    fill(c, 1);
    core_build(c, 0);
    /* The first frame of the segment is the first leaf. */
    const off_t place = SUPER_SIZE + FRAME_HEADER_SIZE + 100;
    assert_int_equal(pread(c->fd, &byte, 1, place), 1);
    byte ^= 1;
    assert_int_equal(pwrite(c->fd, &byte, 1, place), 1);
    bfci_cursor_init(&cursor, c->tables, CORE_TABLE);
    assert_int_equal(bfci_cursor_seek(&cursor, core_key(key, 0), &err), BFC_E_CORRUPT);
    assert_true(err.offset == SUPER_SIZE + FRAME_HEADER_SIZE);
    core_ok(bfci_cursor_seek(&cursor, core_key(key, CORE_KEYS - 1), why));
    expect_at(&cursor, CORE_KEYS - 1);
    assert_int_equal(bfci_cursor_seek(&cursor, core_key(key, 1), &err), BFC_E_CORRUPT);
}

static void test_table__holds_pages_of_their_table_and_level_only(void **state)
{
    struct core *c = *state;
    bfci_held *held = NULL;
    bfc_err err = BFC_ERR_INIT;

    fill(c, 1);
    core_build(c, 0);
    const bfci_table_ref *t = &c->source.commit.table[CORE_TABLE];
    core_ok(bfci_tables_hold(c->tables, &t->root, CORE_TABLE, t->level, &held, why));
    assert_int_equal(bfci_held_page(held)->level, t->level);
    bfci_held_release(held);
    assert_int_equal(bfci_tables_hold(c->tables, &t->root, TABLE_LINKS, t->level, &held, &err),
                     BFC_E_CORRUPT);
    assert_int_equal(bfci_tables_hold(c->tables, &t->root, CORE_TABLE, 0, &held, &err),
                     BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_table__seeks_as_a_sorted_list),
        CORE_TEST(test_table__ends_are_ends),
        CORE_TEST(test_table__goes_on_after_a_damaged_page),
        CORE_TEST(test_table__holds_pages_of_their_table_and_level_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
