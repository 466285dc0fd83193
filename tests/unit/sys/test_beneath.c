/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing leads out of a folder, whatever stands in it; by openat2 and name by name alike. */
#include "scratch.h"

#include <errno.h>

typedef int open_fn(int root_fd, const char *path, int flags, unsigned mode, int *fd, bfc_err *err);

/* Outside of "root": what an attack would reach. */
static int hostile_setup(void **state)
{
    char outside[512];
    assert_int_equal(scratch_setup(state), 0);
    struct scratch *s = *state;
    scratch_dir(s, "outside");
    scratch_file(s, "outside/secret", "secret");
    scratch_dir(s, "root");
    scratch_dir(s, "root/dir");
    scratch_dir(s, "root/dir/sub");
    scratch_file(s, "root/dir/sub/file", "inside");
    scratch_path(s, "outside", outside);
    scratch_link(s, outside, "root/absolute");
    scratch_link(s, "../outside", "root/relative");
    scratch_link(s, "dir", "root/harmless");
    scratch_link(s, "sub/file", "root/dir/link");
    scratch_link(s, "/proc/self/cwd", "root/magic");
    scratch_link(s, "../outside/made", "root/dangling");
    scratch_link(s, "loop", "root/loop");
    return 0;
}

static void expect_fail(open_fn *fn, int root, const char *path, int flags, int code, int os_errno)
{
    bfc_err err = BFC_ERR_INIT;
    int fd = -1;
    int rc = fn(root, path, flags, 0600, &fd, &err);
    if (rc != code || err.os_errno != os_errno)
        fail_msg("'%s' (flags %o): rc %d, errno %d, '%s'", path, flags, rc, err.os_errno, err.msg);
    assert_int_equal(fd, -1);
}

static void expect_open(open_fn *fn, int root, const char *path, int flags)
{
    bfc_err err = BFC_ERR_INIT;
    AUTO_FD int fd = -1;
    if (fn(root, path, flags, 0600, &fd, &err) < 0)
        fail_msg("'%s': %s", path, err.msg);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void check_links(open_fn *fn, int root)
{
    static const int flags[] = {O_RDONLY,
                                O_RDONLY | O_NOFOLLOW,
                                O_PATH,
                                O_PATH | O_NOFOLLOW,
                                O_RDONLY | O_DIRECTORY,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                O_PATH | O_DIRECTORY | O_NOFOLLOW};
    static const char *const path[] = {"absolute",     "relative",          "harmless",
                                       "magic",        "dangling",          "loop",
                                       "dir/link",     "absolute/secret",   "relative/secret",
                                       "harmless/sub", "harmless/sub/file", "magic/x",
                                       "loop/x"};
    for (size_t i = 0; i < ARRAY_LEN(path); i++)
        for (size_t j = 0; j < ARRAY_LEN(flags); j++)
            expect_fail(fn, root, path[i], flags[j], BFC_E_EXISTS, ELOOP);
    expect_fail(fn, root, "dangling", O_WRONLY | O_CREAT, BFC_E_EXISTS, ELOOP);
    expect_fail(fn, root, "dangling", O_WRONLY | O_CREAT | O_EXCL, BFC_E_EXISTS, EEXIST);
    expect_fail(fn, root, "relative/made", O_WRONLY | O_CREAT, BFC_E_EXISTS, ELOOP);
    expect_fail(fn, root, "dir/link", O_WRONLY | O_TRUNC, BFC_E_EXISTS, ELOOP);
}

static void check_ways_out(open_fn *fn, int root)
{
    static const char *const path[] = {"..",   "../outside/secret", "dir/../..", "dir/..", "/",
                                       "/etc", "dir/../../outside", "./.."};
    for (size_t i = 0; i < ARRAY_LEN(path); i++)
        expect_fail(fn, root, path[i], O_RDONLY, BFC_E_INVALID, EXDEV);
}

static void check_ordinary(open_fn *fn, int root)
{
    expect_open(fn, root, "", O_RDONLY | O_DIRECTORY);
    expect_open(fn, root, ".", O_RDONLY | O_DIRECTORY);
    expect_open(fn, root, "dir", O_PATH);
    expect_open(fn, root, "dir/", O_RDONLY);
    expect_open(fn, root, "dir//./sub", O_RDONLY | O_DIRECTORY);
    expect_open(fn, root, "dir/sub/file", O_RDONLY);
    expect_open(fn, root, "dir/sub/new", O_WRONLY | O_CREAT | O_EXCL);
    expect_fail(fn, root, "dir/sub/new", O_WRONLY | O_CREAT | O_EXCL, BFC_E_EXISTS, EEXIST);
    assert_int_equal(unlinkat(root, "dir/sub/new", 0), 0);
    expect_fail(fn, root, "none", O_RDONLY, BFC_E_NOT_FOUND, ENOENT);
    expect_fail(fn, root, "none/file", O_RDONLY, BFC_E_NOT_FOUND, ENOENT);
    expect_fail(fn, root, "dir/sub/file", O_RDONLY | O_DIRECTORY, BFC_E_EXISTS, ENOTDIR);
    expect_fail(fn, root, "dir/sub/file/x", O_RDONLY, BFC_E_EXISTS, ENOTDIR);
    expect_fail(fn, root, "dir/sub/file/", O_RDONLY, BFC_E_EXISTS, ENOTDIR);
    char name[300];
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    expect_fail(fn, root, name, O_RDONLY, BFC_E_INVALID, ENAMETOOLONG);
}

static void check_modes(open_fn *fn, int root)
{
    AUTO_FD int fd = -1;
    struct stat st;
    mode_t mask = umask(0);
    assert_int_equal(fn(root, "dir/mode", O_WRONLY | O_CREAT | O_EXCL, 0640, &fd, NULL), 0);
    umask(mask);
    assert_int_equal(bfci_fstat(fd, &st, NULL), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(unlinkat(root, "dir/mode", 0), 0);
}

static void check_all(void **state, open_fn *fn)
{
    struct scratch *s = *state;
    AUTO_FD int root = -1;
    assert_int_equal(bfci_open(s->fd, "root", O_RDONLY | O_DIRECTORY, 0, &root, NULL), 0);
    check_links(fn, root);
    check_ways_out(fn, root);
    check_ordinary(fn, root);
    check_modes(fn, root);
    assert_false(scratch_has(s, "outside/made"));
    scratch_expect(s, "outside/secret", "secret");
    scratch_expect(s, "root/dir/sub/file", "inside");
}

static void test_beneath__as_it_comes(void **state)
{
    check_all(state, bfci_open_beneath);
}

static void test_beneath__name_by_name(void **state)
{
    check_all(state, bfci_open_beneath_by_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_beneath__as_it_comes, hostile_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_beneath__name_by_name, hostile_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
