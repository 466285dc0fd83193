/* SPDX-License-Identifier: Apache-2.0 */
/* The commit record. */
#include "guard.h"

#include "codec/digest.h"
#include "format/commit.h"

enum {
    PLACE = 40960
};

static const bfci_super super = {.uuid = {9, 8, 7}, .page_shift = 14};

static bfci_commit good(void)
{
    bfci_commit c = {.seq = 3,
                     .offset = PLACE,
                     .segment = 12288,
                     .previous = 8192,
                     .previous_digest = {5},
                     .time = -1,
                     .time_ns = 999999999,
                     .next_ino = 2,
                     .next_block = 1,
                     .files = 1,
                     .dirs = 2,
                     .symlinks = 3,
                     .others = 4,
                     .content_bytes = 5,
                     .data_stored = 6,
                     .data_raw = 7};
    memcpy(c.uuid, super.uuid, sizeof c.uuid);
    for (unsigned i = 1; i < TABLE_COUNT; i++)
        if (i != TABLE_LINKS)
            c.table[i] = (bfci_table_ref){.root = {.offset = 4128 + i,
                                                   .stored = 10,
                                                   .raw = 20 + i,
                                                   .crc = i,
                                                   .comp = COMP_ZSTD,
                                                   .digest = {(uint8_t)i}},
                                          .level = 7,
                                          .count = 100 + i};
    return c;
}

static int decode(const uint8_t *raw, bfci_commit *out, bfc_err *err)
{
    return bfci_commit_decode(guard_put(raw, COMMIT_SIZE), PLACE, &super, out, err);
}

static void repair_crc(uint8_t *raw)
{
    put_u32le(raw + COMMIT_AT_CRC, bfci_crc32c(raw + 12, COMMIT_SIZE - 12));
}

/* By the words of docs/format.md, section 5, not by the code's. */
static void repair(uint8_t *raw)
{
    uint8_t covered[16 + 112 + 576] = "bfc root digest";

    memcpy(covered + 16, raw + 112, 112);
    memcpy(covered + 128, raw + 576, 576);
    assert_int_equal(bfci_sha256(covered, sizeof covered, raw + 224, NULL), 0);
    repair_crc(raw);
}

static void test_commit__comes_back(void **state)
{
    uint8_t raw[COMMIT_SIZE], again[COMMIT_SIZE];
    bfci_commit c = good(), out;
    bfc_commit_info info;

    (void)state;
    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    assert_int_equal(decode(raw, &out, NULL), 0);
    assert_int_equal(bfci_commit_encode(&out, again, NULL), 0);
    assert_memory_equal(raw, again, sizeof raw);
    assert_true(out.time == -1 && out.table[TABLE_LINKS].root.offset == 0 &&
                out.table[1].level == 7);
    assert_memory_equal(out.root_digest, c.root_digest, BFC_DIGEST_SIZE);
    bfci_commit_info(&out, &info);
    assert_true(info.segment_bytes == PLACE + 4096 - 12288 && info.others == 4 &&
                info.data_raw == 7);
    memcpy(again, raw, sizeof raw);
    repair(again);
    assert_memory_equal(raw, again, sizeof raw);
}

static void test_commit__root_digest_covers_what_it_says(void **state)
{
    uint8_t raw[COMMIT_SIZE];
    bfci_commit c = good(), out;

    (void)state;
    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    for (unsigned at = 12; at < COMMIT_SIZE; at++) {
        bool covered = (at >= 112 && at < 224) || (at >= 576 && at < 1152);
        raw[at] ^= 1;
        repair_crc(raw);
        bfc_err err = BFC_ERR_INIT;
        int rc = decode(raw, &out, &err);
        if (covered || (at >= 224 && at < 256))
            assert_int_equal(rc, BFC_E_CORRUPT);
        if (rc < 0 && strstr(err.msg, "root digest"))
            assert_true(covered || (at >= 224 && at < 256));
        raw[at] ^= 1;
    }
}

static void refuses(unsigned at, unsigned size, uint64_t value)
{
    uint8_t raw[COMMIT_SIZE];
    bfci_commit c = good(), out;

    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    for (unsigned i = 0; i < size; i++)
        raw[at + i] = (uint8_t)(value >> 8 * i);
    repair(raw);
    if (decode(raw, &out, NULL) != BFC_E_CORRUPT)
        fail_msg("%u bytes at %u may be %llu", size, at, (unsigned long long)value);
}

static void test_commit__refuses_illegal_values(void **state)
{
    (void)state;
    refuses(COMMIT_AT_SEQ, 8, 0);
    refuses(COMMIT_AT_SEQ, 8, 1); /* the first has none before it */
    refuses(COMMIT_AT_OFFSET, 8, PLACE + 4096);
    refuses(COMMIT_AT_SEGMENT, 8, 8192);
    refuses(COMMIT_AT_SEGMENT, 8, PLACE);
    refuses(COMMIT_AT_PREVIOUS, 8, 0);
    refuses(COMMIT_AT_PREVIOUS, 8, PLACE);
    refuses(COMMIT_AT_PREVIOUS, 8, UINT64_MAX - 4095); /* previous + 4096 is 0 */
    refuses(COMMIT_AT_TIME_NS, 4, 1000000000);
    refuses(COMMIT_AT_TIME_NS + 4, 4, 1);
    refuses(COMMIT_AT_NEXT_INO, 8, 1);
    refuses(184, 1, 1);
    refuses(COMMIT_AT_SALT, 1, 1);
    refuses(511, 1, 1);
    refuses(COMMIT_AT_TABLES, 1, 1);
    refuses(COMMIT_AT_TABLES + 11 * TABLE_REF_SIZE, 1, 1);
    refuses(COMMIT_AT_KEY_SLOTS, 1, 1);
    refuses(COMMIT_SIZE - 1, 1, 1);
}

static void test_commit__refuses_illegal_references(void **state)
{
    const unsigned at = COMMIT_AT_TABLES + 2 * TABLE_REF_SIZE;

    (void)state;
    refuses(at, 8, 4127);      /* the header would lie in the superblock */
    refuses(at, 8, 0);         /* the rest is not zero */
    refuses(at, 8, PLACE - 9); /* the payload ends in the record */
    refuses(at, 8, UINT64_MAX - 5);
    refuses(at + 8, 4, 0);
    refuses(at + 12, 4, (1 << 14) + 1);
    refuses(at + 20, 1, 2);
    refuses(at + 20, 1, COMP_NONE); /* sizes differ */
    refuses(at + 21, 1, 8);
    refuses(at + 22, 2, 1);
    refuses(at + 56, 8, 0);
}

static void test_commit__may_have_an_empty_segment(void **state)
{
    uint8_t raw[COMMIT_SIZE];
    bfci_commit c = good(), out;

    (void)state;
    c.previous = PLACE - 4096;
    c.segment = PLACE;
    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    assert_int_equal(decode(raw, &out, NULL), 0);
}

static void test_commit__is_of_this_container_and_place(void **state)
{
    const bfci_super other = {.uuid = {1}, .page_shift = 14};
    uint8_t raw[COMMIT_SIZE];
    bfci_commit c = good(), out;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    assert_int_equal(bfci_commit_decode(raw, PLACE, &other, &out, &err), BFC_E_CORRUPT);
    assert_int_equal(bfci_commit_decode(raw, PLACE + 4096, &super, &out, &err), BFC_E_CORRUPT);
    raw[COMMIT_AT_VERSION] = 2;
    repair_crc(raw);
    assert_int_equal(decode(raw, &out, &err), BFC_E_UNSUPPORTED);
    raw[0] = 'b';
    assert_int_equal(decode(raw, &out, &err), BFC_E_CORRUPT);
}

/* ── Sealed ── */

static const bfci_super sealed_super = {
    .uuid = {9, 8, 7}, .page_shift = 14, .features_refuse = FEATURE_REFUSE_SEALED};

static bfci_aead *keyed(uint8_t first)
{
    uint8_t key[BFCI_KEY_SIZE] = {first};
    bfci_aead *aead = NULL;

    assert_int_equal(bfci_aead_new(&aead, NULL), 0);
    assert_int_equal(bfci_aead_set_key(aead, key, NULL), 0);
    return aead;
}

static bfci_commit good_sealed(void)
{
    bfci_commit c = good();

    c.sealed = true;
    memset(c.salt, 0x51, sizeof c.salt);
    memset(c.key_check, 0xc4, sizeof c.key_check);
    c.key_slots[0] = 2;
    for (unsigned i = 1; i < TABLE_COUNT; i++)
        if (c.table[i].root.offset)
            c.table[i].root.stored = 24 + 256;
    return c;
}

static void make_sealed(uint8_t raw[COMMIT_SIZE], bfci_commit *c)
{
    AUTO(bfci_aead) bfci_aead *aead = keyed(1);

    assert_int_equal(bfci_commit_encode(c, raw, NULL), 0);
    assert_int_equal(bfci_commit_seal(&sealed_super, aead, raw, NULL), 0);
}

static void test_commit__sealed_comes_back(void **state)
{
    uint8_t raw[COMMIT_SIZE], plain[COMMIT_SIZE], again[COMMIT_SIZE];
    bfci_commit c = good_sealed(), out;
    AUTO(bfci_aead) bfci_aead *aead = keyed(1);
    bfc_commit_info info;

    (void)state;
    assert_int_equal(bfci_commit_encode(&c, plain, NULL), 0);
    make_sealed(raw, &c);
    assert_int_equal(bfci_commit_decode(raw, PLACE, &sealed_super, &out, NULL), 0);
    bfci_commit_info(&out, &info);
    assert_true(out.sealed && out.hidden && info.hidden && info.files == 0 && info.seq == 3);
    assert_true(out.next_ino == 0 && out.table[1].root.offset == 0);
    assert_int_equal(bfci_commit_open(&sealed_super, aead, raw, &out, NULL), 0);
    assert_true(!out.hidden && out.others == 4 && out.table[1].level == 7);
    assert_int_equal(bfci_commit_encode(&out, again, NULL), 0);
    assert_memory_equal(plain, again, sizeof plain);
    /* A record of one kind is none of the other. */
    assert_int_equal(bfci_commit_decode(raw, PLACE, &super, &out, NULL), BFC_E_CORRUPT);
    c = good();
    assert_int_equal(bfci_commit_encode(&c, raw, NULL), 0);
    assert_int_equal(bfci_commit_decode(raw, PLACE, &sealed_super, &out, NULL), BFC_E_CORRUPT);
}

/* No byte of it is left in the record, by the words of docs/format.md, section 11. */
static void test_commit__seals_what_it_says(void **state)
{
    uint8_t raw[COMMIT_SIZE], plain[COMMIT_SIZE];
    bfci_commit c = good_sealed();
    unsigned same = 0;

    (void)state;
    assert_int_equal(bfci_commit_encode(&c, plain, NULL), 0);
    make_sealed(raw, &c);
    for (unsigned at = 0; at < COMMIT_SIZE; at++) {
        bool sealed = (at >= 112 && at < 224) || (at >= 512 && at < 1536);
        bool sums = (at >= 8 && at < 12) || (at >= 288 && at < 304);
        if (sealed)
            same += raw[at] == plain[at];
        else if (!sums)
            assert_int_equal(raw[at], plain[at]);
    }
    assert_true(same < 40); /* 1136 / 256 are to be expected */
}

static void test_commit__tag_covers_record_and_superblock(void **state)
{
    uint8_t raw[COMMIT_SIZE];
    bfci_commit c = good_sealed(), out;
    AUTO(bfci_aead) bfci_aead *aead = keyed(1), *other = keyed(2);

    (void)state;
    make_sealed(raw, &c);
    for (unsigned at = 12; at < COMMIT_SIZE; at++) {
        bfc_err err = BFC_ERR_INIT;
        raw[at] ^= 1;
        repair_crc(raw);
        int rc = bfci_commit_decode(raw, PLACE, &sealed_super, &out, &err);
        if (rc == 0)
            rc = bfci_commit_open(&sealed_super, aead, raw, &out, &err);
        if (rc != BFC_E_CORRUPT && rc != BFC_E_UNSUPPORTED)
            fail_msg("byte %u may be changed", at);
        raw[at] ^= 1;
    }
    repair_crc(raw);
    assert_int_equal(bfci_commit_decode(raw, PLACE, &sealed_super, &out, NULL), 0);
    bfci_super changed = sealed_super;
    changed.features_ignore = 1;
    assert_int_equal(bfci_commit_open(&changed, aead, raw, &out, NULL), BFC_E_CORRUPT);
    assert_int_equal(bfci_commit_open(&sealed_super, other, raw, &out, NULL), BFC_E_CORRUPT);
    assert_true(out.hidden);
    assert_int_equal(bfci_commit_open(&sealed_super, aead, raw, &out, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit__comes_back),
        cmocka_unit_test(test_commit__root_digest_covers_what_it_says),
        cmocka_unit_test(test_commit__refuses_illegal_values),
        cmocka_unit_test(test_commit__refuses_illegal_references),
        cmocka_unit_test(test_commit__may_have_an_empty_segment),
        cmocka_unit_test(test_commit__is_of_this_container_and_place),
        cmocka_unit_test(test_commit__sealed_comes_back),
        cmocka_unit_test(test_commit__seals_what_it_says),
        cmocka_unit_test(test_commit__tag_covers_record_and_superblock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
