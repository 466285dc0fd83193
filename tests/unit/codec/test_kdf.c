/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF against RFC 5869 (A.1 to A.3): our keys are the first 32 bytes of those outputs, as the
 * first block of HKDF does not depend on how much is asked for. Argon2id against vectors that
 * libsodium publishes with its own tests; that of RFC 9106 has a secret and associated data, which
 * libsodium does not take. tests/e2e/seal compares with the reference implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/digest.h"
#include "codec/kdf.h"

enum {
    FIELD_MAX = 80
};

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= FIELD_MAX);
    assert_true(bfci_unhex(hex, out, len));
    return len;
}

static void check_hkdf(const char *key_hex, const char *salt_hex, const char *info_hex,
                       const char *want_hex)
{
    uint8_t key[FIELD_MAX], salt[FIELD_MAX], info[FIELD_MAX], want[FIELD_MAX];
    uint8_t out[BFCI_KEY_SIZE];
    size_t key_len = from_hex(key_hex, key);
    size_t salt_len = from_hex(salt_hex, salt);
    size_t info_len = from_hex(info_hex, info);

    assert_int_equal(from_hex(want_hex, want), sizeof out);
    assert_int_equal(bfci_hkdf(out, key, key_len, salt, salt_len, info, info_len, NULL), 0);
    assert_memory_equal(out, want, sizeof out);
}

static void test_kdf__rfc5869(void **state)
{
    (void)state;
    check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
               "f0f1f2f3f4f5f6f7f8f9",
               "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    check_hkdf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
               "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
               "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687"
               "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
               "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
               "d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
               "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
    check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
               "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void check_argon2id(const char *password, const char *salt, unsigned passes,
                           uint32_t memory_kib, const char *want_hex)
{
    uint8_t want[FIELD_MAX], out[BFCI_KEY_SIZE], salt_bytes[BFCI_ARGON2_SALT_SIZE];

    assert_int_equal(from_hex(salt, salt_bytes), sizeof salt_bytes);
    assert_int_equal(from_hex(want_hex, want), sizeof out);
    assert_int_equal(bfci_argon2id(out, (const uint8_t *)password, strlen(password), salt_bytes,
                                   passes, memory_kib, NULL),
                     0);
    assert_memory_equal(out, want, sizeof out);
}

static void test_kdf__argon2id_published(void **state)
{
    (void)state;
    check_argon2id("", "6c0f356abb225f2b1ddd66d34739843b", 2, 4882,
                   "366f1004cfbb447d435e8f6bbe9e5cc0a10e38e7c3da0e89bb19578a1a0d7291");
    check_argon2id("^T5H$JYt39n%K*j:W]!1s?vg!:jGi]Ax?..l7[p0v:1jHTpla9;]bUN;?bWyCbtqg ",
                   "3e412031362d62797465732073616c74", 19, 4096,
                   "96d07fb9ed643ed04c0467eccac3293e2804ea188d10a67dbecf2f2cd5434060");
}

static void test_kdf__argon2id_refusals(void **state)
{
    (void)state;
    uint8_t out[BFCI_KEY_SIZE] = {0}, salt[BFCI_ARGON2_SALT_SIZE] = {0};

    assert_int_equal(bfci_argon2id(out, NULL, 0, salt, 1, 8, NULL), 0);
    assert_int_equal(bfci_argon2id(out, NULL, 0, salt, 0, 8, NULL), BFC_E_INVALID);
    assert_int_equal(bfci_argon2id(out, NULL, 0, salt, 1, 7, NULL), BFC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kdf__rfc5869),
        cmocka_unit_test(test_kdf__argon2id_published),
        cmocka_unit_test(test_kdf__argon2id_refusals),
    };
    return cmocka_run_group_tests_name("kdf", tests, NULL, NULL);
}
