/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: against one that another implementation made (Python's cryptography, which is
 * OpenSSL), for a seed of 32 bytes 1, a root digest of 0 to 31 and a time; every byte of what is
 * signed changed; entries and lines of every wrong shape. */
#include "guard.h"

#include "format/signature.h"

#define KNOWN_TIME INT64_C(1700000000)
#define KNOWN_TEXT                                                                                 \
    "bfc-signature:"                                                                               \
    "AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SI"             \
    "AbQPb1wA8VNlAAAAAJEQkBGT3_Hqk0M-LEgVYGuZyZSonW42FuWDbthejT4DXGtZyfgE-FMtFRg1oKhO"             \
    "5-Snf7quIw-37N9ag75u2wN6yr6d"

static const uint8_t known_bytes[BFC_SIGNATURE_SIZE] = {
    0x91, 0x10, 0x90, 0x11, 0x93, 0xdf, 0xf1, 0xea, 0x93, 0x43, 0x3e, 0x2c, 0x48, 0x15, 0x60, 0x6b,
    0x99, 0xc9, 0x94, 0xa8, 0x9d, 0x6e, 0x36, 0x16, 0xe5, 0x83, 0x6e, 0xd8, 0x5e, 0x8d, 0x3e, 0x03,
    0x5c, 0x6b, 0x59, 0xc9, 0xf8, 0x04, 0xf8, 0x53, 0x2d, 0x15, 0x18, 0x35, 0xa0, 0xa8, 0x4e, 0xe7,
    0xe4, 0xa7, 0x7f, 0xba, 0xae, 0x23, 0x0f, 0xb7, 0xec, 0xdf, 0x5a, 0x83, 0xbe, 0x6e, 0xdb, 0x03};

static bfc_signature known(void)
{
    bfc_signature s = {.time = KNOWN_TIME};
    uint8_t seed[BFCI_KEY_SIZE];

    for (uint8_t i = 0; i < BFC_DIGEST_SIZE; i++)
        s.root_digest[i] = i;
    memset(seed, 1, sizeof seed);
    assert_int_equal(bfci_signature_make(&s, seed, NULL), 0);
    return s;
}

static bool is_valid(const bfc_signature *s)
{
    bool valid = false;
    assert_int_equal(bfc_signature_check(s, &valid, NULL), 0);
    return valid;
}

static void test_signature__is_what_others_make(void **state)
{
    (void)state;
    char text[BFC_SIGNATURE_TEXT_MAX], signer[BFC_KEY_TEXT_MAX];
    bfc_signature s = known(), again;

    assert_memory_equal(s.bytes, known_bytes, sizeof known_bytes);
    assert_true(is_valid(&s));
    bfc_signature_text(&s, text);
    assert_string_equal(text, KNOWN_TEXT);
    assert_int_equal(bfci_signature_text_decode(text, strlen(text), &again, NULL), 0);
    assert_memory_equal(&again, &s, sizeof s);
    bfc_signer_text(s.signer, signer);
    assert_string_equal(signer, "bfc-signer:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1xpqwTa");
}

static void test_signature__covers_digest_and_time(void **state)
{
    (void)state;
    const bfc_signature good = known();

    for (size_t at = 0; at < BFC_DIGEST_SIZE * 8; at++) {
        bfc_signature s = good;
        s.root_digest[at / 8] ^= (uint8_t)(1 << at % 8);
        assert_false(is_valid(&s));
        s = good;
        s.signer[at / 8] ^= (uint8_t)(1 << at % 8);
        assert_false(is_valid(&s));
    }
    for (unsigned at = 0; at < 64; at++) {
        bfc_signature s = good;
        s.time = (int64_t)((uint64_t)s.time ^ UINT64_C(1) << at);
        assert_false(is_valid(&s));
    }
    for (size_t at = 0; at < BFC_SIGNATURE_SIZE * 8; at++) {
        bfc_signature s = good;
        s.bytes[at / 8] ^= (uint8_t)(1 << at % 8);
        assert_false(is_valid(&s));
    }
}

/* The prefix keeps signatures apart from those of anything else: one over the digest and the time
 * alone, or under another prefix, is none. */
static void test_signature__is_of_nothing_else(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"", "bfc signature v2", "bfc root digest"};
    uint8_t seed[BFCI_KEY_SIZE], message[64];
    bfc_signature s = known();

    memset(seed, 1, sizeof seed);
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t len = *prefixes[i] ? strlen(prefixes[i]) + 1 : 0;
        memcpy(message, prefixes[i], len);
        memcpy(message + len, s.root_digest, BFC_DIGEST_SIZE);
        put_u64le(message + len + BFC_DIGEST_SIZE, (uint64_t)s.time);
        assert_int_equal(bfci_sign(s.bytes, seed, message, len + BFC_DIGEST_SIZE + 8, NULL), 0);
        assert_false(is_valid(&s));
    }
}

/* A key of order 1, with which anything is signed by R = its own and S = 0. */
static void test_signature__refuses_weak_keys(void **state)
{
    (void)state;
    bfc_signature s = {.signer = {1}, .bytes = {1}};

    assert_false(is_valid(&s));
}

static int decode_value(bfci_span value, bfc_err *err)
{
    static const uint8_t key[SIGNATURE_KEY_SIZE];
    bfc_signature s;
    bool known_form = false;
    return bfci_signature_decode((bfci_span){key, sizeof key}, value, &s, &known_form, err);
}

static void test_signature__entry(void **state)
{
    (void)state;
    const bfc_signature good = known();
    uint8_t key[SIGNATURE_KEY_SIZE], value[SIGNATURE_VALUE_SIZE];
    AUTO_BUF buf b = BUF_INIT;
    bfc_err err = BFC_ERR_INIT;
    bfc_signature s;
    bool known_form = false;

    bfci_signature_value_encode(&b, &good);
    assert_int_equal(b.len, SIGNATURE_VALUE_SIZE);
    guard_refuses_other_lengths(&b, decode_value);
    bfci_span k = bfci_signature_key(key, good.root_digest, good.signer);
    assert_int_equal(bfci_signature_decode(k, guard_buf(&b), &s, &known_form, &err), 0);
    assert_true(known_form);
    assert_memory_equal(&s, &good, sizeof s);
    for (size_t len = 0; len < SIGNATURE_KEY_SIZE; len++)
        assert_int_equal(bfci_signature_decode((bfci_span){key, len}, (bfci_span){b.data, b.len},
                                               &s, &known_form, &err),
                         BFC_E_CORRUPT);
    memcpy(value, b.data, sizeof value);
    value[SIGNATURE_AT_FORM] = 0;
    assert_int_equal(decode_value(guard_span(value, sizeof value), &err), BFC_E_CORRUPT);
    value[SIGNATURE_AT_FORM] = 2; /* of a later version, of whatever length */
    for (size_t len = 1; len < sizeof value; len++) {
        known_form = true;
        assert_int_equal(bfci_signature_decode(k, guard_span(value, len), &s, &known_form, &err),
                         0);
        assert_false(known_form);
    }
}

static int decode_text(const char *text, size_t len)
{
    bfc_signature s = {.time = 7};
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_signature_text_decode((const char *)guard_put(text, len), len, &s, &err);
    assert_true(rc == 0 || s.time == 7);
    return rc;
}

static void test_signature__text_refused(void **state)
{
    (void)state;
    static const char others[] = "AB_-+/= \n";
    char text[BFC_SIGNATURE_TEXT_MAX + 1] = KNOWN_TEXT;
    const size_t len = strlen(text);

    assert_int_equal(len, 14 + 188);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(decode_text(text, n), n < 14 ? BFC_E_INVALID : BFC_E_CORRUPT);
    for (size_t at = 0; at < len; at++) {
        const char was = text[at];
        for (const char *c = others; *c; c++) {
            text[at] = *c;
            if (*c != was)
                assert_int_equal(decode_text(text, len), at < 14 ? BFC_E_INVALID : BFC_E_CORRUPT);
        }
        text[at] = was;
    }
    text[len] = 'A';
    assert_int_equal(decode_text(text, len + 1), BFC_E_CORRUPT);
    assert_int_equal(decode_text(text, len), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature__is_what_others_make),
        cmocka_unit_test(test_signature__covers_digest_and_time),
        cmocka_unit_test(test_signature__is_of_nothing_else),
        cmocka_unit_test(test_signature__refuses_weak_keys),
        cmocka_unit_test(test_signature__entry),
        cmocka_unit_test(test_signature__text_refused),
    };
    return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
