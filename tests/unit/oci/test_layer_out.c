/* SPDX-License-Identifier: Apache-2.0 */
/* Layers out of a container by their recipes: byte for byte what they were, from files of every
 * shape; and recipes that do not give what was promised. */
#include "../container/care_fixture.h"

#include <bfc/container.h>

#include "oci/layer_out.h"
#include "oci/recipe.h"

enum {
    LARGE = 1500000,
    SPARSE = 1 << 20,
    HOLES = 100 /* in the file "spilled": more ranges than an inode holds */
};

/* A layer in the making: its recipe, and the bytes that it has to give. */
struct layer {
    struct care *c;
    bfc_reader *r;
    bfci_recipe_writer *w;
    buf part[8];
    buf want, got;
    bfci_layer_facts facts;
};

static int keep_part(void *ctx, uint32_t part, const uint8_t *bytes, size_t len, bfc_err *err)
{
    struct layer *l = ctx;

    assert_in_range(part, 0, ARRAY_LEN(l->part) - 1);
    bfci_buf_put(&l->part[part], bytes, len);
    return buf_check(&l->part[part], err);
}

static void put_holes(const char *folder, const char *name, unsigned holes, uint64_t size)
{
    char path[400];
    uint8_t noise[4096];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (unsigned i = 0; i < holes; i++) {
        care_noise(noise, sizeof noise, 1000 + i);
        assert_int_equal(
            bfci_pwrite_all(fd, noise, sizeof noise, i * size / holes / 4096 * 4096, NULL), 0);
    }
}

static void make_files(struct care *c)
{
    uint8_t *noise = malloc(LARGE);

    assert_non_null(noise);
    care_noise(noise, LARGE, 1);
    care_put(c->src, "large", noise, LARGE);
    care_put_text(c->src, "small", "some text\n");
    care_put_text(c->src, "empty", "");
    put_holes(c->src, "sparse", 3, SPARSE);
    put_holes(c->src, "spilled", HOLES, SPARSE);
    free(noise);
    care_commit(c, c->file, false);
}

static void open_layer(struct care *c, struct layer *l)
{
    *l = (struct layer){.c = c};
    make_files(c);
    care_ok(c, bfc_reader_open(c->file, NULL, &l->r, &c->err));
    care_ok(c, bfci_recipe_writer_new(keep_part, l, &l->w, &c->err));
}

static uint64_t ino_of(struct layer *l, const char *name, uint64_t *size)
{
    bfc_entry e;

    care_ok(l->c, bfc_reader_stat(l->r, name, &e, &l->c->err));
    *size = e.size;
    return e.ino;
}

static void put_bytes(struct layer *l, const void *bytes, size_t len)
{
    care_ok(l->c, bfci_recipe_bytes(l->w, bytes, len, &l->c->err));
    bfci_buf_put(&l->want, bytes, len);
}

/* What the source has there, so that the container is not compared with itself. */
static void want_range(struct layer *l, const char *name, uint64_t offset, uint64_t len)
{
    char path[400];
    size_t got = 0;

    (void)snprintf(path, sizeof path, "%s/%s", l->c->src, name);
    AUTO_FREE uint8_t *bytes = care_load(path, &got);
    assert_true(offset + len <= got);
    bfci_buf_put(&l->want, bytes + offset, (size_t)len);
}

static void put_range(struct layer *l, const char *name, uint64_t offset, uint64_t len)
{
    uint64_t size;
    uint64_t ino = ino_of(l, name, &size);

    care_ok(l->c, bfci_recipe_content(l->w, ino, offset, len, &l->c->err));
    want_range(l, name, offset, len);
}

static void put_whole(struct layer *l, const char *name)
{
    uint64_t size;
    uint64_t ino = ino_of(l, name, &size);
    uint8_t header[512] = {0};

    (void)snprintf((char *)header, 100, "%s", name);
    care_ok(l->c, bfci_recipe_header(l->w, header, &l->c->err));
    bfci_buf_put(&l->want, header, sizeof header);
    care_ok(l->c, bfci_recipe_whole(l->w, ino, &l->c->err));
    want_range(l, name, 0, size);
    put_bytes(l, (const uint8_t[512]){0}, (512 - size % 512) % 512);
}

/* Stores the recipe beside the files, in one more commit. */
static void store(struct layer *l)
{
    struct care *c = l->c;
    bfc_writer *w = NULL;
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    char name[RECIPE_NAME_SIZE];

    assert_false(l->want.bad);
    l->facts.tar_size = l->want.len;
    care_ok(c, bfci_sha256(l->want.data, l->want.len, l->facts.diff_id.bytes, &c->err));
    care_ok(c, bfci_recipe_finish(l->w, l->want.len, &l->facts.diff_id, &l->facts.parts, &c->err));
    bfc_reader_close(l->r);
    care_ok(c, bfc_writer_append(c->file, &o, &w, &c->err));
    for (uint32_t i = 0; i < l->facts.parts; i++) {
        bfci_recipe_name(&l->facts.diff_id, i, name);
        care_ok(c, bfc_writer_put_blob(w, name, l->part[i].data, l->part[i].len, &c->err));
    }
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    care_ok(c, bfc_reader_open(c->file, NULL, &l->r, &c->err));
}

static void close_layer(struct layer *l)
{
    bfci_recipe_writer_free(l->w);
    bfc_reader_close(l->r);
    for (size_t i = 0; i < ARRAY_LEN(l->part); i++)
        bfci_buf_free(&l->part[i]);
    bfci_buf_free(&l->want);
    bfci_buf_free(&l->got);
}

static int keep(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct layer *l = ctx;

    bfci_buf_put(&l->got, bytes, len);
    return buf_check(&l->got, err);
}

static int run(struct layer *l)
{
    buf_clear(&l->got);
    l->c->err = (bfc_err)BFC_ERR_INIT;
    return bfci_layer_out(l->r, &l->facts, NULL, keep, l, &l->c->err);
}

static void expect_same(struct layer *l)
{
    care_ok(l->c, run(l));
    assert_int_equal(l->got.len, l->want.len);
    assert_memory_equal(l->got.data, l->want.data, l->want.len);
}

static void expect_corrupt(struct layer *l, const char *words)
{
    assert_int_equal(run(l), BFC_E_CORRUPT);
    if (!strstr(l->c->err.msg, words) || !strstr(l->c->err.msg, "layer sha256:"))
        fail_msg("no '%s' in: %s", words, l->c->err.msg);
    assert_true(l->got.len <= l->want.len);
}

/* ── Tests ── */

static void test_layer_out__gives_the_bytes(void **state)
{
    static const char *const names[] = {"large", "small", "empty", "sparse", "spilled", "small"};
    struct layer l;

    open_layer(*state, &l);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        put_whole(&l, names[i]);
    put_bytes(&l, (const uint8_t[1024]){0}, 1024);
    store(&l);
    expect_same(&l);
    expect_same(&l); /* the reader is as it was */
    close_layer(&l);
}

static void test_layer_out__gives_ranges(void **state)
{
    struct layer l;

    open_layer(*state, &l);
    for (uint64_t at = 0; at + 700 <= SPARSE; at += SPARSE / 50)
        put_range(&l, "spilled", at, 700);
    for (uint64_t at = SPARSE; at > 5000; at -= SPARSE / 20) /* backwards, and back and forth */
        put_range(&l, at % 3 ? "spilled" : "sparse", at - 5000, 5000);
    put_range(&l, "large", LARGE - 1, 1);
    put_range(&l, "large", 4095, 300002);
    put_bytes(&l, "end", 3);
    store(&l);
    expect_same(&l);
    close_layer(&l);
}

static void test_layer_out__wrong_bytes_are_told(void **state)
{
    struct layer l;

    open_layer(*state, &l);
    put_whole(&l, "small");
    store(&l);
    l.facts.tar_size++;
    expect_corrupt(&l, "expected");
    l.facts.tar_size -= 2;
    expect_corrupt(&l, "gives more than");
    l.facts.tar_size++;
    l.facts.parts = 2;
    expect_corrupt(&l, "part 1 of the 2 of its recipe is missing");
    l.facts.parts = 0;
    expect_corrupt(&l, "has no end");
    l.facts.parts = 1;
    l.facts.diff_id.bytes[3] ^= 1;
    expect_corrupt(&l, "is missing");
    l.facts.diff_id.bytes[3] ^= 1;
    expect_same(&l);
    close_layer(&l);
}

/* A recipe that gives the promised number of other bytes. */
static void test_layer_out__digest_is_checked(void **state)
{
    struct layer l;

    open_layer(*state, &l);
    put_whole(&l, "small");
    l.want.data[0] ^= 1;
    store(&l);
    expect_corrupt(&l, "has the digest sha256:");
    close_layer(&l);
}

static void test_layer_out__content_beyond_the_file(void **state)
{
    struct layer l;
    uint64_t size;

    open_layer(*state, &l);
    uint64_t ino = ino_of(&l, "small", &size);
    care_ok(l.c, bfci_recipe_content(l.w, ino, size - 1, 2, &l.c->err));
    bfci_buf_put(&l.want, "\n\0", 2);
    store(&l);
    expect_corrupt(&l, "but it has 10");
    close_layer(&l);
}

static void test_layer_out__inodes_that_are_no_files(void **state)
{
    struct layer l;
    uint64_t size;

    open_layer(*state, &l);
    care_ok(l.c, bfci_recipe_whole(l.w, ino_of(&l, "", &size), &l.c->err));
    bfci_buf_put(&l.want, "x", 1);
    store(&l);
    expect_corrupt(&l, "is no regular file");
    close_layer(&l);
}

struct failing {
    size_t left;
};

static int fail_later(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct failing *f = ctx;

    (void)bytes;
    if (len > f->left)
        return bfci_fail(err, BFC_E_NOSPC, "no room in the test");
    f->left -= len;
    return 0;
}

static void test_layer_out__failure_of_the_taker(void **state)
{
    struct layer l;

    open_layer(*state, &l);
    put_whole(&l, "large");
    store(&l);
    for (size_t left = 0; left < LARGE; left += 400000) {
        struct failing f = {left};
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(bfci_layer_out(l.r, &l.facts, NULL, fail_later, &f, &err), BFC_E_NOSPC);
        assert_string_equal(err.msg, "no room in the test");
    }
    close_layer(&l);
}

static void test_layer_out__can_be_stopped(void **state)
{
    struct layer l;
    const int cancel = 1;
    const bfc_hooks hooks = {.cancel = &cancel};

    open_layer(*state, &l);
    put_whole(&l, "large");
    store(&l);
    assert_int_equal(bfci_layer_out(l.r, &l.facts, &hooks, keep, &l, NULL), BFC_E_CANCELLED);
    close_layer(&l);
}

static void test_layer_out__damaged_block(void **state)
{
    struct layer l;

    open_layer(*state, &l);
    put_whole(&l, "large");
    store(&l);
    care_flip(l.c->file, 4096 + 32 + 5000);
    assert_int_equal(run(&l), BFC_E_CORRUPT);
    close_layer(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_layer_out__gives_the_bytes),
        CARE_TEST(test_layer_out__gives_ranges),
        CARE_TEST(test_layer_out__wrong_bytes_are_told),
        CARE_TEST(test_layer_out__digest_is_checked),
        CARE_TEST(test_layer_out__content_beyond_the_file),
        CARE_TEST(test_layer_out__inodes_that_are_no_files),
        CARE_TEST(test_layer_out__failure_of_the_taker),
        CARE_TEST(test_layer_out__can_be_stopped),
        CARE_TEST(test_layer_out__damaged_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
