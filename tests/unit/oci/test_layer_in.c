/* SPDX-License-Identifier: Apache-2.0 */
/* One layer's tar into a container: what is shared and what is stored once, attributes, holes, the
 * recipe beside it, and that nothing but the tar decides what comes out. */
#include "layer_fixture.h"

#include "container/reader.h"
#include "oci/recipe.h"

/* ── Sharing ── */

static void expect_shared(struct stack *s, uint32_t tree, const char *path, uint32_t other,
                          bool shared)
{
    if ((stack_ino(s, tree, path) == stack_ino(s, other, path)) != shared)
        fail_msg("'%s' is%s the same in the trees %u and %u", path, shared ? " not" : "",
                 (unsigned)tree, (unsigned)other);
}

static void put_lower(struct stack *s)
{
    LAYER(s, D("./"), D("etc"), F("etc/a", "1"), D("usr"), D("usr/bin"), F("usr/bin/x", "2"),
          D("usr/lib"), D("usr/lib/deep"), F("usr/lib/deep/y", "3"));
}

static void check_sharing(struct stack *s, bool as_base)
{
    uint32_t lower = s->facts[0].tree;

    put_lower(s);
    if (as_base)
        stack_store(s);
    LAYER(s, D("etc"), F("etc/b", "4"), D("opt"), D("opt/sub"), F("opt/sub/z", "5"));
    LAYER(s, F("usr/lib/n", "6"));
    stack_store(s);
    lower = s->facts[0].tree;
    expect_shared(s, s->merged[0], "", lower, true);
    for (unsigned i = 1; i <= 2; i++) {
        expect_shared(s, s->merged[i], "", lower, false);
        expect_shared(s, s->merged[i], "etc", lower, false);
        expect_shared(s, s->merged[i], "etc/a", lower, true);
        expect_shared(s, s->merged[i], "etc/b", s->facts[1].tree, true);
        expect_shared(s, s->merged[i], "usr/bin", lower, true);
        expect_shared(s, s->merged[i], "usr/lib/deep", lower, true);
        expect_shared(s, s->merged[i], "opt", s->facts[1].tree, true);
        expect_shared(s, s->merged[i], "usr", lower, i == 1);
        expect_shared(s, s->merged[i], "usr/lib", lower, i == 1);
    }
    expect_shared(s, s->merged[2], "etc", s->merged[1], true);
    expect_shared(s, ROOT_TREE, "", s->merged[2], true);
    stack_expect(s, ROOT_TREE,
                 "/ etc/ etc/a=1 etc/b=4 opt/ opt/sub/ opt/sub/z=5 usr/ usr/bin/ usr/bin/x=2 "
                 "usr/lib/ usr/lib/deep/ usr/lib/deep/y=3 usr/lib/n=6");
}

static void test_layer_in__folders_are_shared(void **state)
{
    for (int as_base = 0; as_base < 2; as_base++) {
        struct stack s;
        stack_open(&s, *state);
        check_sharing(&s, as_base);
        stack_close(&s);
    }
}

/* Links make that every name is looked at; what is shared stays so. */
static void test_layer_in__folders_are_shared_beside_links(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    put_lower(&s);
    LAYER(&s, H("alias", "usr/bin/x"));
    stack_store(&s);
    expect_shared(&s, ROOT_TREE, "usr", s.facts[0].tree, true);
    expect_shared(&s, ROOT_TREE, "alias", s.facts[1].tree, true);
    assert_int_equal(stack_nlink(&s, "alias"), 2);
    stack_close(&s);
}

/* A folder of which a layer changed only the attributes. */
static void test_layer_in__attributes_alone(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    put_lower(&s);
    LAYER(&s, D("usr/lib", .mode = 0700));
    stack_store(&s);
    expect_shared(&s, ROOT_TREE, "usr/lib", s.facts[0].tree, false);
    expect_shared(&s, ROOT_TREE, "usr/lib/deep", s.facts[0].tree, true);
    expect_shared(&s, ROOT_TREE, "etc", s.facts[0].tree, true);
    stack_close(&s);
}

static uint64_t raw_bytes(struct stack *s)
{
    bfc_container_info info;
    bfc_reader *r = stack_reader(s, ROOT_TREE);

    care_ok(s->c, bfc_reader_info(r, &info, &s->c->err));
    bfc_reader_close(r);
    return info.commit.data_raw;
}

static void test_layer_in__contents_are_stored_once(void **state)
{
    struct stack s;
    char text[3000];

    memset(text, 't', sizeof text);
    text[sizeof text - 1] = '\0';
    stack_open(&s, *state);
    LAYER(&s, F("a", text), F("b", text), F("a", text));
    LAYER(&s, F("a", text), F("d/c", text));
    stack_store(&s);
    assert_int_equal(raw_bytes(&s), sizeof text - 1);
    LAYER(&s, F("e", text));
    stack_store(&s);
    assert_int_equal(raw_bytes(&s), sizeof text - 1);
    stack_close(&s);
}

/* ── The recipe ── */

/* A recipe as it comes to be, and whether a part was full when a content was told of. */
struct border {
    bfci_recipe_writer *w;
    bool in_content, full, hit;
};

static int border_part(void *ctx, uint32_t part, const uint8_t *bytes, size_t len, bfc_err *err)
{
    struct border *b = ctx;

    (void)part, (void)bytes, (void)len, (void)err;
    b->full = true;
    b->hit |= b->in_content;
    return 0;
}

static int border_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    return bfci_recipe_header(((struct border *)ctx)->w, block, err);
}

static int border_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return bfci_recipe_bytes(((struct border *)ctx)->w, bytes, len, err);
}

static int border_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    struct border *b = ctx;

    (void)err;
    b->in_content = e->kind == TAR_FILE;
    return 0;
}

static int border_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)bytes, (void)len, (void)err;
    return 0;
}

static int border_end(void *ctx, bfc_err *err)
{
    struct border *b = ctx;
    int rc = b->in_content ? bfci_recipe_whole(b->w, 2, err) : 0;

    b->in_content = false;
    return rc;
}

static struct border border_of(const buf *tar)
{
    struct border b = {0};
    const bfci_tar_sink sink = {&b,           border_header, border_other,
                                border_entry, border_data,   border_end};
    bfci_tar *t = NULL;

    assert_int_equal(bfci_recipe_writer_new(border_part, &b, &b.w, NULL), 0);
    assert_int_equal(bfci_tar_new(&sink, &t, NULL), 0);
    assert_int_equal(bfci_tar_feed(t, tar->data, tar->len, NULL), 0);
    bfci_tar_free(t);
    bfci_recipe_writer_free(b.w);
    return b;
}

/* An attribute's bytes are in the recipe; so much of them, then a file. */
static void put_bordering(buf *tar, const uint8_t *noise, size_t len)
{
    const struct made file = F("after", "of the file\n");

    tar->len = 0;
    for (size_t at = 0, n = 0; at < len; at += n) {
        char name[40];
        n = MIN(len - at, 65536u);
        (void)snprintf(name, sizeof name, "f%zu", at / 65536);
        const bfci_tar_xattr x = {"user.x", noise, n};
        const bfci_tar_entry e = {
            .kind = TAR_FIFO, .path = name, .link = "", .xattr = &x, .xattr_count = 1};
        tar_put(tar, &e, NULL);
    }
    tar_put_made(tar, &file);
}

/* The smallest length with which a part is full is about where a content's place is the first that
 * does not fit. */
static void find_border(buf *tar, const uint8_t *noise)
{
    size_t low = 15 * 65536, high = 17 * 65536, middle;

    while (low < high) {
        middle = (low + high) / 2;
        put_bordering(tar, noise, middle);
        if (border_of(tar).full)
            high = middle;
        else
            low = middle + 1;
    }
    for (size_t len = low - 600; len < low + 600; len++) {
        put_bordering(tar, noise, len);
        if (border_of(tar).hit)
            return;
    }
    fail_msg("no such layer was found");
}

/* A part of the recipe that is full just when a file's content is told of is stored between that
 * content and its inode. */
static void test_layer_in__part_that_ends_at_a_content(void **state)
{
    struct stack s;
    uint8_t *noise = malloc(65536);

    assert_non_null(noise);
    for (size_t i = 0; i < 65536; i++)
        noise[i] = (uint8_t)('a' + i * i % 23);
    stack_open(&s, *state);
    buf *tar = stack_layer(&s);
    find_border(tar, noise);
    tar_end(tar);
    stack_store(&s);
    assert_int_equal(s.facts[0].parts, 2);
    uint64_t ino = stack_ino(&s, ROOT_TREE, "after");
    bfc_reader *r = stack_reader(&s, ROOT_TREE);
    char have[40] = "";
    size_t got = 0;
    care_ok(s.c, bfc_reader_read(r, ino, 0, have, sizeof have, &got, &s.c->err));
    assert_string_equal(have, "of the file\n");
    bfc_reader_close(r);
    free(noise);
    stack_close(&s);
}

static void test_layer_in__recipe_of_many_parts(void **state)
{
    struct stack s;
    char name[300], text[40];

    stack_open(&s, *state);
    s.portion = 65536;
    buf *tar = stack_layer(&s);
    for (unsigned i = 0; i < 12000; i++) {
        memset(name, 'a' + (int)(i % 26), 200);
        (void)snprintf(name + 200, sizeof name - 200, "%u", i * 7919);
        (void)snprintf(text, sizeof text, "content of %u\n", i);
        tar_put_made(tar, &(struct made)F(name, text));
    }
    tar_end(tar);
    stack_store(&s);
    assert_in_range(s.facts[0].parts, 3, 12);
    assert_int_equal(s.facts[0].files, 12000);
    assert_int_equal(s.facts[0].tar_size, tar->len);
    assert_int_equal(s.entries, 12001);
    stack_close(&s);
}

/* Nothing that surrounds the entries is lost, and none of it is an entry. */
static void test_layer_in__bytes_around_entries(void **state)
{
    struct stack s;
    const struct made a = F("a", "1");
    uint8_t block[TAR_BLOCK];

    stack_open(&s, *state);
    buf *tar = stack_layer(&s); /* no end, no padding */
    tar_put_made(tar, &a);
    tar->len = 512 + 1;
    tar = stack_layer(&s); /* something behind the end */
    tar_put_made(tar, &(struct made)F("b", "2"));
    tar_end(tar);
    bfci_buf_put(tar, "something else", 14);
    tar = stack_layer(&s); /* a volume's label, which no tree holds */
    tar_put_made(tar, &(struct made)F("c", "3"));
    memcpy(block, tar->data, sizeof block);
    block[156] = 'V';
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < sizeof block; i++)
        sum += i >= 148 && i < 156 ? 0 : block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
    memcpy(tar->data, block, sizeof block);
    tar_put_made(tar, &(struct made)F("d", "4"));
    tar_end(tar);
    stack_becomes(&s, "/? a=1 b=2 d=4");
    assert_int_equal(s.facts[2].files, 2);
    stack_close(&s);
}

/* ── Attributes, holes ── */

static void put_with_xattrs(buf *tar, enum bfci_tar_kind kind, const char *path,
                            const bfci_tar_xattr *x, size_t count)
{
    const bfci_tar_entry e = {.kind = kind,
                              .path = path,
                              .link = "",
                              .mode = kind == TAR_DIR ? 0755 : 0644,
                              .mtime = -5,
                              .mtime_ns = 123456789,
                              .xattr = x,
                              .xattr_count = count};
    tar_put(tar, &e, NULL);
}

static void expect_xattrs(struct stack *s, uint32_t tree, const char *path, const char *want)
{
    bfc_reader *r = stack_reader(s, tree);
    bfc_xattrs *x = NULL;
    bfc_entry e;
    char have[400] = "";
    size_t at = 0;

    care_ok(s->c, bfc_reader_stat(r, path, &e, &s->c->err));
    assert_int_equal(e.mtime, -5);
    assert_int_equal(e.mtime_ns, 123456789);
    care_ok(s->c, bfc_reader_xattrs(r, e.ino, &x, &s->c->err));
    for (size_t i = 0; x && i < x->count; i++)
        at += (size_t)snprintf(have + at, sizeof have - at, "%s=%.*s;", x->item[i].name,
                               (int)MIN(x->item[i].value_len, 20u), (const char *)x->item[i].value);
    bfc_xattrs_free(x);
    bfc_reader_close(r);
    assert_string_equal(have, want);
}

static void test_layer_in__extended_attributes(void **state)
{
    struct stack s;
    AUTO_FREE char *large = malloc(65536);

    assert_non_null(large);
    memset(large, 'v', 65536);
    const bfci_tar_xattr x[] = {{"security.capability", (const uint8_t *)"\1\0\0\2", 4},
                                {"user.a", (const uint8_t *)"1", 1},
                                {"user.b", (const uint8_t *)large, 65536}};
    stack_open(&s, *state);
    buf *tar = stack_layer(&s);
    put_with_xattrs(tar, TAR_DIR, "./", x + 1, 1);
    put_with_xattrs(tar, TAR_DIR, "d", x + 1, 1);
    put_with_xattrs(tar, TAR_FILE, "d/f", x, 3);
    put_with_xattrs(tar, TAR_FILE, "g", NULL, 0);
    tar_end(tar);
    tar = stack_layer(&s);
    put_with_xattrs(tar, TAR_DIR, "d", x + 2, 1);
    tar_end(tar);
    stack_store(&s);
    expect_xattrs(&s, ROOT_TREE, "", "user.a=1;");
    expect_xattrs(&s, s.facts[0].tree, "d", "user.a=1;");
    expect_xattrs(&s, ROOT_TREE, "d", "user.b=vvvvvvvvvvvvvvvvvvvv;");
    expect_xattrs(&s, ROOT_TREE, "d/f",
                  "security.capability=\1;user.a=1;user.b=vvvvvvvvvvvvvvvvvvvv;");
    expect_xattrs(&s, ROOT_TREE, "g", "");
    stack_close(&s);
}

static void test_layer_in__attributes_beyond_linux(void **state)
{
    struct stack s;
    AUTO_FREE char *large = calloc(1, 65537);
    char name[300] = "user.";
    bfci_tar_xattr many[17];
    static char names[17][16];

    assert_non_null(large);
    memset(name + 5, 'n', 255 - 5 + 1);
    const bfci_tar_xattr x[] = {{"user.a", (const uint8_t *)large, 65537},
                                {name, (const uint8_t *)"1", 1}};
    for (size_t i = 0; i < ARRAY_LEN(x); i++) {
        stack_open(&s, *state);
        put_with_xattrs(stack_layer(&s), TAR_FILE, "f", &x[i], 1);
        stack_refuse(&s, BFC_E_LIMIT, "entry 'f': extended attribute 'user.");
        stack_close(&s);
    }
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        (void)snprintf(names[i], sizeof names[i], "user.%02zu", i);
        many[i] = (bfci_tar_xattr){names[i], (const uint8_t *)large, 65536};
    }
    stack_open(&s, *state);
    put_with_xattrs(stack_layer(&s), TAR_FILE, "f", many, ARRAY_LEN(many));
    stack_refuse(&s, BFC_E_LIMIT, "1048576 are allowed");
    stack_close(&s);
}

static void put_sparse(buf *tar, const char *path, uint64_t size, const bfci_tar_range *range,
                       size_t count, const uint8_t *data)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += range[i].len;
    const bfci_tar_entry e = {.kind = TAR_FILE,
                              .path = path,
                              .link = "",
                              .mode = 0644,
                              .size = size,
                              .data_size = sum,
                              .sparse = true,
                              .range = range,
                              .range_count = count};
    tar_put(tar, &e, data);
}

static void expect_ranges(struct stack *s, const char *path, uint64_t size,
                          const bfci_tar_range *range, size_t count, const uint8_t *data)
{
    AUTO_FREE uint8_t *want = calloc(1, (size_t)size);
    AUTO_FREE uint8_t *have = malloc((size_t)size);
    bfc_reader *r = stack_reader(s, ROOT_TREE);
    uint64_t sum = 0;
    size_t got = 0;
    bfc_entry e;

    assert_true(want && have);
    for (size_t i = 0; i < count; i++) {
        memcpy(want + range[i].offset, data + sum, (size_t)range[i].len);
        sum += range[i].len;
    }
    care_ok(s->c, bfc_reader_stat(r, path, &e, &s->c->err));
    assert_int_equal(e.size, size);
    assert_int_equal(e.data_size, sum);
    care_ok(s->c, bfc_reader_read(r, e.ino, 0, have, (size_t)size, &got, &s->c->err));
    assert_int_equal(got, size);
    assert_memory_equal(have, want, got);
    bfc_reader_close(r);
}

static void test_layer_in__holes(void **state)
{
    static const bfci_tar_range few[] = {{100, 50}, {4096, 9000}, {1000000, 1}};
    struct stack s;
    bfci_tar_range many[300];
    AUTO_FREE uint8_t *noise = malloc(300 * 1000);

    assert_non_null(noise);
    care_noise(noise, 300 * 1000, 3);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (bfci_tar_range){i * 5000, 1000};
    stack_open(&s, *state);
    s.portion = 777;
    buf *tar = stack_layer(&s);
    put_sparse(tar, "few", 1 << 20, few, ARRAY_LEN(few), noise);
    put_sparse(tar, "many", 300 * 5000, many, ARRAY_LEN(many), noise); /* beyond an inode's room */
    put_sparse(tar, "to-the-end", 300 * 5000 - 4000, many, ARRAY_LEN(many), noise);
    put_sparse(tar, "hole", 12345, few, 0, noise);
    put_sparse(tar, "whole", 1000, many, 1, noise); /* none after all */
    tar_put_made(tar, &(struct made)H("link", "few"));
    tar_end(tar);
    stack_store(&s);
    expect_ranges(&s, "few", 1 << 20, few, ARRAY_LEN(few), noise);
    expect_ranges(&s, "link", 1 << 20, few, ARRAY_LEN(few), noise);
    expect_ranges(&s, "many", 300 * 5000, many, ARRAY_LEN(many), noise);
    expect_ranges(&s, "to-the-end", 300 * 5000 - 4000, many, ARRAY_LEN(many), noise);
    expect_ranges(&s, "hole", 12345, few, 0, noise);
    expect_ranges(&s, "whole", 1000, many, 1, noise);
    assert_int_equal(s.content, (1 << 20) + 600 * 5000 - 4000 + 12345 + 1000);
    stack_close(&s);
}

/* ── Nothing else decides ── */

static void put_all_kinds(struct stack *s)
{
    buf *tar = stack_layer(s);
    const bfci_tar_xattr x = {"user.a", (const uint8_t *)"1", 1};
    AUTO_FREE uint8_t *noise = malloc(1200000);
    const bfci_tar_entry e = {.kind = TAR_FILE,
                              .path = "large",
                              .link = "",
                              .mode = 0644,
                              .size = 1200000,
                              .data_size = 1200000};

    assert_non_null(noise);
    care_noise(noise, 1200000, 1);
    put_with_xattrs(tar, TAR_DIR, "d", &x, 1);
    tar_put(tar, &e, noise);
    tar_put_made(tar, &(struct made)H("link", "large"));
    tar_put(tar, &e, noise);
    tar_end(tar);
    LAYER(s, F("x", "1"), H("y", "large"), F(".wh.d", ""), L("z", "x"));
}

static void test_layer_in__portions_and_threads_do_not_show(void **state)
{
    static const size_t portions[] = {0, 1000, 512};
    static const unsigned jobs[] = {1, 2, 7};
    struct care *c = *state;
    AUTO_FREE uint8_t *first = NULL;
    size_t first_len = 0;

    for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
        struct stack s;
        size_t len = 0;
        stack_open(&s, c);
        s.portion = portions[i];
        s.o.jobs = jobs[i];
        put_all_kinds(&s);
        stack_store(&s);
        AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
        if (i == 0) {
            first = bfci_steal(&bytes);
            first_len = len;
        } else {
            assert_int_equal(len, first_len);
            assert_true(memcmp(bytes, first, len) == 0);
        }
        stack_close(&s);
    }
}

/* ── What is refused ── */

struct promise {
    struct stack *s;
    bfci_digest digest;
    const bfc_hooks *hooks;
};

static int feed_promised(void *ctx, bfci_feed *feed, bfc_err *err)
{
    struct promise *p = ctx;
    struct produced from = {&p->s->tar[0], 512};
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;
    AUTO_IMAGE_IN bfci_image_in ii;
    bfci_layer_facts facts = {0};

    BFC_TRY(bfci_image_in_begin(&ii, feed, NULL, 1, p->hooks, err));
    BFC_TRY(bfci_layer_stream_produce(stack_produce, &from, &stream, err));
    BFC_TRY(bfci_image_in_layer(&ii, stream, "", &p->digest, &facts, err));
    BFC_TRY(bfci_image_in_merged(&ii, ROOT_TREE, "", err));
    return bfci_image_in_finish(&ii, err);
}

static int store_promised(struct promise *p)
{
    struct care *c = p->s->c;
    bfc_writer *w = NULL;

    c->err = (bfc_err)BFC_ERR_INIT;
    care_ok(c, bfc_writer_create(c->file, &p->s->o, &w, &c->err));
    bfci_writer_feed(w, feed_promised, p);
    int rc = bfc_writer_commit(w, NULL, &c->err);
    bfc_writer_close(w);
    return rc;
}

static void test_layer_in__promised_diff_id(void **state)
{
    const int cancel = 1;
    const bfc_hooks hooks = {.cancel = &cancel};
    struct stack s;
    struct promise p = {.s = &s};

    stack_open(&s, *state);
    put_lower(&s);
    assert_int_equal(bfci_sha256(s.tar[0].data, s.tar[0].len, p.digest.bytes, NULL), 0);
    p.digest.bytes[5] ^= 1;
    assert_int_equal(store_promised(&p), BFC_E_CORRUPT);
    assert_non_null(strstr(s.c->err.msg, "the image's configuration promises sha256:"));
    p.digest.bytes[5] ^= 1;
    p.hooks = &hooks;
    assert_int_equal(store_promised(&p), BFC_E_CANCELLED);
    p.hooks = NULL;
    if (store_promised(&p) != 0)
        fail_msg("%s", s.c->err.msg);
    care_expect_clean(s.c, s.c->file);
    stack_close(&s);
}

static void test_layer_in__values_beyond_limits(void **state)
{
    struct stack s;
    bfci_tar_entry e = {.kind = TAR_FILE, .path = "f", .link = "", .uid = UINT32_MAX};
    char name[300];

    stack_open(&s, *state);
    tar_put(stack_layer(&s), &e, NULL);
    stack_refuse(&s, BFC_E_LIMIT, "owner 4294967295:0");
    stack_close(&s);
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    stack_open(&s, *state);
    LAYER(&s, F(name, "1"));
    stack_refuse(&s, BFC_E_CORRUPT, "cannot stand in a tree");
    stack_close(&s);
    name[255] = '\0';
    stack_open(&s, *state);
    LAYER(&s, F(name, "1"), L("l", name), H("h", name));
    stack_store(&s);
    stack_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_layer_in__folders_are_shared),
        CARE_TEST(test_layer_in__folders_are_shared_beside_links),
        CARE_TEST(test_layer_in__attributes_alone),
        CARE_TEST(test_layer_in__contents_are_stored_once),
        CARE_TEST(test_layer_in__part_that_ends_at_a_content),
        CARE_TEST(test_layer_in__recipe_of_many_parts),
        CARE_TEST(test_layer_in__bytes_around_entries),
        CARE_TEST(test_layer_in__extended_attributes),
        CARE_TEST(test_layer_in__attributes_beyond_linux),
        CARE_TEST(test_layer_in__holes),
        CARE_TEST(test_layer_in__portions_and_threads_do_not_show),
        CARE_TEST(test_layer_in__promised_diff_id),
        CARE_TEST(test_layer_in__values_beyond_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
