/* SPDX-License-Identifier: Apache-2.0 */
/* Trees from sorted entries: any number of them, compressed or not, and what is refused. */
#include <fcntl.h>

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

/* Of all that the builder wrote. */
static void digest_of_built(struct core *c, unsigned workers, int level,
                            uint8_t digest[BFC_DIGEST_SIZE])
{
    bfci_pool *before = c->pool, *pool = NULL;
    AUTO_FREE uint8_t *bytes = NULL;

    if (workers)
        core_ok(bfci_pool_new(workers, &pool, why));
    c->pool = pool;
    c->end = 0;
    core_build(c, level);
    const size_t len = c->end - COMMIT_SIZE - SUPER_SIZE;
    core_ok(bfci_alloc(len, 1, &bytes, why));
    core_ok(bfci_pread_exact(c->fd, bytes, len, SUPER_SIZE, why));
    core_ok(bfci_sha256(bytes, len, digest, why));
    bfci_pool_free(pool);
    c->pool = before;
}

static void test_builder__workers_change_no_byte(void **state)
{
    struct core *c = *state;
    const unsigned workers[] = {1, 2, 5};

    for (uint32_t i = 0; i < CORE_KEYS; i++)
        c->version[i] = 1 + core_random(c, 1u << 31);
    for (int level = 0; level <= 3; level += 3) {
        uint8_t alone[BFC_DIGEST_SIZE], digest[BFC_DIGEST_SIZE];
        digest_of_built(c, 0, level, alone);
        for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
            digest_of_built(c, workers[i], level, digest);
            assert_memory_equal(alone, digest, sizeof alone);
        }
    }
}

/* The disk is full: pages that workers have are waited for, and dropped. */
static void test_builder__a_failed_write_ends_it(void **state)
{
    struct core *c = *state;
    bfci_page_sink *sink = NULL;
    bfci_builder *b = NULL;
    bfc_err err = BFC_ERR_INIT;
    uint8_t key[8], value[100] = {0};
    int rc = 0;

    core_begin(c);
    c->segment.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    core_ok(bfci_page_sink_new(&c->segment, c->pool, 3, &sink, why));
    core_ok(bfci_builder_new(sink, CORE_TABLE, &b, why));
    for (uint32_t i = 0; rc == 0 && i < CORE_KEYS; i++)
        rc = bfci_builder_add(b, bfci_key_u64(key, i), (bfci_span){value, sizeof value}, &err);
    assert_int_equal(rc, BFC_E_NOSPC);
    bfci_builder_free(b);
    bfci_page_sink_free(sink);
    (void)close(c->segment.fd);
}

/* Fills a table with `count` entries of `key_len` bytes of key and no value. */
static void fill(struct core *c, enum bfci_table table, uint32_t count, size_t key_len)
{
    bfci_page_sink *sink = NULL;
    bfci_builder *b = NULL;
    uint8_t key[KEY_MAX];

    core_begin(c);
    core_ok(bfci_page_sink_new(&c->segment, c->pool, 0, &sink, why));
    core_ok(bfci_builder_new(sink, table, &b, why));
    memset(key, 'k', sizeof key);
    for (uint32_t i = 0; i < count; i++) {
        put_u32be(key, i);
        core_ok(bfci_builder_add(b, (bfci_span){key, key_len}, (bfci_span){key, 0}, why));
    }
    core_ok(bfci_builder_finish(b, count, &c->commit.table[table], why));
    bfci_builder_free(b);
    bfci_page_sink_free(sink);
    core_end(c);
}

/* The pages on the way to the first entry: none of those that an append writes anew is large, and
 * none but the root has few entries. */
static void test_builder__keeps_some_pages_small(void **state)
{
    struct core *c = *state;
    const struct {
        enum bfci_table table;
        uint32_t count;
        size_t key_len, leaf_max;
    } tried[] = {{TABLE_CONTENTS, 100000, 5, 4 << 10}, {TABLE_BLOCKS, 100000, 8, 4 << 10},
                 {TABLE_DIRENTS, 100000, 20, 4 << 10}, {TABLE_INODES, 100000, 8, 8 << 10},
                 {TABLE_BLOBS, 100000, 12, 16 << 10},  {TABLE_BLOBS, 20000, KEY_MAX, 16 << 10}};

    for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
        fill(c, tried[i].table, tried[i].count, tried[i].key_len);
        const bfci_table_ref *t = &c->source.commit.table[tried[i].table];
        bfci_ref ref = t->root;
        assert_true(t->level >= 2);
        for (unsigned level = t->level + 1u; level-- > 0;) {
            bfci_held *h = NULL;
            core_ok(bfci_tables_hold(c->tables, &ref, (uint8_t)tried[i].table, (uint8_t)level, &h,
                                     why));
            const bfci_page *p = bfci_held_page(h);
            assert_true(level == t->level || p->count >= 32);
            assert_true(level > 0 ? ref.raw < (2 << 10) + 400 || p->count <= 32
                                  : ref.raw < tried[i].leaf_max + 400);
            if (level > 0)
                core_ok(bfci_page_ref_decode(bfci_page_value(p, 0), &ref, why));
            bfci_held_release(h);
        }
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
    core_ok(bfci_page_sink_new(&c->segment, NULL, 0, &sink, why));
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
        CORE_TEST(test_builder__workers_change_no_byte),
        CORE_TEST(test_builder__a_failed_write_ends_it),
        CORE_TEST(test_builder__keeps_some_pages_small),
        CORE_TEST(test_builder__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
