/* SPDX-License-Identifier: Apache-2.0 */
/* The superblock: what is written is read again, each illegal value is refused, in the documented
 * order. */
#include "guard.h"

#include "codec/digest.h"
#include "format/superblock.h"

static const bfci_super good = {
    .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .features_ignore = UINT64_C(0x8000000000000001),
    .features_read_only = 5,
    .align_shift = 12,
    .page_shift = 16,
    .block_max = 4194304,
};

static void repair(uint8_t *raw)
{
    put_u32le(raw + SUPER_AT_CRC, bfci_crc32c(raw + 12, SUPER_SIZE - 12));
}

static int decode(const uint8_t *raw, bfci_super *out, bfc_err *err)
{
    return bfci_super_decode(guard_put(raw, SUPER_SIZE), out, err);
}

static void test_superblock__comes_back(void **state)
{
    uint8_t raw[SUPER_SIZE];
    bfci_super s;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    bfci_super_encode(&good, raw);
    assert_int_equal(decode(raw, &s, &err), 0);
    assert_memory_equal(s.uuid, good.uuid, sizeof s.uuid);
    assert_true(s.features_ignore == good.features_ignore && s.features_read_only == 5);
    assert_true(s.features_refuse == 0 && s.align_shift == 12 && s.page_shift == 16);
    assert_int_equal(s.block_max, 4194304);
}

static void test_superblock__refuses_illegal_values(void **state)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } bad[] = {
        {SUPER_AT_ALIGN_SHIFT, 13}, {SUPER_AT_ALIGN_SHIFT, 255}, {SUPER_AT_PAGE_SHIFT, 13},
        {SUPER_AT_PAGE_SHIFT, 17},  {SUPER_AT_HASH, 0},          {SUPER_AT_HASH, 2},
        {SUPER_AT_SUM, 0},          {SUPER_AT_SUM, 2},           {SUPER_AT_BLOCK_MAX + 2, 0x41},
        {SUPER_AT_RESERVED, 1},     {SUPER_SIZE - 1, 1},         {SUPER_AT_BLOCK_MAX + 3, 0x80}};
    uint8_t raw[SUPER_SIZE];
    bfci_super s;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bfci_super_encode(&good, raw);
        raw[bad[i].at] = bad[i].value;
        repair(raw);
        assert_int_equal(decode(raw, &s, &err), BFC_E_CORRUPT);
    }
    bfci_super_encode(&good, raw);
    memset(raw + SUPER_AT_UUID, 0, BFC_UUID_SIZE);
    repair(raw);
    assert_int_equal(decode(raw, &s, &err), BFC_E_CORRUPT);
    bfci_super_encode(&good, raw);
    put_u32le(raw + SUPER_AT_BLOCK_MAX, 4095);
    repair(raw);
    assert_int_equal(decode(raw, &s, &err), BFC_E_CORRUPT);
}

static void test_superblock__says_what_it_is_not(void **state)
{
    uint8_t raw[SUPER_SIZE];
    bfci_super s;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    bfci_super_encode(&good, raw);
    raw[3000] ^= 1;
    assert_int_equal(decode(raw, &s, &err), BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "checksum"));

    bfci_super_encode(&good, raw);
    memcpy(raw, SUPER_MAGIC_V1, 8);
    assert_int_equal(decode(raw, &s, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "version 1"));
    memset(raw, 'x', 8);
    assert_int_equal(decode(raw, &s, &err), BFC_E_UNSUPPORTED);

    bfci_super_encode(&good, raw);
    raw[SUPER_AT_VERSION] = 3;
    repair(raw);
    assert_int_equal(decode(raw, &s, &err), BFC_E_UNSUPPORTED);
    bfci_super_encode(&good, raw);
    raw[SUPER_AT_FEATURES_REFUSE] = 7;
    repair(raw);
    assert_int_equal(decode(raw, &s, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "0x4"));
    raw[SUPER_AT_FEATURES_REFUSE + 7] = 0x80;
    raw[SUPER_AT_FEATURES_REFUSE] =
        0; /* what is not known may also sum otherwise: before the checksum */
    assert_int_equal(decode(raw, &s, &err), BFC_E_UNSUPPORTED);
}

static void test_superblock__may_be_sealed_and_is_not_aligned_then(void **state)
{
    uint8_t raw[SUPER_SIZE];
    bfci_super s = good;

    (void)state;
    s.features_refuse = 1;
    s.align_shift = 0;
    bfci_super_encode(&s, raw);
    assert_int_equal(decode(raw, &s, NULL), 0);
    assert_true(bfci_super_is_sealed(&s) && !bfci_super_is_sealed(&good));
    raw[SUPER_AT_ALIGN_SHIFT] = 1;
    repair(raw);
    assert_int_equal(decode(raw, &s, NULL), BFC_E_CORRUPT);
}

static void test_superblock__derives_a_uuid(void **state)
{
    uint8_t digest[BFC_DIGEST_SIZE] = {7}, input[12 + BFC_DIGEST_SIZE] = "bfc uuid v2",
            sum[BFC_DIGEST_SIZE];
    uint8_t uuid[BFC_UUID_SIZE];

    (void)state;
    memcpy(input + 12, digest, sizeof digest);
    assert_int_equal(bfci_sha256(input, sizeof input, sum, NULL), 0);
    sum[6] = (uint8_t)((sum[6] & 15) | 0x80);
    sum[8] = (uint8_t)((sum[8] & 63) | 0x80);
    assert_int_equal(bfci_super_derive_uuid(digest, uuid, NULL), 0);
    assert_memory_equal(uuid, sum, sizeof uuid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_superblock__comes_back),
        cmocka_unit_test(test_superblock__refuses_illegal_values),
        cmocka_unit_test(test_superblock__says_what_it_is_not),
        cmocka_unit_test(test_superblock__may_be_sealed_and_is_not_aligned_then),
        cmocka_unit_test(test_superblock__derives_a_uuid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
