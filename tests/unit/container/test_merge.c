/* SPDX-License-Identifier: Apache-2.0 */
/* Changes merged into a table over many commits, against a model; pages that nothing falls into are
 * not written. */
#include "core_fixture.h"

typedef struct changes {
    struct core *core;
    bfci_sorter *sorter;
} changes;

static changes begin(struct core *c)
{
    changes ch = {.core = c};
    core_begin(c);
    core_ok(bfci_sorter_new("/tmp/none", false, 1 << 16, &ch.sorter, why));
    return ch;
}

static void put(changes *ch, uint32_t i, uint32_t version)
{
    uint8_t key[KEY_MAX], value[VALUE_MAX];
    core_ok(bfci_sorter_put(ch->sorter, core_key(key, i), core_value(value, i, version), why));
    ch->core->version[i] = version;
}

static void drop(changes *ch, uint32_t i)
{
    uint8_t key[KEY_MAX];
    core_ok(bfci_sorter_delete(ch->sorter, core_key(key, i), why));
    ch->core->version[i] = 0;
}

/* Gives the pages that the commit wrote. */
static uint64_t end(changes *ch)
{
    struct core *c = ch->core;
    bfci_page_sink *sink = NULL;
    bfci_table_ref out, old = c->commit.table[CORE_TABLE];

    core_ok(bfci_page_sink_new(&c->segment, c->pool, 0, &sink, why));
    core_ok(bfci_table_merge(c->tables, &old, ch->sorter, sink, CORE_TABLE, &out, why));
    c->commit.table[CORE_TABLE] = out;
    bfci_page_sink_free(sink);
    bfci_sorter_free(ch->sorter);
    uint64_t pages = c->segment.pages;
    core_end(c);
    core_compare(c);
    return pages;
}

static void test_merge__follows_a_model(void **state)
{
    struct core *c = *state;

    for (uint32_t round = 1; round <= 12; round++) {
        changes ch = begin(c);
        uint32_t from = core_random(c, CORE_KEYS), span = 1 + core_random(c, CORE_KEYS);
        uint32_t count = core_random(c, round % 3 ? 3000 : 30);
        for (uint32_t n = 0; n < count; n++) {
            uint32_t i = (from + core_random(c, span)) % CORE_KEYS;
            if (core_random(c, 3) == 0)
                drop(&ch, i);
            else
                put(&ch, i, round + 1);
        }
        if (round % 4 == 0) /* a range goes away whole */
            for (uint32_t i = from; i < CORE_KEYS && i < from + CORE_KEYS / 2; i++)
                drop(&ch, i);
        (void)end(&ch);
    }
}

static void put_all(struct core *c)
{
    changes ch = begin(c);
    for (uint32_t i = 0; i < CORE_KEYS; i++)
        put(&ch, i, 1);
    (void)end(&ch);
    assert_true(c->source.commit.table[CORE_TABLE].level >= 2);
}

static void test_merge__writes_only_the_way_to_a_change(void **state)
{
    struct core *c = *state;
    const uint32_t place[] = {0, 1, CORE_KEYS / 2, CORE_KEYS - 1};

    put_all(c);
    for (size_t i = 0; i < ARRAY_LEN(place); i++) {
        const unsigned height = c->source.commit.table[CORE_TABLE].level + 1u;
        changes ch = begin(c);
        put(&ch, place[i], 5 + (uint32_t)i);
        assert_in_range(end(&ch), height, 2 * height); /* a page may have to be split */
    }
}

static void test_merge__without_changes_writes_nothing(void **state)
{
    struct core *c = *state;

    put_all(c);
    const bfci_table_ref before = c->source.commit.table[CORE_TABLE];
    changes ch = begin(c);
    assert_int_equal(end(&ch), 0);
    assert_true(c->source.commit.table[CORE_TABLE].root.offset == before.root.offset);
}

static void test_merge__deletes_everything(void **state)
{
    struct core *c = *state;

    put_all(c);
    changes ch = begin(c);
    for (uint32_t i = 0; i < CORE_KEYS; i++)
        drop(&ch, i);
    (void)end(&ch);
    assert_true(c->source.commit.table[CORE_TABLE].root.offset == 0);
    ch = begin(c);
    put(&ch, 7, 3); /* and begins anew */
    assert_int_equal(end(&ch), 1);
}

static void test_merge__deletes_all_but_one_at_each_end(void **state)
{
    struct core *c = *state;

    for (uint32_t keep = 0; keep < CORE_KEYS; keep += CORE_KEYS - 1) {
        put_all(c);
        changes ch = begin(c);
        for (uint32_t i = 0; i < CORE_KEYS; i++)
            if (i != keep)
                drop(&ch, i);
        (void)end(&ch);
        assert_int_equal(c->source.commit.table[CORE_TABLE].count, 1);
    }
}

static void test_merge__deleting_what_is_not_there_changes_nothing(void **state)
{
    struct core *c = *state;

    changes ch = begin(c);
    drop(&ch, 3); /* from an empty table */
    (void)end(&ch);
    ch = begin(c);
    for (uint32_t i = 0; i < CORE_KEYS; i += 2)
        put(&ch, i, 1);
    (void)end(&ch);
    ch = begin(c);
    for (uint32_t i = 1; i < CORE_KEYS; i += 2)
        drop(&ch, i);
    (void)end(&ch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_merge__follows_a_model),
        CORE_TEST(test_merge__writes_only_the_way_to_a_change),
        CORE_TEST(test_merge__without_changes_writes_nothing),
        CORE_TEST(test_merge__deletes_everything),
        CORE_TEST(test_merge__deletes_all_but_one_at_each_end),
        CORE_TEST(test_merge__deleting_what_is_not_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
