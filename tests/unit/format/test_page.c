/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata pages and page references. */
#include "guard.h"

static bfci_span text(const char *s)
{
    return (bfci_span){(const uint8_t *)s, strlen(s)};
}

/* The decoder takes the bytes over, so they are on the heap; the ends of heap blocks are for the
 * sanitizer. */
static int decode(const void *bytes, size_t len, bfci_page *out)
{
    uint8_t *raw = malloc(len ? len : 1);
    assert_non_null(raw);
    memcpy(raw, bytes, len);
    int rc = bfci_page_decode(raw, len, 4128, out, NULL);
    if (rc < 0)
        free(raw);
    return rc;
}

static void refuses(const char *why, const void *bytes, size_t len)
{
    bfci_page p;
    if (decode(bytes, len, &p) != BFC_E_CORRUPT)
        fail_msg("not refused: %s", why);
}
#define REFUSES(why, literal) refuses(why, literal, sizeof(literal) - 1)

static void test_page__comes_back(void **state)
{
    static const char *const key[] = {"a", "aa", "aab", "b", "bbbb", "\xff"};
    bfci_page_writer w = {0};
    bfci_page p;

    (void)state;
    bfci_page_start(&w, TABLE_BLOBS, 0, 1 << 14);
    for (size_t i = 0; i < ARRAY_LEN(key); i++)
        assert_true(bfci_page_add(&w, text(key[i]), text(i % 2 ? "value" : "")));
    bfci_page_finish(&w);
    assert_int_equal(decode(w.bytes.data, w.bytes.len, &p), 0);
    assert_true(p.table == TABLE_BLOBS && p.level == 0 && p.count == ARRAY_LEN(key));
    for (uint32_t i = 0; i < p.count; i++) {
        assert_int_equal(bfci_span_compare(bfci_page_key(&p, i), text(key[i])), 0);
        assert_int_equal(bfci_page_value(&p, i).len, i % 2 ? 5 : 0);
        assert_int_equal(bfci_page_find(&p, text(key[i])), i);
    }
    assert_int_equal(bfci_page_find(&p, text("")), -1);
    assert_int_equal(bfci_page_find(&p, text("aaa")), 1);
    assert_int_equal(bfci_page_find(&p, text("\xff\xff")), 5);
    bfci_page_release(&p);
    for (size_t len = 0; len < w.bytes.len; len++)
        refuses("a page that is cut", w.bytes.data, len);
    bfci_buf_free(&w.bytes);
}

static void test_page__is_full_in_time(void **state)
{
    bfci_page_writer w = {0};
    bfci_page p;
    char key[16];
    uint32_t n = 0;

    (void)state;
    bfci_page_start(&w, TABLE_BLOBS, 3, 1 << 14);
    for (;; n++) {
        (void)snprintf(key, sizeof key, "%08u", n);
        if (!bfci_page_add(&w, text(key), text("twenty bytes of value")))
            break;
    }
    bfci_page_finish(&w);
    assert_true(w.bytes.len <= 1 << 14 && w.bytes.len > (1 << 14) - 40);
    assert_int_equal(decode(w.bytes.data, w.bytes.len, &p), 0);
    assert_true(p.count == n && p.level == 3);
    bfci_page_release(&p);
    bfci_buf_free(&w.bytes);
}

static void test_page__refuses_what_is_malformed(void **state)
{
    (void)state;
    bfci_page p;
    assert_int_equal(decode("\1\0\1\0"
                            "\0\1k\1v",
                            9, &p),
                     0);
    bfci_page_release(&p);
    REFUSES("a header alone", "\1\0\1\0");
    REFUSES("table 0", "\0\0\1\0"
                       "\0\1k\1v");
    REFUSES("table 11", "\13\0\1\0"
                        "\0\1k\1v");
    REFUSES("level 8", "\1\10\1\0"
                       "\0\1k\1v");
    REFUSES("count 0", "\1\0\0\0"
                       "\0\1k\1v");
    REFUSES("count too large", "\1\0\2\0"
                               "\0\1k\1v");
    REFUSES("bytes left over", "\1\0\1\0"
                               "\0\1k\1v\0");
    REFUSES("shared in the first entry", "\1\0\1\0"
                                         "\1\1k\1v");
    REFUSES("an empty key", "\1\0\1\0"
                            "\0\0\1v");
    REFUSES("a value beyond the end", "\1\0\1\0"
                                      "\0\1k\2v");
    REFUSES("a key beyond the end", "\1\0\1\0"
                                    "\0\5k\1v");
    REFUSES("a long form", "\1\0\1\0"
                           "\x80\0\1k\1v");
    REFUSES("equal keys", "\1\0\2\0"
                          "\0\1k\0"
                          "\0\1k\0");
    REFUSES("equal keys, shared", "\1\0\2\0"
                                  "\0\2kk\0"
                                  "\1\1k\0");
    REFUSES("falling keys", "\1\0\2\0"
                            "\0\1k\0"
                            "\0\1j\0");
    REFUSES("a prefix behind", "\1\0\2\0"
                               "\0\2ka\0"
                               "\0\1k\0");
    REFUSES("more shared than there is", "\1\0\2\0"
                                         "\0\1k\0"
                                         "\2\1l\0");
}

static void test_page__bounds_keys_and_values(void **state)
{
    uint8_t raw[9000] = {1, 0, 1, 0, 0};
    buf b = BUF_INIT;
    bfci_page p;

    (void)state;
    for (size_t key_len = KEY_MAX; key_len <= KEY_MAX + 1; key_len++)
        for (size_t value_len = VALUE_MAX; value_len <= VALUE_MAX + 1; value_len++) {
            buf_clear(&b);
            bfci_buf_put(&b, raw, 5);
            bfci_buf_varint(&b, key_len);
            bfci_buf_put(&b, raw, key_len);
            bfci_buf_varint(&b, value_len);
            bfci_buf_put(&b, raw, value_len);
            if (key_len == KEY_MAX && value_len == VALUE_MAX) {
                assert_int_equal(decode(b.data, b.len, &p), 0);
                bfci_page_release(&p);
            } else {
                refuses("too long", b.data, b.len);
            }
        }
    bfci_buf_free(&b);
}

static int decode_ref(bfci_span value, bfc_err *err)
{
    bfci_ref ref;
    return bfci_page_ref_decode(value, &ref, err);
}

static void test_page__references_come_back(void **state)
{
    const bfci_ref ref = {
        .offset = 4128, .stored = 3, .raw = 4, .crc = 5, .comp = 1, .digest = {6}};
    bfci_ref out;
    buf b = BUF_INIT;
    uint8_t raw[PAGE_REF_SIZE];

    (void)state;
    bfci_page_ref_encode(&ref, raw);
    assert_int_equal(bfci_page_ref_decode(guard_span(raw, sizeof raw), &out, NULL), 0);
    assert_true(out.offset == 4128 && out.stored == 3 && out.raw == 4 && out.crc == 5 &&
                out.comp == 1 && out.digest[0] == 6);
    bfci_buf_put(&b, raw, sizeof raw);
    guard_refuses_other_lengths(&b, decode_ref);
    for (unsigned at = 21; at < 24; at++) {
        raw[at] = 1;
        assert_int_equal(decode_ref(guard_span(raw, sizeof raw), NULL), BFC_E_CORRUPT);
        raw[at] = 0;
    }
    bfci_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__comes_back),
        cmocka_unit_test(test_page__is_full_in_time),
        cmocka_unit_test(test_page__refuses_what_is_malformed),
        cmocka_unit_test(test_page__bounds_keys_and_values),
        cmocka_unit_test(test_page__references_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
