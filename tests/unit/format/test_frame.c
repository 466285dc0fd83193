/* SPDX-License-Identifier: Apache-2.0 */
/* Frame headers, and the bounds of references. */
#include "guard.h"

#include "codec/digest.h"
#include "format/frame.h"

static const bfci_frame good = {.kind = FRAME_DATA,
                                .comp = COMP_ZSTD,
                                .stored = 100,
                                .raw = 4096,
                                .number = UINT64_C(0x0102030405060708),
                                .payload_crc = 0xdeadbeef};

static int decode(uint8_t *raw, bfci_frame *out)
{
    return bfci_frame_decode(guard_put(raw, FRAME_HEADER_SIZE), 4096, false, out, NULL);
}

static void test_frame__comes_back(void **state)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    bfci_frame f;

    (void)state;
    bfci_frame_encode(&good, raw);
    assert_int_equal(decode(raw, &f), 0);
    assert_true(f.kind == good.kind && f.comp == good.comp && f.stored == 100 && f.raw == 4096 &&
                f.number == good.number && f.payload_crc == good.payload_crc);
}

static void test_frame__refuses_every_flip(void **state)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    bfci_frame f;

    (void)state;
    bfci_frame_encode(&good, raw);
    for (unsigned bit = 0; bit < 8 * sizeof raw; bit++) {
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(decode(raw, &f), BFC_E_CORRUPT);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void refuses(unsigned at, uint8_t value)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    bfci_frame f;

    bfci_frame_encode(&good, raw);
    raw[at] = value;
    put_u32le(raw + FRAME_AT_HEADER_CRC, bfci_crc32c(raw, FRAME_AT_HEADER_CRC));
    if (decode(raw, &f) != BFC_E_CORRUPT)
        fail_msg("byte %u may be %u", at, value);
}

static void test_frame__refuses_illegal_values(void **state)
{
    (void)state;
    refuses(FRAME_AT_KIND, 0);
    refuses(FRAME_AT_KIND, 3);
    refuses(FRAME_AT_COMP, COMP_NONE); /* sizes differ */
    refuses(FRAME_AT_COMP, 3);
    refuses(FRAME_AT_FLAGS, 1);
    refuses(FRAME_AT_FLAGS + 1, 0x80);
    refuses(FRAME_AT_STORED, 0);
    refuses(FRAME_AT_RAW + 1, 0);
}

/* Blocks may be code, pages may not. */
static void test_frame__code_is_in_blocks(void **state)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    bfci_frame f = good;

    (void)state;
    f.comp = COMP_ZSTD_X86;
    bfci_frame_encode(&f, raw);
    assert_int_equal(decode(raw, &f), 0);
    assert_int_equal(f.comp, COMP_ZSTD_X86);
    f.kind = FRAME_PAGE;
    bfci_frame_encode(&f, raw);
    assert_int_equal(decode(raw, &f), BFC_E_CORRUPT);
}

static int check(uint64_t offset, uint32_t stored, uint32_t raw, uint8_t comp)
{
    const bfci_ref ref = {.offset = offset, .stored = stored, .raw = raw, .comp = comp};
    return bfci_ref_check(&ref, 10000, 5000, false, NULL);
}

static void test_frame__bounds_references(void **state)
{
    (void)state;
    assert_int_equal(check(4128, 5000, 5000, COMP_NONE), 0);
    assert_int_equal(check(9999, 1, 1, COMP_NONE), 0);
    assert_int_equal(check(9999, 1, 5000, COMP_ZSTD), 0);
    assert_int_equal(check(9999, 1, 5000, COMP_ZSTD_X86), 0);
    assert_int_equal(check(4127, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(9999, 2, 2, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(10000, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(UINT64_MAX, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(UINT64_MAX - 1, 4, 4, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 0, 0, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 0, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 5001, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 2, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 2, 3), BFC_E_CORRUPT);
}

static void test_frame__sealed_tells_no_more_than_a_size(void **state)
{
    const bfci_ref ref = {
        .offset = 5000, .stored = 24 + 512, .raw = 4096, .crc = 7, .comp = COMP_ZSTD};
    bfci_frame f = bfci_frame_of(FRAME_DATA, 9, &ref, true), out;
    uint8_t raw[FRAME_HEADER_SIZE];

    (void)state;
    bfci_frame_encode(&f, raw);
    assert_true(raw[FRAME_AT_FLAGS] == 1 && raw[FRAME_AT_COMP] == COMP_NONE);
    assert_int_equal(bfci_frame_decode(raw, 4096, true, &out, NULL), 0);
    assert_true(bfci_frame_same(&f, &out) && out.number == 9 && out.raw == ref.stored);
    assert_int_equal(bfci_frame_decode(raw, 4096, false, &out, NULL), BFC_E_CORRUPT);
    bfci_frame_encode(&good, raw);
    assert_int_equal(bfci_frame_decode(raw, 4096, true, &out, NULL), BFC_E_CORRUPT);
    for (uint32_t wrong = 0; wrong < 1024; wrong++) {
        f.stored = f.raw = wrong;
        bfci_frame_encode(&f, raw);
        bool legal = wrong == 24 + 256 || wrong == 24 + 512 || wrong == 24 + 768;
        assert_int_equal(bfci_frame_decode(raw, 4096, true, &out, NULL), legal ? 0 : BFC_E_CORRUPT);
    }
    f.stored = f.raw = 24 + 256;
    f.comp = COMP_ZSTD;
    bfci_frame_encode(&f, raw);
    assert_int_equal(bfci_frame_decode(raw, 4096, true, &out, NULL), BFC_E_CORRUPT);
}

static int check_sealed(uint32_t stored, uint32_t raw, uint8_t comp)
{
    const bfci_ref ref = {.offset = 5000, .stored = stored, .raw = raw, .comp = comp};
    return bfci_ref_check(&ref, 100000, 5000, true, NULL);
}

static void test_frame__bounds_sealed_references(void **state)
{
    (void)state;
    assert_int_equal(check_sealed(24 + 256, 1, COMP_NONE), 0);
    assert_int_equal(check_sealed(24 + 256, 255, COMP_NONE), 0);
    assert_int_equal(check_sealed(24 + 256, 256, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 512, 256, COMP_NONE), 0);
    assert_int_equal(check_sealed(24 + 512, 255, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 512, 511, COMP_ZSTD), 0);
    assert_int_equal(check_sealed(24 + 256, 511, COMP_ZSTD), 0);
    assert_int_equal(check_sealed(24 + 768, 511, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 257, 5000, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24, 5000, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 256, 5001, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 256, 0, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check_sealed(24 + 256, 255, 3), BFC_E_CORRUPT);
    assert_int_equal(bfci_sealed_size(BLOCK_SIZE_MAX), SEALED_BLOCK_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame__comes_back),
        cmocka_unit_test(test_frame__refuses_every_flip),
        cmocka_unit_test(test_frame__refuses_illegal_values),
        cmocka_unit_test(test_frame__code_is_in_blocks),
        cmocka_unit_test(test_frame__bounds_references),
        cmocka_unit_test(test_frame__sealed_tells_no_more_than_a_size),
        cmocka_unit_test(test_frame__bounds_sealed_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
