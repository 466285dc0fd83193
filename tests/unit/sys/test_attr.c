/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes and modes. Where the file system has no user attributes, the tests that need
 * them are skipped. */
#include "scratch.h"

#include <errno.h>
#include <sys/xattr.h>

#include "sys/attr.h"

static int open_file(const struct scratch *s)
{
    int fd = -1;
    scratch_file(s, "file", "x");
    assert_int_equal(bfci_open(s->fd, "file", O_RDONLY, 0, &fd, NULL), 0);
    if (fsetxattr(fd, "user.probe", "", 0, 0) < 0) {
        assert_int_equal(errno, ENOTSUP);
        bfci_fd_close(&fd);
        skip();
    }
    assert_int_equal(fremovexattr(fd, "user.probe"), 0);
    return fd;
}

static void test_attr__none(void **state)
{
    struct scratch *s = *state;
    bfci_attr_list list = {7, NULL, NULL};
    scratch_file(s, "plain", "x");
    assert_int_equal(bfci_attrs_read_at(s->fd, "plain", &list, NULL), 0);
    for (size_t i = 0; i < list.count; i++) /* a security module may have added its own */
        assert_memory_not_equal(list.item[i].name, "user.", 5);
    bfci_attr_list_release(&list);
    AUTO_FD int proc = -1;
    assert_int_equal(bfci_open(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, &proc, NULL), 0);
    assert_int_equal(bfci_attrs_read_fd(proc, &list, NULL), 0);
    bfci_attr_list_release(&list);
}

/* Those of the user namespace, in the order of the list. */
static size_t user_attrs(const bfci_attr_list *list, const bfci_attr *out[], size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            assert_true(strcmp(list->item[i - 1].name, list->item[i].name) < 0);
        if (strncmp(list->item[i].name, "user.", 5) == 0 && count < max)
            out[count++] = &list->item[i];
    }
    return count;
}

static void test_attr__set_read_remove(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_file(s);
    uint8_t big[1000];
    memset(big, 0xa5, sizeof big);
    const bfci_attr set[] = {
        {"user.zero", (const uint8_t *)"a\0b", 3},
        {"user.big", big, sizeof big},
        {"user.empty", (const uint8_t *)"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(set); i++)
        assert_int_equal(i == 1 ? bfci_attr_set_at(s->fd, "file", &set[i], NULL)
                                : bfci_attr_set_fd(fd, &set[i], NULL),
                         0);
    for (int way = 0; way < 2; way++) {
        bfci_attr_list list = BFCI_ATTR_LIST_INIT;
        const bfci_attr *got[4];
        assert_int_equal(way ? bfci_attrs_read_fd(fd, &list, NULL)
                             : bfci_attrs_read_at(s->fd, "file", &list, NULL),
                         0);
        assert_int_equal(user_attrs(&list, got, 4), 3);
        assert_string_equal(got[0]->name, "user.big");
        assert_int_equal(got[0]->value_len, sizeof big);
        assert_memory_equal(got[0]->value, big, sizeof big);
        assert_string_equal(got[1]->name, "user.empty");
        assert_int_equal(got[1]->value_len, 0);
        assert_string_equal(got[2]->name, "user.zero");
        assert_int_equal(got[2]->value_len, 3);
        assert_memory_equal(got[2]->value, "a\0b", 3);
        bfci_attr_list_release(&list);
    }
    assert_int_equal(bfci_attr_remove_fd(fd, "user.big", NULL), 0);
    assert_int_equal(bfci_attr_remove_fd(fd, "user.big", NULL), 0);
    assert_true(fgetxattr(fd, "user.big", NULL, 0) < 0);
}

/* More names than the first attempt has room for. */
static void test_attr__many(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_file(s);
    bfci_attr_list list = BFCI_ATTR_LIST_INIT;
    const bfci_attr *got[64];
    char name[120];
    size_t set = 0;
    for (; set < 25; set++) {
        (void)snprintf(name, sizeof name, "user.%0100zu", 25 - set);
        if (fsetxattr(fd, name, name, 5, 0) < 0)
            break; /* the file system's own limit */
    }
    assert_true(set > 10);
    assert_int_equal(bfci_attrs_read_fd(fd, &list, NULL), 0);
    assert_int_equal(user_attrs(&list, got, ARRAY_LEN(got)), set);
    bfci_attr_list_release(&list);
}

static void test_attr__links_are_not_followed(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_file(s);
    bfci_attr_list list = BFCI_ATTR_LIST_INIT;
    const bfci_attr *got[4];
    assert_int_equal(fsetxattr(fd, "user.a", "1", 1, 0), 0);
    scratch_link(s, "file", "link");
    assert_int_equal(bfci_attrs_read_at(s->fd, "link", &list, NULL), 0);
    assert_int_equal(user_attrs(&list, got, 4), 0);
    bfci_attr_list_release(&list);
    const bfci_attr b = {"user.b", (const uint8_t *)"2", 1};
    assert_true(bfci_attr_set_at(s->fd, "link", &b, NULL) < 0); /* links have no user attributes */
    assert_true(fgetxattr(fd, "user.b", NULL, 0) < 0);
}

static void test_attr__errors(void **state)
{
    struct scratch *s = *state;
    bfci_attr_list list = BFCI_ATTR_LIST_INIT;
    bfc_err err = BFC_ERR_INIT;
    char name[400];
    assert_int_equal(bfci_attrs_read_at(s->fd, "none", &list, &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_attrs_read_fd(-1, &list, &err), BFC_E_IO);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(bfci_attrs_read_at(s->fd, name, &list, &err), BFC_E_INVALID);
}

static void test_attr__chmod(void **state)
{
    struct scratch *s = *state;
    struct stat st;
    scratch_file(s, "file", "x");
    scratch_link(s, "file", "link");
    assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
    assert_int_equal(bfci_chmod_at(s->fd, "file", 06751, NULL), 0);
    assert_int_equal(bfci_chmod_at(s->fd, "fifo", 0640, NULL), 0);
    assert_int_equal(bfci_chmod_at(s->fd, "link", 0777, NULL), BFC_E_UNSUPPORTED);
    assert_int_equal(bfci_chmod_at(s->fd, "none", 0777, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_stat_at(s->fd, "file", 0, &st, NULL), 0);
    assert_int_equal(st.st_mode & 07777, 06751);
    assert_int_equal(bfci_stat_at(s->fd, "fifo", 0, &st, NULL), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_attr__umask(void **state)
{
    (void)state;
    mode_t before = umask(0137);
    unsigned got = bfci_umask();
    umask(before);
    assert_int_equal(got, 0137);
    assert_int_equal(bfci_umask(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_attr__none),   SCRATCH_TEST(test_attr__set_read_remove),
        SCRATCH_TEST(test_attr__many),   SCRATCH_TEST(test_attr__links_are_not_followed),
        SCRATCH_TEST(test_attr__errors), SCRATCH_TEST(test_attr__chmod),
        SCRATCH_TEST(test_attr__umask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
