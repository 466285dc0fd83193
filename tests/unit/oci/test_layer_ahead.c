/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers are begun when, and that what is wrong with one is told when it is asked for. */
#include <stdio.h>
#include <time.h>

#include "../codec/flow_fixture.h"

#include "oci/layer_ahead.h"

enum {
    LAYERS = 6,
    LEN = 12 << 20 /* more than the ring holds */
};

typedef struct shelf shelf;

typedef struct book {
    shelf *on;
    buf tar;
    size_t at;
    int rc; /* what opening it returns */
    bool open, closed, damaged;
    size_t done; /* atomic */
} book;

struct shelf {
    bfci_origin origin;
    bfci_feed feed;
    book book[LAYERS];
    bfci_descriptor layer[LAYERS];
    bool skip[LAYERS];
    unsigned open, most;
};

static int book_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    book *b = (book *)ctx;
    size_t n = MIN(cap, b->tar.len - b->at);

    (void)err;
    if (n > 0)
        memcpy(bytes, b->tar.data + b->at, n);
    if (b->damaged && b->at == 0)
        ((uint8_t *)bytes)[1000] ^= 1;
    b->at += n;
    __atomic_store_n(&b->done, b->at, __ATOMIC_RELAXED);
    *got = n;
    return 0;
}

static void book_close(void *ctx)
{
    book *b = (book *)ctx;
    b->closed = true;
    b->on->open--;
}

static int open_blob(bfci_origin *o, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err)
{
    shelf *s = (shelf *)o;
    book *b = &s->book[d - s->layer];

    if (b->rc < 0)
        return bfci_fail(err, (enum bfc_code)b->rc, "it is lent");
    assert_false(b->open);
    b->open = true;
    s->open++;
    s->most = MAX(s->most, s->open);
    *out = (bfci_bytes){.ctx = b, .read = book_read, .close = book_close};
    return 0;
}

static int setup(void **state)
{
    shelf *s = NULL;

    assert_int_equal(bfci_alloc_zero(1, sizeof *s, &s, NULL), 0);
    s->origin.open_blob = open_blob;
    s->feed = (bfci_feed){.beside = "/tmp/none", .layers = 3};
    for (size_t i = 0; i < LAYERS; i++) {
        book *b = &s->book[i];
        b->on = s;
        put_sample(&b->tar, LEN, (uint32_t)i);
        s->layer[i] =
            (bfci_descriptor){.size = b->tar.len, .media_type = (char *)(uintptr_t) "something"};
        assert_int_equal(bfci_sha256(b->tar.data, b->tar.len, s->layer[i].digest.bytes, NULL), 0);
    }
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    shelf *s = *state;

    for (size_t i = 0; i < LAYERS; i++) {
        assert_true(s->book[i].open == s->book[i].closed);
        bfci_buf_free(&s->book[i].tar);
    }
    free(s);
    return 0;
}

static bfci_layer_ahead ahead_of(shelf *s)
{
    return (bfci_layer_ahead){.feed = &s->feed,
                              .origin = &s->origin,
                              .layer = s->layer,
                              .count = LAYERS,
                              .size_max = LEN,
                              .skip = s->skip};
}

static int take(bfci_layer_stream *s, const buf *tar, bfc_err *err)
{
    const uint8_t *bytes = NULL;
    size_t len = 1, at = 0;

    while (len > 0) {
        BFC_TRY(bfci_layer_stream_next(s, &bytes, &len, err));
        assert_true(len <= tar->len - at);
        assert_memory_equal(bytes, tar->data + at, len);
        at += len;
    }
    assert_int_equal(at, tar->len);
    return 0;
}

static int take_next(bfci_layer_ahead *a, shelf *s, size_t at, bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;

    BFC_TRY(bfci_layer_ahead_next(a, at, &stream, err));
    return take(stream, &s->book[at].tar, err);
}

/* Each character: o open, c closed, - not begun. */
static void expect_books(const shelf *s, const char *want)
{
    char have[LAYERS + 1] = {0};

    for (size_t i = 0; i < LAYERS; i++)
        have[i] = s->book[i].closed ? 'c' : s->book[i].open ? 'o' : '-';
    assert_string_equal(have, want);
}

static void test_layer_ahead__so_many_at_a_time(void **state)
{
    static const char *const after[LAYERS] = {"coo---", "ccoo--", "cccoo-",
                                              "ccccoo", "ccccco", "cccccc"};
    shelf *s = *state;
    AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);

    for (size_t i = 0; i < LAYERS; i++) {
        assert_int_equal(take_next(&a, s, i, NULL), 0);
        expect_books(s, after[i]);
    }
    assert_int_equal(s->most, 3);
}

static void test_layer_ahead__bounds(void **state)
{
    shelf *s = *state;
    AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);

    s->origin.at_a_time = 2; /* the origin wants fewer than there is memory for */
    assert_int_equal(take_next(&a, s, 0, NULL), 0);
    expect_books(s, "co----");
    s->origin.at_a_time = 4;
    assert_int_equal(take_next(&a, s, 1, NULL), 0);
    expect_books(s, "ccoo--");
    s->feed.layers = 1;
    assert_int_equal(take_next(&a, s, 2, NULL), 0);
    assert_int_equal(take_next(&a, s, 3, NULL), 0);
    assert_int_equal(take_next(&a, s, 4, NULL), 0);
    expect_books(s, "ccccc-");
}

/* Those that are to come of elsewhere; but they may be asked for all the same. */
static void test_layer_ahead__skipped(void **state)
{
    shelf *s = *state;
    AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);

    s->skip[1] = s->skip[2] = s->skip[4] = true;
    assert_int_equal(take_next(&a, s, 0, NULL), 0);
    expect_books(s, "c--o-o");
    assert_int_equal(take_next(&a, s, 2, NULL), 0);
    assert_int_equal(take_next(&a, s, 3, NULL), 0);
    expect_books(s, "c-cc-o");
    assert_int_equal(take_next(&a, s, 5, NULL), 0);
}

static void run_to_its_end(const book *b)
{
    for (int i = 0; i < 20000 && __atomic_load_n(&b->done, __ATOMIC_RELAXED) < LEN; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(__atomic_load_n(&b->done, __ATOMIC_RELAXED), LEN);
}

/* All of it is read, though nobody has taken any of it. */
static void test_layer_ahead__is_read_ahead(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        shelf *s = *state;
        AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);
        AUTO(bfci_layer_stream) bfci_layer_stream *first = NULL;
        size_t at = sealed ? 3 : 0;
        s->feed.sealed = sealed;
        s->feed.layers = 2;
        assert_int_equal(bfci_layer_ahead_next(&a, at, &first, NULL), 0);
        run_to_its_end(&s->book[at + 1]);
        assert_int_equal(take(first, &s->book[at].tar, NULL), 0);
        bfci_layer_stream_free(bfci_steal(&first));
        assert_int_equal(take_next(&a, s, at + 1, NULL), 0);
    }
}

/* There is no place for what is read ahead: then only buffers are filled. */
static void test_layer_ahead__nowhere_to_put_it(void **state)
{
    shelf *s = *state;
    AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);

    s->feed.beside = "/nowhere/at/all";
    for (size_t i = 0; i < LAYERS; i++)
        assert_int_equal(take_next(&a, s, i, NULL), 0);
}

static void test_layer_ahead__failures_wait_for_their_turn(void **state)
{
    shelf *s = *state;
    AUTO_LAYER_AHEAD bfci_layer_ahead a = ahead_of(s);
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;
    const uint8_t *bytes = NULL;
    size_t len = 1;
    bfc_err err = BFC_ERR_INIT;
    int rc = 0;

    s->book[1].damaged = true;
    s->book[2].rc = BFC_E_BUSY;
    assert_int_equal(take_next(&a, s, 0, NULL), 0);
    expect_books(s, "co----"); /* none behind the one that could not be opened */
    assert_int_equal(bfci_layer_ahead_next(&a, 1, &stream, NULL), 0);
    while (rc == 0 && len > 0)
        rc = bfci_layer_stream_next(stream, &bytes, &len, &err);
    assert_int_equal(rc, BFC_E_CORRUPT);
    assert_memory_equal(err.msg, "its bytes have the digest sha256:", 33);
    bfci_layer_stream_free(bfci_steal(&stream));
    assert_int_equal(take_next(&a, s, 2, &err), BFC_E_BUSY);
    assert_string_equal(err.msg, "it is lent");
    s->book[2].rc = 0; /* it has come back */
    assert_int_equal(take_next(&a, s, 2, NULL), 0);
    expect_books(s, "cccoo-");
}

int main(void)
{
#define AHEAD_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(test_layer_ahead__so_many_at_a_time),
        AHEAD_TEST(test_layer_ahead__bounds),
        AHEAD_TEST(test_layer_ahead__skipped),
        AHEAD_TEST(test_layer_ahead__is_read_ahead),
        AHEAD_TEST(test_layer_ahead__nowhere_to_put_it),
        AHEAD_TEST(test_layer_ahead__failures_wait_for_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
