/* SPDX-License-Identifier: Apache-2.0 */
/* ChaCha20-Poly1305 against the vectors of RFC 8439 (2.8.2, A.5), in place and not, and every bit
 * of a message changed; and against another implementation, libsodium's, where the arithmetic has
 * its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "codec/aead.h"
#include "codec/digest.h"

enum {
    MESSAGE_MAX = 300
};

static const char sunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";
static const char drafts[] =
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
    "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
    "Internet-Drafts as reference material or to cite them other than as "
    "/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";

static const struct {
    const char *key, *nonce, *ad, *plain, *sealed, *tag;
} vectors[] = {
    {"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
     "50515253c0c1c2c3c4c5c6c7", sunscreen,
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
     "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
     "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
    {"1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", "000000000102030405060708",
     "f33388860000000000004e91", drafts,
     "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e"
     "382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd"
     "60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c76"
     "7b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a"
     "0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276"
     "27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b0270"
     "9b",
     "eead9d67890cbb22392336fea1851f38"},
};

struct message {
    uint8_t key[BFCI_KEY_SIZE], nonce[BFCI_NONCE_SIZE], ad[BFCI_NONCE_SIZE], tag[BFCI_TAG_SIZE];
    uint8_t sealed[MESSAGE_MAX];
    const char *plain;
    size_t len;
};

static void load(size_t i, struct message *m)
{
    m->plain = vectors[i].plain;
    m->len = strlen(m->plain);
    assert_true(m->len <= MESSAGE_MAX);
    assert_true(bfci_unhex(vectors[i].key, m->key, sizeof m->key));
    assert_true(bfci_unhex(vectors[i].nonce, m->nonce, sizeof m->nonce));
    assert_true(bfci_unhex(vectors[i].ad, m->ad, sizeof m->ad));
    assert_true(bfci_unhex(vectors[i].tag, m->tag, sizeof m->tag));
    assert_true(bfci_unhex(vectors[i].sealed, m->sealed, m->len));
}

static bool opens(bfci_aead *aead, const struct message *m)
{
    uint8_t plain[MESSAGE_MAX];
    bool authentic = false;

    memset(plain, 0xaa, sizeof plain);
    assert_int_equal(bfci_aead_open(aead, m->nonce, m->ad, sizeof m->ad, m->sealed, m->len, m->tag,
                                    plain, &authentic, NULL),
                     0);
    static const uint8_t zeros[MESSAGE_MAX];
    assert_memory_equal(plain, authentic ? (const uint8_t *)m->plain : zeros, m->len);
    assert_int_equal(plain[m->len], 0xaa);
    return authentic;
}

/* One object goes through all of them: each key replaces the one before. */
static void test_aead__rfc8439(void **state)
{
    (void)state;
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    for (size_t i = 0; i < 2 * ARRAY_LEN(vectors); i++) {
        struct message m;
        uint8_t sealed[MESSAGE_MAX], tag[BFCI_TAG_SIZE];

        load(i % ARRAY_LEN(vectors), &m);
        assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
        assert_int_equal(bfci_aead_seal(aead, m.nonce, m.ad, sizeof m.ad, (const uint8_t *)m.plain,
                                        m.len, sealed, tag, NULL),
                         0);
        assert_memory_equal(sealed, m.sealed, m.len);
        assert_memory_equal(tag, m.tag, sizeof tag);
        assert_true(opens(aead, &m));
    }
}

static void test_aead__in_place(void **state)
{
    (void)state;
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    struct message m;
    uint8_t bytes[MESSAGE_MAX], tag[BFCI_TAG_SIZE];
    bool authentic = false;

    load(1, &m);
    memcpy(bytes, m.plain, m.len);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    assert_int_equal(
        bfci_aead_seal(aead, m.nonce, m.ad, sizeof m.ad, bytes, m.len, bytes, tag, NULL), 0);
    assert_memory_equal(bytes, m.sealed, m.len);
    assert_memory_equal(tag, m.tag, sizeof tag);
    assert_int_equal(bfci_aead_open(aead, m.nonce, m.ad, sizeof m.ad, bytes, m.len, tag, bytes,
                                    &authentic, NULL),
                     0);
    assert_true(authentic);
    assert_memory_equal(bytes, m.plain, m.len);
}

static void flip_each_bit(bfci_aead *aead, struct message *m, uint8_t *bytes, size_t len)
{
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(opens(aead, m));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(opens(aead, m));
}

static void test_aead__changed(void **state)
{
    (void)state;
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    struct message m;

    load(0, &m);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    flip_each_bit(aead, &m, m.sealed, m.len);
    flip_each_bit(aead, &m, m.tag, sizeof m.tag);
    flip_each_bit(aead, &m, m.nonce, sizeof m.nonce);
    flip_each_bit(aead, &m, m.ad, sizeof m.ad);
    m.len--;
    assert_false(opens(aead, &m));
    m.len++;
    m.key[0] ^= 1;
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    assert_false(opens(aead, &m));
    m.key[0] ^= 1;
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    assert_true(opens(aead, &m));
}

/* Neither bytes nor associated data. The tag is that of an empty message: Poly1305 over 16 zero
 * bytes, so r times 2^128 and s, of which the first is 0 for no key that is met. */
static void test_aead__empty(void **state)
{
    (void)state;
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    uint8_t key[BFCI_KEY_SIZE] = {1}, nonce[BFCI_NONCE_SIZE] = {2};
    uint8_t tag[BFCI_TAG_SIZE], with_ad[BFCI_TAG_SIZE], none[1] = {7};
    bool authentic = false;

    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    assert_int_equal(bfci_aead_seal(aead, nonce, NULL, 0, NULL, 0, none, tag, NULL), 0);
    assert_int_equal(bfci_aead_seal(aead, nonce, "x", 1, NULL, 0, none, with_ad, NULL), 0);
    assert_memory_not_equal(tag, with_ad, sizeof tag);
    assert_int_equal(bfci_aead_open(aead, nonce, NULL, 0, NULL, 0, tag, none, &authentic, NULL), 0);
    assert_true(authentic);
    assert_int_equal(bfci_aead_open(aead, nonce, NULL, 0, NULL, 0, with_ad, none, &authentic, NULL),
                     0);
    assert_false(authentic);
    assert_int_equal(none[0], 7);
}

static void test_aead__refusals(void **state)
{
    (void)state;
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    uint8_t key[BFCI_KEY_SIZE] = {0}, nonce[BFCI_NONCE_SIZE] = {0}, tag[BFCI_TAG_SIZE];
    uint8_t byte = 0;

    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_seal(aead, nonce, NULL, 0, &byte, 1, &byte, tag, NULL),
                     BFC_E_INVALID);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0); /* zeros are a key like any other */
    assert_int_equal(bfci_aead_seal(aead, nonce, NULL, 0, &byte, 1, &byte, tag, NULL), 0);
    assert_int_equal(bfci_aead_seal(aead, nonce, NULL, 0, &byte, (size_t)1 << 31, &byte, tag, NULL),
                     BFC_E_LIMIT);
}

/* In pieces of every size: the same bytes, and a changed tag is told at the end. */
static void test_aead__in_pieces(void **state)
{
    struct message m;
    uint8_t out[MESSAGE_MAX];
    bool authentic = false;
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    (void)state;
    load(0, &m);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_open_begin(aead, m.nonce, m.ad, sizeof m.ad, NULL), BFC_E_INVALID);
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    for (size_t step = 1; step <= m.len; step++) {
        m.tag[0] ^= step % 2;
        assert_int_equal(bfci_aead_open_begin(aead, m.nonce, m.ad, sizeof m.ad, NULL), 0);
        for (size_t at = 0; at < m.len; at += step)
            assert_int_equal(
                bfci_aead_open_more(aead, m.sealed + at, MIN(step, m.len - at), out + at, NULL), 0);
        assert_int_equal(bfci_aead_open_end(aead, m.tag, &authentic, NULL), 0);
        assert_int_equal(authentic, step % 2 == 0);
        assert_memory_equal(out, m.plain, m.len);
        m.tag[0] ^= step % 2;
    }
}

/* Keys, nonces, data of zeros, of ones, and of noise. */
static void fill(uint8_t *bytes, size_t len, unsigned kind, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)(seed >> 24);
    }
}

static void same_as_sodium(bfci_aead *aead, size_t len, size_t ad_len, unsigned kinds)
{
    uint8_t key[BFCI_KEY_SIZE], nonce[BFCI_NONCE_SIZE], ad[MESSAGE_MAX], plain[MESSAGE_MAX];
    uint8_t ours[MESSAGE_MAX + BFCI_TAG_SIZE], theirs[MESSAGE_MAX + BFCI_TAG_SIZE];
    const uint32_t seed = (uint32_t)(len << 16 | ad_len << 4 | kinds);

    fill(key, sizeof key, kinds % 3, seed + 1);
    fill(nonce, sizeof nonce, kinds / 3 % 3, seed + 2);
    fill(ad, sizeof ad, kinds / 9 % 3, seed + 3);
    fill(plain, sizeof plain, kinds / 27 % 3, seed + 4);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    assert_int_equal(bfci_aead_seal(aead, nonce, ad, ad_len, plain, len, ours, ours + len, NULL),
                     0);
    assert_int_equal(crypto_aead_chacha20poly1305_ietf_encrypt(theirs, NULL, plain, len, ad, ad_len,
                                                               NULL, nonce, key),
                     0);
    assert_memory_equal(ours, theirs, len + BFCI_TAG_SIZE);
}

/* Every length up to some blocks of both ciphers, with associated data of every rest. */
static void test_aead__as_libsodium(void **state)
{
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    (void)state;
    assert_true(sodium_init() >= 0);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    for (size_t len = 0; len <= MESSAGE_MAX; len++)
        for (unsigned kinds = 0; kinds < 81; kinds++)
            same_as_sodium(aead, len, (len + kinds) % 40, kinds);
}

/* Tags that come to mind, and those that differ in more than a bit. */
static void test_aead__forged_tags(void **state)
{
    static const uint8_t masks[] = {0x01, 0x80, 0x7f, 0xff};
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    struct message m;
    uint8_t tag[BFCI_TAG_SIZE];

    (void)state;
    load(0, &m);
    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, m.key, NULL), 0);
    memcpy(tag, m.tag, sizeof tag);
    for (unsigned kind = 0; kind < 2; kind++) {
        fill(m.tag, sizeof m.tag, kind, 0);
        assert_false(opens(aead, &m));
    }
    for (size_t i = 0; i < ARRAY_LEN(masks); i++)
        for (size_t from = 0; from < sizeof tag; from++)
            for (size_t to = from + 1; to <= sizeof tag; to++) {
                memcpy(m.tag, tag, sizeof tag);
                for (size_t at = from; at < to; at++)
                    m.tag[at] ^= masks[i];
                assert_false(opens(aead, &m));
            }
    memcpy(m.tag, m.sealed, sizeof m.tag);
    assert_false(opens(aead, &m));
    memcpy(m.tag, tag, sizeof tag);
    assert_true(opens(aead, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead__rfc8439),      cmocka_unit_test(test_aead__in_place),
        cmocka_unit_test(test_aead__changed),      cmocka_unit_test(test_aead__empty),
        cmocka_unit_test(test_aead__refusals),     cmocka_unit_test(test_aead__in_pieces),
        cmocka_unit_test(test_aead__as_libsodium), cmocka_unit_test(test_aead__forged_tags),
    };
    return cmocka_run_group_tests_name("aead", tests, NULL, NULL);
}
