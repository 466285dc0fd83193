/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a commit: contents of every size, many of them known already, which must leave no trace
 * in the file: neither bytes nor numbers of blocks, whichever thread was done first. */
#include "care_fixture.h"

#include "base/cursor.h"
#include "container/feed.h"
#include "container/reader.h"

enum {
    KIB = 1 << 10,
    MIB = 1 << 20,
    ROWS_MAX = 24,
    METADATA_MAX = 10 * 4096 /* that a few more inodes and names may take, in steps of a page */
};

/* A row of them ends with one without a name. */
struct row {
    const char *name;
    size_t size;
    uint64_t seed; /* equal seeds, sizes and kinds: equal contents */
    bool is_text;
};

struct meal {
    const struct row *row;
    uint32_t number; /* of the commit */
    size_t portion;
    const char *blob; /* stored after the first file, by this name; NULL: none */
    size_t excess;    /* bytes of each file that nobody announced */
    int fail;         /* after all else; 0: does not */
};

static void fill_text(uint8_t *out, size_t len, uint64_t seed)
{
    char line[64];
    size_t n = 0;

    for (size_t at = 0; at < len; at += n) {
        n = (size_t)snprintf(line, sizeof line, "line %zu of text %" PRIu64 " goes on\n", at, seed);
        n = MIN(n, len - at);
        memcpy(out + at, line, n);
    }
}

static uint8_t *content_of(const struct row *r)
{
    uint8_t *bytes = malloc(r->size + 1);

    assert_non_null(bytes);
    if (r->is_text)
        fill_text(bytes, r->size, r->seed);
    else
        care_noise(bytes, r->size, r->seed);
    return bytes;
}

/* ── Feeding ── */

static int feed_file(const struct meal *m, bfci_feed *feed, uint64_t root, const struct row *r,
                     bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = content_of(r);
    bfci_inode n = {.type = BFC_TYPE_FILE, .mode = 0644};
    uint64_t ino = bfci_feed_ino(feed);

    BFC_TRY(bfci_feed_begin(feed, r->name, r->size, false, err));
    for (size_t at = 0; at < r->size; at += m->portion)
        BFC_TRY(bfci_feed_data(feed, bytes + at, MIN(m->portion, r->size - at), err));
    BFC_TRY(bfci_feed_data(feed, bytes, m->excess, err));
    BFC_TRY(bfci_feed_end(feed, ino, &n, err));
    BFC_TRY(bfci_feed_inode(feed, ino, &n, false, err));
    return bfci_stage_dirent(feed->stage, root, r->name, BFC_TYPE_FILE, ino, err);
}

static int feed_blob(const struct meal *m, bfci_feed *feed, bfc_err *err)
{
    const struct row r = {"", 700 * KIB, 77, false};
    AUTO_FREE uint8_t *bytes = content_of(&r);
    bfci_stored stored;

    BFC_TRY(bfci_feed_blob(feed, bytes, r.size, &stored, err));
    return bfci_stage_blob(feed->stage, m->blob, &stored, err);
}

static int put_tree(bfci_feed *feed, uint32_t id, uint8_t kind, uint64_t root, bfc_err *err)
{
    return bfci_stage_tree(
        feed->stage, id,
        &(bfci_tree){.kind = kind, .root = root, .label = {(const uint8_t *)"", 0}}, err);
}

/* Each commit is a tree of its own, and tree 0 as well. */
static int feed_meal(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const struct meal *m = ctx;
    bfci_inode root = {.type = BFC_TYPE_DIR, .mode = 0755};
    uint64_t ino = bfci_feed_ino(feed);

    feed->in->extent_count = 0;
    BFC_TRY(bfci_feed_inode(feed, ino, &root, false, err));
    BFC_TRY(put_tree(feed, m->number, TREE_LAYER, ino, err));
    BFC_TRY(put_tree(feed, ROOT_TREE, TREE_ROOTFS, ino, err));
    for (const struct row *r = m->row; r->name; r++) {
        BFC_TRY(feed_file(m, feed, ino, r, err));
        if (m->blob && r == m->row)
            BFC_TRY(feed_blob(m, feed, err));
    }
    return m->fail ? bfci_fail(err, m->fail, "the test fails") : 0;
}

static bfc_writer_options options_of(uint32_t block_size, unsigned jobs)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;

    o.block_size = block_size;
    o.jobs = jobs;
    o.reproducible = true;
    o.replace = true;
    return o;
}

static int try_meal(struct care *c, const char *path, const bfc_writer_options *o,
                    const struct meal *m)
{
    bfc_writer *w = NULL;

    if (m->number > 1)
        care_ok(c, bfci_writer_append_fed(path, o, &w, &c->err));
    else
        care_ok(c, bfc_writer_create(path, o, &w, &c->err));
    bfci_writer_feed(w, feed_meal, (void *)(uintptr_t)m);
    int rc = bfc_writer_commit(w, NULL, &c->err);
    bfc_writer_close(w);
    return rc;
}

static void feed_rows(struct care *c, const char *path, const bfc_writer_options *o,
                      uint32_t number, const struct row *rows)
{
    const struct meal m = {.row = rows, .number = number, .portion = 100003};

    care_ok(c, try_meal(c, path, o, &m));
}

/* ── Looking ── */

struct facts {
    uint64_t size, blocks, next_block, raw, stored;
    uint64_t table; /* where the root of the table of blocks is */
};

static struct facts facts_of(struct care *c, const char *path)
{
    bfc_reader *r = NULL;

    care_ok(c, bfc_reader_open(path, NULL, &r, &c->err));
    const bfci_commit *k = &r->source.commit;
    struct facts f = {care_size(path), k->table[TABLE_BLOCKS].count,
                      k->next_block,   k->data_raw,
                      k->data_stored,  k->table[TABLE_BLOCKS].root.offset};
    bfc_reader_close(r);
    return f;
}

static void expect_content(struct care *c, bfc_reader *r, const struct row *row)
{
    AUTO_FREE uint8_t *want = content_of(row);
    AUTO_FREE uint8_t *have = malloc(row->size + 1);
    size_t got = 0;
    bfc_entry e;

    assert_non_null(have);
    care_ok(c, bfc_reader_stat(r, row->name, &e, &c->err));
    assert_int_equal(e.size, row->size);
    care_ok(c, bfc_reader_read(r, e.ino, 0, have, row->size + 1, &got, &c->err));
    assert_int_equal(got, row->size);
    assert_true(memcmp(have, want, got) == 0);
}

/* Clean, every number of a block in use, and all contents there. */
static void check(struct care *c, const char *path, const struct row *rows)
{
    bfc_reader *r = NULL;
    struct facts f = facts_of(c, path);

    care_expect_clean(c, path);
    assert_int_equal(f.blocks, f.next_block);
    care_ok(c, bfc_reader_open(path, NULL, &r, &c->err));
    for (; rows->name; rows++)
        expect_content(c, r, rows);
    bfc_reader_close(r);
}

static void expect_equal_files(struct care *c)
{
    size_t len = 0, other_len = 0;
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    AUTO_FREE uint8_t *other = care_load(c->other, &other_len);

    assert_int_equal(len, other_len);
    assert_true(memcmp(bytes, other, len) == 0);
}

/* The same contents with and without known ones among them take the same room. */
static void expect_no_trace(struct care *c, const char *with, const char *without)
{
    struct facts a = facts_of(c, with), b = facts_of(c, without);

    assert_int_equal(a.next_block, b.next_block);
    assert_int_equal(a.blocks, b.blocks);
    assert_int_equal(a.raw, b.raw);
    assert_int_equal(a.stored, b.stored);
    assert_in_range(a.size, b.size, b.size + METADATA_MAX);
}

/* ── Known contents ── */

static const uint32_t block_sizes[] = {4 * KIB, 128 * KIB, 4 * MIB};
static const struct {
    uint32_t block_size;
    unsigned jobs;
} ways[] = {{4 * KIB, 7}, {128 * KIB, 1}, {128 * KIB, 7}, {4 * MIB, 1}};

/* Known ones between others of each size, one right after the other, and as the last. */
static const struct row twice[] = {{"a", MIB, 1, false},
                                   {"a2", MIB, 1, false},
                                   {"b", 5 * MIB + 3, 2, true},
                                   {"small", 300 * KIB, 3, false},
                                   {"c", 6 * MIB, 4, false},
                                   {"b2", 5 * MIB + 3, 2, true},
                                   {"b3", 5 * MIB + 3, 2, true},
                                   {"tiny", 10, 5, true},
                                   {"a3", MIB, 1, false},
                                   {"other", MIB, 6, false},
                                   {"small2", 300 * KIB, 3, false},
                                   {"c2", 6 * MIB, 4, false},
                                   {"d", 4 * MIB, 7, true},
                                   {"empty", 0, 0, true},
                                   {"d2", 4 * MIB, 7, true},
                                   {NULL, 0, 0, false}};
static const struct row once[] = {{"a", MIB, 1, false},           {"b", 5 * MIB + 3, 2, true},
                                  {"small", 300 * KIB, 3, false}, {"c", 6 * MIB, 4, false},
                                  {"tiny", 10, 5, true},          {"other", MIB, 6, false},
                                  {"d", 4 * MIB, 7, true},        {NULL, 0, 0, false}};

static void test_feed__known_contents_leave_no_trace(void **state)
{
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        bfc_writer_options o = options_of(ways[i].block_size, ways[i].jobs);
        feed_rows(c, c->file, &o, 1, twice);
        check(c, c->file, twice);
        feed_rows(c, c->other, &o, 1, once);
        expect_no_trace(c, c->file, c->other);
    }
}

static void test_feed__known_to_the_commit_before(void **state)
{
    static const struct row next[] = {{"x", MIB, 1, false},        {"new", 3 * MIB, 8, false},
                                      {"y", 6 * MIB, 4, false},    {"z", 5 * MIB + 3, 2, true},
                                      {"new2", 3 * MIB, 8, false}, {"text", 2 * MIB, 9, true},
                                      {"a", 4 * MIB, 7, true},     {NULL, 0, 0, false}};
    static const struct row only_new[] = {
        {"new", 3 * MIB, 8, false}, {"text", 2 * MIB, 9, true}, {NULL, 0, 0, false}};
    static const struct row known[] = {{"k", 6 * MIB, 4, false}, {NULL, 0, 0, false}};
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        bfc_writer_options o = options_of(ways[i].block_size, ways[i].jobs);
        feed_rows(c, c->file, &o, 1, once);
        feed_rows(c, c->file, &o, 2, next);
        check(c, c->file, next);
        feed_rows(c, c->other, &o, 1, once);
        feed_rows(c, c->other, &o, 2, only_new);
        expect_no_trace(c, c->file, c->other);
        struct facts before = facts_of(c, c->file);
        feed_rows(c, c->file, &o, 3, known);
        check(c, c->file, known);
        assert_int_equal(facts_of(c, c->file).next_block, before.next_block);
        assert_int_equal(facts_of(c, c->file).table, before.table);
        assert_in_range(care_size(c->file), before.size, before.size + METADATA_MAX);
    }
}

/* More than can be in flight at once (64 blocks, or 20 MiB): much of it was written when it turns
 * out to be known. */
static void test_feed__large_known_contents(void **state)
{
    static const uint32_t sizes[] = {4 * KIB, 4 * MIB};
    struct care *c = *state;

    for (unsigned i = 0; i < 4; i++) {
        bool text = i % 2;
        size_t size = i < 2 ? 2 * MIB : 30 * MIB;
        const struct row rows[] = {{"a", size, 1, text},
                                   {"b", size, 1, text},
                                   {"c", MIB + 1, 2, text},
                                   {NULL, 0, 0, false}};
        const struct row less[] = {rows[0], rows[2], rows[3]};
        bfc_writer_options o = options_of(sizes[i / 2], 3);
        feed_rows(c, c->file, &o, 1, rows);
        feed_rows(c, c->other, &o, 1, less);
        expect_no_trace(c, c->file, c->other);
        feed_rows(c, c->file, &o, 2, rows);
        check(c, c->file, rows);
        expect_no_trace(c, c->file, c->other);
    }
}

/* Contents of a known size that are others: nothing is dropped. */
static void test_feed__other_contents_of_known_size(void **state)
{
    static const struct row rows[] = {{"a", 2 * MIB, 1, false}, {"b", 2 * MIB, 2, false},
                                      {"c", 2 * MIB, 3, true},  {"d", 2 * MIB, 2, false},
                                      {"e", 2 * MIB, 4, false}, {NULL, 0, 0, false}};
    struct care *c = *state;
    bfc_writer_options o = options_of(64 * KIB, 2);

    feed_rows(c, c->file, &o, 1, rows);
    check(c, c->file, rows);
    assert_int_equal(facts_of(c, c->file).raw, 8 * MIB);
}

/* ── The same bytes ── */

static void test_feed__threads_do_not_show(void **state)
{
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(block_sizes); i++) {
        bfc_writer_options one = options_of(block_sizes[i], 1);
        feed_rows(c, c->file, &one, 1, twice);
        bfc_writer_options seven = options_of(block_sizes[i], 7);
        feed_rows(c, c->other, &seven, 1, twice);
        expect_equal_files(c);
        feed_rows(c, c->file, &one, 2, twice);
        feed_rows(c, c->other, &seven, 2, twice);
        expect_equal_files(c);
    }
}

static void test_feed__portions_do_not_show(void **state)
{
    static const size_t portions[] = {512, 16 * MIB};
    struct care *c = *state;
    bfc_writer_options o = options_of(64 * KIB, 3);

    feed_rows(c, c->file, &o, 1, twice);
    for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
        const struct meal m = {.row = twice, .number = 1, .portion = portions[i]};
        care_ok(c, try_meal(c, c->other, &o, &m));
        expect_equal_files(c);
    }
}

/* Where small contents end and streamed ones begin, and where blocks do. */
static void test_feed__sizes_at_the_borders(void **state)
{
    static const size_t sizes[] = {1,       4095,      4096,          4097,          2 * KIB - 1,
                                   2 * KIB, 512 * KIB, 512 * KIB - 1, 512 * KIB + 1, MIB - 1,
                                   MIB + 1};
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(block_sizes); i++) {
        struct row rows[2 * ARRAY_LEN(sizes) + 1] = {0};
        char name[ARRAY_LEN(rows)][8];
        for (size_t n = 0; n + 1 < ARRAY_LEN(rows); n++) {
            (void)snprintf(name[n], sizeof name[n], "f%zu", n);
            rows[n] = (struct row){name[n], sizes[n / 2], n / 2, false};
        }
        bfc_writer_options o = options_of(block_sizes[i], 2);
        feed_rows(c, c->file, &o, 1, rows);
        check(c, c->file, rows);
        uint64_t sum = 0;
        for (size_t n = 0; n < ARRAY_LEN(sizes); n++)
            sum += sizes[n];
        assert_int_equal(facts_of(c, c->file).raw, sum);
    }
}

static void test_feed__blobs_between(void **state)
{
    const struct row like = {"", 700 * KIB, 77, false};
    struct care *c = *state;
    AUTO_FREE uint8_t *want = content_of(&like);

    for (size_t i = 0; i < ARRAY_LEN(block_sizes); i++) {
        bfc_writer_options o = options_of(block_sizes[i], 2);
        const struct meal m = {.row = twice, .number = 1, .portion = 65536, .blob = "blob"};
        AUTO_FREE uint8_t *have = NULL;
        bfc_reader *r = NULL;
        size_t len = 0;
        care_ok(c, try_meal(c, c->file, &o, &m));
        check(c, c->file, twice);
        care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
        care_ok(c, bfc_reader_blob(r, "blob", &have, &len, &c->err));
        bfc_reader_close(r);
        assert_int_equal(len, like.size);
        assert_memory_equal(have, want, len);
    }
}

/* ── Holes and attributes ── */

static int feed_sparse(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const uint8_t *noise = ctx;
    bfci_inode root = {.type = BFC_TYPE_DIR, .mode = 0755},
               n = {.type = BFC_TYPE_FILE, .mode = 0644};
    uint64_t top = bfci_feed_ino(feed), ino = bfci_feed_ino(feed);
    AUTO_FREE uint8_t *value = malloc(60000);

    assert_non_null(value);
    care_noise(value, 60000, 5);
    const bfci_xattr_item items[] = {
        {{(const uint8_t *)"user.a", 6}, {(const uint8_t *)"1", 1}},
        {{(const uint8_t *)"user.large", 10}, {value, 60000}},
    };
    BFC_TRY(bfci_feed_inode(feed, top, &root, false, err));
    BFC_TRY(put_tree(feed, ROOT_TREE, TREE_ROOTFS, top, err));
    BFC_TRY(bfci_feed_xattrs(feed, items, 2, &n, err));
    BFC_TRY(bfci_feed_begin(feed, "holes", 20 * MIB, true, err));
    BFC_TRY(bfci_feed_hole(feed, MIB, err));
    BFC_TRY(bfci_feed_data(feed, noise, 1000, err));
    BFC_TRY(bfci_feed_data(feed, noise + 1000, 2 * MIB - 1000, err));
    BFC_TRY(bfci_feed_hole(feed, 16 * MIB, err));
    BFC_TRY(bfci_feed_data(feed, noise, 7, err));
    BFC_TRY(bfci_feed_hole(feed, MIB - 7, err));
    BFC_TRY(bfci_feed_end(feed, ino, &n, err));
    BFC_TRY(bfci_feed_inode(feed, ino, &n, false, err));
    return bfci_stage_dirent(feed->stage, top, "holes", BFC_TYPE_FILE, ino, err);
}

/* docs/format.md, section 7, put together by hand. */
static void digest_of_holes(const uint8_t *noise, uint8_t out[BFC_DIGEST_SIZE])
{
    AUTO_BUF buf b = BUF_INIT;

    bfci_buf_put(&b, noise, 2 * MIB);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t raw[8];
        put_u64le(raw, i ? 2 * MIB : MIB);
        bfci_buf_put(&b, raw, sizeof raw);
    }
    bfci_buf_put(&b, noise, 7);
    const uint64_t rest[] = {19 * MIB, 7, 20 * MIB};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        uint8_t raw[8];
        put_u64le(raw, rest[i]);
        bfci_buf_put(&b, raw, sizeof raw);
    }
    assert_false(b.bad);
    assert_int_equal(bfci_sha256(b.data, b.len, out, NULL), 0);
}

static void check_holes(struct care *c, const uint8_t *noise)
{
    AUTO_FREE uint8_t *have = malloc(20 * MIB);
    AUTO_FREE uint8_t *want = calloc(20, MIB);
    uint8_t digest[BFC_DIGEST_SIZE];
    bfc_xattrs *xattrs = NULL;
    bfc_reader *r = NULL;
    size_t got = 0;
    bfc_entry e;

    assert_non_null(have);
    assert_non_null(want);
    memcpy(want + MIB, noise, 2 * MIB);
    memcpy(want + 19 * MIB, noise, 7);
    digest_of_holes(noise, digest);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, "holes", &e, &c->err));
    assert_int_equal(e.size, 20 * MIB);
    assert_int_equal(e.data_size, 2 * MIB + 7);
    assert_memory_equal(e.digest, digest, sizeof digest);
    assert_int_equal(e.crc32c, bfci_crc32c(want, 20 * MIB));
    care_ok(c, bfc_reader_read(r, e.ino, 0, have, 20 * MIB, &got, &c->err));
    assert_true(got == 20 * MIB && memcmp(have, want, got) == 0);
    care_ok(c, bfc_reader_xattrs(r, e.ino, &xattrs, &c->err));
    assert_int_equal(xattrs->count, 2);
    assert_int_equal(xattrs->item[1].value_len, 60000);
    bfc_xattrs_free(xattrs);
    bfc_reader_close(r);
}

static void test_feed__holes_and_attributes(void **state)
{
    struct care *c = *state;
    AUTO_FREE uint8_t *noise = malloc(2 * MIB);

    assert_non_null(noise);
    care_noise(noise, 2 * MIB, 9);
    for (size_t i = 0; i < ARRAY_LEN(block_sizes); i++) {
        bfc_writer_options o = options_of(block_sizes[i], 2);
        bfc_writer *w = NULL;
        care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
        bfci_writer_feed(w, feed_sparse, noise);
        care_ok(c, bfc_writer_commit(w, NULL, &c->err));
        bfc_writer_close(w);
        care_expect_clean(c, c->file);
        check_holes(c, noise);
    }
}

/* ── Failures ── */

static void test_feed__failure_leaves_nothing(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = options_of(4 * KIB, 2);
    struct meal m = {.row = twice, .number = 1, .portion = 65536, .fail = BFC_E_CORRUPT};

    assert_int_equal(try_meal(c, c->file, &o, &m), BFC_E_CORRUPT);
    assert_string_equal(c->err.msg, "the test fails");
    assert_int_equal(access(c->file, F_OK), -1);
    feed_rows(c, c->file, &o, 1, once);
    feed_rows(c, c->other, &o, 1, once);
    m.number = 2;
    m.fail = BFC_E_CANCELLED;
    assert_int_equal(try_meal(c, c->file, &o, &m), BFC_E_CANCELLED);
    expect_equal_files(c);
}

/* Of small contents, which are stored when all of them came. */
static void test_feed__more_than_announced(void **state)
{
    static const struct row small[] = {{"a", 3000, 1, false}, {NULL, 0, 0, false}};
    static const size_t portions[] = {1000, 3000};
    struct care *c = *state;
    bfc_writer_options o = options_of(4 * KIB, 2);

    for (size_t i = 0; i < ARRAY_LEN(portions); i++) {
        const struct meal m = {.row = small, .number = 1, .portion = portions[i], .excess = 1};
        assert_int_equal(try_meal(c, c->file, &o, &m), BFC_E_INVALID);
        assert_non_null(strstr(c->err.msg, "more than the 3000 bytes"));
        assert_int_equal(access(c->file, F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_feed__known_contents_leave_no_trace),
        CARE_TEST(test_feed__known_to_the_commit_before),
        CARE_TEST(test_feed__large_known_contents),
        CARE_TEST(test_feed__other_contents_of_known_size),
        CARE_TEST(test_feed__threads_do_not_show),
        CARE_TEST(test_feed__portions_do_not_show),
        CARE_TEST(test_feed__sizes_at_the_borders),
        CARE_TEST(test_feed__blobs_between),
        CARE_TEST(test_feed__holes_and_attributes),
        CARE_TEST(test_feed__failure_leaves_nothing),
        CARE_TEST(test_feed__more_than_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
