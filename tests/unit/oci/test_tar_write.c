/* SPDX-License-Identifier: Apache-2.0 */
/* The tar writer: when ustar does, when not, and that the reader gives back what was written. */
#include "tar_made.h"

static int to_archive(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    made *m = ctx;
    bfci_buf_put(&m->archive, bytes, len);
    return buf_check(&m->archive, err);
}

static const bfci_tar_entry plain = {
    .kind = TAR_FILE, .path = "name", .link = "", .mode = 0644, .mtime = 1700000000};

static void write_one(made *m, const bfci_tar_entry *e)
{
    bfci_tar_out out = {to_archive, m};
    start_made(m);
    assert_int_equal(bfci_tar_write_entry(&out, e, NULL), 0);
    for (uint64_t i = 0; i < e->data_size; i++)
        buf_u8(&m->archive, 'c');
    assert_int_equal(bfci_tar_pad(&out, e->data_size, NULL), 0);
    assert_int_equal(bfci_tar_write_end(&out, NULL), 0);
    assert_int_equal(m->archive.len % TAR_BLOCK, 0);
}

/* Written and read it is the same; `headers` counts header blocks, those at the end not. */
static void comes_back(made *m, const bfci_tar_entry *e, size_t headers)
{
    write_one(m, e);
    read_made(m);
    assert_int_equal(m->count, 1);
    assert_int_equal(m->headers, headers + 2);
    const seen *s = &m->entry[0];
    assert_int_equal(s->kind, e->kind);
    assert_memory_equal(s->path, e->path, MIN(strlen(e->path), sizeof s->path - 1));
    assert_memory_equal(s->link, e->link, MIN(strlen(e->link), sizeof s->link - 1));
    assert_int_equal(s->e.mode, e->mode);
    assert_true(s->e.uid == e->uid && s->e.gid == e->gid);
    assert_true(s->e.mtime == e->mtime && s->e.mtime_ns == e->mtime_ns);
    assert_true(s->e.major == e->major && s->e.minor == e->minor);
    assert_true(s->e.size == e->size && s->e.data_size == e->data_size);
    assert_int_equal(s->e.sparse, e->sparse);
    assert_int_equal(s->e.xattr_count, e->xattr_count);
}

static void test_tar_write__bytes(void **state)
{
    static const char fields[] = "0000644\0"
                                 "0001750\0"
                                 "0000144\0"
                                 "00000000005\0"
                                 "14524772000\0";
    made *m = *state;
    bfci_tar_entry e = plain;
    e.uid = 1000;
    e.gid = 100;
    e.mtime = 1700000768;
    e.size = e.data_size = 5;
    write_one(m, &e);
    const uint8_t *b = m->archive.data;
    assert_int_equal(m->archive.len, 4 * 512);
    assert_string_equal((const char *)b, "name");
    assert_memory_equal(b + TAR_AT_MODE, fields, sizeof fields - 1);
    assert_int_equal(b[TAR_AT_TYPEFLAG], '0');
    assert_memory_equal(b + TAR_AT_MAGIC, "ustar\00000\0", 9);
    assert_memory_equal(b + TAR_AT_MAJOR, "0000000\0000000000\0", 17);
    char sum[8];
    (void)snprintf(sum, sizeof sum, "%06o", bfci_tar_checksum(b));
    assert_memory_equal(b + TAR_AT_CHECKSUM, sum, 7);
    assert_int_equal(b[TAR_AT_CHECKSUM + 7], ' ');
    assert_memory_equal(b + 512, "ccccc\0", 6);
}

static void test_tar_write__kinds(void **state)
{
    made *m = *state;
    for (int kind = TAR_FILE; kind <= TAR_FIFO; kind++) {
        bfci_tar_entry e = plain;
        e.kind = (enum bfci_tar_kind)kind;
        e.link = kind == TAR_HARDLINK || kind == TAR_SYMLINK ? "target" : "";
        if (kind == TAR_CHAR || kind == TAR_BLOCK_DEVICE) {
            e.major = 8;
            e.minor = 07777777;
            comes_back(m, &e, 1);
            e.minor = 07777777 + 1;
            e.major = UINT32_MAX;
        }
        comes_back(m, &e, 1);
        assert_int_equal(m->entry[0].e.typeflag, '0' + kind);
        assert_string_equal(m->entry[0].path, kind == TAR_DIR ? "name/" : "name");
    }
}

/* Each number at its limit in ustar, and one more. */
static void test_tar_write__limits_of_ustar(void **state)
{
    made *m = *state;
    bfci_tar_entry e = plain;
    e.uid = e.gid = 07777777;
    e.mtime = INT64_C(077777777777);
    comes_back(m, &e, 1);
    e.uid++;
    comes_back(m, &e, 2);
    e.uid--;
    e.gid = INT64_MAX;
    comes_back(m, &e, 2);
    e.gid = 0;
    e.mtime++;
    comes_back(m, &e, 2);
    for (int64_t t = -2; t < 2; t++) {
        for (uint32_t ns = 0; ns < 1000000000; ns += 125000001) {
            e.mtime = t;
            e.mtime_ns = ns;
            comes_back(m, &e, t >= 0 && ns == 0 ? 1 : 2);
        }
    }
    e.mtime = INT64_MIN;
    comes_back(m, &e, 2);
    e.mtime = INT64_MAX;
    comes_back(m, &e, 2);
}

static void test_tar_write__large_size(void **state)
{
    made *m = *state;
    bfci_tar_out out = {to_archive, m};
    bfci_tar_entry e = plain;
    for (int more = 0; more < 2; more++) {
        start_made(m);
        e.size = e.data_size = UINT64_C(077777777777) + (uint64_t)more;
        assert_int_equal(bfci_tar_write_entry(&out, &e, NULL), 0);
        assert_int_equal(m->archive.len, more ? 3 * 512 : 512);
        assert_int_equal(read_in(m, 1 << 20), BFC_E_CORRUPT); /* the content is not there */
        assert_true(m->entry[0].e.size == e.size);
    }
}

static void test_tar_write__names(void **state)
{
    char path[300], target[200];
    made *m = *state;
    bfci_tar_entry e = plain;
    e.path = path;
    for (size_t len = 1; len < sizeof path; len++) {
        for (size_t slash = 0; slash < len; slash++) {
            memset(path, 'p', len);
            path[len] = '\0';
            if (slash)
                path[slash] = '/';
            bool fits = len <= 100 ||
                        (slash > 0 && slash <= 155 && len - slash - 1 <= 100 && slash < len - 1);
            if (len < 97 && slash % 16 != 0)
                continue;
            write_one(m, &e);
            assert_int_equal(read_in(m, 1 << 20), 0);
            assert_int_equal(m->headers, fits ? 3 : 4);
            assert_string_equal(m->entry[0].path, path);
        }
    }
    for (size_t len = 99; len < 102; len++) {
        memset(target, 't', len);
        target[len] = '\0';
        e.path = "link";
        e.kind = TAR_SYMLINK;
        e.link = target;
        comes_back(m, &e, len <= 100 ? 1 : 2);
    }
}

static void test_tar_write__folders(void **state)
{
    made *m = *state;
    bfci_tar_entry e = plain;
    char path[110];
    e.kind = TAR_DIR;
    e.path = "d/";
    comes_back(m, &e, 1);
    assert_string_equal(m->entry[0].path, "d/");
    for (size_t len = 98; len < 102; len++) { /* the "/" counts */
        memset(path, 'p', len);
        path[len] = '\0';
        e.path = path;
        comes_back(m, &e, len < 100 ? 1 : 2);
        assert_int_equal(m->entry[0].path[len], '/');
        assert_int_equal(strlen(m->entry[0].path), len + 1);
    }
}

static void test_tar_write__xattrs(void **state)
{
    static const bfci_tar_xattr xattr[] = {{"security.capability", (const uint8_t *)"\1\0\n\2", 4},
                                           {"user.a", (const uint8_t *)"v=w", 3},
                                           {"user.b=c%", (const uint8_t *)"odd", 3},
                                           {"user.empty", (const uint8_t *)"", 0}};
    made *m = *state;
    bfci_tar_entry e = plain;
    e.xattr = xattr;
    e.xattr_count = ARRAY_LEN(xattr);
    comes_back(m, &e, 2);
    assert_non_null(strstr(m->entry[0].xattrs, "user.a=v=w;user.b=c%=odd;user.empty=;"));
}

static void test_tar_write__sparse(void **state)
{
    static const bfci_tar_range range[] = {{0, 1}, {1000, 3}, {99999, 1}};
    made *m = *state;
    bfci_tar_entry e = plain;
    e.sparse = true;
    for (size_t count = 0; count <= 3; count++) {
        for (uint64_t size = 100000; size <= 100001; size++) {
            e.path = "dir/name";
            e.size = size;
            e.range = range;
            e.range_count = count;
            e.data_size = count == 0 ? 0 : count == 1 ? 1 : count == 2 ? 4 : 5;
            comes_back(m, &e, 2);
            assert_int_equal(m->entry[0].e.range_count, count);
            for (size_t i = 0; i < count; i++)
                assert_true(m->entry[0].range[i].offset == range[i].offset &&
                            m->entry[0].range[i].len == range[i].len);
        }
    }
    assert_non_null(memmem(m->archive.data, m->archive.len, "GNUSparseFile.0/name", 20));
}

static void test_tar_write__sparse_with_many_ranges(void **state)
{
    enum {
        COUNT = 5000
    };
    static bfci_tar_range range[COUNT];
    made *m = *state;
    bfci_tar_entry e = plain;
    for (size_t i = 0; i < COUNT; i++)
        range[i] = (bfci_tar_range){i * 1000003, 1};
    e.sparse = true;
    e.range = range;
    e.range_count = e.data_size = COUNT;
    e.size = COUNT * UINT64_C(1000003);
    write_one(m, &e);
    assert_int_equal(read_in(m, 1000), 0);
    assert_int_equal(m->entry[0].e.range_count, COUNT);
}

static int refuse(const bfci_tar_entry *e, const char *message)
{
    made m = {0};
    bfc_err err = BFC_ERR_INIT;
    bfci_tar_out out = {to_archive, &m};
    int rc = bfci_tar_write_entry(&out, e, &err);
    assert_int_equal(m.archive.len, 0); /* nothing of it was written */
    if (!strstr(err.msg, message))
        fail_msg("expected '%s' in '%s'", message, err.msg);
    return rc;
}

static void test_tar_write__refused(void **state)
{
    static const bfci_tar_range over[] = {{0, 2}, {1, 1}}, beyond[] = {{99, 2}}, none[] = {{5, 0}};
    bfci_tar_entry e = plain;
    (void)state;
    e.path = "";
    assert_int_equal(refuse(&e, "a name of 0 bytes"), BFC_E_INVALID);
    e = plain;
    e.kind = TAR_OTHER;
    assert_int_equal(refuse(&e, "'name' is of no kind that is written"), BFC_E_INVALID);
    e = plain;
    e.kind = TAR_DIR;
    e.data_size = 1;
    assert_int_equal(refuse(&e, "'name' cannot have 1 bytes of content"), BFC_E_INVALID);
    e = plain;
    e.size = 2;
    assert_int_equal(refuse(&e, "cannot have 0 bytes of content"), BFC_E_INVALID);
    e.mtime_ns = 1000000000;
    assert_int_equal(refuse(&e, "has a number that no tar can hold"), BFC_E_INVALID);
    e = plain;
    e.sparse = true;
    e.size = 100;
    e.range = over;
    e.range_count = 2;
    e.data_size = 3;
    assert_int_equal(refuse(&e, "do not rise within the file"), BFC_E_INVALID);
    e.range = beyond;
    e.range_count = 1;
    e.data_size = 2;
    assert_int_equal(refuse(&e, "do not rise within the file"), BFC_E_INVALID);
    e.range = none;
    e.data_size = 0;
    assert_int_equal(refuse(&e, "do not rise within the file"), BFC_E_INVALID);
    e.range_count = 0;
    e.data_size = 7;
    assert_int_equal(refuse(&e, "have 0 bytes, and 7 are to come"), BFC_E_INVALID);
}

static int full(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    size_t *left = ctx;
    (void)bytes;
    if (len > *left)
        return bfci_fail(err, BFC_E_NOSPC, "full");
    *left -= len;
    return 0;
}

static void test_tar_write__failures_are_passed_on(void **state)
{
    static const bfci_tar_range range[] = {{1000, 3}};
    bfci_tar_entry e = plain;
    (void)state;
    e.sparse = true;
    e.range = range;
    e.range_count = 1;
    e.data_size = 3;
    e.size = 5000;
    for (size_t room = 0; room < 4 * 512; room += 256) {
        size_t left = room;
        bfci_tar_out out = {full, &left};
        assert_int_equal(bfci_tar_write_entry(&out, &e, NULL), BFC_E_NOSPC);
    }
    size_t left = 4 * 512;
    bfci_tar_out out = {full, &left};
    assert_int_equal(bfci_tar_write_entry(&out, &e, NULL), 0);
    assert_int_equal(bfci_tar_pad(&out, 3, NULL), BFC_E_NOSPC);
    assert_int_equal(bfci_tar_pad(&out, 512, NULL), 0);
    assert_int_equal(bfci_tar_write_end(&out, NULL), BFC_E_NOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_write__bytes),
        cmocka_unit_test(test_tar_write__kinds),
        cmocka_unit_test(test_tar_write__limits_of_ustar),
        cmocka_unit_test(test_tar_write__large_size),
        cmocka_unit_test(test_tar_write__names),
        cmocka_unit_test(test_tar_write__folders),
        cmocka_unit_test(test_tar_write__xattrs),
        cmocka_unit_test(test_tar_write__sparse),
        cmocka_unit_test(test_tar_write__sparse_with_many_ranges),
        cmocka_unit_test(test_tar_write__refused),
        cmocka_unit_test(test_tar_write__failures_are_passed_on),
    };
    return cmocka_run_group_tests(tests, setup_made, teardown_made);
}
