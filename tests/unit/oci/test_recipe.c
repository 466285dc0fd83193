/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: what is written comes back, in whatever portions it was written; malformed operations
 * are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "format/limits.h"
#include "oci/recipe.h"

enum {
    PARTS_MAX = 64,
    BLOCK = 512
};

static const bfci_digest digest = {{1, 2, 3, [31] = 9}};

struct parts {
    buf part[PARTS_MAX];
    uint32_t count;
};

static void parts_release(struct parts *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        bfci_buf_free(&p->part[i]);
    p->count = 0;
}

static int keep_part(void *ctx, uint32_t part, const uint8_t *bytes, size_t len, bfc_err *err)
{
    struct parts *p = ctx;

    assert_int_equal(part, p->count);
    assert_in_range(p->count, 0, PARTS_MAX - 1);
    assert_in_range(len, 1, RECIPE_PART_MAX);
    bfci_buf_put(&p->part[p->count], bytes, len);
    p->count++;
    return buf_check(&p->part[part], err);
}

static bfci_recipe_writer *start(struct parts *p)
{
    bfci_recipe_writer *w = NULL;

    *p = (struct parts){0};
    assert_int_equal(bfci_recipe_writer_new(keep_part, p, &w, NULL), 0);
    return w;
}

static void finish(bfci_recipe_writer *w, const struct parts *p)
{
    uint32_t parts = 0;

    assert_int_equal(bfci_recipe_finish(w, 77, &digest, &parts, NULL), 0);
    assert_int_equal(parts, p->count);
    bfci_recipe_writer_free(w);
}

/* ── A text of what a recipe gives: bytes as they are, contents as marks that no byte is ── */

static void mark(buf *out, uint8_t kind, uint64_t ino, uint64_t offset, uint64_t len)
{
    bfci_buf_printf(out, "<%u %llu %llu %llu>", kind, (unsigned long long)ino,
                    (unsigned long long)offset, (unsigned long long)len);
}

static void add_step(buf *out, const bfci_recipe_step *s)
{
    static const uint8_t zeros[BLOCK];

    switch (s->op) {
    case RECIPE_LITERAL:
    case RECIPE_HEADER:
        bfci_buf_put(out, s->bytes, (size_t)s->len);
        return;
    case RECIPE_ZEROS:
        for (uint64_t left = s->len; left > 0; left -= MIN(left, BLOCK))
            bfci_buf_put(out, zeros, (size_t)MIN(left, BLOCK));
        return;
    case RECIPE_CONTENT:
        mark(out, 4, s->ino, s->offset, s->len);
        return;
    case RECIPE_WHOLE:
        mark(out, 5, s->ino, 0, 0);
        return;
    case RECIPE_END:
        mark(out, 6, 0, 0, s->len);
        assert_memory_equal(s->diff_id.bytes, digest.bytes, sizeof digest.bytes);
        return;
    }
    fail_msg("no such operation");
}

static void read_all(const struct parts *p, buf *out)
{
    bfci_recipe_reader r;

    bfci_recipe_reader_init(&r);
    for (uint32_t i = 0; i < p->count; i++) {
        bfci_recipe_step s;
        bool got = true;
        AUTO_FREE uint8_t *flush = malloc(p->part[i].len); /* reading beyond is seen */
        memcpy(flush, p->part[i].data, p->part[i].len);
        bfci_recipe_reader_part(&r, flush, p->part[i].len);
        while (got) {
            assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), 0);
            if (got)
                add_step(out, &s);
        }
    }
    assert_true(r.ended);
    assert_false(out->bad);
}

/* ── Random recipes ── */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* Mostly zeros and equal bytes, as in tars. */
static size_t draw_bytes(uint8_t *out, size_t max)
{
    size_t len = 0, want = draw(max) + 1;

    while (len < want) {
        uint8_t value = draw(3) ? 0 : (uint8_t)draw(256);
        for (uint64_t n = draw(40) + 1; n > 0 && len < want; n--)
            out[len++] = value;
    }
    return len;
}

static void put_in_portions(bfci_recipe_writer *w, const uint8_t *bytes, size_t len, size_t most)
{
    for (size_t n; len > 0; bytes += n, len -= n) {
        n = MIN(len, most);
        assert_int_equal(bfci_recipe_bytes(w, bytes, n, NULL), 0);
    }
}

static void put_random_bytes(bfci_recipe_writer *w, size_t portion, buf *want)
{
    static uint8_t bytes[300000];
    size_t len = draw_bytes(bytes, draw(20) ? 700 : sizeof bytes);

    put_in_portions(w, bytes, len, portion);
    bfci_buf_put(want, bytes, len);
}

static void put_random_header(bfci_recipe_writer *w, uint8_t header[BLOCK], buf *want)
{
    for (uint64_t n = draw(6); n > 0; n--)
        header[draw(BLOCK)] = (uint8_t)draw(256);
    if (draw(10) == 0)
        memset(header, 0, BLOCK);
    assert_int_equal(bfci_recipe_header(w, header, NULL), 0);
    bfci_buf_put(want, header, BLOCK);
}

static void put_random_content(bfci_recipe_writer *w, buf *want)
{
    uint64_t ino = draw(10) ? 1 + draw(1000) : 1 + draw(UINT64_C(1) << 62);
    uint64_t offset = draw(UINT64_C(1) << 40), len = draw(UINT64_C(1) << 40);

    if (draw(2)) {
        assert_int_equal(bfci_recipe_whole(w, ino, NULL), 0);
        mark(want, 5, ino, 0, 0);
    } else {
        assert_int_equal(bfci_recipe_content(w, ino, offset, len, NULL), 0);
        if (len)
            mark(want, 4, ino, offset, len);
    }
}

static void write_random(uint64_t seed, size_t portion, struct parts *p, buf *want)
{
    uint8_t header[BLOCK] = {0};
    bfci_recipe_writer *w = start(p);

    random_state = seed;
    for (uint64_t steps = draw(400); steps > 0; steps--) {
        uint64_t kind = draw(3);
        if (kind == 0)
            put_random_bytes(w, portion, want);
        else if (kind == 1)
            put_random_header(w, header, want);
        else
            put_random_content(w, want);
    }
    finish(w, p);
    mark(want, 6, 0, 0, 77);
    assert_false(want->bad);
}

static void test_recipe__random_ones_come_back(void **state)
{
    (void)state;
    const char *given = getenv("BFC_TEST_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 20240607;

    for (uint64_t seed = first; seed < first + 60; seed++) {
        AUTO_BUF buf want = BUF_INIT, again = BUF_INIT, got = BUF_INIT;
        struct parts p, q;
        write_random(seed, SIZE_MAX, &p, &want);
        read_all(&p, &got);
        if (got.len != want.len || memcmp(got.data, want.data, got.len) != 0)
            fail_msg("BFC_TEST_SEED=%llu: %zu bytes came back of %zu", (unsigned long long)seed,
                     got.len, want.len);
        write_random(seed, 1 + seed % 7, &q, &again);
        assert_int_equal(p.count, q.count);
        for (uint32_t i = 0; i < p.count; i++) {
            assert_int_equal(p.part[i].len, q.part[i].len);
            assert_memory_equal(p.part[i].data, q.part[i].data, p.part[i].len);
        }
        parts_release(&p);
        parts_release(&q);
    }
}

static void test_recipe__parts_are_bounded_and_hold_whole_operations(void **state)
{
    (void)state;
    struct parts p;
    AUTO_BUF buf got = BUF_INIT, want = BUF_INIT;
    static uint8_t bytes[3 << 20];
    bfci_recipe_writer *w = start(&p);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(1 + i * i % 251);
    put_in_portions(w, bytes, sizeof bytes, 1000);
    finish(w, &p);
    assert_in_range(p.count, 4, 5);
    bfci_buf_put(&want, bytes, sizeof bytes);
    mark(&want, 6, 0, 0, 77);
    read_all(&p, &got);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    parts_release(&p);
}

static void test_recipe__headers_cost_what_differs(void **state)
{
    (void)state;
    struct parts p;
    uint8_t header[BLOCK] = "some/path";
    bfci_recipe_writer *w = start(&p);

    for (int i = 0; i < 100; i++) {
        header[100] = (uint8_t)i;
        header[150] = (uint8_t)i;
        assert_int_equal(bfci_recipe_header(w, header, NULL), 0);
        assert_int_equal(bfci_recipe_whole(w, 10 + (uint64_t)i, NULL), 0);
        put_in_portions(w, (const uint8_t[40]){0}, 40, 8);
    }
    finish(w, &p);
    assert_int_equal(p.count, 1);
    assert_in_range(p.part[0].len, 100, 100 * (8 + 2 + 2) + 60);
    parts_release(&p);
}

static void test_recipe__names(void **state)
{
    (void)state;
    char name[RECIPE_NAME_SIZE];

    bfci_recipe_name(&digest, 12, name);
    assert_string_equal(
        name, "recipe/0102030000000000000000000000000000000000000000000000000000000009/00000012");
}

/* ── What must be refused ── */

static int read_bytes(const char *bytes, size_t len)
{
    bfci_recipe_reader r;
    bfci_recipe_step s;
    bool got = true;
    int rc = 0;
    AUTO_FREE uint8_t *flush = malloc(len ? len : 1);

    memcpy(flush, bytes, len);
    bfci_recipe_reader_init(&r);
    bfci_recipe_reader_part(&r, flush, len);
    while (rc == 0 && got)
        rc = bfci_recipe_next(&r, &s, &got, NULL);
    return rc;
}
#define READ(literal) read_bytes("" literal, sizeof(literal) - 1)

static void test_recipe__malformed_operations(void **state)
{
    (void)state;
    assert_int_equal(READ("\1\1a\2\5\3\0\4\2\0\1\5\2"), 0);
    assert_int_equal(READ("\0"), BFC_E_CORRUPT);
    assert_int_equal(READ("\7"), BFC_E_CORRUPT);
    assert_int_equal(READ("\1\0"), BFC_E_CORRUPT);  /* gives nothing */
    assert_int_equal(READ("\1\2a"), BFC_E_CORRUPT); /* cut */
    assert_int_equal(READ("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"
                          "a"),
                     BFC_E_CORRUPT);
    assert_int_equal(READ("\2\0"), BFC_E_CORRUPT);
    assert_int_equal(READ("\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), BFC_E_CORRUPT);
    assert_int_equal(READ("\2\x80\0"), BFC_E_CORRUPT); /* a shorter form exists */
    assert_int_equal(READ("\3\1\0\0"), BFC_E_CORRUPT);
    assert_int_equal(READ("\3\1\xff\3\1a"), 0); /* the last byte */
    assert_int_equal(READ("\3\1\x80\4\1a"), BFC_E_CORRUPT);
    assert_int_equal(READ("\3\1\xff\3\2ab"), BFC_E_CORRUPT);
    assert_int_equal(READ("\3\2\xfe\3\1a\1\1b"), BFC_E_CORRUPT);
    assert_int_equal(READ("\3\xff\xff\xff\x7f\0\1a"), BFC_E_CORRUPT); /* a count that cannot be */
    assert_int_equal(READ("\4\0\0\1"), BFC_E_CORRUPT);                /* inode 0 */
    assert_int_equal(READ("\4\1\0\1"), BFC_E_CORRUPT);                /* inode -1 */
    assert_int_equal(READ("\4\2\0\0"), BFC_E_CORRUPT);
    assert_int_equal(READ("\4\2\1\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), BFC_E_CORRUPT);
    assert_int_equal(READ("\4\2\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0);
    assert_int_equal(READ("\5\2\5\2\5\1"), 0);
    assert_int_equal(READ("\5\2\5\2\5\3"), BFC_E_CORRUPT);
    assert_int_equal(READ("\6\1"), BFC_E_CORRUPT);
    assert_int_equal(READ("\6\1"
                          "0123456789abcdef0123456789abcdef"),
                     0);
    assert_int_equal(READ("\6\1"
                          "0123456789abcdef0123456789abcdef\2\1"),
                     BFC_E_CORRUPT);
}

static void test_recipe__cut_anywhere(void **state)
{
    (void)state;
    struct parts p;
    AUTO_BUF buf want = BUF_INIT;

    write_random(5, SIZE_MAX, &p, &want);
    size_t whole = 0;
    for (size_t len = 0; len < MIN(p.part[0].len, (size_t)3000); len++) {
        int rc = read_bytes((const char *)p.part[0].data, len);
        assert_true(rc == 0 || rc == BFC_E_CORRUPT);
        whole += rc == 0;
    }
    assert_in_range(whole, 1, 1500);
    parts_release(&p);
}

/* An operation that goes on in the next part is none: its first half is malformed, and the reader
 * stays so. */
static void test_recipe__operation_split_over_parts(void **state)
{
    (void)state;
    bfci_recipe_reader r;
    bfci_recipe_step s;
    bool got = false;

    bfci_recipe_reader_init(&r);
    bfci_recipe_reader_part(&r, (const uint8_t *)"\1\2a", 3);
    assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), BFC_E_CORRUPT);
    assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), BFC_E_CORRUPT);
    assert_false(got);

    bfci_recipe_reader_init(&r);
    bfci_recipe_reader_part(&r, (const uint8_t *)"\2", 1);
    assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), BFC_E_CORRUPT);
}

static void test_recipe__nothing_follows_the_end_in_a_later_part(void **state)
{
    (void)state;
    bfci_recipe_reader r;
    bfci_recipe_step s;
    bool got = false;
    uint8_t end[34] = {RECIPE_END, 0};

    bfci_recipe_reader_init(&r);
    bfci_recipe_reader_part(&r, end, sizeof end);
    assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), 0);
    assert_true(got);
    bfci_recipe_reader_part(&r, (const uint8_t *)"\2\1", 2);
    assert_int_equal(bfci_recipe_next(&r, &s, &got, NULL), BFC_E_CORRUPT);
}

static int refuse_part(void *ctx, uint32_t part, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)part, (void)bytes, (void)len;
    return bfci_fail(err, BFC_E_NOSPC, "full");
}

static void test_recipe__failure_of_the_taker_is_passed_on(void **state)
{
    (void)state;
    bfci_recipe_writer *w = NULL;
    uint32_t parts = 5;

    assert_int_equal(bfci_recipe_writer_new(refuse_part, NULL, &w, NULL), 0);
    assert_int_equal(bfci_recipe_whole(w, 1, NULL), 0);
    assert_int_equal(bfci_recipe_finish(w, 1, &digest, &parts, NULL), BFC_E_NOSPC);
    assert_int_equal(parts, 5);
    bfci_recipe_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__random_ones_come_back),
        cmocka_unit_test(test_recipe__parts_are_bounded_and_hold_whole_operations),
        cmocka_unit_test(test_recipe__headers_cost_what_differs),
        cmocka_unit_test(test_recipe__names),
        cmocka_unit_test(test_recipe__malformed_operations),
        cmocka_unit_test(test_recipe__cut_anywhere),
        cmocka_unit_test(test_recipe__operation_split_over_parts),
        cmocka_unit_test(test_recipe__nothing_follows_the_end_in_a_later_part),
        cmocka_unit_test(test_recipe__failure_of_the_taker_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
