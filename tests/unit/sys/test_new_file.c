/* SPDX-License-Identifier: Apache-2.0 */
/* New files: seen whole under their name, or not at all. */
#include "scratch.h"

static size_t names_in(const struct scratch *s)
{
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    assert_int_equal(lseek(s->fd, 0, SEEK_SET), 0);
    assert_int_equal(bfci_dir_read(s->fd, &list, NULL), 0);
    size_t count = list.count;
    bfci_dir_list_release(&list);
    return count;
}

static int begin(const struct scratch *s, const char *name, bfci_new_file *f, bfc_err *err)
{
    char path[512];
    scratch_path(s, name, path);
    *f = (bfci_new_file)BFCI_NEW_FILE_INIT;
    return bfci_new_file_begin(path, f, err);
}

static void test_new_file__published(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f;
    struct stat st;
    mode_t mask = umask(027);
    assert_int_equal(begin(s, "out", &f, NULL), 0);
    umask(mask);
    assert_false(scratch_has(s, "out"));
    assert_int_equal(names_in(s), 1);
    assert_memory_equal(f.temp_name, ".out.bfc-tmp-", 13);
    assert_int_equal(strlen(f.temp_name), 21);
    assert_int_equal(bfci_write_all(f.fd, "text", 4, NULL), 0);
    assert_int_equal(bfci_new_file_publish(&f, false, NULL), 0);
    assert_int_equal(f.fd, -1);
    assert_int_equal(f.dir_fd, -1);
    bfci_new_file_abandon(&f);
    scratch_expect(s, "out", "text");
    assert_int_equal(names_in(s), 1);
    assert_int_equal(bfci_stat_at(s->fd, "out", 0, &st, NULL), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_new_file__abandoned(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f;
    assert_int_equal(begin(s, "out", &f, NULL), 0);
    bfci_new_file_abandon(&f);
    bfci_new_file_abandon(&f);
    assert_int_equal(names_in(s), 0);
}

static void test_new_file__does_not_replace_unasked(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(begin(s, "out", &f, NULL), 0);
    assert_int_equal(bfci_write_all(f.fd, "new", 3, NULL), 0);
    scratch_file(s, "out", "old"); /* meanwhile */
    assert_int_equal(bfci_new_file_publish(&f, false, &err), BFC_E_EXISTS);
    scratch_expect(s, "out", "old");
    assert_int_equal(bfci_new_file_publish(&f, true, NULL), 0);
    bfci_new_file_abandon(&f);
    scratch_expect(s, "out", "new");
    assert_int_equal(names_in(s), 1);
}

static void test_new_file__a_link_is_replaced_not_followed(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f;
    scratch_file(s, "victim", "old");
    scratch_link(s, "victim", "out");
    assert_int_equal(begin(s, "out", &f, NULL), 0);
    assert_int_equal(bfci_write_all(f.fd, "new", 3, NULL), 0);
    assert_int_equal(bfci_new_file_publish(&f, true, NULL), 0);
    bfci_new_file_abandon(&f);
    scratch_expect(s, "out", "new");
    scratch_expect(s, "victim", "old");
}

static void test_new_file__wants_the_name_of_a_file(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f;
    bfc_err err = BFC_ERR_INIT;
    scratch_dir(s, "folder");
    assert_int_equal(begin(s, "folder", &f, &err), BFC_E_EXISTS);
    assert_non_null(strstr(err.msg, "is a folder"));
    assert_int_equal(begin(s, "out/", &f, &err), BFC_E_INVALID);
    assert_int_equal(begin(s, "folder/..", &f, &err), BFC_E_INVALID);
    assert_int_equal(begin(s, "none/out", &f, &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_new_file_begin("", &f, &err), BFC_E_INVALID);
    assert_int_equal(names_in(s), 1);
}

static void test_new_file__longest_name(void **state)
{
    struct scratch *s = *state;
    char name[256];
    bfci_new_file f;
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(begin(s, name, &f, NULL), 0);
    assert_int_equal(bfci_new_file_publish(&f, false, NULL), 0);
    bfci_new_file_abandon(&f);
    assert_true(scratch_has(s, name));
}

static void test_new_file__in_the_working_directory(void **state)
{
    struct scratch *s = *state;
    bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_FD int before = open(".", O_PATH | O_CLOEXEC);
    assert_int_equal(fchdir(s->fd), 0);
    int rc = bfci_new_file_begin("bare", &f, NULL);
    if (rc == 0)
        rc = bfci_new_file_publish(&f, false, NULL);
    bfci_new_file_abandon(&f);
    assert_int_equal(fchdir(before), 0);
    assert_int_equal(rc, 0);
    assert_true(scratch_has(s, "bare"));
}

static void test_new_file__temp_has_no_name(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = -1;
    char path[512], text[5] = "";
    scratch_path(s, "out", path);
    assert_int_equal(bfci_open_temp_beside(path, &fd, NULL), 0);
    assert_int_equal(names_in(s), 0);
    assert_int_equal(bfci_pwrite_all(fd, "text", 4, 0, NULL), 0);
    assert_int_equal(bfci_pread_exact(fd, text, 4, 0, NULL), 0);
    assert_string_equal(text, "text");
    struct stat file, folder;
    assert_int_equal(bfci_fstat(fd, &file, NULL), 0);
    assert_int_equal(bfci_fstat(s->fd, &folder, NULL), 0);
    assert_true(file.st_dev == folder.st_dev);
    assert_int_equal(file.st_nlink, 0);
    int none = -1;
    scratch_path(s, "none/out", path);
    assert_int_equal(bfci_open_temp_beside(path, &none, NULL), BFC_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_new_file__published),
        SCRATCH_TEST(test_new_file__abandoned),
        SCRATCH_TEST(test_new_file__does_not_replace_unasked),
        SCRATCH_TEST(test_new_file__a_link_is_replaced_not_followed),
        SCRATCH_TEST(test_new_file__wants_the_name_of_a_file),
        SCRATCH_TEST(test_new_file__longest_name),
        SCRATCH_TEST(test_new_file__in_the_working_directory),
        SCRATCH_TEST(test_new_file__temp_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
