/* SPDX-License-Identifier: Apache-2.0 */
/* Trees from sorted entries: any number of them, compressed or not, and what is refused. */
#include "core_fixture.h"

static void test_builder__any_number_of_entries(void **state)
{
    struct core *c = *state;
    const uint32_t count[] = {0, 1, 2, 20, 300, 5000, CORE_KEYS};

    for (size_t n = 0; n < ARRAY_LEN(count); n++)
        for (int level = 0; level <= 3; level += 3) {
            for (uint32_t i = 0; i < CORE_KEYS; i++)
                c->version[i] = i < count[n];
            core_build(c, level);
            core_compare(c);
            const bfci_table_ref *t = &c->source.commit.table[CORE_TABLE];
            assert_int_equal(t->root.offset != 0, count[n] > 0);
            assert_int_equal(t->level > 0, count[n] > 20);
        }
}

static void test_builder__refuses_what_does_not_fit(void **state)
{
    struct core *c = *state;
    static uint8_t bytes[VALUE_MAX + 1];
    bfci_page_sink *sink = NULL;
    bfci_builder *b = NULL;
    bfc_err err = BFC_ERR_INIT;

    core_begin(c);
    core_ok(bfci_page_sink_new(&c->segment, 0, &sink, why));
    core_ok(bfci_builder_new(sink, CORE_TABLE, &b, why));
    assert_int_equal(bfci_builder_add(b, (bfci_span){bytes, 0}, (bfci_span){bytes, 1}, &err),
                     BFC_E_LIMIT);
    assert_int_equal(
        bfci_builder_add(b, (bfci_span){bytes, KEY_MAX + 1}, (bfci_span){bytes, 1}, &err),
        BFC_E_LIMIT);
    assert_int_equal(
        bfci_builder_add(b, (bfci_span){bytes, 1}, (bfci_span){bytes, VALUE_MAX + 1}, &err),
        BFC_E_LIMIT);
    core_ok(bfci_builder_add(b, (bfci_span){bytes, KEY_MAX}, (bfci_span){bytes, VALUE_MAX}, why));
    core_ok(bfci_builder_finish(b, 1, &c->commit.table[CORE_TABLE], why));
    bfci_builder_free(b);
    bfci_page_sink_free(sink);
    core_end(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_builder__any_number_of_entries),
        CORE_TEST(test_builder__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
