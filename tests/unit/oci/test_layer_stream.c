/* SPDX-License-Identifier: Apache-2.0 */
/* Layers as streams: sums and bytes, promises that are not kept, and takers that leave early. */
#include <stdio.h>
#include <time.h>

#include "../codec/flow_fixture.h"

#include "oci/layer_stream.h"

enum {
    LARGE = 20 << 20, /* more than the ring holds */
    ENDLESS = -1
};

/* ── A blob in memory that tells what became of it ── */

typedef struct blob {
    const uint8_t *bytes;
    size_t len, at, step;
    long repeats; /* how often the bytes come again; ENDLESS */
    size_t fail_at;
    long delay_ns;
    int closed;
    int reads; /* atomic */
} blob;

static int blob_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    blob *b = (blob *)ctx;
    __atomic_add_fetch(&b->reads, 1, __ATOMIC_RELAXED);
    if (b->delay_ns)
        nanosleep(&(struct timespec){.tv_nsec = b->delay_ns}, NULL);
    if (b->fail_at && b->at >= b->fail_at)
        return bfci_fail(err, BFC_E_IO, "the line is dead");
    if (b->at == b->len && b->repeats != 0) {
        b->at = 0;
        b->repeats -= b->repeats > 0;
    }
    size_t n = MIN(MIN(cap, b->step), b->len - b->at);
    if (n > 0)
        memcpy(bytes, b->bytes + b->at, n);
    b->at += n;
    *got = n;
    return 0;
}

static void blob_close(void *ctx)
{
    ((blob *)ctx)->closed++;
}

static blob blob_over(const buf *bytes)
{
    return (blob){.bytes = bytes->data, .len = bytes->len, .step = 50000};
}

static bfci_descriptor promise_of(const buf *bytes)
{
    bfci_descriptor d = {.size = bytes->len, .media_type = (char *)(uintptr_t) "something else"};
    assert_int_equal(bfci_sha256(bytes->data, bytes->len, d.digest.bytes, NULL), 0);
    return d;
}

static int open_blob(blob *b, const bfci_descriptor *d, uint64_t max, bfci_layer_stream **out,
                     bfc_err *err)
{
    bfci_bytes in = {.ctx = b, .read = blob_read, .close = blob_close};
    const bfci_layer_stream_options o = {.promised = d, .size_max = max};
    int rc = bfci_layer_stream_open(&in, &o, out, err);
    assert_null(in.close);
    return rc;
}

/* To the end; `out` may be NULL. */
static int drain(bfci_layer_stream *s, buf *out, bfc_err *err)
{
    const uint8_t *bytes;
    size_t len;
    do {
        BFC_TRY(bfci_layer_stream_next(s, &bytes, &len, err));
        if (out)
            bfci_buf_put(out, bytes, len);
    } while (len > 0);
    return 0;
}

static void check_whole(enum bfci_coding coding, size_t len, size_t step)
{
    AUTO_BUF buf tar = BUF_INIT;
    AUTO_BUF buf packed = BUF_INIT;
    AUTO_BUF buf out = BUF_INIT;
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    bfci_digest diff_id, digest, want;
    uint64_t tar_size, size;
    put_sample(&tar, len, 1);
    pack(coding, coding == CODING_PLAIN ? 0 : 1, tar.data, len, 1 << 20, &packed);
    blob b = blob_over(&packed);
    b.step = step;
    bfci_descriptor d = promise_of(&packed);
    assert_int_equal(open_blob(&b, &d, len, &s, NULL), 0);
    bfc_err err = BFC_ERR_INIT;
    (void)drain(s, &out, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(drain(s, &out, NULL), 0); /* the end stays the end */
    assert_same(&tar, &out);
    bfci_layer_stream_sums(s, &diff_id, &tar_size, &digest, &size);
    assert_int_equal(tar_size, len);
    assert_int_equal(size, packed.len);
    assert_int_equal(bfci_layer_stream_done(s), size);
    assert_true(bfci_digest_equal(&digest, &d.digest));
    assert_int_equal(bfci_sha256(tar.data, len, want.bytes, NULL), 0);
    assert_true(bfci_digest_equal(&diff_id, &want));
    bfci_layer_stream_free(bfci_steal(&s));
    assert_int_equal(b.closed, 1);
}

static void test_layer_stream__whole(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_PLAIN, CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        check_whole(codings[c], 1, 1);
        check_whole(codings[c], 10240, 1);
        check_whole(codings[c], (1 << 20) - 1, 100000);
        check_whole(codings[c], 1 << 20, 100000);
        check_whole(codings[c], (2 << 20) + 1, 3000);
        check_whole(codings[c], LARGE, 1 << 20);
    }
    check_whole(CODING_GZIP, 0, 10);
    check_whole(CODING_ZSTD, 0, 10);
    check_whole(CODING_PLAIN, 0, 10);
}

/* ── Promises ── */

static void expect_fail(blob *b, const bfci_descriptor *d, uint64_t max, int code, const char *why)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(open_blob(b, d, max, &s, NULL), 0);
    assert_int_equal(drain(s, NULL, &err), code);
    assert_string_equal(err.msg, why);
    assert_int_equal(err.code, code);
    err = (bfc_err)BFC_ERR_INIT;
    assert_int_equal(drain(s, NULL, &err), code); /* a failure stays one */
    assert_string_equal(err.msg, why);
    bfci_layer_stream_free(bfci_steal(&s));
    assert_int_equal(b->closed, 1);
}

static void make_packed(enum bfci_coding coding, size_t len, buf *packed)
{
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, len, 2);
    pack(coding, 0, tar.data, len, len, packed);
}

static void test_layer_stream__other_size(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_PLAIN, CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf packed = BUF_INIT;
        AUTO_FREE char *why = NULL;
        AUTO_FREE char *more = NULL;
        make_packed(codings[c], 100000, &packed);
        bfci_descriptor d = promise_of(&packed);
        d.size++;
        assert_int_equal(bfci_asprintf(&why, NULL, "has %zu bytes, %zu were promised", packed.len,
                                       packed.len + 1),
                         0);
        blob b = blob_over(&packed);
        expect_fail(&b, &d, LARGE, BFC_E_CORRUPT, why);
        d.size -= 2;
        assert_int_equal(bfci_asprintf(&more, NULL,
                                       "has more than the %zu bytes that were promised",
                                       packed.len - 1),
                         0);
        b = blob_over(&packed);
        expect_fail(&b, &d, LARGE, BFC_E_CORRUPT, more);
        d.size = 0;
        b = blob_over(&packed);
        expect_fail(&b, &d, LARGE, BFC_E_CORRUPT, "has more than the 0 bytes that were promised");
    }
}

static void test_layer_stream__endless_blob(void **state)
{
    (void)state;
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 100000, 3);
    blob b = blob_over(&tar);
    b.repeats = ENDLESS;
    bfci_descriptor d = promise_of(&tar);
    expect_fail(&b, &d, UINT64_MAX, BFC_E_CORRUPT,
                "has more than the 100000 bytes that were promised");
    assert_true(b.reads <= 3);
}

static void test_layer_stream__other_bytes(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_PLAIN, CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf packed = BUF_INIT;
        char why[200], text[DIGEST_TEXT_SIZE];
        make_packed(codings[c], 3 << 20, &packed);
        bfci_descriptor d = promise_of(&packed);
        for (size_t at = 5; at < packed.len; at += packed.len / 4) {
            packed.data[at] ^= 1; /* also where inflating sees it first */
            bfci_descriptor damaged = promise_of(&packed);
            blob b = blob_over(&packed);
            bfci_digest_text(&damaged.digest, text);
            (void)snprintf(why, sizeof why, "its bytes have the digest %s", text);
            expect_fail(&b, &d, LARGE, BFC_E_CORRUPT, why);
            packed.data[at] ^= 1;
        }
    }
}

/* The blob is what was promised; what it holds is broken. */
static void test_layer_stream__broken_inside(void **state)
{
    (void)state;
    AUTO_BUF buf packed = BUF_INIT;
    make_packed(CODING_GZIP, 100000, &packed);
    packed.len -= 3;
    bfci_descriptor d = promise_of(&packed);
    blob b = blob_over(&packed);
    AUTO_FREE char *why = NULL;
    assert_int_equal(
        bfci_asprintf(&why, NULL, "gzip member at byte 0: it is cut off (byte %zu)", packed.len),
        0);
    expect_fail(&b, &d, LARGE, BFC_E_CORRUPT, why);
    packed.data[3] = 0x80;
    d = promise_of(&packed);
    b = blob_over(&packed);
    expect_fail(&b, &d, LARGE, BFC_E_CORRUPT,
                "gzip member at byte 0: reserved flags are set in its header (byte 3)");
}

static void test_layer_stream__read_error(void **state)
{
    (void)state;
    static const size_t places[] = {1, 200000, 3 << 20};
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 4 << 20, 4);
    bfci_descriptor d = promise_of(&tar);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        blob b = blob_over(&tar);
        b.fail_at = places[i];
        expect_fail(&b, &d, LARGE, BFC_E_IO, "the line is dead");
    }
}

static void test_layer_stream__bomb(void **state)
{
    (void)state;
    static const uint8_t zeros[1 << 20];
    static const enum bfci_coding codings[] = {CODING_PLAIN, CODING_GZIP, CODING_ZSTD};
    static const uint64_t limits[] = {0, 1, 1000000, 1 << 20, (1 << 20) + 1, (8 << 20) - 1};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf packed = BUF_INIT;
        for (int i = 0; i < 8; i++)
            pack(codings[c], 0, zeros, sizeof zeros, sizeof zeros, &packed);
        bfci_descriptor d = promise_of(&packed);
        for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
            char why[200];
            blob b = blob_over(&packed);
            (void)snprintf(why, sizeof why,
                           "has more than %llu bytes uncompressed, the limit; a higher one can be "
                           "given with --max-size",
                           (unsigned long long)limits[i]);
            expect_fail(&b, &d, limits[i], BFC_E_LIMIT, why);
        }
        blob b = blob_over(&packed);
        AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
        assert_int_equal(open_blob(&b, &d, 8 << 20, &s, NULL), 0);
        assert_int_equal(drain(s, NULL, NULL), 0);
    }
}

/* ── Early ends ── */

/* Frees the stream after some buffers; with an endless blob this must not hang. */
static void test_layer_stream__early_free(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_PLAIN, CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf packed = BUF_INIT;
        make_packed(codings[c], 1500000, &packed);
        bfci_descriptor d = promise_of(&packed);
        d.size = UINT64_MAX;
        for (int taken = 0; taken < 24; taken += 1 + taken / 2) {
            AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
            const uint8_t *bytes;
            size_t len;
            blob b = blob_over(&packed);
            b.repeats = ENDLESS;
            assert_int_equal(open_blob(&b, &d, UINT64_MAX, &s, NULL), 0);
            if (taken % 2) /* let it fill the ring, and wait */
                nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
            for (int i = 0; i < taken; i++) {
                assert_int_equal(bfci_layer_stream_next(s, &bytes, &len, NULL), 0);
                assert_true(len > 0);
            }
            bfci_layer_stream_free(bfci_steal(&s));
            assert_int_equal(b.closed, 1);
        }
    }
}

static void test_layer_stream__early_free_without_output(void **state)
{
    (void)state;
    AUTO_BUF buf packed = BUF_INIT;
    for (int i = 0; i < 2000; i++)
        pack(CODING_GZIP, 0, NULL, 0, 1, &packed);
    bfci_descriptor d = {.size = UINT64_MAX};
    blob b = blob_over(&packed);
    b.repeats = ENDLESS;
    b.delay_ns = 100000;
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    assert_int_equal(open_blob(&b, &d, UINT64_MAX, &s, NULL), 0);
    while (__atomic_load_n(&b.reads, __ATOMIC_RELAXED) < 5)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(bfci_layer_stream_done(s) > 0);
    bfci_layer_stream_free(bfci_steal(&s));
    assert_int_equal(b.closed, 1);
}

static void test_layer_stream__slow_sides(void **state)
{
    (void)state;
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 12 << 20, 6);
    bfci_descriptor d = promise_of(&tar);
    for (int slow = 0; slow < 2; slow++) {
        blob b = blob_over(&tar);
        AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
        AUTO_BUF buf out = BUF_INIT;
        const uint8_t *bytes;
        size_t len;
        uint64_t done = 0;
        b.delay_ns = slow == 0 ? 200000 : 0;
        assert_int_equal(open_blob(&b, &d, LARGE, &s, NULL), 0);
        do {
            assert_int_equal(bfci_layer_stream_next(s, &bytes, &len, NULL), 0);
            assert_true(bfci_layer_stream_done(s) >= done);
            done = bfci_layer_stream_done(s);
            if (slow == 1)
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
            bfci_buf_put(&out, bytes, len);
        } while (len > 0);
        assert_same(&tar, &out);
    }
}

/* ── Tars that are made ── */

typedef struct maker {
    const buf *tar;
    size_t step;
    int rc; /* what it returns at its end */
    int seen;
    bool endless;
} maker;

static int make(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    maker *m = (maker *)ctx;
    do {
        for (size_t at = 0; at < m->tar->len; at += m->step) {
            m->seen = write(write_ctx, m->tar->data + at, MIN(m->step, m->tar->len - at), err);
            BFC_TRY(m->seen);
        }
    } while (m->endless);
    return m->rc < 0 ? bfci_fail(err, (enum bfc_code)m->rc, "no more ideas") : 0;
}

static void test_layer_stream__produce(void **state)
{
    (void)state;
    static const size_t steps[] = {511, 1 << 20, (3 << 20) + 1};
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 11 << 20, 8);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        AUTO_BUF buf out = BUF_INIT;
        maker m = {.tar = &tar, .step = steps[i]};
        AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
        bfci_digest diff_id, digest, want;
        uint64_t tar_size, size;
        assert_int_equal(bfci_layer_stream_produce(make, &m, &s, NULL), 0);
        assert_int_equal(drain(s, &out, NULL), 0);
        assert_same(&tar, &out);
        bfci_layer_stream_sums(s, &diff_id, &tar_size, &digest, &size);
        assert_int_equal(bfci_sha256(tar.data, tar.len, want.bytes, NULL), 0);
        assert_true(bfci_digest_equal(&diff_id, &want));
        assert_true(bfci_digest_equal(&digest, &want));
        assert_int_equal(tar_size, tar.len);
        assert_int_equal(size, tar.len);
    }
}

static void test_layer_stream__produce_fails(void **state)
{
    (void)state;
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 3 << 20, 9);
    maker m = {.tar = &tar, .step = 10000, .rc = BFC_E_NOT_FOUND};
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_layer_stream_produce(make, &m, &s, NULL), 0);
    assert_int_equal(drain(s, NULL, &err), BFC_E_NOT_FOUND);
    assert_string_equal(err.msg, "no more ideas");
}

static void test_layer_stream__produce_left_early(void **state)
{
    (void)state;
    AUTO_BUF buf tar = BUF_INIT;
    put_sample(&tar, 1 << 20, 10);
    for (int taken = 0; taken < 12; taken += 3) {
        maker m = {.tar = &tar, .step = 77777, .endless = true};
        AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
        const uint8_t *bytes;
        size_t len;
        assert_int_equal(bfci_layer_stream_produce(make, &m, &s, NULL), 0);
        for (int i = 0; i < taken; i++)
            assert_int_equal(bfci_layer_stream_next(s, &bytes, &len, NULL), 0);
        bfci_layer_stream_free(bfci_steal(&s));
        assert_int_equal(m.seen, BFC_E_CANCELLED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_stream__whole),
        cmocka_unit_test(test_layer_stream__other_size),
        cmocka_unit_test(test_layer_stream__endless_blob),
        cmocka_unit_test(test_layer_stream__other_bytes),
        cmocka_unit_test(test_layer_stream__broken_inside),
        cmocka_unit_test(test_layer_stream__read_error),
        cmocka_unit_test(test_layer_stream__bomb),
        cmocka_unit_test(test_layer_stream__early_free),
        cmocka_unit_test(test_layer_stream__early_free_without_output),
        cmocka_unit_test(test_layer_stream__slow_sides),
        cmocka_unit_test(test_layer_stream__produce),
        cmocka_unit_test(test_layer_stream__produce_fails),
        cmocka_unit_test(test_layer_stream__produce_left_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
