/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_extract() into folders that hold something already: what is merged, replaced, refused, and
 * what of the target's own rules (ACLs, setgid) must not show in the result. */
#include "extract_fixture.h"

static const bfc_extract_options defaults = BFC_EXTRACT_OPTIONS_INIT;

static bfc_extract_options replacing(void)
{
    bfc_extract_options o = defaults;
    o.replace = true;
    return o;
}

static void put_tree(struct fixture *f)
{
    put_folder(f->src, "folder", 0755);
    put_text(f->src, "folder/inner", "new inner");
    put_folder(f->src, "folder/deeper", 0755);
    put_text(f->src, "folder/deeper/innermost", "innermost");
    put_text(f->src, "file", "new file");
    assert_int_equal(symlink("points", AT(f->src, "link")), 0);
    assert_int_equal(link(AT(f->src, "file"), AT(f->src, "second name")), 0);
    set_mtime(f->src, "folder", 1000, 1);
    store(f, 0);
    assert_int_equal(mkdir(f->out, 0755), 0);
}

static void test_target__folders_are_merged(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    put_folder(f->out, "folder", 0700);
    put_text(f->out, "folder/mine", "mine");
    extract_ok(f, NULL, NULL);
    assert_true(has_text(f->out, "folder/mine", "mine"));
    assert_true(has_text(f->out, "folder/inner", "new inner"));
    struct stat st;
    assert_int_equal(stat(AT(f->out, "folder"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
}

static void refused(struct fixture *f, const char *name)
{
    char want[64];
    assert_int_equal(extract(f, NULL, NULL), BFC_E_EXISTS);
    (void)snprintf(want, sizeof want, "'%s' exists in the target", name);
    if (!strstr(f->err.msg, want))
        fail_msg("%s", f->err.msg);
}

static void test_target__existing_names_are_refused(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    put_folder(f->out, "folder", 0755);
    put_text(f->out, "folder/inner", "old");
    refused(f, "folder/inner");
    assert_true(has_text(f->out, "folder/inner", "old"));
}

static void test_target__existing_link_is_refused(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    put_text(f->out, "link", "old");
    refused(f, "link");
    assert_true(has_text(f->out, "link", "old"));
}

static void test_target__existing_second_name_is_refused(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    put_text(f->out, "second name", "old");
    refused(f, "second name");
    assert_true(has_text(f->out, "second name", "old"));
}

static void test_target__existing_names_are_replaced(void **state)
{
    struct fixture *f = *state;
    bfc_extract_options o = replacing();
    put_tree(f);
    put_text(f->out, "file", "old");
    assert_int_equal(link(AT(f->out, "file"), AT(f->root, "outside")), 0);
    put_text(f->out, "link", "old");
    put_text(f->out, "second name", "old");
    put_folder(f->out, "folder", 0755);
    put_folder(f->out, "folder/inner", 0755); /* an empty folder */
    extract_ok(f, &o, NULL);
    extract_ok(f, &o, NULL);                          /* once more over its own result */
    assert_true(has_text(f->root, "outside", "old")); /* not written through */
    same_tree(f->src, f->out);
}

static void test_target__full_folder_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    bfc_extract_options o = replacing();
    put_tree(f);
    put_folder(f->out, "file", 0755);
    put_text(f->out, "file/mine", "mine");
    assert_int_equal(extract(f, &o, NULL), BFC_E_EXISTS);
    assert_non_null(strstr(f->err.msg, "'file' is a folder"));
    assert_true(has_text(f->out, "file/mine", "mine"));
}

static void test_target__link_instead_of_a_folder(void **state)
{
    struct fixture *f = *state;
    bfc_extract_options o = replacing();
    put_tree(f);
    put_folder(f->root, "outside", 0755);
    assert_int_equal(symlink("../outside", AT(f->out, "folder")), 0);
    refused(f, "folder");
    assert_false(is_there(f->root, "outside/inner"));
    extract_ok(f, &o, NULL);
    assert_false(is_there(f->root, "outside/inner"));
    assert_true(has_text(f->out, "folder/inner", "new inner"));
    same_tree(f->src, f->out);
}

static void test_target__link_instead_of_a_file(void **state)
{
    struct fixture *f = *state;
    bfc_extract_options o = replacing();
    put_tree(f);
    put_text(f->root, "outside", "old");
    assert_int_equal(symlink("../outside", AT(f->out, "file")), 0);
    assert_int_equal(symlink("../outside2", AT(f->out, "second name")), 0);
    extract_ok(f, &o, NULL);
    assert_true(has_text(f->root, "outside", "old"));
    assert_false(is_there(f->root, "outside2"));
    same_tree(f->src, f->out);
}

static void test_target__may_be_a_link_itself(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    assert_int_equal(symlink("out", AT(f->root, "to")), 0);
    assert_int_equal(bfc_extract(f->reader, AT(f->root, "to"), NULL, NULL, &f->err), 0);
    assert_true(has_text(f->out, "file", "new file"));
}

static void test_target__is_made_with_the_folders_before_it(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    assert_int_equal(bfc_extract(f->reader, AT(f->root, "x/y/z"), NULL, NULL, &f->err), 0);
    same_tree(f->src, AT(f->root, "x/y/z"));
}

/* user::rwx user:9:r-- group::r-x mask::r-x other::--- */
static const uint8_t acl[] = {2,    0,    0,    0,    1,    0,    7,  0,    0xff, 0xff, 0xff,
                              0xff, 2,    0,    4,    0,    9,    0,  0,    0,    4,    0,
                              5,    0,    0xff, 0xff, 0xff, 0xff, 16, 0,    5,    0,    0xff,
                              0xff, 0xff, 0xff, 32,   0,    0,    0,  0xff, 0xff, 0xff, 0xff};

static void test_target__default_acl_is_not_inherited(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = {"folder", "file", "second name", "link", NULL};
    bfc_extract_options o = defaults;
    put_tree(f);
    if (setxattr(f->out, "system.posix_acl_default", acl, sizeof acl, 0) < 0)
        skip();
    assert_int_equal(mkfifo(AT(f->root, "probe"), 0600), 0);
    o.paths = paths;
    extract_ok(f, &o, NULL);
    same_tree(AT(f->src, "folder"), AT(f->out, "folder"));
    same_tree(AT(f->src, "file"), AT(f->out, "file"));
    assert_true(getxattr(f->out, "system.posix_acl_default", NULL, 0) >
                0); /* the target keeps its own */
}

static void test_target__acls_of_merged_folders_go(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    put_folder(f->out, "folder", 0755);
    if (setxattr(f->out, "system.posix_acl_default", acl, sizeof acl, 0) < 0)
        skip();
    assert_int_equal(setxattr(AT(f->out, "folder"), "system.posix_acl_default", acl, sizeof acl, 0),
                     0);
    assert_int_equal(setxattr(AT(f->out, "folder"), "system.posix_acl_access", acl, sizeof acl, 0),
                     0);
    extract_ok(f, NULL, NULL);
    same_tree(f->src, f->out);
}

static void test_target__new_target_in_a_folder_with_default_acl(void **state)
{
    struct fixture *f = *state;
    put_tree(f);
    assert_int_equal(mkdir(AT(f->root, "acl"), 0755), 0);
    if (setxattr(AT(f->root, "acl"), "system.posix_acl_default", acl, sizeof acl, 0) < 0)
        skip();
    assert_int_equal(bfc_extract(f->reader, AT(f->root, "acl/out"), NULL, NULL, &f->err), 0);
    same_tree(f->src, AT(f->root, "acl/out"));
}

static void test_target__setgid_is_not_inherited(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    put_tree(f);
    assert_int_equal(chown(f->out, 0, 4321), 0);
    assert_int_equal(chmod(f->out, 02755), 0);
    extract_ok(f, NULL, NULL);
    same_tree(f->src, f->out);
}

static void test_target__setgid_above_a_new_target(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    put_tree(f);
    assert_int_equal(mkdir(AT(f->root, "group"), 0755), 0);
    assert_int_equal(chown(AT(f->root, "group"), 0, 4321), 0);
    assert_int_equal(chmod(AT(f->root, "group"), 02755), 0);
    assert_int_equal(bfc_extract(f->reader, AT(f->root, "group/out"), NULL, NULL, &f->err), 0);
    same_tree(f->src, AT(f->root, "group/out"));
}

static void test_target__any_umask(void **state)
{
    struct fixture *f = *state;
    put_bytes(f->src, "open to all", 10, 1, 0777);
    assert_int_equal(mkfifo(AT(f->src, "fifo"), 0666), 0);
    assert_int_equal(chmod(AT(f->src, "fifo"), 0666), 0);
    store(f, 0);
    umask(0777);
    int rc = extract(f, NULL, NULL);
    umask(022);
    if (rc < 0)
        fail_msg("%s", f->err.msg);
    same_tree(f->src, f->out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_target__folders_are_merged),
        FIXTURE_TEST(test_target__existing_names_are_refused),
        FIXTURE_TEST(test_target__existing_link_is_refused),
        FIXTURE_TEST(test_target__existing_second_name_is_refused),
        FIXTURE_TEST(test_target__existing_names_are_replaced),
        FIXTURE_TEST(test_target__full_folder_is_not_replaced),
        FIXTURE_TEST(test_target__link_instead_of_a_folder),
        FIXTURE_TEST(test_target__link_instead_of_a_file),
        FIXTURE_TEST(test_target__may_be_a_link_itself),
        FIXTURE_TEST(test_target__is_made_with_the_folders_before_it),
        FIXTURE_TEST(test_target__default_acl_is_not_inherited),
        FIXTURE_TEST(test_target__acls_of_merged_folders_go),
        FIXTURE_TEST(test_target__new_target_in_a_folder_with_default_acl),
        FIXTURE_TEST(test_target__setgid_is_not_inherited),
        FIXTURE_TEST(test_target__setgid_above_a_new_target),
        FIXTURE_TEST(test_target__any_umask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
