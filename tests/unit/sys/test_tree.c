/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing branches. */
#include "scratch.h"

static void test_tree__missing_is_no_error(void **state)
{
    struct scratch *s = *state;
    assert_int_equal(bfci_remove_tree(s->fd, "none", NULL), 0);
}

static void test_tree__removes_everything_below(void **state)
{
    struct scratch *s = *state;
    char name[64];
    scratch_dir(s, "keep");
    scratch_file(s, "keep/file", "kept");
    scratch_dir(s, "t");
    scratch_link(s, "../keep", "t/link");
    scratch_link(s, "../keep/file", "t/file-link");
    scratch_link(s, "nowhere", "t/dangling");
    assert_int_equal(mkfifoat(s->fd, "t/fifo", 0600), 0);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "t/d%d", i);
        scratch_dir(s, name);
        (void)snprintf(name, sizeof name, "t/d%d/e", i);
        scratch_dir(s, name);
        (void)snprintf(name, sizeof name, "t/d%d/e/f", i);
        scratch_file(s, name, "x");
        (void)snprintf(name, sizeof name, "t/f%d", i);
        scratch_file(s, name, "x");
    }
    assert_int_equal(bfci_remove_tree(s->fd, "t", NULL), 0);
    assert_false(scratch_has(s, "t"));
    scratch_expect(s, "keep/file", "kept");
}

static void test_tree__a_file_or_link_alone(void **state)
{
    struct scratch *s = *state;
    scratch_dir(s, "dir");
    scratch_file(s, "file", "x");
    scratch_link(s, "dir", "link");
    assert_int_equal(bfci_remove_tree(s->fd, "file", NULL), 0);
    assert_int_equal(bfci_remove_tree(s->fd, "link", NULL), 0);
    assert_false(scratch_has(s, "file"));
    assert_false(scratch_has(s, "link"));
    assert_true(scratch_has(s, "dir"));
}

static void test_tree__folders_without_permission(void **state)
{
    struct scratch *s = *state;
    scratch_dir(s, "t");
    scratch_dir(s, "t/a");
    scratch_file(s, "t/a/file", "x");
    scratch_dir(s, "t/b");
    assert_int_equal(fchmodat(s->fd, "t/a", 0500, 0), 0);
    assert_int_equal(fchmodat(s->fd, "t/b", 0, 0), 0);
    assert_int_equal(bfci_remove_tree(s->fd, "t", NULL), 0);
    assert_false(scratch_has(s, "t"));
}

/* Deeper than descriptors and paths reach. */
static void test_tree__deep(void **state)
{
    struct scratch *s = *state;
    enum {
        DEPTH = 1500
    };
    int before = dup(s->fd);
    close(before);
    AUTO_FD int fd = dup(s->fd);
    for (int i = 0; i < DEPTH; i++) {
        int next = -1;
        assert_int_equal(mkdirat(fd, "deep", 0755), 0);
        assert_int_equal(bfci_open(fd, "deep", O_RDONLY | O_DIRECTORY, 0, &next, NULL), 0);
        bfci_fd_close(&fd);
        fd = next;
    }
    bfci_fd_close(&fd);
    assert_int_equal(bfci_remove_tree(s->fd, "deep", NULL), 0);
    assert_false(scratch_has(s, "deep"));
    int after = dup(s->fd);
    close(after);
    assert_int_equal(after, before); /* nothing was left open */
}

static void test_tree__make_dirs(void **state)
{
    struct scratch *s = *state;
    char path[512];
    bfc_err err = BFC_ERR_INIT;
    scratch_path(s, "a//b/./c/", path);
    assert_int_equal(bfci_make_dirs(path, 0755, NULL), 0);
    assert_int_equal(bfci_make_dirs(path, 0755, NULL), 0);
    assert_true(scratch_has(s, "a/b/c"));
    scratch_link(s, "a", "link");
    scratch_path(s, "link/b/d", path);
    assert_int_equal(bfci_make_dirs(path, 0755, NULL), 0);
    assert_true(scratch_has(s, "a/b/d"));
    scratch_file(s, "file", "");
    scratch_path(s, "file", path);
    assert_int_equal(bfci_make_dirs(path, 0755, &err), BFC_E_EXISTS);
    assert_non_null(strstr(err.msg, "it is not a folder"));
    scratch_path(s, "file/x", path);
    assert_int_equal(bfci_make_dirs(path, 0755, &err), BFC_E_EXISTS);
    assert_int_equal(bfci_make_dirs("/", 0755, &err), 0);
    assert_int_equal(bfci_make_dirs("", 0755, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_tree__missing_is_no_error),
        SCRATCH_TEST(test_tree__removes_everything_below),
        SCRATCH_TEST(test_tree__a_file_or_link_alone),
        SCRATCH_TEST(test_tree__folders_without_permission),
        SCRATCH_TEST(test_tree__deep),
        SCRATCH_TEST(test_tree__make_dirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
