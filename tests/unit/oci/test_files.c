/* SPDX-License-Identifier: Apache-2.0 */
/* Files by name, in a folder and in a tar: what is found, and what must never be reached. */
#include "origin_fixture.h"

static bfci_files *open_files(const char *path)
{
    bfci_files *f = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_files_open(path, &f, &err) < 0)
        fail_msg("%s", err.msg);
    return f;
}

static void expect_text(const bfci_files *f, const char *name, const char *text)
{
    AUTO_FREE uint8_t *bytes = NULL;
    bfc_err err = BFC_ERR_INIT;
    size_t len = 0;
    if (bfci_files_read(f, name, 1 << 20, &bytes, &len, &err) < 0)
        fail_msg("'%s': %s", name, err.msg);
    assert_string_equal((const char *)bytes, text);
}

static void expect_no(const bfci_files *f, const char *name, int code, const char *words)
{
    bfci_piece piece = BFCI_PIECE_INIT;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_files_find(f, name, &piece, &err);
    if (rc != code || !strstr(err.msg, words))
        fail_msg("'%s': rc %d, '%s'", name, rc, err.msg);
    assert_int_equal(piece.fd, -1);
}

static void folder_holds_its_names(void **state)
{
    const struct scratch *s = *state;
    make_dirs("root/a");
    put_text("secret", "secret");
    put_text("root/a/file", "inside");
    scratch_link(s, "a/file", "root/near");
    scratch_link(s, "../near", "root/a/two");
    scratch_link(s, "../secret", "root/out");
    scratch_link(s, "a/../../secret", "root/hidden");
    scratch_link(s, "/etc/passwd", "root/absolute");
    scratch_link(s, "circle", "root/circle");
    scratch_link(s, "nowhere", "root/dangling");
    scratch_link(s, "a", "root/folder");
    assert_int_equal(mkfifoat(s->fd, "root/fifo", 0600), 0);

    AUTO(bfci_files) bfci_files *f = open_files("root");
    expect_text(f, "a/file", "inside");
    expect_text(f, "./a//file", "inside");
    expect_text(f, "near", "inside");
    expect_text(f, "a/two", "inside");
    expect_no(f, "b", BFC_E_NOT_FOUND, "there is no file 'b' in 'root'");
    expect_no(f, "../secret", BFC_E_CORRUPT, "'..' is not allowed");
    expect_no(f, "/etc/passwd", BFC_E_NOT_FOUND, "there is no file");
    expect_no(f, "out", BFC_E_CORRUPT, "leads out");
    expect_no(f, "hidden", BFC_E_CORRUPT, "leads out");
    expect_no(f, "absolute", BFC_E_CORRUPT, "leads out");
    expect_no(f, "circle", BFC_E_CORRUPT, "more than 16 links");
    expect_no(f, "dangling", BFC_E_NOT_FOUND, "'nowhere'");
    expect_no(f, "fifo", BFC_E_CORRUPT, "not a regular file");
    expect_no(f, "a", BFC_E_CORRUPT, "not a regular file");
    expect_no(f, "a/file/more", BFC_E_CORRUPT, "not a folder");
    expect_no(f, "folder/file", BFC_E_CORRUPT, "link");
    assert_true(bfci_files_has(f, "a") && bfci_files_has(f, "out") && !bfci_files_has(f, "b"));
}

static void archive_holds_its_names(void **state)
{
    (void)state;
    struct tar t = tar_open("x.tar");
    tar_add(&t, "./", '5', "", "", 0);
    tar_text(&t, "./a/file", "first");
    tar_text(&t, "other", "second");
    tar_text(&t, "a/file", "third"); /* the later one counts */
    tar_add(&t, "a/near", '2', "file", "", 0);
    tar_add(&t, "b/up", '2', "../a/near", "", 0);
    tar_add(&t, "hard", '1', "./a/file", "", 0);
    tar_add(&t, "b/hard", '1', "other", "", 0);
    tar_add(&t, "out", '2', "../secret", "", 0);
    tar_add(&t, "absolute", '2', "/a/file", "", 0);
    tar_add(&t, "circle", '2', "circle2", "", 0);
    tar_add(&t, "circle2", '1', "circle", "", 0);
    tar_add(&t, "../escape", '0', "", "x", 1);
    tar_add(&t, "fifo", '6', "", "", 0);
    tar_close(&t);
    put_text("secret", "secret");

    AUTO(bfci_files) bfci_files *f = open_files("x.tar");
    expect_text(f, "a/file", "third");
    expect_text(f, "other", "second");
    expect_text(f, "a/near", "third");
    expect_text(f, "b/up", "third");
    expect_text(f, "hard", "third");
    expect_text(f, "b/hard", "second");
    expect_no(f, "out", BFC_E_CORRUPT, "leads out");
    expect_no(f, "absolute", BFC_E_CORRUPT, "leads out");
    expect_no(f, "circle", BFC_E_CORRUPT, "more than 16 links");
    expect_no(f, "../escape", BFC_E_CORRUPT, "'..' is not allowed");
    expect_no(f, "fifo", BFC_E_NOT_FOUND, "there is no file 'fifo' in 'x.tar'");
    expect_no(f, "secret", BFC_E_NOT_FOUND, "there is no file");
}

/* Contents are sought over, and found again where they stand. */
static void archive_seeks(void **state)
{
    (void)state;
    enum {
        BIG = 300001
    };
    AUTO_FREE uint8_t *big = calloc(1, BIG);
    assert_non_null(big);
    big[0] = 'B';
    big[BIG - 1] = 'E';
    struct tar t = tar_open("x.tar");
    tar_text(&t, "first", "1");
    tar_add(&t, "x", 'x', "", "17 path=long/name\n", 18); /* 18 bytes in all: wrong below */
    tar_add(&t, "short", '0', "", big, BIG);
    tar_text(&t, "last", "2");
    tar_close(&t);
    bfc_err err = BFC_ERR_INIT;
    bfci_files *f = NULL;
    assert_int_equal(bfci_files_open("x.tar", &f, &err), BFC_E_CORRUPT);

    t = tar_open("y.tar");
    tar_text(&t, "first", "1");
    tar_add(&t, "x", 'x', "", "18 path=long/name\n", 18);
    tar_add(&t, "short", '0', "", big, BIG);
    tar_text(&t, "last", "2");
    tar_close(&t);
    AUTO(bfci_files) bfci_files *g = open_files("y.tar");
    bfci_piece piece = BFCI_PIECE_INIT;
    uint8_t ends[2];
    assert_int_equal(bfci_files_find(g, "long/name", &piece, NULL), 0);
    assert_int_equal(piece.size, BIG);
    assert_int_equal(bfci_pread_exact(piece.fd, &ends[0], 1, piece.offset, NULL), 0);
    assert_int_equal(bfci_pread_exact(piece.fd, &ends[1], 1, piece.offset + BIG - 1, NULL), 0);
    assert_memory_equal(ends, "BE", 2);
    expect_text(g, "last", "2");
    expect_no(g, "short", BFC_E_NOT_FOUND, "there is no file");
}

static void archives_that_are_none(void **state)
{
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0};
    bfc_err err = BFC_ERR_INIT;
    bfci_files *f = NULL;
    (void)state;

    put("x", gzip, sizeof gzip);
    assert_int_equal(bfci_files_open("x", &f, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "compressed with gzip: decompress it first"));
    put("x", zstd, sizeof zstd);
    assert_int_equal(bfci_files_open("x", &f, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "compressed with zstd: decompress it first"));
    put_text("x", "%600s", "no tar");
    assert_int_equal(bfci_files_open("x", &f, &err), BFC_E_CORRUPT);

    struct tar t = tar_open("x");
    tar_text(&t, "file", "some text");
    tar_close(&t);
    assert_int_equal(truncate("x", 512 + 4), 0);
    assert_int_equal(bfci_files_open("x", &f, &err), BFC_E_CORRUPT);
    assert_int_equal(bfci_files_open("missing", &f, &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_files_open("/dev/null", &f, &err), BFC_E_INVALID);
    assert_null(f);
}

static void links_are_resolved_as_text(void **state)
{
    static const struct {
        const char *name, *target, *expected; /* NULL: it leads out */
    } cases[] = {
        {"a/b", "c", "a/c"},       {"a/b", "../c", "c"},
        {"a", "b/c", "b/c"},       {"a/b/c", "../../d", "d"},
        {"a/b", "../../c", NULL},  {"a", "../b", NULL},
        {"a", "/b", NULL},         {"a/b", "./c/./d", "a/c/d"},
        {"a/b", "c/../../d", "d"}, {"a/b", "c/../../../a/b", NULL},
        {"a", "b/..", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *got = NULL;
        int rc = bfci_link_resolve(cases[i].name, cases[i].target, &got, NULL);
        assert_int_equal(rc, cases[i].expected ? 0 : BFC_E_CORRUPT);
        if (cases[i].expected)
            assert_string_equal(got, cases[i].expected);
    }
}

/* ── Pieces ── */

static void pieces_are_read(void **state)
{
    char plain[DIGEST_TEXT_SIZE];
    bfc_err err = BFC_ERR_INIT;
    (void)state;
    put_text("x", "0123456789");
    AUTO_FD int fd = open("x", O_RDONLY | O_CLOEXEC);
    const bfci_piece piece = {.fd = fd, .offset = 2, .size = 5};
    AUTO_FREE uint8_t *bytes = NULL;
    bfci_digest stored, inflated;
    size_t len = 0;

    assert_int_equal(bfci_piece_read(&piece, 5, &bytes, &len, &err), 0);
    assert_string_equal((const char *)bytes, "23456");
    assert_int_equal(bfci_piece_read(&piece, 4, &bytes, &len, &err), BFC_E_LIMIT);
    assert_int_equal(bfci_piece_digest(&piece, &stored, &inflated, &err), 0);
    expect_digest(&stored, sum("23456", plain));
    expect_digest(&inflated, plain);
    const bfci_piece beyond = {.fd = fd, .offset = 8, .size = 5};
    assert_int_equal(bfci_piece_digest(&beyond, &stored, NULL, &err), BFC_E_CORRUPT);
}

static void compressed_pieces_have_two_digests(void **state)
{
    static const uint8_t gzip[] = {/* of "hello\n" */
                                   0x1f, 0x8b, 0x08, 0,    0,    0,    0,    0,    0,
                                   0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
                                   0x20, 0x30, 0x3a, 0x36, 0x06, 0,    0,    0};
    char plain[DIGEST_TEXT_SIZE];
    bfc_err err = BFC_ERR_INIT;
    bfci_digest stored, inflated, expected;
    (void)state;
    put("x", gzip, sizeof gzip);
    AUTO_FD int fd = open("x", O_RDONLY | O_CLOEXEC);
    bfci_piece piece = {.fd = fd, .size = sizeof gzip};

    if (bfci_piece_digest(&piece, &stored, &inflated, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(bfci_sha256(gzip, sizeof gzip, expected.bytes, NULL), 0);
    assert_true(bfci_digest_equal(&stored, &expected));
    expect_digest(&inflated, sum("hello\n", plain));
    piece.size -= 5;
    assert_int_equal(bfci_piece_digest(&piece, NULL, &inflated, &err), BFC_E_CORRUPT);
}

/* Each stream has a place of its own in the one descriptor. */
static void streams_do_not_disturb_each_other(void **state)
{
    (void)state;
    put_text("x", "0123456789");
    AUTO_FD int fd = open("x", O_RDONLY | O_CLOEXEC);
    bfci_piece one = {.fd = fd, .size = 4}, two = {.fd = fd, .offset = 4, .size = 6};
    AUTO_BYTES bfci_bytes a = {0};
    AUTO_BYTES bfci_bytes b = {0};
    char got[16] = "";
    size_t at = 0, len = 0;

    assert_int_equal(bfci_piece_stream(&one, &a, NULL), 0);
    assert_int_equal(bfci_piece_stream(&two, &b, NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(a.read(a.ctx, got + at, 1, &len, NULL), 0);
        at += len;
        assert_int_equal(b.read(b.ctx, got + at, 2, &len, NULL), 0);
        at += len;
    }
    assert_string_equal(got, "0451672893");
    assert_int_equal(a.read(a.ctx, got, 1, &len, NULL), 0);
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORIGIN_TEST(folder_holds_its_names),
        ORIGIN_TEST(archive_holds_its_names),
        ORIGIN_TEST(archive_seeks),
        ORIGIN_TEST(archives_that_are_none),
        cmocka_unit_test(links_are_resolved_as_text),
        ORIGIN_TEST(pieces_are_read),
        ORIGIN_TEST(compressed_pieces_have_two_digests),
        ORIGIN_TEST(streams_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
