/* SPDX-License-Identifier: Apache-2.0 */
/* The packer: small pieces share blocks by kind, runs fill them, and the bytes come back, whatever
 * the threads do. */
#include "core_fixture.h"

#include "container/content.h"
#include "container/pack.h"

enum {
    BLOCK = 4096,
    PIECES = 400
};

typedef struct piece {
    bfci_extent extent;
    size_t len;
    uint8_t seed;
} piece;

static void fill(uint8_t *out, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(seed + i * i % (seed % 7 + 3)); /* some shrink, some do not */
}

/* In portions of less and of more than a block; with a pool, out of a buffer that nobody writes to
 * before the packer is done with it. */
static void add_in_portions(bfci_packer *p, bfci_pool *lender, const uint8_t *bytes, size_t len)
{
    bfci_buffer *buffer = NULL;

    if (lender) {
        core_ok(bfci_buffer_take(lender, &buffer, why));
        memcpy(buffer->bytes, bytes, len);
    }
    for (size_t done = 0; done < len;) {
        size_t n = MIN(len - done, 1 + done % 11000);
        core_ok(bfci_pack_run_add(p, (buffer ? buffer->bytes : bytes) + done, n, buffer, why));
        done += n;
    }
    bfci_buffer_unref(buffer);
}

/* Stores pieces and runs in one commit; gives their extents. One thread gets copies of the runs,
 * several share them. */
static void pack_all(struct core *c, unsigned jobs, int level, piece *pieces)
{
    bfci_pool *pool = NULL;
    bfci_sorter *blocks = NULL;
    bfci_packer *p = NULL;
    bfci_page_sink *sink = NULL;
    static uint8_t bytes[20 * BLOCK];

    core_begin(c);
    core_ok(bfci_pool_new(jobs, &pool, why));
    core_ok(bfci_sorter_new("/tmp/none", false, 1 << 20, &blocks, why));
    const bfci_packer_config config = {
        &c->segment, pool, blocks, BLOCK, level, true, 100, bfci_memory_of(false, 2), false};
    core_ok(bfci_packer_new(&config, &p, why));
    for (size_t i = 0; i < PIECES; i++) {
        piece *at = &pieces[i];
        at->seed = (uint8_t)i;
        at->len =
            i % 10 == 0 ? BLOCK + 1 + i * 97 % (15 * BLOCK) : 1 + i * 131 % (i % 3 ? 200 : BLOCK);
        fill(bytes, at->len, at->seed);
        bfci_kind kind = {
            .likeness = (uint32_t)(i % 4), .code = i % 3 == 1, .branches = i % 2 == 1};
        if (i % 10 != 0) {
            core_ok(bfci_pack_small(p, kind, bytes, at->len, &at->extent, why));
            continue;
        }
        core_ok(bfci_pack_run_begin(p, kind, i, why));
        add_in_portions(p, jobs > 1 ? pool : NULL, bytes, at->len);
        core_ok(bfci_pack_run_end(p, &at->extent, why));
        assert_true(at->extent.start == i && at->extent.len == at->len);
    }
    core_ok(bfci_packer_finish(p, why));
    bfci_packer_totals totals = bfci_packer_get_totals(p);
    c->commit.next_block = totals.next_block;
    c->commit.data_stored = totals.stored;
    c->commit.data_raw = totals.raw;
    core_ok(bfci_page_sink_new(&c->segment, NULL, 0, &sink, why));
    const bfci_table_ref none = {0};
    core_ok(bfci_table_merge(NULL, &none, blocks, sink, TABLE_BLOCKS,
                             &c->commit.table[TABLE_BLOCKS], why));
    bfci_page_sink_free(sink);
    bfci_packer_free(p);
    bfci_sorter_free(blocks);
    bfci_pool_free(pool);
    core_end(c);
}

static void check_all(struct core *c, const piece *pieces)
{
    bfci_block_cache *cache = NULL;
    static uint8_t want[20 * BLOCK], got[20 * BLOCK];
    uint64_t sum = 0;

    core_ok(bfci_block_cache_new(&c->source, c->tables, &cache, why));
    for (size_t i = 0; i < PIECES; i++) {
        fill(want, pieces[i].len, pieces[i].seed);
        assert_true(bfci_extent_is_legal(&pieces[i].extent) &&
                    pieces[i].extent.len == pieces[i].len);
        core_ok(bfci_block_cache_read(cache, &pieces[i].extent, 0, got, pieces[i].len, why));
        assert_memory_equal(got, want, pieces[i].len);
        size_t from = pieces[i].len / 2;
        core_ok(
            bfci_block_cache_read(cache, &pieces[i].extent, from, got, pieces[i].len - from, why));
        assert_memory_equal(got, want + from, pieces[i].len - from);
        sum += pieces[i].len;
    }
    assert_true(c->source.commit.data_raw == sum);
    bfci_block_cache_free(cache);
}

static void test_pack__bytes_come_back(void **state)
{
    struct core *c = *state;
    static piece pieces[PIECES];

    for (int level = 0; level <= 3; level += 3) {
        pack_all(c, 2, level, pieces);
        check_all(c, pieces);
        assert_int_equal(c->source.commit.data_stored<c->source.commit.data_raw, level> 0);
    }
}

static void test_pack__threads_change_nothing(void **state)
{
    struct core *one = *state, *other = NULL;
    static piece a[PIECES], b[PIECES];

    pack_all(one, 1, 3, a);
    for (unsigned jobs = 2; jobs <= 7; jobs += 5) {
        void *fresh = NULL;
        assert_int_equal(core_setup(&fresh), 0);
        other = fresh;
        pack_all(other, jobs, 3, b);
        assert_memory_equal(one->source.commit.root_digest, other->source.commit.root_digest,
                            BFC_DIGEST_SIZE);
        assert_true(one->end == other->end);
        assert_int_equal(core_teardown(&fresh), 0);
    }
}

static void test_pack__nothing_is_nothing(void **state)
{
    struct core *c = *state;
    bfci_pool *pool = NULL;
    bfci_sorter *blocks = NULL;
    bfci_packer *p = NULL;

    core_begin(c);
    core_ok(bfci_pool_new(1, &pool, why));
    core_ok(bfci_sorter_new("/tmp/none", false, 1 << 20, &blocks, why));
    const bfci_packer_config config = {
        &c->segment, pool, blocks, BLOCK, 3, true, 5, bfci_memory_of(false, 2), false};
    core_ok(bfci_packer_new(&config, &p, why));
    core_ok(bfci_packer_finish(p, why));
    bfci_packer_totals totals = bfci_packer_get_totals(p);
    assert_true(totals.next_block == 5 && totals.raw == 0 && totals.stored == 0);
    assert_true(bfci_sorter_is_empty(blocks));
    bfci_packer_free(p);
    bfci_sorter_free(blocks);
    bfci_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_pack__bytes_come_back),
        CORE_TEST(test_pack__threads_change_nothing),
        CORE_TEST(test_pack__nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
