/* SPDX-License-Identifier: Apache-2.0 */
/* The index of blocks: an extent is right only if all of its blocks are there, in a row, and as
 * long as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/block_index.h"

static const struct block {
    uint64_t number;
    uint32_t raw;
} blocks[] = {{3, 4096},
              {4, 4096},
              {5, 4096},
              {6, 100}, /* a file's run */
              {8, 4096},
              {9, 5000},
              {10, 4096},
              {11, 4096}, /* one in between is longer */
              {UINT64_MAX - 1, 4096},
              {UINT64_MAX, 4096}};

static int setup(void **state)
{
    static bfci_block_index index;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        assert_int_equal(bfci_block_index_add(&index, blocks[i].number, blocks[i].raw, NULL), 0);
    bfci_block_index_finish(&index);
    *state = &index;
    return 0;
}

static int teardown(void **state)
{
    bfci_block_index_release(*state);
    return 0;
}

static void test_block_index__finds_blocks(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        assert_int_equal(bfci_block_index_find(*state, blocks[i].number), i);
    assert_true(bfci_block_index_find(*state, 0) == SIZE_MAX);
    assert_true(bfci_block_index_find(*state, 7) == SIZE_MAX);
    assert_true(bfci_block_index_find(*state, 12) == SIZE_MAX);
}

static void test_block_index__checks_extents(void **state)
{
    static const struct {
        uint64_t block, len;
        uint32_t offset;
        uint8_t shift;
        bool right;
    } cases[] = {
        {3, 4096, 0, 0, true},
        {3, 96, 4000, 0, true},
        {3, 97, 4000, 0, false},          /* over the block's end */
        {7, 1, 0, 0, false},              /* no such block */
        {3, 3 * 4096 + 100, 0, 12, true}, /* the last is shorter */
        {3, 3 * 4096 + 101, 0, 12, false},
        {3, 3 * 4096, 0, 12, true},
        {3, 4 * 4096 + 1, 0, 12, false}, /* 7 is not there */
        {3, 8193, 0, 13, false},         /* blocks of another size */
        {8, 4096 + 4000, 0, 12, true},
        {8, 2 * 4096 + 1, 0, 12, false}, /* 9 has not 4096 */
        {10, 2 * 4096, 0, 12, true},
        {UINT64_MAX, 4096, 0, 0, true},
        {UINT64_MAX - 1, 8192, 0, 12, true},
        {3, UINT64_C(1) << 62, 0, 12, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const bfci_extent e = {.block = cases[i].block,
                               .len = cases[i].len,
                               .offset = cases[i].offset,
                               .shift = cases[i].shift};
        size_t first = SIZE_MAX;
        bfc_err err = BFC_ERR_INIT;
        int rc = bfci_block_index_check(*state, &e, &first, &err);
        if (rc != (cases[i].right ? 0 : BFC_E_CORRUPT))
            fail_msg("case %zu: %d %s", i, rc, err.msg);
        if (rc == 0)
            assert_int_equal(first, bfci_block_index_find(*state, e.block));
        else
            assert_true(first == SIZE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_index__finds_blocks),
        cmocka_unit_test(test_block_index__checks_extents),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
