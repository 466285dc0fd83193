/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes of every type. */
#include "guard.h"

static int decode(bfci_span value, bfc_err *err)
{
    static bfci_inode out;
    return bfci_inode_decode(value, &out, err);
}

static void comes_back(const bfci_inode *n)
{
    static bfci_inode out;
    AUTO_BUF buf b = BUF_INIT, again = BUF_INIT;

    bfci_inode_encode(&b, n);
    memset(&out, 0x55, sizeof out);
    assert_int_equal(bfci_inode_decode(guard_buf(&b), &out, NULL), 0);
    bfci_inode_encode(&again, &out);
    assert_int_equal(again.len, b.len);
    assert_memory_equal(again.data, b.data, b.len);
    guard_refuses_other_lengths(&b, decode);
}

static bfci_inode file_of(uint64_t size)
{
    return (bfci_inode){.type = BFC_TYPE_FILE,
                        .mode = 07777,
                        .uid = ID_MAX,
                        .gid = ID_MAX,
                        .mtime = INT64_MIN,
                        .mtime_ns = 999999999,
                        .size = size,
                        .crc = 7,
                        .digest = {1}};
}

static void test_inode__comes_back(void **state)
{
    (void)state;
    bfci_inode n = file_of(0);
    comes_back(&n);
    n = file_of(FILE_SIZE_MAX); /* a hole */
    n.mtime = INT64_MAX;
    comes_back(&n);
    n.flags = INODE_SPILLED | INODE_XATTRS;
    n.xattrs[31] = 1;
    comes_back(&n);

    n = file_of(1000000);
    for (n.extent_count = 0; n.extent_count < EXTENTS_INLINE_MAX; n.extent_count++)
        n.extent[n.extent_count] = (bfci_extent){
            .start = 100 + n.extent_count * 200, .len = 100, .block = UINT64_MAX, .offset = 5};
    comes_back(&n);
    for (uint8_t type = BFC_TYPE_DIR; type <= BFC_TYPE_SOCKET; type++) {
        bfci_inode other = {.type = type, .mode = 0, .mtime = -1};
        if (type == BFC_TYPE_SYMLINK) {
            other.link_len = LINK_MAX_LEN;
            memset(other.link, 'x', LINK_MAX_LEN);
        }
        if (type == BFC_TYPE_CHAR || type == BFC_TYPE_BLOCK) {
            other.major = DEVICE_MAJOR_MAX;
            other.minor = DEVICE_MINOR_MAX;
        }
        comes_back(&other);
    }
    bfci_inode root = {.type = BFC_TYPE_DIR, .flags = INODE_SYNTHETIC};
    comes_back(&root);
}

static void refuses(const char *why, const bfci_inode *n)
{
    AUTO_BUF buf b = BUF_INIT;

    bfci_inode_encode(&b, n);
    if (decode(guard_buf(&b), NULL) != BFC_E_CORRUPT)
        fail_msg("not refused: %s", why);
}

static void test_inode__refuses_illegal_values(void **state)
{
    (void)state;
    bfci_inode n = {.type = 0};
    refuses("type 0", &n);
    n.type = 8;
    refuses("type 8", &n);
    n = (bfci_inode){.type = BFC_TYPE_DIR, .flags = 16};
    refuses("an unknown flag", &n);
    n.flags = INODE_SPILLED;
    refuses("a folder with spilled extents", &n);
    n = file_of(0);
    n.flags = INODE_SPILLED;
    refuses("an empty file with spilled extents", &n);
    n.flags = INODE_SYNTHETIC;
    refuses("a file that was made up", &n);
    n = file_of(1);
    n.mode = 010000;
    refuses("mode", &n);
    n = file_of(1);
    n.uid = UINT32_MAX;
    refuses("uid", &n);
    n = file_of(1);
    n.gid = UINT32_MAX;
    refuses("gid", &n);
    n = file_of(1);
    n.mtime_ns = 1000000000;
    refuses("mtime_ns", &n);
    n = file_of(FILE_SIZE_MAX + 1);
    refuses("size", &n);

    n = (bfci_inode){.type = BFC_TYPE_SYMLINK};
    refuses("an empty target", &n);
    n.link_len = 2;
    n.link[0] = 'a';
    refuses("NUL in a target", &n);
    n = (bfci_inode){.type = BFC_TYPE_CHAR, .major = DEVICE_MAJOR_MAX + 1};
    refuses("major", &n);
    n = (bfci_inode){.type = BFC_TYPE_BLOCK, .minor = DEVICE_MINOR_MAX + 1};
    refuses("minor", &n);
}

static void test_inode__has_one_form_for_one_extent(void **state)
{
    (void)state;
    bfci_inode n = file_of(5000);
    n.extent_count = 1;
    n.extent[0] = (bfci_extent){.len = 5000, .block = 3, .offset = 7};
    comes_back(&n);
    n.extent[0] = (bfci_extent){.len = 5000, .block = 3, .shift = 12};
    comes_back(&n);
    n.extent[0].offset = 1;
    refuses("a run that begins within a block", &n);

    AUTO_BUF buf b = BUF_INIT;
    n.extent[0] = (bfci_extent){.len = 5000, .block = 3, .offset = 7};
    bfci_inode_encode(&b, &n);
    assert_int_equal(b.data[1], INODE_DENSE);
    assert_int_equal(decode(guard_buf(&b), NULL), 0);
    b.len -= 3; /* block, offset, shift */
    b.data[1] = 0;
    bfci_buf_varint(&b, 1);
    bfci_extents_encode(&b, n.extent, 1, 0);
    assert_int_equal(decode(guard_buf(&b), NULL), BFC_E_CORRUPT);
    b.data[1] = INODE_DENSE | INODE_SPILLED;
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(decode(guard_span(b.data, len), NULL), BFC_E_CORRUPT);
    const uint8_t empty[] = {BFC_TYPE_FILE, INODE_DENSE, 0, 0, 0, 0, 0, 0};
    const uint8_t dir[] = {BFC_TYPE_DIR, INODE_DENSE, 0, 0, 0, 0, 0};
    assert_int_equal(decode(guard_span(empty, sizeof empty), NULL), BFC_E_CORRUPT);
    assert_int_equal(decode(guard_span(dir, sizeof dir), NULL), BFC_E_CORRUPT);
}

static void test_inode__refuses_a_long_link(void **state)
{
    AUTO_BUF buf b = BUF_INIT;

    (void)state;
    const uint8_t head[] = {BFC_TYPE_SYMLINK, 0, 0, 0, 0, 0, 0};
    bfci_buf_put(&b, head, sizeof head);
    bfci_buf_varint(&b, LINK_MAX_LEN + 1);
    for (int i = 0; i <= LINK_MAX_LEN; i++)
        buf_u8(&b, 'x');
    assert_int_equal(decode(guard_buf(&b), NULL), BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inode__comes_back),
        cmocka_unit_test(test_inode__refuses_illegal_values),
        cmocka_unit_test(test_inode__has_one_form_for_one_extent),
        cmocka_unit_test(test_inode__refuses_a_long_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
