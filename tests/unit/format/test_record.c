/* SPDX-License-Identifier: Apache-2.0 */
/* Directory entries, blocks, numbers, trees, sets of extended attributes. */
#include "guard.h"

static int decode_dirent(bfci_span value, bfc_err *err)
{
    bfci_dirent d;
    return bfci_dirent_decode(value, &d, err);
}

static void test_record__dirents_come_back(void **state)
{
    (void)state;
    for (uint8_t type = 0; type <= BFC_TYPE_SOCKET + 1; type++) {
        AUTO_BUF buf b = BUF_INIT;
        const bfci_dirent in = {type, UINT64_MAX};
        bfci_dirent out;
        bfci_dirent_encode(&b, &in);
        if (type < BFC_TYPE_FILE || type > BFC_TYPE_SOCKET) {
            assert_int_equal(decode_dirent(guard_buf(&b), NULL), BFC_E_CORRUPT);
            continue;
        }
        assert_int_equal(bfci_dirent_decode(guard_buf(&b), &out, NULL), 0);
        assert_true(out.type == type && out.ino == UINT64_MAX);
        guard_refuses_other_lengths(&b, decode_dirent);
    }
    assert_int_equal(decode_dirent(guard_span("\1\0", 2), NULL), BFC_E_CORRUPT); /* inode 0 */
    assert_int_equal(decode_dirent(guard_span("\1\x81\0", 3), NULL), BFC_E_CORRUPT);
}

static bool key_is_taken(const char *name, size_t len)
{
    uint8_t raw[400];
    uint64_t dir = 0;
    bfci_span out;

    put_u64be(raw, 77);
    memcpy(raw + 8, name, len);
    if (bfci_dirent_key_decode(guard_span(raw, 8 + len), &dir, &out, NULL) < 0)
        return false;
    assert_true(dir == 77 && out.len == len && memcmp(out.p, name, len) == 0);
    return true;
}

static void test_record__names_are_checked(void **state)
{
    char name[256];
    uint64_t dir;
    bfci_span out;

    (void)state;
    memset(name, 'n', sizeof name);
    assert_true(key_is_taken("a", 1));
    assert_true(key_is_taken(name, 255));
    assert_true(key_is_taken("...", 3));
    assert_true(key_is_taken("\n\xff", 2));
    assert_false(key_is_taken(name, 256));
    assert_false(key_is_taken("", 0));
    assert_false(key_is_taken(".", 1));
    assert_false(key_is_taken("..", 2));
    assert_false(key_is_taken("a/b", 3));
    assert_false(key_is_taken("a\0b", 3));
    assert_int_equal(bfci_dirent_key_decode(guard_span(name, 7), &dir, &out, NULL), BFC_E_CORRUPT);
    assert_int_equal(bfci_dirent_key_decode(guard_span(name, 0), &dir, &out, NULL), BFC_E_CORRUPT);
}

static int decode_block(bfci_span value, bfc_err *err)
{
    bfci_ref ref;
    return bfci_block_decode(value, &ref, err);
}

static void test_record__blocks_come_back(void **state)
{
    AUTO_BUF buf b = BUF_INIT;
    const bfci_ref in = {.offset = UINT64_MAX,
                         .stored = BLOCK_SIZE_MAX,
                         .raw = BLOCK_SIZE_MAX,
                         .comp = 1,
                         .crc = 9,
                         .digest = {8}};
    bfci_ref out;

    (void)state;
    bfci_block_encode(&b, &in);
    assert_int_equal(bfci_block_decode(guard_buf(&b), &out, NULL), 0);
    assert_true(out.offset == in.offset && out.stored == in.stored && out.raw == in.raw &&
                out.comp == 1 && out.crc == 9 && out.digest[0] == 8);
    guard_refuses_other_lengths(&b, decode_block);
    bfci_ref large = in;
    large.raw++;
    buf_clear(&b);
    bfci_block_encode(&b, &large);
    assert_int_equal(decode_block(guard_buf(&b), NULL), BFC_E_CORRUPT);
    large = in;
    large.stored = SEALED_BLOCK_MAX + 1;
    buf_clear(&b);
    bfci_block_encode(&b, &large);
    assert_int_equal(decode_block(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

static int decode_number(bfci_span value, bfc_err *err)
{
    uint64_t number;
    return bfci_number_decode(value, &number, err);
}

static void test_record__numbers_come_back(void **state)
{
    static const uint64_t number[] = {0, 1, 127, 128, UINT64_C(1) << 63, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(number); i++) {
        AUTO_BUF buf b = BUF_INIT;
        uint64_t out = 1;
        bfci_number_encode(&b, number[i]);
        assert_int_equal(bfci_number_decode(guard_buf(&b), &out, NULL), 0);
        assert_true(out == number[i]);
        guard_refuses_other_lengths(&b, decode_number);
    }
    assert_int_equal(decode_number(guard_span("\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 10), NULL),
                     BFC_E_CORRUPT);
}

static int decode_tree(bfci_span value, bfc_err *err)
{
    bfci_tree t;
    return bfci_tree_decode(value, &t, err);
}

static bool tree_is_taken(uint8_t kind, uint64_t root, size_t label_len)
{
    static uint8_t label[TREE_LABEL_MAX + 1];
    AUTO_BUF buf b = BUF_INIT;
    const bfci_tree in = {kind, root, {label, label_len}};
    bfci_tree out;

    bfci_tree_encode(&b, &in);
    if (bfci_tree_decode(guard_buf(&b), &out, NULL) < 0)
        return false;
    assert_true(out.kind == kind && out.root == root && out.label.len == label_len);
    guard_refuses_other_lengths(&b, decode_tree);
    return true;
}

static void test_record__trees_come_back(void **state)
{
    (void)state;
    assert_true(tree_is_taken(TREE_ROOTFS, 1, 0));
    assert_true(tree_is_taken(TREE_MERGED, UINT64_MAX, TREE_LABEL_MAX));
    assert_true(tree_is_taken(TREE_KEPT, 5, 1));
    assert_false(tree_is_taken(TREE_KEPT + 1, 1, 0));
    assert_false(tree_is_taken(TREE_LAYER, 0, 0));
    assert_false(tree_is_taken(TREE_LAYER, 1, TREE_LABEL_MAX + 1));
}

typedef struct seen {
    unsigned count;
    char names[100];
} seen;

static int note_item(void *ctx, const bfci_xattr_item *item, bfc_err *err)
{
    seen *s = ctx;
    size_t at = strlen(s->names);

    (void)err;
    s->count++;
    (void)snprintf(s->names + at, sizeof s->names - at, "%.*s=%zu ", (int)item->name.len,
                   (const char *)item->name.p, item->value.len);
    return 0;
}

static int each(bfci_span set, bfc_err *err)
{
    return bfci_xattr_set_each(set, NULL, NULL, NULL, err);
}

static void test_record__xattr_sets_come_back(void **state)
{
    const bfci_xattr_item items[] = {{{(const uint8_t *)"user.a", 6}, {(const uint8_t *)"12", 2}},
                                     {{(const uint8_t *)"user.aa", 7}, {(const uint8_t *)"", 0}}};
    AUTO_BUF buf b = BUF_INIT;
    seen s = {0};
    size_t count = 0;

    (void)state;
    bfci_xattr_set_encode(&b, items, 2);
    assert_int_equal(bfci_xattr_set_each(guard_buf(&b), note_item, &s, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(s.names, "user.a=2 user.aa=0 ");
    guard_refuses_other_lengths(&b, each);
    uint8_t key[8];
    assert_int_equal(bfci_key_u64(key, 1).len, 8);
    for (size_t len = 0; len < b.len; len++) { /* nobody is told of a part */
        s = (seen){0};
        (void)bfci_xattr_set_each(guard_span(b.data, len), note_item, &s, NULL, NULL);
        assert_int_equal(s.count, 0);
    }
}

#define REFUSES_SET(literal)                                                                       \
    assert_int_equal(each(guard_span(literal, sizeof(literal) - 1), NULL), BFC_E_CORRUPT)

static void test_record__xattr_sets_are_checked(void **state)
{
    (void)state;
    assert_int_equal(each(guard_span("\1\1a\0", 4), NULL), 0);
    REFUSES_SET("\0");
    REFUSES_SET("\1\0\0");
    REFUSES_SET("\1\2a\0\0");
    REFUSES_SET("\2\1a\0\1a\0");
    REFUSES_SET("\2\1b\0\1a\0");
    REFUSES_SET("\2\2ab\0\1a\0");
    REFUSES_SET("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1a\0");
    REFUSES_SET("\1\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\1");
    AUTO_BUF buf b = BUF_INIT;
    static uint8_t value[XATTR_VALUE_MAX_LEN + 1];
    const bfci_xattr_item large = {{(const uint8_t *)"a", 1}, {value, sizeof value}};
    bfci_xattr_set_encode(&b, &large, 1);
    assert_int_equal(each(guard_buf(&b), NULL), BFC_E_CORRUPT);
    memset(value, 'n', 256);
    const bfci_xattr_item long_name = {{value, 256}, {value, 0}};
    buf_clear(&b);
    bfci_xattr_set_encode(&b, &long_name, 1);
    assert_int_equal(each(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__dirents_come_back),
        cmocka_unit_test(test_record__names_are_checked),
        cmocka_unit_test(test_record__blocks_come_back),
        cmocka_unit_test(test_record__numbers_come_back),
        cmocka_unit_test(test_record__trees_come_back),
        cmocka_unit_test(test_record__xattr_sets_come_back),
        cmocka_unit_test(test_record__xattr_sets_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
