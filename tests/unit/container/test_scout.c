/* SPDX-License-Identifier: Apache-2.0 */
/* Scouts: what they bring is what lstat() says, what they cannot see is left to the walk, and a
 * container that was made with them is the same to the byte. */
#include <sys/resource.h>

#include "care_fixture.h"

#include "container/scan_scout.h"

enum {
    MANY = 1500
};

/* Files, links, FIFOs and folders by turns: "0000", "0001", … with `ending`. */
static void fill_with(const char *folder, int count, const char *ending)
{
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[256];

    assert_true(fd >= 0);
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%04d%s", i, ending);
        if (i % 10 == 7) {
            assert_int_equal(symlinkat("0000", fd, name), 0);
        } else if (i % 10 == 8) {
            assert_int_equal(mkfifoat(fd, name, 0600), 0);
        } else if (i % 10 == 9) {
            assert_int_equal(mkdirat(fd, name, 0700), 0);
        } else {
            AUTO_FD int file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
            assert_true(file >= 0);
            assert_int_equal(write(file, name, strlen(name)), strlen(name));
        }
    }
}

static void fill(const char *folder, int count)
{
    fill_with(folder, count, "");
}

struct party {
    bfci_pool *pool;
    bfci_scouts scouts;
    int fd;
};

static struct party begin(const char *folder, bool stay_on_device)
{
    struct party p = {.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    assert_true(p.fd >= 0);
    assert_int_equal(bfci_pool_new(3, &p.pool, NULL), 0);
    bfci_scouts_init(&p.scouts, p.pool, 5, stay_on_device);
    return p;
}

static void end(struct party *p)
{
    assert_int_equal(p->scouts.out, 0);
    bfci_pool_free(p->pool);
    bfci_scouts_release(&p->scouts);
    (void)close(p->fd);
}

static void same_as_lstat(int fd, const char *name, const struct stat *seen)
{
    struct stat st;

    assert_non_null(seen);
    assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(st.st_ino == seen->st_ino && st.st_mode == seen->st_mode);
    assert_true(st.st_size == seen->st_size && st.st_nlink == seen->st_nlink);
}

static void compare_looks(struct party *p, int fd, const bfci_dir_list *names, bfci_look *first,
                          size_t step)
{
    bfci_looks k;

    bfci_looks_begin(&k, &p->scouts, fd, names, first);
    for (size_t i = 0; i < names->count; i += step) {
        const struct stat *seen = bfci_looks_at(&k, i);
        if (i % 10 == 9)
            assert_null(seen);      /* the walk opens folders anyway */
        else if (first || i >= 256) /* the walk looks at the first part itself */
            same_as_lstat(fd, names->item[i].name, seen);
    }
    bfci_looks_end(&k);
}

static void test_scout__looks_at_names(void **state)
{
    struct care *c = *state;
    bfci_dir_list names = BFCI_DIR_LIST_INIT;

    fill(c->src, MANY);
    struct party p = begin(c->src, false);
    care_ok(c, bfci_dir_read(p.fd, &names, &c->err));
    assert_int_equal(names.count, MANY);
    for (size_t step = 1; step < 1000; step = step * 5 + 2)
        compare_looks(&p, p.fd, &names, NULL, step);
    bfci_dir_list_release(&names);
    end(&p);
}

static void test_scout__none_is_sent(void **state)
{
    struct care *c = *state;
    bfci_dir_list names = BFCI_DIR_LIST_INIT;
    bfci_looks k;

    fill(c->src, 600);
    struct party p = begin(c->src, false);
    p.scouts.most = 0;
    care_ok(c, bfci_dir_read(p.fd, &names, &c->err));
    bfci_looks_begin(&k, &p.scouts, p.fd, &names, NULL);
    for (size_t i = 0; i < names.count; i++)
        assert_null(bfci_looks_at(&k, i));
    bfci_looks_end(&k);
    bfci_dir_list_release(&names);
    end(&p);
}

/* Names that went away since they were listed are not seen, and the others are. */
static void test_scout__what_is_gone_is_left_to_the_walk(void **state)
{
    struct care *c = *state;
    bfci_dir_list names = BFCI_DIR_LIST_INIT;
    bfci_looks k;

    fill(c->src, 1000);
    struct party p = begin(c->src, false);
    care_ok(c, bfci_dir_read(p.fd, &names, &c->err));
    for (size_t i = 0; i < names.count; i += 10)
        assert_int_equal(unlinkat(p.fd, names.item[i].name, 0), 0);
    bfci_looks_begin(&k, &p.scouts, p.fd, &names, NULL);
    for (size_t i = 256; i < names.count; i++) {
        const struct stat *seen = bfci_looks_at(&k, i);
        if (i % 10 == 0)
            assert_null(seen);
        else if (i % 10 == 1)
            same_as_lstat(p.fd, names.item[i].name, seen);
    }
    bfci_looks_end(&k);
    bfci_dir_list_release(&names);
    end(&p);
}

static void test_scout__brings_a_folder(void **state)
{
    struct care *c = *state;
    AUTO_ARRIVAL bfci_arrival a = BFCI_ARRIVAL_INIT;

    fill(c->src, 500);
    struct party p = begin(c->root, true);
    bfci_scout *s = bfci_scout_send(&p.scouts, p.fd, "src", (struct stat){0}.st_dev);
    assert_true(bfci_scout_report(s, &a));
    assert_false(a.listed); /* another device, it was told */
    bfci_scout_free(s);
    bfci_arrival_release(&a);

    struct stat st;
    assert_int_equal(fstat(p.fd, &st), 0);
    s = bfci_scout_send(&p.scouts, p.fd, "src", st.st_dev);
    assert_true(bfci_scout_report(s, &a));
    bfci_scout_free(s);
    assert_true(a.listed && a.names.count == 500);
    same_as_lstat(p.fd, "src", &a.st);
    compare_looks(&p, a.fd, &a.names, bfci_steal(&a.first), 1);
    end(&p);
}

/* However large it is: on file systems that tell the size of a folder, a large one is not listed.
 */
static void test_scout__leaves_large_folders_to_the_walk(void **state)
{
    struct care *c = *state;
    AUTO_ARRIVAL bfci_arrival a = BFCI_ARRIVAL_INIT;
    char ending[201];

    memset(ending, 'e', sizeof ending - 1);
    ending[sizeof ending - 1] = '\0';
    fill_with(c->src, MANY, ending);
    struct party p = begin(c->root, false);
    bfci_scout *s = bfci_scout_send(&p.scouts, p.fd, "src", 0);
    assert_true(bfci_scout_report(s, &a));
    bfci_scout_free(s);
    assert_int_equal(a.listed, a.st.st_size <= 256 << 10);
    bfci_arrival_release(&a);
    end(&p);
}

static bool reports(struct party *p, const char *name)
{
    AUTO_ARRIVAL bfci_arrival a = BFCI_ARRIVAL_INIT;
    AUTO(bfci_scout) bfci_scout *s = bfci_scout_send(&p->scouts, p->fd, name, 0);

    return bfci_scout_report(s, &a);
}

static void test_scout__follows_no_link(void **state)
{
    struct care *c = *state;
    struct party p = begin(c->root, false);

    assert_true(reports(&p, "src"));
    assert_false(reports(&p, "none"));
    assert_int_equal(symlinkat("src", p.fd, "link"), 0);
    assert_false(reports(&p, "link"));
    care_put_text(c->root, "file", "text");
    assert_false(reports(&p, "file"));
    end(&p);
}

/* A walk that ends in the middle frees those whose report it never heard. */
static void test_scout__no_more_than_there_are(void **state)
{
    struct care *c = *state;
    bfci_scout *sent[200];
    size_t count = 0;

    fill(c->src, 300);
    struct party p = begin(c->root, false);
    while (count < ARRAY_LEN(sent) && (sent[count] = bfci_scout_send(&p.scouts, p.fd, "src", 0)))
        count++;
    assert_in_range(count, 16, 100);
    while (count > 0)
        bfci_scout_free(sent[--count]);
    end(&p);
}

/* ── In the walk ── */

static void make_tree(struct care *c)
{
    char path[700], other[700], ending[201];

    fill(c->src, 300);
    (void)snprintf(path, sizeof path, "%s/0000", c->src);
    for (int i = 9; i < 300; i += 10) {
        (void)snprintf(other, sizeof other, "%s/%04d", c->src, i);
        fill(other, i / 5);
        (void)snprintf(other, sizeof other, "%s/%04d/9999", c->src, i);
        assert_int_equal(link(path, other), 0);
    }
    (void)snprintf(path, sizeof path, "%s/0299/0049", c->src);
    fill(path, 700);
    (void)snprintf(path, sizeof path, "%s/0109/0019", c->src);
    memset(ending, 'e', sizeof ending - 1);
    ending[sizeof ending - 1] = '\0';
    fill_with(path, MANY,
              ending); /* so large that a scout does not list it, in most file systems */
}

static uint8_t *written_with(struct care *c, unsigned jobs, const char *const *exclude, size_t *len)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    uint8_t *bytes = NULL;

    o.jobs = jobs;
    o.exclude = exclude;
    o.one_file_system = true;
    o.reproducible = true;
    o.replace = true;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    bytes = care_load(c->file, len);
    return bytes;
}

static void test_scout__changes_no_byte(void **state)
{
    struct care *c = *state;
    const char *const some[] = {"0009", "0019/*1", NULL}, *const *const excluded[] = {NULL, some};

    make_tree(c);
    for (size_t e = 0; e < ARRAY_LEN(excluded); e++) {
        size_t len = 0, other_len = 0;
        AUTO_FREE uint8_t *bytes = written_with(c, 1, excluded[e], &len);
        for (unsigned jobs = 4; jobs <= 16; jobs *= 2) {
            AUTO_FREE uint8_t *other = written_with(c, jobs, excluded[e], &other_len);
            assert_int_equal(other_len, len);
            assert_memory_equal(other, bytes, len);
        }
        care_expect_clean(c, c->file);
    }
}

static void test_scout__a_walk_that_is_stopped(void **state)
{
    struct care *c = *state;

    make_tree(c);
    for (uint64_t at = 1; at < 2000; at = at * 3 + 50)
        care_expect_stop(c, 8, at, UINT64_MAX);
}

/* With few descriptors it looks less far ahead. */
static void test_scout__few_descriptors(void **state)
{
    struct care *c = *state;
    struct rlimit old, few;
    size_t len = 0, other_len = 0;

    make_tree(c);
    AUTO_FREE uint8_t *bytes = written_with(c, 1, NULL, &len);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 48;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (unsigned jobs = 2; jobs <= 8; jobs *= 2) {
        AUTO_FREE uint8_t *other = written_with(c, jobs, NULL, &other_len);
        assert_int_equal(other_len, len);
        assert_memory_equal(other, bytes, len);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_scout__looks_at_names),
        CARE_TEST(test_scout__none_is_sent),
        CARE_TEST(test_scout__what_is_gone_is_left_to_the_walk),
        CARE_TEST(test_scout__brings_a_folder),
        CARE_TEST(test_scout__leaves_large_folders_to_the_walk),
        CARE_TEST(test_scout__follows_no_link),
        CARE_TEST(test_scout__no_more_than_there_are),
        CARE_TEST(test_scout__changes_no_byte),
        CARE_TEST(test_scout__few_descriptors),
        CARE_TEST(test_scout__a_walk_that_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
