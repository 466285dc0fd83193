/* SPDX-License-Identifier: Apache-2.0 */
/* The archive profile: likeness decides which contents stand together, and nothing else is changed
 * by it. Files are read when the walk is over: what happens to them meanwhile. */
#include "care_fixture.h"
#include "container/likeness.h"

enum {
    FOLDERS = 24,
    KINDS = 16,
    COMMON = 6000,
    BLOCK = 64 << 10,
    MANY_FOLDERS = 1500 /* more than the walk may be ahead of the writer, in batches of 128 */
};

static bfc_writer_options archive(void)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    o.profile = BFC_PROFILE_ARCHIVE;
    o.level = 1;
    o.jobs = 2;
    o.reproducible = true;
    return o;
}

static bfc_commit_info store(struct care *c, const char *file, bool append,
                             const bfc_writer_options *o)
{
    bfc_writer *w = NULL;
    bfc_commit_info info = {0};

    care_ok(c, append ? bfc_writer_append(file, o, &w, &c->err)
                      : bfc_writer_create(file, o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, &info, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, file);
    return info;
}

static void in_src(struct care *c, char out[600], const char *name)
{
    (void)snprintf(out, 600, "%s/%s", c->src, name);
}

static void make_folder(struct care *c, char out[600], const char *name)
{
    in_src(c, out, name);
    assert_int_equal(mkdir(out, 0755), 0);
}

/* Each folder has files of all kinds; those of a kind differ in a few bytes. */
static void put_alike(struct care *c)
{
    static uint8_t bytes[COMMON];
    char folder[600], name[40];

    for (int f = 0; f < FOLDERS; f++) {
        (void)snprintf(name, sizeof name, "folder-%d", f);
        make_folder(c, folder, name);
        for (int k = 0; k < KINDS; k++) {
            care_noise(bytes, sizeof bytes, (uint64_t)k);
            memcpy(bytes + 1000, &f, sizeof f);
            (void)snprintf(name, sizeof name, "kind%d.dat", k);
            care_put(folder, name, bytes, sizeof bytes);
        }
    }
}

/* What the container says of a path: its content, compared with what is on disk. */
static void expect_content(struct care *c, const char *file, const char *name)
{
    char path[600];
    size_t len = 0, got_len = 0;
    bfc_reader *r = NULL;
    bfc_entry e;

    in_src(c, path, name);
    uint8_t *want = care_load(path, &len), *got = malloc(len + 1);
    assert_non_null(got);
    care_ok(c, bfc_reader_open(file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, name, &e, &c->err));
    care_ok(c, bfc_reader_read(r, e.ino, 0, got, len + 1, &got_len, &c->err));
    bfc_reader_close(r);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, want, len);
    free(got);
    free(want);
}

static bool is_there(struct care *c, const char *file, const char *name)
{
    bfc_reader *r = NULL;
    bfc_entry e;

    care_ok(c, bfc_reader_open(file, NULL, &r, &c->err));
    int rc = bfc_reader_stat(r, name, &e, &c->err);
    assert_true(rc == 0 || rc == BFC_E_NOT_FOUND);
    bfc_reader_close(r);
    return rc == 0;
}

static void test_archive__keys_bring_together_what_is_alike(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned mode;
        uint64_t size;
    } in_order[] = {
        {"Makefile", 0644, 9}, {"README", 0644, 5},    {"a.c", 0644, 5},
        {"b.c", 0644, 5},      {"b.c", 0755, 6},       {"a.h", 0644, 5},
        {"libc.so", 0644, 1},  {"libc.so.6", 0644, 2}, {"libd.so.1.2.3", 0644, 1},
        {"a.txt", 0644, 5},    {"ls", 0755, 5},        {"sh", 0755, 1},
    };
    uint8_t before[KEY_MAX], key[KEY_MAX];
    bfci_span last = {before, 0};
    char longest[256];

    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        /* Numbers fall: they are the last to count. */
        bfci_span k = bfci_likeness_key(key, in_order[i].name, in_order[i].mode, in_order[i].size,
                                        ARRAY_LEN(in_order) - i);
        if (i > 0 && bfci_span_compare(last, k) >= 0)
            fail_msg("%s comes before %s", in_order[i].name, in_order[i - 1].name);
        memcpy(before, k.p, k.len);
        last.len = k.len;
    }
    assert_true(bfci_span_compare(last, bfci_likeness_link_key(key, 1, 2)) < 0);
    memset(longest, 'n', 255);
    longest[255] = '\0';
    assert_true(bfci_likeness_key(key, longest, 0, 1, 1).len <= KEY_MAX);
    last = bfci_likeness_key(before, longest, 0, 1, 2);
    assert_true(bfci_span_compare(bfci_likeness_key(key, longest, 0, 1, 1), last) < 0);
}

/* In the walk's order a block holds one folder's files, none of which is like another. */
static void test_archive__is_smaller(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();

    put_alike(c);
    o.block_size = BLOCK;
    (void)store(c, c->file, false, &o);
    o.profile = BFC_PROFILE_DEFAULT;
    (void)store(c, c->other, false, &o);
    uint64_t small = care_size(c->file), large = care_size(c->other);
    if (small > large / 3)
        fail_msg("%llu bytes, and %llu in the order of the walk", (unsigned long long)small,
                 (unsigned long long)large);
    expect_content(c, c->file, "folder-7/kind3.dat");
}

static void test_archive__is_the_same_with_any_threads(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    size_t len = 0, other_len = 0;

    put_alike(c);
    o.block_size = BLOCK;
    (void)store(c, c->file, false, &o);
    uint8_t *first = care_load(c->file, &len);
    static const unsigned jobs[] = {1, 7};
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        o.jobs = jobs[i];
        o.replace = true;
        (void)store(c, c->other, false, &o);
        uint8_t *other = care_load(c->other, &other_len);
        assert_int_equal(len, other_len);
        assert_memory_equal(first, other, len);
        free(other);
    }
    free(first);
}

static void test_archive__hard_links_across_folders(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    char a[600], b[600], path[600];

    make_folder(c, path, "a");
    make_folder(c, path, "b");
    care_put_text(c->src, "a/zz.last", "linked");
    in_src(c, a, "a/zz.last");
    in_src(c, b, "b/aa.first"); /* sorts before the inode's first name, but must come behind it */
    assert_int_equal(link(a, b), 0);
    in_src(c, b, "b/other");
    assert_int_equal(link(a, b), 0);
    bfc_commit_info info = store(c, c->file, false, &o);
    assert_int_equal(info.files, 1);
    bfc_reader *r = NULL;
    bfc_entry e;
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_stat(r, "b/aa.first", &e, &c->err));
    assert_int_equal(e.nlink, 3);
    bfc_reader_close(r);
    expect_content(c, c->file, "b/other");
}

static void test_archive__appends_and_replaces(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    char path[600];

    make_folder(c, path, "d");
    care_put_text(c->src, "d/changes", "one");
    care_put_text(c->src, "d/stays", "as it is");
    care_put_text(c->src, "x", "a file");
    (void)store(c, c->file, false, &o);
    care_put_text(c->src, "d/changes", "another");
    in_src(c, path, "x");
    assert_int_equal(unlink(path), 0);
    make_folder(c, path, "x");
    care_put_text(c->src, "x/below", "1");
    bfc_commit_info info = store(c, c->file, true, &o);
    assert_true(info.files == 3 && info.dirs == 3);
    expect_content(c, c->file, "d/changes");
    expect_content(c, c->file, "x/below");
    o.profile = BFC_PROFILE_DEFAULT; /* the container does not know what it was made with */
    care_put_text(c->src, "y", "more");
    info = store(c, c->file, true, &o);
    assert_int_equal(info.files, 4);
    expect_content(c, c->file, "d/stays");
}

static void test_archive__many_named_paths(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    bfc_writer *w = NULL;
    char path[600], name[40];

    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    for (int i = 0; i < 80; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        make_folder(c, path, name);
        care_put_text(path, "in", name);
        care_ok(c, bfc_writer_add(w, c->src, name, &c->err));
        (void)snprintf(name, sizeof name, "alone%d", i);
        care_put_text(c->src, name, name);
        care_ok(c, bfc_writer_add(w, c->src, name, &c->err));
    }
    bfc_commit_info info = {0};
    care_ok(c, bfc_writer_commit(w, &info, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, c->file);
    assert_int_equal(info.files, 160);
    expect_content(c, c->file, "f79/in");
    expect_content(c, c->file, "alone0");
}

/* A path that no single call can open. */
static void test_archive__deep_folders(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    char name[201];
    int fd = open(c->src, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    memset(name, 'd', 200);
    name[200] = '\0';
    for (int i = 0; i < 30; i++) {
        assert_int_equal(mkdirat(fd, name, 0755), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        assert_int_equal(close(fd), 0);
        fd = next;
    }
    int file = openat(fd, "deep", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    assert_int_equal(write(file, "down here", 9), 9);
    assert_int_equal(close(file), 0);
    assert_int_equal(close(fd), 0);
    bfc_commit_info info = store(c, c->file, false, &o);
    assert_true(info.files == 1 && info.content_bytes == 9);
}

/* ── What happens between the walk and the reading ── */

struct meddler {
    struct care *c;
    bool done;
    int cancel;
    char log[4000];
};

static void note_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct meddler *m = ctx;
    (void)level;
    (void)module;
    (void)snprintf(m->log + strlen(m->log), sizeof m->log - strlen(m->log), "%s\n", msg);
}

/* The writer has its first batch: the walk has seen the files of the root and of the first folder,
 * and is still among the empty folders. */
static void meddle(void *ctx, const bfc_progress *p)
{
    struct meddler *m = ctx;
    char path[600], aside[600];

    (void)p;
    if (m->done)
        return;
    m->done = true;
    in_src(m->c, path, "gone");
    assert_int_equal(unlink(path), 0);
    in_src(m->c, path, "shorter");
    assert_int_equal(truncate(path, 3), 0);
    care_put_text(m->c->src, "longer", "this is more than there was");
    in_src(m->c, path, "0");
    in_src(m->c, aside, "zz");
    assert_int_equal(rename(path, aside), 0);
    care_put_text(m->c->src, "0", "no folder any more");
}

static void put_for_meddling(struct care *c)
{
    char path[600], other[600], name[40];

    care_put_text(c->src, "gone", "1");
    care_put_text(c->src, "shorter", "12345");
    care_put_text(c->src, "longer", "1");
    make_folder(c, path, "0");
    care_put_text(path, "moved", "with its folder");
    in_src(c, path, "gone");
    in_src(c, other, "gone-too");
    assert_int_equal(link(path, other), 0);
    for (int i = 0; i < MANY_FOLDERS; i++) {
        (void)snprintf(name, sizeof name, "empty%d", i);
        make_folder(c, path, name);
    }
}

static void test_archive__files_that_change_or_vanish(void **state)
{
    struct care *c = *state;
    struct meddler m = {.c = c};
    const bfc_hooks hooks = {.log = note_log, .progress = meddle, .ctx = &m};
    bfc_writer_options o = archive();

    put_for_meddling(c);
    o.hooks = &hooks;
    (void)store(c, c->file, false, &o);
    assert_true(m.done);
    assert_false(is_there(c, c->file, "gone"));
    assert_false(is_there(c, c->file, "gone-too")); /* of the same inode, which was not read */
    assert_false(is_there(c, c->file, "0/moved"));
    assert_true(is_there(c, c->file, "0"));
    expect_content(c, c->file, "shorter");
    expect_content(c, c->file, "longer");
    assert_non_null(strstr(m.log, "'gone' was gone before it could be read; left out"));
    assert_non_null(strstr(m.log, "'0/moved' was gone before it could be read; left out"));
}

static void cancel(void *ctx, const bfc_progress *p)
{
    struct meddler *m = ctx;
    if (p->files_done > MANY_FOLDERS)
        __atomic_store_n(&m->cancel, 1, __ATOMIC_RELAXED);
}

static void test_archive__cancelled_while_it_reads(void **state)
{
    struct care *c = *state;
    struct meddler m = {.c = c};
    const bfc_hooks hooks = {.progress = cancel, .cancel = &m.cancel, .ctx = &m};
    bfc_writer_options o = archive();
    bfc_writer *w = NULL;
    char name[40];

    put_for_meddling(c);
    for (int i = 0; i < MANY_FOLDERS; i++) {
        (void)snprintf(name, sizeof name, "file%d", i);
        care_put_text(c->src, name, name);
    }
    o.hooks = &hooks;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    assert_int_equal(bfc_writer_commit(w, NULL, &c->err), BFC_E_CANCELLED);
    bfc_writer_close(w);
    assert_int_equal(access(c->file, F_OK), -1);
}

static void test_archive__refusals(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = archive();
    bfc_writer *w = NULL;

    o.low_memory = true;
    assert_int_equal(bfc_writer_create(c->file, &o, &w, &c->err), BFC_E_INVALID);
    assert_non_null(strstr(c->err.msg, "archive profile"));
    o = archive();
    o.profile = (enum bfc_profile)2;
    assert_int_equal(bfc_writer_create(c->file, &o, &w, &c->err), BFC_E_INVALID);
    assert_non_null(strstr(c->err.msg, "unknown profile 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive__keys_bring_together_what_is_alike),
        CARE_TEST(test_archive__is_smaller),
        CARE_TEST(test_archive__is_the_same_with_any_threads),
        CARE_TEST(test_archive__hard_links_across_folders),
        CARE_TEST(test_archive__appends_and_replaces),
        CARE_TEST(test_archive__many_named_paths),
        CARE_TEST(test_archive__deep_folders),
        CARE_TEST(test_archive__files_that_change_or_vanish),
        CARE_TEST(test_archive__cancelled_while_it_reads),
        CARE_TEST(test_archive__refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
