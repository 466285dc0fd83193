/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed payloads, by the words of docs/format.md, section 11, put together a second time here. */
#include "guard.h"

#include "codec/kdf.h"
#include "format/sealed.h"

enum {
    ROOM = 24 + 1024
};

static const uint8_t uuid[BFC_UUID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t key[BFCI_KEY_SIZE] = {42};

static bfci_aead *keyed(void)
{
    bfci_aead *aead = NULL;

    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    return aead;
}

static bfci_sealed_place block_place(uint64_t number)
{
    return (bfci_sealed_place){.uuid = uuid, .segment = 8192, .frame = bfci_block_id(number)};
}

static void close_it(uint8_t *payload, size_t len, const bfci_sealed_place *place, uint64_t counter)
{
    AUTO(bfci_aead) bfci_aead *aead = keyed();

    memset(payload, 0xee, bfci_sealed_size(len));
    for (size_t i = 0; i < len; i++)
        payload[SEALED_AT_CIPHERTEXT + i] = (uint8_t)(i * 7);
    assert_int_equal(bfci_sealed_close(aead, place, counter, payload, len, NULL), 0);
}

static int open_it(const uint8_t *payload, size_t stored, const bfci_sealed_place *place,
                   size_t *len, uint8_t *out)
{
    AUTO(bfci_aead) bfci_aead *aead = keyed();
    uint8_t *copy = guard_put(payload, stored);
    bfc_err err = BFC_ERR_INIT;

    int rc = bfci_sealed_open(aead, place, 777, copy, stored, len, &err);
    if (rc < 0)
        assert_true(err.offset == 777);
    else if (out)
        memcpy(out, copy + SEALED_AT_CIPHERTEXT, *len);
    return rc;
}

static void test_sealed__comes_back(void **state)
{
    const bfci_sealed_place place = block_place(5);
    uint8_t payload[ROOM], out[ROOM];
    size_t len = 0;

    (void)state;
    for (size_t n = 1; n <= 1000; n++) {
        size_t stored = bfci_sealed_size(n);
        assert_true(stored == 24 + (n + 256) / 256 * 256);
        close_it(payload, n, &place, n);
        assert_int_equal(open_it(payload, stored, &place, &len, out), 0);
        assert_int_equal(len, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[i], (uint8_t)(i * 7));
    }
}

/* What stands in the file, without a function of format/sealed.c. */
static void test_sealed__is_what_the_page_says(void **state)
{
    const bfci_sealed_place place = {
        .uuid = uuid, .segment = 0x1122334455, .frame = bfci_page_id(3, 2)};
    AUTO(bfci_aead) bfci_aead *aead = keyed();
    uint8_t payload[ROOM], ad[40] = "bfcf", nonce[12] = {0x21, 0x43}, text[256];
    bool authentic = false;

    (void)state;
    close_it(payload, 200, &place, 0x4321);
    assert_true(get_u64le(payload) == 0x4321);
    memcpy(ad + 4, uuid, 16);
    put_u64le(ad + 20, 0x1122334455);
    ad[28] = FRAME_PAGE;
    ad[29] = 3;
    ad[30] = 2;
    assert_int_equal(bfci_aead_open(aead, nonce, ad, sizeof ad, payload + 8, 256, payload + 264,
                                    text, &authentic, NULL),
                     0);
    assert_true(authentic && text[199] == (uint8_t)(199 * 7) && text[200] == 0x80);
    for (size_t i = 201; i < 256; i++)
        assert_int_equal(text[i], 0);
}

static void test_sealed__refuses_every_flip(void **state)
{
    const bfci_sealed_place place = block_place(5);
    uint8_t payload[24 + 256];
    size_t len = 0;

    (void)state;
    close_it(payload, 100, &place, 1);
    for (size_t bit = 0; bit < 8 * sizeof payload; bit++) {
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(open_it(payload, sizeof payload, &place, &len, NULL), BFC_E_CORRUPT);
        payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(open_it(payload, sizeof payload, &place, &len, NULL), 0);
}

static void test_sealed__fits_one_place(void **state)
{
    static const uint8_t other_uuid[BFC_UUID_SIZE] = {2};
    const bfci_sealed_place place = block_place(5);
    const bfci_sealed_place wrong[] = {
        {uuid, 8192, bfci_block_id(6)},       {uuid, 4096, bfci_block_id(5)},
        {other_uuid, 8192, bfci_block_id(5)}, {uuid, 8192, bfci_page_id(0, 0)},
        {uuid, 8192, bfci_page_id(5, 0)},
    };
    const bfci_sealed_place page = {uuid, 8192, bfci_page_id(2, 1)};
    const bfci_sealed_place other_page[] = {{uuid, 8192, bfci_page_id(2, 0)},
                                            {uuid, 8192, bfci_page_id(3, 1)}};
    uint8_t payload[24 + 256];
    size_t len = 0;

    (void)state;
    close_it(payload, 100, &place, 1);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(open_it(payload, sizeof payload, &wrong[i], &len, NULL), BFC_E_CORRUPT);
    close_it(payload, 100, &page, 1);
    for (size_t i = 0; i < ARRAY_LEN(other_page); i++)
        assert_int_equal(open_it(payload, sizeof payload, &other_page[i], &len, NULL),
                         BFC_E_CORRUPT);
}

/* Sealed by somebody who has the key and does not keep to the page. */
static int open_padded(const uint8_t text[512], uint64_t counter)
{
    const bfci_sealed_place place = block_place(5);
    AUTO(bfci_aead) bfci_aead *aead = keyed();
    uint8_t payload[24 + 512], ad[40] = "bfcf", nonce[12] = {0};
    size_t len = 0;

    memcpy(ad + 4, uuid, 16);
    put_u64le(ad + 20, 8192);
    ad[28] = FRAME_DATA;
    put_u64le(ad + 32, 5);
    put_u64le(payload, counter);
    put_u64le(nonce, counter);
    assert_int_equal(
        bfci_aead_seal(aead, nonce, ad, sizeof ad, text, 512, payload + 8, payload + 8 + 512, NULL),
        0);
    return open_it(payload, sizeof payload, &place, &len, NULL);
}

static void test_sealed__refuses_illegal_padding(void **state)
{
    uint8_t text[512] = {0};

    (void)state;
    assert_int_equal(open_padded(text, 1), BFC_E_CORRUPT); /* no mark */
    text[255] = 0x80;
    assert_int_equal(open_padded(text, 1), BFC_E_CORRUPT); /* it would have taken 256 bytes less */
    text[300] = 0x80;
    assert_int_equal(open_padded(text, 1), 0);
    assert_int_equal(open_padded(text, 0), BFC_E_CORRUPT); /* counters begin at 1 */
    text[511] = 1;
    assert_int_equal(open_padded(text, 1), BFC_E_CORRUPT);
    text[511] = 0x80;
    assert_int_equal(open_padded(text, 1), 0); /* 511 bytes */
}

static void test_sealed__derives_keys(void **state)
{
    const uint8_t salt[SEALED_SALT_SIZE] = {5};
    uint8_t info[40] = "bfc segment key", want[32], got[32], other[32];

    (void)state;
    memcpy(info + 16, uuid, 16);
    put_u64le(info + 32, 4096);
    assert_int_equal(bfci_hkdf(want, key, 32, salt, 32, info, 40, NULL), 0);
    assert_int_equal(bfci_segment_key(key, salt, uuid, 4096, got, NULL), 0);
    assert_memory_equal(want, got, 32);
    assert_int_equal(bfci_segment_key(key, salt, uuid, 8192, other, NULL), 0);
    assert_memory_not_equal(other, got, 32);
    assert_int_equal(bfci_hkdf(want, key, 32, uuid, 16, "bfc key check", 14, NULL), 0);
    assert_int_equal(bfci_key_check(key, uuid, got, NULL), 0);
    assert_memory_equal(want, got, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed__comes_back),
        cmocka_unit_test(test_sealed__is_what_the_page_says),
        cmocka_unit_test(test_sealed__refuses_every_flip),
        cmocka_unit_test(test_sealed__fits_one_place),
        cmocka_unit_test(test_sealed__refuses_illegal_padding),
        cmocka_unit_test(test_sealed__derives_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
