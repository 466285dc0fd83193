/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for noise, beside what zstd and gzip(1) say of the same bytes. */
#include "flow_fixture.h"

#include "codec/noise.h"
#include "codec/zstd.h"

enum {
    MIB = 1 << 20,
    KIB = 1 << 10
};

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state >> 62);
}

static void put_noise(buf *b, size_t len)
{
    uint8_t *room = bfci_buf_room(b, len);

    assert_non_null(room);
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)(next_random() >> 8);
    b->len += len;
}

static void put_again(buf *b, size_t from, size_t len)
{
    assert_non_null(bfci_buf_room(b, len));
    memcpy(b->data + b->len, b->data + from, len);
    b->len += len;
}

/* In memory of just that size: a sanitizer sees what is read beyond it. */
static bool is_noise(const void *bytes, size_t len)
{
    AUTO_FREE uint8_t *copy = NULL;

    assert_int_equal(bfci_alloc(len, 1, &copy, NULL), 0);
    if (len > 0)
        memcpy(copy, bytes, len);
    return bfci_is_noise(copy, len);
}

/* Of its size, what zstd leaves of it at its default level. */
static double left_by_zstd(const buf *b)
{
    AUTO(bfci_compressor) bfci_compressor *c = NULL;
    AUTO_FREE uint8_t *out = NULL;
    size_t len = 0, cap = b->len + b->len / 100 + 1000;

    assert_int_equal(bfci_compressor_new(3, &c, NULL), 0);
    assert_int_equal(bfci_alloc(cap, 1, &out, NULL), 0);
    assert_int_equal(bfci_compress(c, b->data, b->len, out, cap, &len, NULL), 0);
    return (double)len / (double)b->len;
}

static void test_noise__of_any_length(void **state)
{
    static const size_t lengths[] = {64 * KIB,      64 * KIB + 1,   128 * KIB - 1, 256 * KIB,
                                     256 * KIB + 7, 383 * KIB + 11, MIB,           4 * MIB};
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    put_noise(&b, 4 * MIB);
    memset(b.data + b.len - 9, 0xa5, 9); /* what landmarks begin with */
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        assert_true(is_noise(b.data + 4 * MIB - lengths[i], lengths[i]));
    for (size_t len = 0; len < 64 * KIB; len += 1 + len / 2)
        assert_false(is_noise(b.data, len));
}

static void test_noise__of_gzip(void **state)
{
    AUTO_BUF buf text = BUF_INIT;
    AUTO_BUF buf packed = BUF_INIT;

    (void)state;
    put_sample(&text, 8 * MIB, 5);
    assert_false(is_noise(text.data, MIB));
    pack(CODING_GZIP, 0, text.data, text.len, text.len, &packed);
    assert_true(packed.len > MIB);
    assert_true(is_noise(packed.data, MIB));
    buf_clear(&packed);
    pack(CODING_ZSTD, 0, text.data, text.len, text.len, &packed);
    assert_true(is_noise(packed.data + packed.len / 3, packed.len / 3));
}

/* One part of 128 KiB, wherever it is, in which some values are more frequent. */
static void test_noise__uneven_in_one_part(void **state)
{
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    put_noise(&b, MIB);
    for (size_t part = 0; part < 8; part++) {
        AUTO_BUF buf changed = BUF_INIT;
        bfci_buf_put(&changed, b.data, b.len);
        for (size_t i = 0; i < 128 * KIB; i++)
            changed.data[part * 128 * KIB + i] &= 0x7f;
        assert_false(is_noise(changed.data, changed.len));
    }
}

/* Just enough for zstd to save its 64th. */
static void test_noise__a_little_uneven(void **state)
{
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    put_noise(&b, MIB);
    for (size_t i = 0; i < MIB; i++)
        if (next_random() % 18 == 0)
            b.data[i] = 'e';
    assert_true(left_by_zstd(&b) < 63.0 / 64);
    assert_false(is_noise(b.data, b.len));
}

/* Text in noise, a file here and there. */
static void test_noise__text_between(void **state)
{
    AUTO_BUF buf text = BUF_INIT;
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    put_sample(&text, MIB, 7);
    while (b.len < MIB) {
        put_noise(&b, 30000);
        bfci_buf_put(&b, text.data + b.len / 2, 5000);
    }
    assert_false(is_noise(b.data, b.len));
}

/* Pieces that come again, an odd number of bytes later, and how many of them are needed. */
static void test_noise__comes_again(void **state)
{
    static const size_t pieces[] = {500, 4000, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        for (unsigned percent = 0; percent <= 40; percent += 10) {
            AUTO_BUF buf b = BUF_INIT;
            put_noise(&b, MIB);
            const size_t count = MIB / 100 * percent / pieces[i];
            for (size_t n = 0; n < count; n++)
                memcpy(b.data + MIB / 2 + n * pieces[i], b.data + 1 + n * pieces[i], pieces[i]);
            assert_int_equal(is_noise(b.data, b.len), percent == 0 || count == 0);
        }
}

/* Mixtures of all kinds: whatever is taken for noise, zstd would not have made much smaller.
 * Samples tell of some 150 landmarks here, so that chance has its say. */
static void test_noise__as_zstd_says(void **state)
{
    unsigned noise = 0, other = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        AUTO_BUF buf b = BUF_INIT;
        const unsigned share = next_random() % 30, kind = next_random() % 4;
        while (b.len < 300 * KIB) {
            const size_t n = 200 + next_random() % 3000;
            if (next_random() % 1000 >= share)
                put_noise(&b, n);
            else if (kind == 0)
                put_sample(&b, n, next_random());
            else if (kind == 1 && b.len > n)
                put_again(&b, next_random() % (b.len - n), n);
            else
                for (size_t at = 0; at < n; at++)
                    buf_u8(&b, kind == 2 ? 0 : (uint8_t)(at / 3));
        }
        assert_false(b.bad);
        const bool told = is_noise(b.data, b.len);
        noise += told;
        other += !told;
        if (told)
            assert_true(left_by_zstd(&b) > 0.93);
    }
    assert_true(noise > 20 && other > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise__of_any_length),
        cmocka_unit_test(test_noise__of_gzip),
        cmocka_unit_test(test_noise__uneven_in_one_part),
        cmocka_unit_test(test_noise__a_little_uneven),
        cmocka_unit_test(test_noise__text_between),
        cmocka_unit_test(test_noise__comes_again),
        cmocka_unit_test(test_noise__as_zstd_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
