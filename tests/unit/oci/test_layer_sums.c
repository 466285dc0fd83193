/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the contents in a tar: against those of docs/format.md, section 7, made here of the whole
 * content. */
#include "tar_made.h"

#include "codec/digest.h"
#include "oci/layer_sums.h"

static void feed_all(bfci_layer_sums *s, const buf *tar, size_t portion)
{
    for (size_t at = 0; at < tar->len; at += portion)
        assert_int_equal(bfci_layer_sums_feed(s, tar->data + at, MIN(portion, tar->len - at), NULL),
                         0);
}

static void sums_are(bfci_layer_sums *s, uint64_t offset, const void *content, size_t len,
                     const void *digested, size_t digested_len)
{
    uint8_t digest[BFC_DIGEST_SIZE], want[BFC_DIGEST_SIZE];
    uint32_t crc = 0;

    assert_int_equal(bfci_layer_sums_take(s, offset, &crc, digest, NULL), 0);
    assert_int_equal(crc, bfci_crc32c(content, len));
    assert_int_equal(bfci_sha256(digested, digested_len, want, NULL), 0);
    assert_memory_equal(digest, want, sizeof want);
}

static void text_is(bfci_layer_sums *s, uint64_t offset, const char *text)
{
    sums_are(s, offset, text, strlen(text), text, strlen(text));
}

static void no_sums(bfci_layer_sums *s, uint64_t offset)
{
    uint8_t digest[BFC_DIGEST_SIZE];
    bfc_err err = BFC_ERR_INIT;
    char why[80];
    uint32_t crc = 0;

    (void)snprintf(why, sizeof why, "no sums were made of the file at byte %llu",
                   (unsigned long long)offset);
    assert_int_equal(bfci_layer_sums_take(s, offset, &crc, digest, &err), BFC_E_INVALID);
    assert_string_equal(err.msg, why);
}

static void test_layer_sums__files(void **state)
{
    static const size_t portions[] = {1, 511, 513, 1 << 20};
    made *m = *state;
    size_t at[5];

    at[0] = m->archive.len;
    add_file(m, "a", "something");
    add_body(m, '5', "folder/", "", 0);
    at[1] = m->archive.len;
    add_file(m, "empty", "");
    at[2] = m->archive.len;
    add_file(m, "left out", "nobody asks for these");
    add_body(m, '2', "link", "", 0);
    add_records(m, 'x', "path=a/long/name", NULL);
    at[3] = m->archive.len;
    add_file(m, "b", "of an entry with an extended header");
    at[4] = m->archive.len;
    add_file(m, "c", "the last one");
    add_zeros(m, 2 * (size_t)TAR_BLOCK);
    for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
        AUTO(bfci_layer_sums) bfci_layer_sums *s = NULL;
        assert_int_equal(bfci_layer_sums_new(&s, NULL), 0);
        feed_all(s, &m->archive, portions[i]);
        text_is(s, at[0], "something");
        no_sums(s, at[0]); /* once is all */
        text_is(s, at[1], "");
        no_sums(s, at[2] - TAR_BLOCK);
        text_is(s, at[3], "of an entry with an extended header");
        no_sums(s, at[2]); /* it was passed over */
        text_is(s, at[4], "the last one");
        no_sums(s, m->archive.len);
    }
}

static void put_number(buf *b, uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_u8(b, (uint8_t)(number >> shift));
}

/* Data at 10 (in two ranges that touch) and at 50; holes before, between and behind. */
static void test_layer_sums__holes(void **state)
{
    AUTO(bfci_layer_sums) bfci_layer_sums *s = NULL;
    AUTO_BUF buf digested = BUF_INIT;
    uint8_t content[100] = {0};
    made *m = *state;

    memcpy(content + 10, "abc", 3);
    memcpy(content + 50, "de", 2);
    bfci_buf_put(&digested, "abc", 3);
    put_number(&digested, 10);
    put_number(&digested, 3);
    bfci_buf_put(&digested, "de", 2);
    put_number(&digested, 50);
    put_number(&digested, 2);
    put_number(&digested, 100);
    add_records(m, 'x', "GNU.sparse.size=100", "GNU.sparse.numblocks=3",
                "GNU.sparse.map=10,2,12,1,50,2", NULL);
    size_t at = m->archive.len;
    add_file(m, "sparse", "abcde");
    add_records(m, 'x', "GNU.sparse.size=100", "GNU.sparse.numblocks=1", "GNU.sparse.map=100,0",
                NULL);
    size_t nothing_but_hole = m->archive.len;
    add_file(m, "hole", "");
    assert_int_equal(bfci_layer_sums_new(&s, NULL), 0);
    feed_all(s, &m->archive, 7);
    sums_are(s, at, content, sizeof content, digested.data, digested.len);
    memset(content, 0, sizeof content);
    buf_clear(&digested);
    put_number(&digested, 100);
    sums_are(s, nothing_but_hole, content, sizeof content, digested.data, digested.len);
}

static void test_layer_sums__many(void **state)
{
    enum {
        FILES = 5000
    };
    AUTO(bfci_layer_sums) bfci_layer_sums *s = NULL;
    char text[16];
    made *m = *state;
    size_t taken = 0;

    assert_int_equal(bfci_layer_sums_new(&s, NULL), 0);
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(text, sizeof text, "file %zu", i);
        buf_clear(&m->archive);
        add_file(m, "f", text);
        feed_all(s, &m->archive, m->archive.len);
        /* Sometimes all that wait are taken, sometimes few of many. */
        for (size_t n = i % 7 == 0 ? i / 3 : 0; n > 0 && taken <= i; n--, taken++) {
            (void)snprintf(text, sizeof text, "file %zu", taken);
            text_is(s, taken * 2 * TAR_BLOCK, text);
        }
    }
    assert_in_range(taken, FILES - 100, FILES);
}

/* What stands before the place where it is no tar any more has sums, the rest has none. */
static void test_layer_sums__no_tar(void **state)
{
    AUTO(bfci_layer_sums) bfci_layer_sums *s = NULL;
    made *m = *state;

    add_file(m, "a", "something");
    size_t at = m->archive.len;
    add_file(m, "b", "else");
    m->archive.data[at + TAR_AT_CHECKSUM] ^= 1;
    assert_int_equal(bfci_layer_sums_new(&s, NULL), 0);
    feed_all(s, &m->archive, 100);
    feed_all(s, &m->archive, 100);
    text_is(s, 0, "something");
    no_sums(s, at);
}

static int make_new(void **state)
{
    static made m;
    *state = &m;
    return 0;
}

static int release(void **state)
{
    made_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layer_sums__files, make_new, release),
        cmocka_unit_test_setup_teardown(test_layer_sums__holes, make_new, release),
        cmocka_unit_test_setup_teardown(test_layer_sums__many, make_new, release),
        cmocka_unit_test_setup_teardown(test_layer_sums__no_tar, make_new, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
