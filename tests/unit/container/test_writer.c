/* SPDX-License-Identifier: Apache-2.0 */
/* The writer by what a reader sees afterwards: equal contents once, replacing, links, exclusion,
 * small appends. */
#include "care_fixture.h"

static bfc_commit_info store(struct care *c, bool append, const char *const *exclude)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    bfc_commit_info info = {0};

    o.block_size = 4096;
    o.exclude = exclude;
    o.compression = BFC_COMPRESS_NONE;
    care_ok(c, append ? bfc_writer_append(c->file, &o, &w, &c->err)
                      : bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, &info, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, c->file);
    return info;
}

/* Names with their number of links: "a:1 d:1 d/b:2 ". */
static void names(struct care *c, char *out, size_t cap)
{
    bfc_reader *r = NULL;
    bfc_walk *walk = NULL;
    const bfc_entry *e = NULL;

    out[0] = '\0';
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_walk_open(r, NULL, &walk, &c->err));
    for (;;) {
        care_ok(c, bfc_walk_next(walk, &e, &c->err));
        if (!e)
            break;
        if (e->path_len)
            (void)snprintf(out + strlen(out), cap - strlen(out), "%s%s:%d ", e->path,
                           e->type == BFC_TYPE_DIR ? "/" : "", (int)e->nlink);
    }
    bfc_walk_close(walk);
    bfc_reader_close(r);
}

static void expect_names(struct care *c, const char *want)
{
    char out[4000];
    names(c, out, sizeof out);
    assert_string_equal(out, want);
}

static void in_src(struct care *c, char out[600], const char *name)
{
    (void)snprintf(out, 600, "%s/%s", c->src, name);
}

static void put_noise(struct care *c, const char *name, size_t len, uint64_t seed)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    care_noise(bytes, len, seed);
    care_put(c->src, name, bytes, len);
    free(bytes);
}

static void test_writer__equal_contents_are_stored_once(void **state)
{
    struct care *c = *state;

    put_noise(c, "a", 100000, 1);
    put_noise(c, "b", 100000, 1);
    put_noise(c, "small1", 300, 2);
    put_noise(c, "small2", 300, 2);
    bfc_commit_info first = store(c, false, NULL);
    assert_true(first.data_raw == 100300 && first.content_bytes == 200600);
    put_noise(c, "later", 100000, 1); /* also across commits */
    put_noise(c, "small3", 300, 2);
    bfc_commit_info second = store(c, true, NULL);
    assert_true(second.data_raw == 100300 && second.content_bytes == 300900);
}

static void test_writer__an_append_costs_what_it_adds(void **state)
{
    struct care *c = *state;
    char name[300], path[600];

    for (int i = 0; i < 4000; i++) {
        (void)snprintf(name, sizeof name, "a-file-with-a-name-of-some-length-%05d", i);
        care_put_text(c->src, name, name);
    }
    (void)store(c, false, NULL);
    uint64_t before = care_size(c->file);
    care_put_text(c->root, "one", "small");
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    o.compression = BFC_COMPRESS_NONE;
    care_ok(c, bfc_writer_append(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add(w, c->root, "one", &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, c->file);
    uint64_t added = care_size(c->file) - before;
    (void)snprintf(path, sizeof path, "%llu bytes were added to %llu", (unsigned long long)added,
                   (unsigned long long)before);
    if (added > 128 << 10 || added > before / 4)
        fail_msg("%s", path);
}

static void test_writer__replaces_files_by_folders_and_back(void **state)
{
    struct care *c = *state;
    char path[600];

    care_put_text(c->src, "x", "a file");
    (void)store(c, false, NULL);
    expect_names(c, "x:1 ");
    in_src(c, path, "x");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    care_put_text(path, "below", "1");
    bfc_commit_info info = store(c, true, NULL);
    expect_names(c, "x/:1 x/below:1 ");
    assert_true(info.files == 1 && info.dirs == 2);
    care_ok(c, bfci_remove_tree(AT_FDCWD, path, &c->err));
    assert_int_equal(symlink("target", path), 0);
    info = store(c, true, NULL);
    expect_names(c, "x:1 ");
    assert_true(info.files == 0 && info.dirs == 1 && info.symlinks == 1 && info.content_bytes == 0);
}

static void test_writer__counts_hard_links(void **state)
{
    struct care *c = *state;
    char a[600], b[600];

    care_put_text(c->src, "a", "linked");
    in_src(c, a, "a");
    in_src(c, b, "b");
    assert_int_equal(link(a, b), 0);
    bfc_commit_info info = store(c, false, NULL);
    expect_names(c, "a:2 b:2 ");
    assert_int_equal(info.files, 1);
    in_src(c, b, "c");
    assert_int_equal(link(a, b), 0);
    (void)store(c, true, NULL);
    expect_names(c, "a:3 b:3 c:3 ");
    assert_int_equal(unlink(a), 0); /* one becomes a file of its own */
    care_put_text(c->src, "a", "alone");
    info = store(c, true, NULL);
    expect_names(c, "a:1 b:2 c:2 ");
    assert_int_equal(info.files, 2);
}

static void test_writer__excludes(void **state)
{
    struct care *c = *state;
    static const char *const exclude[] = {"*.o", "d/skip", NULL};
    char path[600];

    in_src(c, path, "d");
    assert_int_equal(mkdir(path, 0755), 0);
    care_put_text(path, "x.o", "");
    care_put_text(path, "x.c", "");
    care_put_text(path, "skip", "");
    care_put_text(c->src, "skip", "");
    care_put_text(c->src, "y.o", "");
    (void)store(c, false, exclude);
    expect_names(c, "d/:1 d/x.c:1 skip:1 ");
}

static void test_writer__an_append_of_nothing_is_a_commit(void **state)
{
    struct care *c = *state;
    bfc_writer *w = NULL;
    bfc_commit_info info;
    bfc_verify_report report = {0};

    care_put_text(c->src, "a", "1");
    (void)store(c, false, NULL);
    care_ok(c, bfc_writer_append(c->file, NULL, &w, &c->err));
    care_ok(c, bfc_writer_commit(w, &info, &c->err));
    bfc_writer_close(w);
    assert_int_equal(info.seq, 2);
    assert_int_equal(care_verify(c, c->file, true, 1, &report), 0);
    assert_int_equal(report.torn_bytes, 0); /* what was reported as done is there */
}

static void test_writer__blobs_are_replaced(void **state)
{
    struct care *c = *state;
    static char large[10000];
    bfc_reader *r = NULL;
    uint8_t *data = NULL;
    size_t len = 0;

    memset(large, 'x', sizeof large);
    for (int i = 0; i < 3; i++) {
        bfc_writer *w = NULL;
        care_ok(c, i ? bfc_writer_append(c->file, NULL, &w, &c->err)
                     : bfc_writer_create(c->file, NULL, &w, &c->err));
        care_ok(c,
                bfc_writer_put_blob(w, "b", large, i == 1 ? sizeof large : (size_t)i + 1, &c->err));
        care_ok(c, bfc_writer_put_blob(w, i ? "other" : "b", "", 0, &c->err));
        assert_int_equal(bfc_writer_put_blob(w, "", "", 0, &c->err), BFC_E_INVALID);
        care_ok(c, bfc_writer_commit(w, NULL, &c->err));
        bfc_writer_close(w);
        care_expect_clean(c, c->file);
        care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
        care_ok(c, bfc_reader_blob(r, "b", &data, &len, &c->err));
        assert_int_equal(len, i == 0 ? 0 : i == 1 ? sizeof large : 3);
        free(data);
        assert_int_equal(bfc_reader_blob(r, "none", &data, &len, &c->err), BFC_E_NOT_FOUND);
        bfc_reader_close(r);
    }
}

/* Those of a batch are read ahead, whichever becomes of the one at hand: it may be known already, a
 * second name, sparse, or empty by then. */
static void make_large_files(struct care *c)
{
    char name[32], path[600], other[600];

    for (int i = 0; i < 24; i++) {
        (void)snprintf(name, sizeof name, "large%02d", i);
        put_noise(c, name, (600u << 10) + 4096u * (unsigned)(i % 3), (uint64_t)(i / 4));
    }
    put_noise(c, "largest", 7 << 20, 99);
    put_noise(c, "between", 1000, 98);
    in_src(c, path, "large05");
    in_src(c, other, "large05, linked");
    assert_int_equal(link(path, other), 0);
    in_src(c, path, "large10");
    assert_int_equal(truncate(path, 30 << 20), 0);
}

static uint8_t *written_with(struct care *c, unsigned jobs, bool low_memory, size_t *len)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;

    o.jobs = jobs;
    o.block_size = 1 << 18;
    o.low_memory = low_memory;
    o.reproducible = true;
    o.replace = true;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, c->file);
    return care_load(c->file, len);
}

static void test_writer__large_files_are_read_ahead(void **state)
{
    struct care *c = *state;
    size_t len = 0, other_len = 0;

    make_large_files(c);
    uint8_t *bytes = written_with(c, 1, true, &len); /* one at a time */
    for (unsigned jobs = 1; jobs <= 64; jobs *= 4) {
        uint8_t *other = written_with(c, jobs, false, &other_len);
        assert_int_equal(other_len, len);
        assert_memory_equal(other, bytes, len);
        free(other);
    }
    free(bytes);
}

static void test_writer__large_files_read_ahead_are_let_go(void **state)
{
    struct care *c = *state;

    make_large_files(c);
    for (uint64_t at = 1; at < UINT64_C(8) << 20; at += 1 << 20)
        care_expect_stop(c, 8, UINT64_MAX, at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_writer__equal_contents_are_stored_once),
        CARE_TEST(test_writer__an_append_costs_what_it_adds),
        CARE_TEST(test_writer__replaces_files_by_folders_and_back),
        CARE_TEST(test_writer__counts_hard_links),
        CARE_TEST(test_writer__excludes),
        CARE_TEST(test_writer__an_append_of_nothing_is_a_commit),
        CARE_TEST(test_writer__blobs_are_replaced),
        CARE_TEST(test_writer__large_files_are_read_ahead),
        CARE_TEST(test_writer__large_files_read_ahead_are_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
