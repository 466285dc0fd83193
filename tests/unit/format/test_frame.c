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
    return bfci_frame_decode(guard_put(raw, FRAME_HEADER_SIZE), 4096, out, NULL);
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
    refuses(FRAME_AT_COMP, 2);
    refuses(FRAME_AT_FLAGS, 1);
    refuses(FRAME_AT_FLAGS + 1, 0x80);
    refuses(FRAME_AT_STORED, 0);
    refuses(FRAME_AT_RAW + 1, 0);
}

static int check(uint64_t offset, uint32_t stored, uint32_t raw, uint8_t comp)
{
    const bfci_ref ref = {.offset = offset, .stored = stored, .raw = raw, .comp = comp};
    return bfci_ref_check(&ref, 10000, 5000, NULL);
}

static void test_frame__bounds_references(void **state)
{
    (void)state;
    assert_int_equal(check(4128, 5000, 5000, COMP_NONE), 0);
    assert_int_equal(check(9999, 1, 1, COMP_NONE), 0);
    assert_int_equal(check(9999, 1, 5000, COMP_ZSTD), 0);
    assert_int_equal(check(4127, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(9999, 2, 2, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(10000, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(UINT64_MAX, 1, 1, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(UINT64_MAX - 1, 4, 4, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 0, 0, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 0, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 5001, COMP_ZSTD), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 2, COMP_NONE), BFC_E_CORRUPT);
    assert_int_equal(check(5000, 1, 2, 2), BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame__comes_back),
        cmocka_unit_test(test_frame__refuses_every_flip),
        cmocka_unit_test(test_frame__refuses_illegal_values),
        cmocka_unit_test(test_frame__bounds_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
