/* SPDX-License-Identifier: Apache-2.0 */
/* Entries made one call at a time: what is there is never overwritten, links are never followed. */
#include "scratch.h"

#include <errno.h>
#include <sys/xattr.h>

#include "sys/node.h"

static void test_node__make_file_only_where_nothing_is(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_node_make_file(s->fd, "new", 0640, &fd), 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(bfci_node_close(&fd), 0);
    assert_int_equal(fd, -1);
    scratch_expect(s, "new", "x");
    assert_int_equal(bfci_node_make_file(s->fd, "new", 0640, &fd), EEXIST);
    scratch_link(s, "elsewhere", "link");
    assert_int_equal(bfci_node_make_file(s->fd, "link", 0640, &fd), EEXIST);
    assert_false(scratch_has(s, "elsewhere"));
    assert_int_equal(fd, -1);
}

static void test_node__open_dir_follows_no_link(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_node_make_dir(s->fd, "dir", 0700), 0);
    assert_int_equal(bfci_node_make_dir(s->fd, "dir", 0700), EEXIST);
    scratch_link(s, "dir", "link");
    assert_int_equal(bfci_node_open_dir(s->fd, "link", &fd), ENOTDIR);
    scratch_file(s, "file", "x");
    assert_int_equal(bfci_node_open_dir(s->fd, "file", &fd), ENOTDIR);
    assert_int_equal(bfci_node_open_dir(s->fd, "dir", &fd), 0);
}

static void test_node__remove(void **state)
{
    struct scratch *s = *state;
    scratch_dir(s, "full");
    scratch_file(s, "full/file", "x");
    scratch_dir(s, "empty");
    scratch_link(s, "full", "link");
    assert_int_equal(bfci_node_remove(s->fd, "full"), ENOTEMPTY);
    assert_true(scratch_has(s, "full/file"));
    assert_int_equal(bfci_node_remove(s->fd, "link"), 0);
    assert_true(scratch_has(s, "full/file"));
    assert_int_equal(bfci_node_remove(s->fd, "empty"), 0);
    assert_int_equal(bfci_node_remove(s->fd, "empty"), ENOENT);
    assert_int_equal(bfci_node_remove(s->fd, "full/file"), 0);
}

static void test_node__links_and_special_files(void **state)
{
    struct scratch *s = *state;
    struct stat st, again;
    assert_int_equal(bfci_node_make_special(s->fd, "pipe", S_IFIFO | 0600, 0, 0), 0);
    assert_int_equal(bfci_node_make_special(s->fd, "pipe", S_IFIFO | 0600, 0, 0), EEXIST);
    assert_int_equal(bfci_node_make_link(s->fd, "pipe too", s->fd, "pipe"), 0);
    assert_int_equal(fstatat(s->fd, "pipe", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(fstatat(s->fd, "pipe too", &again, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(st.st_ino, again.st_ino);
    assert_int_equal(bfci_node_make_symlink(s->fd, "link", "pipe"), 0);
    assert_int_equal(bfci_node_make_link(s->fd, "link too", s->fd, "link"),
                     0); /* the link itself */
    assert_int_equal(fstatat(s->fd, "link too", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void test_node__attributes_of_a_link_are_its_own(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    scratch_file(s, "file", "x");
    scratch_link(s, "file", "link");
    const bfci_place at = {-1, s->fd, "link"};
    assert_int_equal(bfci_node_set_mtime(at, -5, 7), 0);
    assert_int_equal(fstatat(s->fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtim.tv_sec, -5);
    assert_int_equal(st.st_mtim.tv_nsec, 7);
    assert_int_equal(fstatat(s->fd, "file", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(st.st_mtim.tv_sec > 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(bfci_node_chown(at, 12, UINT32_MAX), 0);
    assert_int_equal(fstatat(s->fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_uid, 12);
    assert_int_equal(st.st_gid, getegid());
    assert_int_equal(fstatat(s->fd, "file", &st, 0), 0);
    assert_int_equal(st.st_uid, 0);
}

static void test_node__acls_are_stripped(void **state)
{
    static const uint8_t acl[] = {2,    0,    0, 0, 1,    0,    7,    0,    0xff, 0xff,
                                  0xff, 0xff, 4, 0, 5,    0,    0xff, 0xff, 0xff, 0xff,
                                  32,   0,    0, 0, 0xff, 0xff, 0xff, 0xff};
    struct scratch *s = *state;
    AUTO_FD int fd = -1, file = -1;
    assert_int_equal(bfci_node_make_dir(s->fd, "dir", 0700), 0);
    assert_int_equal(bfci_node_open_dir(s->fd, "dir", &fd), 0);
    assert_false(bfci_node_has_default_acl(fd));
    assert_int_equal(bfci_node_strip_acl((bfci_place){.fd = fd}), 0); /* none is no error */
    assert_int_equal(bfci_node_make_file(fd, "file", 0600, &file), 0);
    assert_int_equal(bfci_node_strip_acl((bfci_place){.fd = file}), 0);
    assert_int_equal(bfci_node_strip_acl((bfci_place){-1, fd, "file"}), 0);
    if (fsetxattr(fd, "system.posix_acl_default", acl, sizeof acl, 0) < 0)
        skip();
    assert_true(bfci_node_has_default_acl(fd));
    assert_int_equal(bfci_node_strip_acl((bfci_place){-1, s->fd, "dir"}), 0);
    assert_false(bfci_node_has_default_acl(fd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_node__make_file_only_where_nothing_is),
        SCRATCH_TEST(test_node__open_dir_follows_no_link),
        SCRATCH_TEST(test_node__remove),
        SCRATCH_TEST(test_node__links_and_special_files),
        SCRATCH_TEST(test_node__attributes_of_a_link_are_its_own),
        SCRATCH_TEST(test_node__acls_are_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
