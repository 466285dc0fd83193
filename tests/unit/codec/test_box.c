/* SPDX-License-Identifier: Apache-2.0 */
/* X25519 against RFC 7748 (5.2, 6.1), and sealed boxes that stand on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/box.h"
#include "codec/digest.h"

static void from_hex(const char *hex, uint8_t out[BFCI_KEY_SIZE])
{
    assert_true(bfci_unhex(hex, out, BFCI_KEY_SIZE));
}

static void check(const char *scalar_hex, const char *point_hex, const char *want_hex)
{
    uint8_t scalar[BFCI_KEY_SIZE], point[BFCI_KEY_SIZE], want[BFCI_KEY_SIZE], out[BFCI_KEY_SIZE];

    from_hex(scalar_hex, scalar);
    from_hex(point_hex, point);
    from_hex(want_hex, want);
    assert_int_equal(bfci_x25519(out, scalar, point, NULL), 0);
    assert_memory_equal(out, want, sizeof out);
}

static void test_box__rfc7748_vectors(void **state)
{
    (void)state;
    check("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
          "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    check("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
          "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
          "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

static void test_box__rfc7748_iterated(void **state)
{
    (void)state;
    uint8_t k[BFCI_KEY_SIZE] = {9}, u[BFCI_KEY_SIZE] = {9}, next[BFCI_KEY_SIZE];
    uint8_t after_one[BFCI_KEY_SIZE], after_thousand[BFCI_KEY_SIZE];

    from_hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", after_one);
    from_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", after_thousand);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bfci_x25519(next, k, u, NULL), 0);
        memcpy(u, k, sizeof u);
        memcpy(k, next, sizeof k);
        if (i == 0)
            assert_memory_equal(k, after_one, sizeof k);
    }
    assert_memory_equal(k, after_thousand, sizeof k);
}

static void test_box__rfc7748_diffie_hellman(void **state)
{
    (void)state;
    static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    static const char alices[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    static const char bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    static const char bobs[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    static const char both[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    uint8_t secret[BFCI_KEY_SIZE], key[BFCI_KEY_SIZE], want[BFCI_KEY_SIZE];

    from_hex(alice, secret);
    from_hex(alices, want);
    assert_int_equal(bfci_box_public(key, secret, NULL), 0);
    assert_memory_equal(key, want, sizeof key);
    from_hex(bob, secret);
    from_hex(bobs, want);
    assert_int_equal(bfci_box_public(key, secret, NULL), 0);
    assert_memory_equal(key, want, sizeof key);
    check(alice, bobs, both);
    check(bob, alices, both);
}

/* Points whose product is zero, whatever the secret: 0, 1, and one of order 8. */
static void test_box__small_order(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"};
    uint8_t secret[BFCI_KEY_SIZE], key[BFCI_KEY_SIZE], point[BFCI_KEY_SIZE];
    uint8_t box[1 + BFCI_BOX_EXTRA];

    assert_int_equal(bfci_box_pair(key, secret, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        from_hex(points[i], point);
        assert_int_equal(bfci_x25519(key, secret, point, NULL), BFC_E_INVALID);
        assert_int_equal(bfci_box_seal(point, secret, 1, box, NULL), BFC_E_INVALID);
    }
}

static bool opens(const uint8_t *key, const uint8_t *secret, const uint8_t *box, size_t len,
                  const char *want)
{
    uint8_t out[64];
    bool opened = false;

    memset(out, 0xaa, sizeof out);
    assert_int_equal(bfci_box_open(key, secret, box, len, out, &opened, NULL), 0);
    for (size_t i = 0; i < len - BFCI_BOX_EXTRA; i++)
        assert_int_equal(out[i], opened ? want[i] : 0);
    assert_int_equal(out[len - BFCI_BOX_EXTRA], 0xaa);
    return opened;
}

static void test_box__sealed(void **state)
{
    (void)state;
    static const char message[] = "the file key";
    uint8_t key[BFCI_KEY_SIZE], secret[BFCI_KEY_SIZE], box[sizeof message + BFCI_BOX_EXTRA];
    uint8_t again[sizeof box], other[BFCI_KEY_SIZE], others[BFCI_KEY_SIZE];

    assert_int_equal(bfci_box_pair(key, secret, NULL), 0);
    assert_int_equal(bfci_box_pair(others, other, NULL), 0);
    assert_int_equal(bfci_box_seal(key, (const uint8_t *)message, sizeof message, box, NULL), 0);
    assert_int_equal(bfci_box_seal(key, (const uint8_t *)message, sizeof message, again, NULL), 0);
    assert_memory_not_equal(box, again, BFCI_KEY_SIZE);
    assert_true(opens(key, secret, box, sizeof box, message));
    assert_false(opens(others, other, box, sizeof box, message));
    assert_false(opens(key, secret, box, sizeof box - 1, message));
    for (size_t bit = 0; bit < 8 * sizeof box; bit++) {
        box[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(opens(key, secret, box, sizeof box, message));
        box[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bool opened = true;
    assert_int_equal(bfci_box_open(key, secret, box, BFCI_BOX_EXTRA - 1, again, &opened, NULL),
                     BFC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_box__rfc7748_vectors),
        cmocka_unit_test(test_box__rfc7748_iterated),
        cmocka_unit_test(test_box__rfc7748_diffie_hellman),
        cmocka_unit_test(test_box__small_order),
        cmocka_unit_test(test_box__sealed),
    };
    return cmocka_run_group_tests_name("box", tests, NULL, NULL);
}
