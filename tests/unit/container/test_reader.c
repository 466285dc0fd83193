/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: reads at every place of files of every shape, attributes, digests that are asked for.
 */
#include "care_fixture.h"

#include <sys/xattr.h>

enum {
    SPARSE_SIZE = 300000
};

static void put_sparse(struct care *c, uint8_t *content)
{
    char path[600];

    memset(content, 0, SPARSE_SIZE);
    (void)snprintf(path, sizeof path, "%s/sparse", c->src);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, SPARSE_SIZE), 0);
    for (size_t at = 8192; at < SPARSE_SIZE - 8192; at += 81920) {
        care_noise(content + at, 5000, at);
        care_ok(c, bfci_pwrite_all(fd, content + at, 5000, at, &c->err));
    }
}

static void compare(struct care *c, const char *name, const uint8_t *content, size_t size)
{
    bfc_reader *r = NULL;
    bfc_entry e;
    uint8_t *got = malloc(size + 100);
    uint32_t seed = 7;

    assert_non_null(got);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, name, &e, &c->err));
    assert_int_equal(e.size, size);
    assert_int_equal(e.crc32c, bfci_crc32c(content, size));
    const uint64_t ino = e.ino;
    for (int i = 0; i < 200; i++) {
        size_t len = 0;
        seed = seed * 1664525 + 1013904223;
        size_t at = seed % (size + 50), want = (seed >> 8) % (i % 2 ? 10000 : size + 100);
        care_ok(c, bfc_reader_read(r, ino, at, got, want, &len, &c->err));
        size_t right = at >= size ? 0 : MIN(want, size - at);
        assert_int_equal(len, right);
        assert_memory_equal(got, content + (right ? at : 0), right);
    }
    size_t len = 1;
    care_ok(c, bfc_reader_read(r, ino, UINT64_MAX, got, 1, &len, &c->err));
    assert_int_equal(len, 0);
    bfc_reader_close(r);
    free(got);
}

static void test_reader__reads_at_every_place(void **state)
{
    struct care *c = *state;
    static uint8_t content[SPARSE_SIZE];

    put_sparse(c, content);
    care_commit(c, c->file, false);
    compare(c, "sparse", content, SPARSE_SIZE);
    care_noise(content, 50001, 3);
    care_put(c->src, "large", content, 50001);
    care_put(c->src, "small", content, 17);
    care_put(c->src, "empty", "", 0);
    care_commit(c, c->file, true);
    compare(c, "large", content, 50001);
    compare(c, "/small", content, 17);
    compare(c, "./empty", content, 0);
}

/* Numbers that compress, or with `code`, x86 code: calls of one place from everywhere. */
static void fill(uint8_t *content, size_t size, bool code)
{
    static const uint8_t head[20] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [18] = 62};

    for (size_t i = 0; i < size; i++)
        content[i] = (uint8_t)(i * i / 100000 % 50);
    if (!code)
        return;
    memcpy(content, head, sizeof head);
    for (size_t i = 1000; i + 5 < size; i += 5 + i * i % 7) {
        content[i] = 0xe8;
        put_u32le(content + i + 1, (uint32_t)(700 - i));
    }
}

/* Of a large block a small read decodes the start only, and later ones the rest. */
static void parts_of_large_blocks(struct care *c, bool code)
{
    const size_t size = 5 << 19;
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    uint8_t *content = malloc(size);

    assert_non_null(content);
    fill(content, size, code);
    care_put(c->src, "large", content, size);
    (void)unlink(c->file);
    o.block_size = 1 << 20;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    compare(c, "large", content, size);

    const size_t at[] = {5, 40, 131000, 131070, 260000, 900000, 3, 1048570, 1048576, 2000000, 50};
    bfc_reader *r = NULL;
    bfc_entry e;
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, "large", &e, &c->err));
    const uint64_t ino = e.ino;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        uint8_t got[100];
        size_t len = 0;
        care_ok(c, bfc_reader_read(r, ino, at[i], got, sizeof got, &len, &c->err));
        assert_int_equal(len, sizeof got);
        assert_memory_equal(got, content + at[i], len);
    }
    bfc_reader_close(r);
    free(content);
}

static void test_reader__decodes_parts_of_large_blocks(void **state)
{
    parts_of_large_blocks(*state, false);
    parts_of_large_blocks(*state, true);
}

static void test_reader__says_what_is_not_there(void **state)
{
    struct care *c = *state;
    bfc_reader *r = NULL;
    bfc_entry e;
    size_t len = 0;
    bfc_xattrs *xattrs = NULL;

    care_put_text(c->src, "a", "1");
    care_commit(c, c->file, false);
    assert_int_equal(bfc_reader_open(c->other, NULL, &r, &c->err), BFC_E_NOT_FOUND);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    assert_int_equal(bfc_reader_stat(r, "b", &e, &c->err), BFC_E_NOT_FOUND);
    assert_int_equal(bfc_reader_stat(r, "a/b", &e, &c->err), BFC_E_NOT_FOUND);
    assert_int_equal(bfc_reader_read(r, 999, 0, &e, 1, &len, &c->err), BFC_E_NOT_FOUND);
    care_ok(c, bfc_reader_stat(r, "", &e, &c->err));
    assert_int_equal(e.type, BFC_TYPE_DIR);
    assert_int_equal(bfc_reader_read(r, e.ino, 0, &e, 1, &len, &c->err), BFC_E_INVALID);
    assert_int_equal(bfc_reader_xattrs(r, 999, &xattrs, &c->err), BFC_E_NOT_FOUND);
    bfc_reader_close(r);
}

static void test_reader__holds_to_a_root_digest(void **state)
{
    struct care *c = *state;
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;
    bfc_container_info info;
    uint8_t digest[BFC_DIGEST_SIZE];

    care_put_text(c->src, "a", "1");
    care_commit(c, c->file, false);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_info(r, &info, &c->err));
    bfc_reader_close(r);
    assert_true(info.last && info.torn_bytes == 0 && info.file_size == care_size(c->file));
    memcpy(digest, info.commit.root_digest, sizeof digest);
    o.root_digest = digest;
    care_ok(c, bfc_reader_open(c->file, &o, &r, &c->err));
    bfc_reader_close(r);
    digest[31] ^= 1;
    assert_int_equal(bfc_reader_open(c->file, &o, &r, &c->err), BFC_E_CORRUPT);
}

static void test_reader__gives_attributes(void **state)
{
    struct care *c = *state;
    bfc_reader *r = NULL;
    bfc_entry e;
    bfc_xattrs *x = NULL;
    char path[600];
    static uint8_t value[5000];

    care_put_text(c->src, "a", "1");
    care_noise(value, sizeof value, 1);
    (void)snprintf(path, sizeof path, "%s/a", c->src);
    if (setxattr(path, "user.b", "", 0, 0) < 0 || setxattr(path, "user.a", value, 3000, 0) < 0)
        skip();
    bool two =
        setxattr(path, "user.c", value + 1500, 900, 0) == 0; /* ext4 takes about 4 KiB in all */
    care_commit(c, c->file, false);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, "a", &e, &c->err));
    care_ok(c, bfc_reader_xattrs(r, e.ino, &x, &c->err));
    assert_int_equal(x->count, two ? 3 : 2);
    assert_string_equal(x->item[0].name, "user.a");
    assert_int_equal(x->item[0].value_len, 3000);
    assert_memory_equal(x->item[0].value, value, 3000);
    assert_string_equal(x->item[1].name, "user.b");
    assert_int_equal(x->item[1].value_len, 0);
    bfc_xattrs_free(x);
    bfc_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_reader__reads_at_every_place),
        CARE_TEST(test_reader__decodes_parts_of_large_blocks),
        CARE_TEST(test_reader__says_what_is_not_there),
        CARE_TEST(test_reader__holds_to_a_root_digest),
        CARE_TEST(test_reader__gives_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
