/* SPDX-License-Identifier: Apache-2.0 */
/* Programs by their names: the caller's folders first, then the system's. */
#include "scratch.h"

#include "sys/process.h"

static char *find(const char *name)
{
    char *path = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_program_find(name, &path, &err) < 0)
        fail_msg("%s", err.msg);
    return path;
}

static void program_file(const struct scratch *s, const char *name)
{
    scratch_file(s, name, "#!/bin/sh\n");
    assert_int_equal(fchmodat(s->fd, name, 0755, 0), 0);
}

/* $PATH with the folder of the test in it; what stood there is put back. */
static void with_path(const struct scratch *s, const char *before, const char *after,
                      void (*check)(const struct scratch *s))
{
    AUTO_FREE char *kept = NULL, *path = NULL;
    assert_int_equal(bfci_strdup(getenv("PATH"), &kept, NULL), 0);
    assert_int_equal(bfci_asprintf(&path, NULL, "%s%s%s", before, s->path, after), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    check(s);
    assert_int_equal(setenv("PATH", kept, 1), 0);
}

static void expect_own(const struct scratch *s)
{
    char want[512];
    scratch_path(s, "sh", want);
    AUTO_FREE char *path = find("sh");
    assert_string_equal(path, want);
}

static void expect_system(const struct scratch *s)
{
    AUTO_FREE char *path = find("sh");
    assert_int_equal(path[0], '/');
    assert_null(strstr(path, s->path));
    assert_int_equal(access(path, X_OK), 0);
}

static void test_program__own_folders_first(void **state)
{
    struct scratch *s = *state;
    program_file(s, "sh");
    with_path(s, "", "", expect_own);
    with_path(s, "/none:", ":/bin", expect_own);
    with_path(s, "::", ":", expect_own);
}

static void test_program__only_what_can_be_run(void **state)
{
    struct scratch *s = *state;
    scratch_file(s, "sh", "#!/bin/sh\n");
    with_path(s, "", "", expect_system);
    assert_int_equal(unlinkat(s->fd, "sh", 0), 0);
    scratch_dir(s, "sh");
    with_path(s, "", "", expect_system);
}

static void test_program__no_relative_folders(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int here = -1;
    program_file(s, "sh");
    assert_int_equal(bfci_open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0, &here, NULL), 0);
    assert_int_equal(fchdir(s->fd), 0);
    with_path(s, ".::x", "", expect_system); /* "x/tmp/…": not the folder itself */
    assert_int_equal(fchdir(here), 0);
}

static void test_program__without_a_path(void **state)
{
    struct scratch *s = *state;
    AUTO_FREE char *kept = NULL;
    assert_int_equal(bfci_strdup(getenv("PATH"), &kept, NULL), 0);
    assert_int_equal(unsetenv("PATH"), 0);
    expect_system(s);
    assert_int_equal(setenv("PATH", "", 1), 0);
    expect_system(s);
    assert_int_equal(setenv("PATH", kept, 1), 0);
}

static void test_program__errors(void **state)
{
    (void)state;
    char *path = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_program_find("bfc-no-such\n", &path, &err), BFC_E_NOT_FOUND);
    assert_string_equal(err.msg, "there is no program 'bfc-no-such\\x0a'");
    assert_int_equal(bfci_program_find("../bin/sh", &path, &err), BFC_E_INVALID);
    assert_int_equal(bfci_program_find("", &path, &err), BFC_E_INVALID);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_program__own_folders_first),
        SCRATCH_TEST(test_program__only_what_can_be_run),
        SCRATCH_TEST(test_program__no_relative_folders),
        SCRATCH_TEST(test_program__without_a_path),
        cmocka_unit_test(test_program__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
