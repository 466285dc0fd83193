/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C against the vectors of RFC 3720, B.4, and a bit by bit model; SHA-256 against NIST's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/crypto.h"
#include "codec/digest.h"

static void test_digest__crc32c_rfc3720(void **state)
{
    (void)state;
    uint8_t bytes[32];
    memset(bytes, 0, 32);
    assert_int_equal(bfci_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(bfci_crc32c(bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(bfci_crc32c(bytes, 32), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(bfci_crc32c(bytes, 32), 0x113fdb5c);
    static const uint8_t read_command[48] = {
        0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
        0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
        0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0};
    assert_int_equal(bfci_crc32c(read_command, 48), 0xd9963a56);
    assert_int_equal(bfci_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(bfci_crc32c(NULL, 0), 0);
}

static uint32_t crc32c_by_bits(const uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

static void fill(uint8_t *bytes, size_t len)
{
    uint32_t random = 1;
    for (size_t i = 0; i < len; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
}

static void test_digest__crc32c_by_bits_and_in_pieces(void **state)
{
    (void)state;
    uint8_t bytes[1031];
    fill(bytes, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len += 1 + len / 16) {
        uint32_t want = crc32c_by_bits(bytes, len);
        assert_int_equal(bfci_crc32c(bytes, len), want);
        for (size_t cut = 0; cut <= len; cut += 1 + len / 5)
            assert_int_equal(bfci_crc32c_more(bfci_crc32c(bytes, cut), bytes + cut, len - cut),
                             want);
    }
}

static void test_digest__crc32c_zeros(void **state)
{
    (void)state;
    static const uint8_t zeros[100000];
    static const uint32_t start[] = {0, 1, 0xffffffff, 0xe3069283};
    for (size_t i = 0; i < ARRAY_LEN(start); i++)
        for (size_t count = 0; count < sizeof zeros; count += 1 + count / 3)
            assert_int_equal(bfci_crc32c_zeros(start[i], count),
                             bfci_crc32c_more(start[i], zeros, count));
    /* Far beyond what can be run through: two ways to the same place. */
    uint64_t far = ((uint64_t)1 << 62) + 12345;
    assert_int_equal(bfci_crc32c_zeros(bfci_crc32c_zeros(7, far), far - 1),
                     bfci_crc32c_zeros(7, 2 * far - 1));
}

static void check_sha256(bfci_sha256_ctx *ctx, const void *bytes, size_t len, const char *want)
{
    uint8_t digest[BFC_DIGEST_SIZE];
    char hex[2 * BFC_DIGEST_SIZE + 1];
    assert_int_equal(bfci_sha256(bytes, len, digest, NULL), 0);
    bfci_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, want);

    memset(digest, 0, sizeof digest);
    assert_int_equal(bfci_sha256_start(ctx, NULL), 0);
    for (size_t at = 0; at < len;) {
        size_t step = MIN(len - at, 1 + at / 3);
        assert_int_equal(bfci_sha256_update(ctx, (const uint8_t *)bytes + at, step, NULL), 0);
        at += step;
    }
    assert_int_equal(bfci_sha256_finish(ctx, digest, NULL), 0);
    bfci_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, want);
}

static void check_short(bool loaded, bfci_sha256_ctx *ctx)
{
    check_sha256(ctx, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(bfci_crypto_is_loaded(), loaded);
}

/* libsodium's digests and OpenSSL's, and a message on both sides of where it changes. */
static void test_digest__sha256_loads_openssl_when_it_pays(void **state)
{
    (void)state;
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *ctx = NULL;
    uint8_t digest[BFC_DIGEST_SIZE];
    AUTO_FREE char *a = NULL;

    assert_int_equal(bfci_alloc(1 << 16, 1, &a, NULL), 0);
    memset(a, 'a', 1 << 16);
    assert_int_equal(bfci_sha256_new(&ctx, NULL), 0);
    check_short(false, ctx);
    check_sha256(ctx, a, 1 << 16,
                 "bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a");
    assert_false(bfci_crypto_is_loaded());

    assert_int_equal(bfci_sha256_start(ctx, NULL), 0);
    assert_int_equal(bfci_sha256_update(ctx, a, 1 << 16, NULL), 0);
    assert_int_equal(bfci_sha256_update(ctx, NULL, 0, NULL), 0);
    assert_false(bfci_crypto_is_loaded());
    assert_int_equal(bfci_sha256_update(ctx, "b", 1, NULL), 0);
    assert_true(bfci_crypto_is_loaded());
    assert_int_equal(bfci_sha256_finish(ctx, digest, NULL), 0);
    char hex[BFCI_DIGEST_HEX_SIZE];
    bfci_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, "935bf57d7f52181f095c3a3484b68e542037e287f7cde4ffe8a32896d428a1b1");
    check_short(true, ctx);
}

static void test_digest__sha256_nist(void **state)
{
    (void)state;
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *ctx = NULL;
    AUTO_FREE char *million = NULL;
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_int_equal(bfci_sha256_new(&ctx, NULL), 0);
    check_sha256(ctx, NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256(ctx, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256(ctx, two_blocks, 56,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_int_equal(bfci_alloc(1000000, 1, &million, NULL), 0);
    memset(million, 'a', 1000000);
    check_sha256(ctx, million, 1000000,
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_digest__sha256_starts_anew(void **state)
{
    (void)state;
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *ctx = NULL;
    assert_int_equal(bfci_sha256_new(&ctx, NULL), 0);
    assert_int_equal(bfci_sha256_start(ctx, NULL), 0);
    assert_int_equal(bfci_sha256_update(ctx, "left over", 9, NULL), 0);
    check_sha256(ctx, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_digest__hex(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    char hex[9];
    bfci_hex(bytes, 4, hex);
    assert_string_equal(hex, "000fa5ff");
    bfci_hex(bytes, 0, hex);
    assert_string_equal(hex, "");
}

static void test_digest__unhex(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "000fa5f",  "000fa5fff", "000FA5FF",
                                      "000fa5f ", "0x0fa5ff", "000fa5fg"};
    uint8_t bytes[4] = {1, 2, 3, 4};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bfci_unhex(bad[i], bytes, sizeof bytes));
    assert_memory_equal(bytes, "\1\2\3\4", 4); /* untouched */
    assert_true(bfci_unhex("000fa5ff", bytes, sizeof bytes));
    assert_memory_equal(bytes, "\0\x0f\xa5\xff", 4);
    assert_true(bfci_unhex("", bytes, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__sha256_loads_openssl_when_it_pays), /* first */
        cmocka_unit_test(test_digest__crc32c_rfc3720),
        cmocka_unit_test(test_digest__crc32c_by_bits_and_in_pieces),
        cmocka_unit_test(test_digest__crc32c_zeros),
        cmocka_unit_test(test_digest__sha256_nist),
        cmocka_unit_test(test_digest__sha256_starts_anew),
        cmocka_unit_test(test_digest__hex),
        cmocka_unit_test(test_digest__unhex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
