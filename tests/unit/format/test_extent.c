/* SPDX-License-Identifier: Apache-2.0 */
/* Extents, entries of the extents table, and values that lie in blocks. */
#include "guard.h"

static void encode(buf *b, uint64_t gap, uint64_t len, uint64_t block, uint64_t offset,
                   uint8_t shift)
{
    bfci_buf_varint(b, gap);
    bfci_buf_varint(b, len);
    bfci_buf_varint(b, block);
    bfci_buf_varint(b, offset);
    buf_u8(b, shift);
}

/* One extent in a file of `size`. */
static bool takes(uint64_t size, uint64_t gap, uint64_t len, uint64_t block, uint64_t offset,
                  uint8_t shift)
{
    AUTO_BUF buf b = BUF_INIT;
    bfci_extent e = {0};

    encode(&b, gap, len, block, offset, shift);
    bfci_span s = guard_buf(&b);
    rd r = rd_over(s.p, s.len);
    bfci_extents_decode(&r, &e, 1, 0, size);
    if (!rd_finished(&r))
        return false;
    assert_true(e.start == gap && e.len == len && e.block == block && e.offset == offset &&
                e.shift == shift);
    return true;
}

static void test_extent__keeps_to_the_rules(void **state)
{
    (void)state;
    assert_true(takes(1, 0, 1, 0, 0, 0));
    assert_true(takes(FILE_SIZE_MAX, FILE_SIZE_MAX - 1, 1, UINT64_MAX, BLOCK_SIZE_MAX - 1, 0));
    assert_true(takes(BLOCK_SIZE_MAX, 0, BLOCK_SIZE_MAX, 0, 0, 0));
    assert_false(takes(10, 0, 0, 0, 0, 0));
    assert_false(takes(10, 0, 11, 0, 0, 0));
    assert_false(takes(10, 11, 1, 0, 0, 0));
    assert_false(takes(10, 10, 1, 0, 0, 0));
    assert_false(takes(10, UINT64_MAX, 2, 0, 0, 0));
    assert_false(takes(10, 1, UINT64_MAX, 0, 0, 0));
    assert_false(takes(10, 0, 10, 0, BLOCK_SIZE_MAX - 9, 0));
    assert_false(takes(1 << 30, 0, BLOCK_SIZE_MAX + 1, 0, 0, 0));
    assert_false(takes(10, 0, 10, 0, UINT64_C(1) << 32, 0));
}

static void test_extent__runs_keep_to_the_rules(void **state)
{
    (void)state;
    assert_true(takes(4097, 0, 4097, 0, 0, 12));
    assert_true(takes(FILE_SIZE_MAX, 0, FILE_SIZE_MAX, 0, 0, 22));
    assert_false(takes(4096, 0, 4096, 0, 0, 12)); /* one block is no run */
    assert_false(takes(8192, 0, 8192, 0, 1, 12));
    assert_false(takes(1 << 25, 0, 1 << 25, 0, 0, 23));
    assert_false(takes(8192, 0, 8192, 0, 0, 11));
    assert_false(takes(8192, 0, 8192, 0, 0, 1));
    assert_false(takes(8193, 0, 8193, UINT64_MAX, 0, 12));
    assert_false(takes(FILE_SIZE_MAX, 0, FILE_SIZE_MAX, UINT64_MAX - 1000, 0, 12));
    const bfci_extent run = {.len = 8193, .shift = 12}, one = {.len = 5},
                      even = {.len = 8192, .shift = 12};
    assert_true(bfci_extent_blocks(&run) == 3 && bfci_extent_blocks(&one) == 1);
    assert_true(bfci_extent_blocks(&even) == 2);
}

static uint64_t entry_from, entry_size;

static int decode_entry(bfci_span value, bfc_err *err)
{
    static bfci_extent out[EXTENTS_ENTRY_MAX];
    size_t count = 0;
    return bfci_extents_entry_decode(value, entry_from, entry_size, out, &count, err);
}

static void test_extent__entries_come_back(void **state)
{
    static bfci_extent in[EXTENTS_ENTRY_MAX], out[EXTENTS_ENTRY_MAX];
    AUTO_BUF buf b = BUF_INIT;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        in[i] = (bfci_extent){
            .start = 4096 + 300 * i, .len = 200 + i % 2 * 100, .block = i, .offset = 1};
    entry_from = 4096;
    entry_size = 1 << 20;
    bfci_extents_entry_encode(&b, in, ARRAY_LEN(in));
    assert_int_equal(bfci_extents_entry_decode(guard_buf(&b), 4096, 1 << 20, out, &count, NULL), 0);
    assert_int_equal(count, ARRAY_LEN(in));
    for (size_t i = 0; i < count; i++)
        assert_true(out[i].start == in[i].start && out[i].len == in[i].len && out[i].block == i);
    guard_refuses_other_lengths(&b, decode_entry);
    entry_size = in[127].start + in[127].len - 1;
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
    entry_from = entry_size = 0;
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

static void test_extent__entries_are_bounded(void **state)
{
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    entry_from = 0;
    entry_size = 1 << 20;
    buf_u8(&b, 0);
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
    buf_clear(&b);
    bfci_buf_varint(&b, EXTENTS_ENTRY_MAX + 1);
    for (int i = 0; i <= EXTENTS_ENTRY_MAX; i++)
        encode(&b, 0, 1, 0, 0, 0);
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
    buf_clear(&b);
    bfci_buf_varint(&b, UINT64_MAX);
    encode(&b, 0, 1, 0, 0, 0);
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
    buf_clear(&b);
    buf_u8(&b, 1);
    encode(&b, 1, 1, 0, 0, 0); /* the first starts at the key's offset */
    assert_int_equal(decode_entry(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

static bool stored_with_sums;

static int decode_stored(bfci_span value, bfc_err *err)
{
    static bfci_stored out;
    return bfci_stored_decode(value, stored_with_sums, 10000, &out, err);
}

static void test_extent__stored_values_come_back(void **state)
{
    static bfci_stored in, out;
    AUTO_BUF buf b = BUF_INIT, again = BUF_INIT;

    (void)state;
    for (int sums = 0; sums < 2; sums++) {
        stored_with_sums = sums == 1;
        in = (bfci_stored){.size = 10000, .has_sums = stored_with_sums, .crc = 3, .digest = {4}};
        in.extent_count = 2;
        in.extent[0] = (bfci_extent){.start = 0, .len = 4000, .block = 1, .offset = 7};
        in.extent[1] = (bfci_extent){.start = 4000, .len = 6000, .block = 5, .shift = 12};
        buf_clear(&b);
        bfci_stored_encode(&b, &in);
        assert_int_equal(bfci_stored_decode(guard_buf(&b), stored_with_sums, 10000, &out, NULL), 0);
        buf_clear(&again);
        bfci_stored_encode(&again, &out);
        assert_int_equal(again.len, b.len);
        assert_memory_equal(again.data, b.data, b.len);
        guard_refuses_other_lengths(&b, decode_stored);
        assert_int_equal(bfci_stored_decode(guard_buf(&b), stored_with_sums, 9999, &out, NULL),
                         BFC_E_CORRUPT);
    }
}

static void test_extent__stored_values_have_no_holes(void **state)
{
    static bfci_stored in;
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    stored_with_sums = false;
    in = (bfci_stored){.size = 100, .extent_count = 1};
    in.extent[0] = (bfci_extent){.start = 1, .len = 99};
    bfci_stored_encode(&b, &in);
    assert_int_equal(decode_stored(guard_buf(&b), NULL), BFC_E_CORRUPT);
    in.extent[0] = (bfci_extent){.start = 0, .len = 99};
    buf_clear(&b);
    bfci_stored_encode(&b, &in);
    assert_int_equal(decode_stored(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

static void test_extent__stored_inline_is_bounded(void **state)
{
    static uint8_t raw[INLINE_MAX + 2];

    (void)state;
    assert_int_equal(decode_stored(guard_span(raw, INLINE_MAX + 1), NULL), 0);
    assert_int_equal(decode_stored(guard_span(raw, INLINE_MAX + 2), NULL), BFC_E_CORRUPT);
    assert_int_equal(decode_stored(guard_span(raw, 1), NULL), 0);
    assert_int_equal(decode_stored(guard_span(raw, 0), NULL), BFC_E_CORRUPT);
    raw[0] = 2;
    assert_int_equal(decode_stored(guard_span(raw, 3), NULL), BFC_E_CORRUPT);
    raw[0] = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extent__keeps_to_the_rules),
        cmocka_unit_test(test_extent__runs_keep_to_the_rules),
        cmocka_unit_test(test_extent__entries_come_back),
        cmocka_unit_test(test_extent__entries_are_bounded),
        cmocka_unit_test(test_extent__stored_values_come_back),
        cmocka_unit_test(test_extent__stored_values_have_no_holes),
        cmocka_unit_test(test_extent__stored_inline_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
