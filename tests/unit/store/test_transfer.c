/* SPDX-License-Identifier: Apache-2.0 */
/* The frames around what zfs sends, the documents in them, and the first record of a stream. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "store/transfer.h"
#include "store/zfs_stream.h"
#include "sys/file.h"
#include "sys/pipe.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* ── Documents ── */

static int decode(const char *json, bfci_transfer *out, bfc_err *err)
{
    return bfci_transfer_decode((const uint8_t *)json, strlen(json), out, err);
}

static void test_transfer__there_and_back(void **state)
{
    (void)state;
    for (int has_base = 0; has_base < 2; has_base++) {
        bfci_transfer t = {.has_base = has_base}, again;
        AUTO_FREE char *json = NULL;
        memset(t.root_digest, 0xab, sizeof t.root_digest);
        memset(t.base_digest, has_base ? 0x1c : 0, sizeof t.base_digest);
        assert_int_equal(bfci_reference_parse("host:5000/a/app:1", &t.ref, NULL), 0);
        if (has_base)
            assert_int_equal(bfci_reference_parse("base", &t.base, NULL), 0);
        assert_int_equal(bfci_transfer_encode(&t, &json, NULL), 0);
        assert_int_equal(decode(json, &again, NULL), 0);
        assert_string_equal(again.ref.text, "host:5000/a/app:1");
        assert_memory_equal(again.root_digest, t.root_digest, sizeof t.root_digest);
        assert_int_equal(again.has_base, has_base);
        assert_memory_equal(again.base_digest, t.base_digest, sizeof t.base_digest);
        assert_string_equal(again.base.text, has_base ? "base:latest" : "");
    }
}

static void assert_refused(const char *json, int code, const char *word)
{
    bfci_transfer t, before;
    bfc_err err = BFC_ERR_INIT;
    memset(&t, 0x55, sizeof t);
    memset(&before, 0x55, sizeof before);
    int rc = decode(json, &t, &err);
    if (rc != code || !strstr(err.msg, word))
        fail_msg("%s: %d, '%s'", json, rc, err.msg);
    assert_memory_equal(&t, &before, sizeof t);
}

static void test_transfer__hostile_documents(void **state)
{
    (void)state;
    assert_refused("", BFC_E_CORRUPT, "");
    assert_refused("[]", BFC_E_CORRUPT, "");
    assert_refused("{}", BFC_E_CORRUPT, "schema");
    assert_refused("{\"schema\":\"bfc.send/2\"}", BFC_E_UNSUPPORTED, "newer");
    assert_refused("{\"schema\":\"bfc.send/1\"}", BFC_E_CORRUPT, "name");
    static const char *const names[] = {"app", "APP:1", "../app:1", "/app:1", "-x:1", "a@b:1", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char json[512];
        (void)snprintf(json, sizeof json,
                       "{\"schema\":\"bfc.send/1\",\"name\":\"%s\",\"root_digest\":\"" ZEROS "\"}",
                       names[i]);
        assert_refused(json, BFC_E_CORRUPT, "no image's name");
    }
    static const char *const digests[] = {"", "0", ZEROS "0", "g" ZEROS, "\\u0000" ZEROS};
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        char json[512];
        (void)snprintf(json, sizeof json,
                       "{\"schema\":\"bfc.send/1\",\"name\":\"a:1\",\"root_digest\":\"%s\"}",
                       digests[i]);
        assert_refused(json, BFC_E_CORRUPT, "");
    }
    assert_refused("{\"schema\":\"bfc.send/1\",\"name\":\"a:1\",\"root_digest\":\"" ZEROS
                   "\",\"base\":7}",
                   BFC_E_CORRUPT, "base");
    assert_refused("{\"schema\":\"bfc.send/1\",\"name\":\"a:1\",\"root_digest\":\"" ZEROS
                   "\",\"base\":{\"name\":\"a:1\"}}",
                   BFC_E_CORRUPT, "base.root_digest");
    assert_refused("{\"schema\":\"bfc.send/1\",\"name\":\"a:1\",\"name\":\"b:1\",\"root_digest\":"
                   "\"" ZEROS "\"}",
                   BFC_E_CORRUPT, "");
}

/* ── Frames ── */

struct gathered {
    size_t len, pieces;
    uint8_t last;
    int rc;
};

static int gather(void *ctx, const uint8_t *piece, size_t len, bfc_err *err)
{
    struct gathered *g = ctx;
    g->len += len;
    g->pieces++;
    g->last = piece[len - 1];
    return g->rc < 0 ? bfci_fail(err, BFC_E_IO, "told so") : 0;
}

/* A pipe, or rather a file, with these bytes in it. */
static int with(const void *bytes, size_t len)
{
    char name[] = "/tmp/bfc-transfer-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(bfci_write_all(fd, bytes, len, NULL), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_transfer__whole(void **state)
{
    enum {
        SIZE = 2 * TRANSFER_PIECE_MAX + 5
    };
    (void)state;
    AUTO_FREE uint8_t *bytes = calloc(SIZE, 1);
    assert_non_null(bytes);
    bytes[SIZE - 1] = 77;
    AUTO_FD int from = with(bytes, SIZE);
    AUTO_FD int fd = with("", 0);
    bfci_transfer t = {.has_base = false}, came;
    uint64_t done = 0;
    assert_int_equal(bfci_reference_parse("app:1", &t.ref, NULL), 0);
    assert_int_equal(bfci_transfer_begin(fd, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_put_header(fd, &t, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_put_stream(fd, from, NULL, &done, NULL), 0);
    assert_int_equal(bfci_transfer_put_end(fd, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_put_header(fd, &t, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_put_end(fd, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_put_end(fd, NULL, NULL), 0);
    assert_int_equal(done, SIZE);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    bool more = false;
    struct gathered g = {0};
    done = 0;
    assert_int_equal(bfci_transfer_expect(fd, NULL, NULL), 0);
    assert_int_equal(bfci_transfer_get_header(fd, NULL, &came, &more, NULL), 0);
    assert_true(more);
    assert_string_equal(came.ref.text, "app:1");
    assert_int_equal(bfci_transfer_get_stream(fd, gather, &g, NULL, &done, NULL), 0);
    assert_true(g.len == SIZE && g.pieces == 3 && g.last == 77 && done == SIZE);
    assert_int_equal(bfci_transfer_get_header(fd, NULL, &came, &more, NULL), 0);
    assert_int_equal(bfci_transfer_get_stream(fd, NULL, NULL, NULL, &done, NULL), 0);
    assert_int_equal(bfci_transfer_get_header(fd, NULL, &came, &more, NULL), 0);
    assert_false(more);
}

static void assert_stream(const void *bytes, size_t len, int code, const char *word)
{
    AUTO_FD int fd = with(bytes, len);
    struct gathered g = {0};
    uint64_t done = 0;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_transfer_get_stream(fd, gather, &g, NULL, &done, &err);
    if (rc != code || !strstr(err.msg, word))
        fail_msg("%d, '%s'", rc, err.msg);
}

static void test_transfer__hostile_frames(void **state)
{
    (void)state;
    assert_stream("", 0, BFC_E_CORRUPT, "ends early");
    assert_stream("\1\0", 2, BFC_E_CORRUPT, "ends early");
    assert_stream("\1\0\0\0", 4, BFC_E_CORRUPT, "ends early");
    assert_stream("\1\0\0\0x", 5, BFC_E_CORRUPT, "ends early");
    assert_stream("\1\0\0\0x\0\0\0\0", 9, 0, "");
    assert_stream("\1\0\0\0x\xff\xff\xff\xff", 9, BFC_E_CORRUPT, "the sender failed");
    assert_stream("\1\0\x10\0", 4, BFC_E_CORRUPT, "1048577 bytes: 1048576 are allowed");
    AUTO_FD int header = with("\1\x10\0\0", 4);
    bfci_transfer t;
    bool more = false;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_transfer_get_header(header, NULL, &t, &more, &err), BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "4097 bytes: 4096 are allowed"));
}

static void test_transfer__what_it_is(void **state)
{
    static const struct {
        const char *bytes;
        int code;
    } cases[] = {{"", BFC_E_CORRUPT},         {"BFC", BFC_E_CORRUPT},
                 {"BFCSEND", BFC_E_CORRUPT},  {"BFCSEND1", 0},
                 {"BFCSEND2", BFC_E_INVALID}, {"x", BFC_E_INVALID},
                 {"garbage!", BFC_E_INVALID}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FD int fd = with(cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(bfci_transfer_expect(fd, NULL, NULL), cases[i].code);
    }
}

static void test_transfer__failure_and_sink(void **state)
{
    (void)state;
    AUTO_FD int fd = with("", 0);
    struct gathered g = {.rc = -1};
    uint64_t done = 0;
    bfc_err err = BFC_ERR_INIT;
    bfci_transfer_put_failure(fd, NULL);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(bfci_transfer_get_stream(fd, gather, &g, NULL, &done, &err), BFC_E_CORRUPT);
    AUTO_FD int more = with("\1\0\0\0x\0\0\0\0", 9);
    assert_int_equal(bfci_transfer_get_stream(more, gather, &g, NULL, &done, &err), BFC_E_IO);
    assert_string_equal(err.msg, "told so");
    assert_int_equal(done, 0);
}

/* ── The first record ── */

struct record {
    uint8_t bytes[ZFS_STREAM_BEGIN_SIZE];
};

static struct record begin(bool big, uint64_t version, uint32_t kind, uint64_t from)
{
    struct record r = {{0}};
    if (big) {
        put_u64be(r.bytes + 8, UINT64_C(0x2F5bacbac));
        put_u64be(r.bytes + 16, version);
        put_u32be(r.bytes + 32, kind);
        put_u64be(r.bytes + 48, from);
    } else {
        put_u64le(r.bytes + 8, UINT64_C(0x2F5bacbac));
        put_u64le(r.bytes + 16, version);
        put_u32le(r.bytes + 32, kind);
        put_u64le(r.bytes + 48, from);
    }
    (void)snprintf((char *)r.bytes + 56, 256, "tank/images/a/app:1@bfc-0123456789ab");
    return r;
}

static int check_record(const struct record *r, size_t len, const char *name, bool has_base)
{
    const bfci_zfs_begin want = {name, has_base, 0};
    return bfci_zfs_stream_check(r->bytes, len, &want, NULL);
}

static void test_transfer__first_record(void **state)
{
    static const char name[] = "/a/app:1@bfc-0123456789ab";
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct record r = begin(big, 0x11, 2, 0);
        assert_int_equal(check_record(&r, sizeof r, name, false), 0);
        assert_int_equal(check_record(&r, sizeof r, name, true), BFC_E_CORRUPT);
        assert_int_equal(check_record(&r, sizeof r - 1, name, false), BFC_E_CORRUPT);
        assert_int_equal(check_record(&r, 0, name, false), BFC_E_CORRUPT);
        assert_int_equal(check_record(&r, sizeof r, "/b/app:1@bfc-0123456789ab", false),
                         BFC_E_CORRUPT);
        memset(r.bytes + 56, 'x', 256); /* a name without its NUL */
        assert_int_equal(check_record(&r, sizeof r, name, false), BFC_E_CORRUPT);
        r = begin(big, 0x11, 2, 5);
        assert_int_equal(check_record(&r, sizeof r, name, true), 0);
        assert_int_equal(check_record(&r, sizeof r, name, false), BFC_E_CORRUPT);
        bfci_zfs_begin want = {name, true, 5};
        assert_int_equal(bfci_zfs_stream_check(r.bytes, sizeof r, &want, NULL), 0);
        want.base_guid = 6;
        assert_int_equal(bfci_zfs_stream_check(r.bytes, sizeof r, &want, NULL), BFC_E_NOT_FOUND);
        r = begin(big, 0x12, 2, 0); /* with properties */
        assert_int_equal(check_record(&r, sizeof r, name, false), BFC_E_CORRUPT);
        r = begin(big, 0x11, 3, 0); /* a volume */
        assert_int_equal(check_record(&r, sizeof r, name, false), BFC_E_CORRUPT);
        r.bytes[8] = 0;
        r.bytes[15] = 0;
        assert_int_equal(check_record(&r, sizeof r, name, false), BFC_E_CORRUPT);
    }
}

/* ── Zfs and its pipe ── */

static int say_some(void *ctx, int fd, bfc_err *err)
{
    (void)ctx;
    return bfci_pipe_write(fd, "some", 4, NULL, err);
}

static int fail_early(void *ctx, int fd, bfc_err *err)
{
    (void)ctx;
    (void)fd;
    return bfci_fail(err, BFC_E_NOSPC, "zfs says so");
}

static int leave_early(void *ctx, int fd, bfc_err *err)
{
    (void)ctx;
    (void)fd;
    (void)err;
    return 0;
}

static int read_some(void *ctx, int fd, bfc_err *err)
{
    char bytes[100];
    return bfci_pipe_read_full(fd, bytes, sizeof bytes, NULL, ctx, err);
}

static int write_much(void *ctx, int fd, bfc_err *err)
{
    static char bytes[1 << 20];
    (void)ctx;
    return bfci_pipe_write(fd, bytes, sizeof bytes, NULL, err);
}

static void test_transfer__zfs_counts_for_more(void **state)
{
    size_t got = 0;
    bfc_err err = BFC_ERR_INIT;
    (void)state;
    bfci_zfs_stream s = {say_some, read_some, &got, true};
    assert_int_equal(bfci_zfs_stream_run(&s, &err), 0);
    assert_int_equal(got, 4);
    s.zfs = fail_early;
    assert_int_equal(bfci_zfs_stream_run(&s, &err), BFC_E_NOSPC);
    assert_string_equal(err.msg, "zfs says so");
    s = (bfci_zfs_stream){fail_early, write_much, NULL, false};
    assert_int_equal(bfci_zfs_stream_run(&s, &err), BFC_E_NOSPC);
    s.zfs = leave_early;
    assert_int_equal(bfci_zfs_stream_run(&s, &err), BFC_E_CORRUPT);
    s = (bfci_zfs_stream){leave_early, fail_early, NULL, false};
    assert_int_equal(bfci_zfs_stream_run(&s, NULL), BFC_E_NOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer__there_and_back),
        cmocka_unit_test(test_transfer__hostile_documents),
        cmocka_unit_test(test_transfer__whole),
        cmocka_unit_test(test_transfer__hostile_frames),
        cmocka_unit_test(test_transfer__what_it_is),
        cmocka_unit_test(test_transfer__failure_and_sink),
        cmocka_unit_test(test_transfer__first_record),
        cmocka_unit_test(test_transfer__zfs_counts_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
