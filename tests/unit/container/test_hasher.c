/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of content: the CRC with holes as zeros, the digest by docs/format.md, section 7. */
#include "core_fixture.h"

#include "container/hasher.h"

typedef struct sums {
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
} sums;

/* `plan`: "d100 h50 …": data and holes of so many bytes. Data is a byte that depends on its place.
 */
static sums hash(const char *plan, bool sparse)
{
    bfci_sha256_ctx *sha = NULL;
    bfci_hasher h;
    sums s;
    uint64_t at = 0;

    core_ok(bfci_sha256_new(&sha, why));
    core_ok(bfci_hasher_start(&h, sha, sparse, why));
    while (*plan) {
        char *end;
        const char kind = *plan;
        uint64_t len = strtoull(plan + 1, &end, 10);
        for (uint64_t i = 0; kind == 'd' && i < len; i++) {
            uint8_t byte = (uint8_t)(at + i + 1);
            core_ok(bfci_hasher_data(&h, &byte, 1, why));
        }
        if (kind == 'h')
            core_ok(bfci_hasher_hole(&h, len, why));
        at += len;
        plan = *end ? end + 1 : end;
    }
    core_ok(bfci_hasher_finish(&h, &s.crc, s.digest, why));
    bfci_sha256_free(sha);
    return s;
}

static void expect(const char *plan, bool sparse, const buf *content, const buf *hashed)
{
    uint8_t digest[BFC_DIGEST_SIZE];
    sums s = hash(plan, sparse);

    assert_int_equal(s.crc, bfci_crc32c(content->data, content->len));
    core_ok(bfci_sha256(hashed->data, hashed->len, digest, why));
    assert_memory_equal(s.digest, digest, sizeof digest);
}

static void put_data(buf *b, uint64_t from, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++)
        buf_u8(b, (uint8_t)(from + i + 1));
}

static void test_hasher__dense(void **state)
{
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    put_data(&b, 0, 300);
    expect("d300", false, &b, &b);
    expect("d100 d1 d199", false, &b, &b);
}

static void test_hasher__runs_and_holes(void **state)
{
    AUTO_BUF buf content = BUF_INIT, hashed = BUF_INIT;

    (void)state;
    for (int i = 0; i < 10; i++)
        buf_u8(&content, 0);
    put_data(&content, 10, 20);
    for (int i = 0; i < 5; i++)
        buf_u8(&content, 0);
    put_data(&content, 35, 7);
    for (int i = 0; i < 3; i++)
        buf_u8(&content, 0);
    put_data(&hashed, 10, 20);
    buf_u64(&hashed, 10);
    buf_u64(&hashed, 20);
    put_data(&hashed, 35, 7);
    buf_u64(&hashed, 35);
    buf_u64(&hashed, 7);
    buf_u64(&hashed, 45);
    expect("h10 d20 h5 d7 h3", true, &content, &hashed);
    expect("h4 h6 d8 d12 h5 d7 h1 h2", true, &content, &hashed); /* what touches is one */
}

static void test_hasher__a_hole_of_exabytes_costs_nothing(void **state)
{
    AUTO_BUF buf hashed = BUF_INIT;
    uint8_t digest[BFC_DIGEST_SIZE];

    (void)state;
    sums s = hash("h9223372036854775807", true);
    buf_u64(&hashed, INT64_MAX);
    core_ok(bfci_sha256(hashed.data, hashed.len, digest, why));
    assert_memory_equal(s.digest, digest, sizeof digest);
    assert_int_not_equal(s.crc, 0);
}

static void test_hasher__splits_data_and_holes(void **state)
{
    static uint8_t bytes[5 * HOLE_GRAIN + 100];
    bool hole = false;

    (void)state;
    bytes[2 * HOLE_GRAIN + 5] = 1;
    bytes[3 * HOLE_GRAIN] = 1;
    assert_int_equal(bfci_next_piece(bytes, sizeof bytes, &hole), 2 * HOLE_GRAIN);
    assert_true(hole);
    assert_int_equal(bfci_next_piece(bytes + 2 * HOLE_GRAIN, 3 * HOLE_GRAIN + 100, &hole),
                     2 * HOLE_GRAIN);
    assert_false(hole);
    assert_int_equal(bfci_next_piece(bytes + 4 * HOLE_GRAIN, HOLE_GRAIN + 100, &hole),
                     HOLE_GRAIN + 100);
    assert_true(hole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hasher__dense),
        cmocka_unit_test(test_hasher__runs_and_holes),
        cmocka_unit_test(test_hasher__a_hole_of_exabytes_costs_nothing),
        cmocka_unit_test(test_hasher__splits_data_and_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
