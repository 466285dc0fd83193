/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime bundles by the public functions: what is in them, and what is left of one that fails.
 * What each field becomes is in the tests of the conversion, and that it runs in those with
 * runtimes. */
#include "helper.h"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG(more)                                                                               \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"author\":\"somebody\",\"rootfs\":{\"type\":"   \
    "\"layers\",\"diff_ids\":[]},\"config\":{" more "}}"

/* An image of the tree with a configuration, put into the store as the file that it is. */
static void put_image(scratch *s, const char *config)
{
    bfc_writer_options options = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    bfc_err err = BFC_ERR_INIT;
    char *folder = text("%s/app:1", s->root), *path = text("%s/app:1.bfc", folder);

    assert_true(mkdir(s->root, 0755) == 0 || errno == EEXIST);
    assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    options.replace = true;
    if (bfc_writer_create(path, &options, &w, &err) != 0 ||
        bfc_writer_add_root(w, s->tree, &err) != 0 ||
        bfc_writer_put_blob(w, "oci/0/config", config, strlen(config), &err) != 0 ||
        bfc_writer_commit(w, NULL, &err) != 0)
        fail_msg("%s", err.msg);
    bfc_writer_close(w);
    free(path);
    free(folder);
}

static void put_etc(scratch *s, const char *passwd, const char *group)
{
    char *etc = text("%s/etc", s->tree);
    char *passwd_path = text("%s/usr-passwd", s->tree), *group_path = text("%s/group", etc);
    char *link = text("%s/passwd", etc);

    write_file(passwd_path, passwd, strlen(passwd));
    assert_int_equal(symlink("/../usr-passwd", link), 0);
    write_file(group_path, group, strlen(group));
    free(link);
    free(group_path);
    free(passwd_path);
    free(etc);
}

static char *load(const char *dir, const char *name)
{
    char *path = text("%s/%s", dir, name), *out = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");

    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    if (getdelim(&out, &size, '\0', file) < 0)
        fail_msg("%s is empty", path);
    assert_int_equal(fclose(file), 0);
    free(path);
    return out;
}

static void expect_words(const char *json, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(json, *words))
            fail_msg("no '%s' in:\n%s", *words, json);
}

/* Names directly in a folder; 0 also if there is none. */
static unsigned count_in(const char *dir)
{
    DIR *d = opendir(dir);
    unsigned count = 0;

    if (!d)
        return 0;
    while (readdir(d))
        count++;
    assert_int_equal(closedir(d), 0);
    return count - 2;
}

static void expect_bundle(scratch *s, const char *dir, const char *const *words)
{
    char *rootfs = text("%s/rootfs", dir), *json = load(dir, "config.json");

    assert_true(trees_equal(s->tree, rootfs));
    assert_int_equal(count_in(dir), 2);
    expect_words(json, words);
    free(json);
    free(rootfs);
}

static void bundle(scratch *s, const char *name, const char *dir,
                   const bfc_image_bundle_options *options)
{
    bfc_extract_report report;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_image_bundle(s->store, name, dir, options, &report, &err) != 0)
        fail_msg("%s", err.msg);
    assert_true(report.files > 0);
}

static void test_bundle__of_an_image_from_a_directory(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/new/deep/bundle", s->top), *parent = text("%s/new", s->top);
    struct stat st;

    create_at(s, "plain", 0);
    bundle(s, "plain", dir, NULL);
    expect_bundle(s, dir, (const char *const[]){"\"sh\"", "\"path\": \"rootfs\"", NULL});
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(parent, &st), 0);
    assert_true(st.st_mode & 0005);
    free(parent);
    free(dir);
}

static void test_bundle__of_an_image_with_a_configuration(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/bundle", s->top);
    bfc_image_bundle_options how = BFC_IMAGE_BUNDLE_OPTIONS_INIT;

    put_etc(s, "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/srv:/bin/sh\n", "adm:x:4:www\n");
    put_image(s, CONFIG("\"User\":\"www\",\"Cmd\":[\"a b\"],\"Env\":[\"A=1\"],\"Labels\":{\"k\":"
                        "\"v\"}"));
    assert_int_equal(mkdir(dir, 0755), 0);
    how.hostname = "box";
    how.terminal = true;
    bundle(s, "app:1", dir, &how);
    expect_bundle(s, dir,
                  (const char *const[]){"\"uid\": 33", "\"gid\": 34", "4\n", "\"a b\"", "\"A=1\"",
                                        "HOME=/srv", "\"k\": \"v\"", "\"somebody\"",
                                        "\"hostname\": \"box\"", "\"terminal\": true", NULL});
    free(dir);
}

static void note_warning(void *ctx, enum bfc_log_level level, const char *module,
                         const char *message)
{
    (void)module;
    if (level == BFC_LOG_WARNING)
        (void)snprintf(ctx, 400, "%s", message);
}

static void test_bundle__rootless(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/bundle", s->top), *mapping = text("\"hostID\": %u", (unsigned)geteuid());
    char warning[400] = "";
    const bfc_hooks hooks = {.log = note_warning, .ctx = warning};
    bfc_image_bundle_options how = BFC_IMAGE_BUNDLE_OPTIONS_INIT;

    put_etc(s, "www:x:33:34::/srv:/bin/sh\n", "");
    put_image(s, CONFIG("\"User\":\"www\""));
    how.rootless = true;
    how.extract.hooks = &hooks;
    bundle(s, "app:1", dir, &how);
    expect_bundle(s, dir, (const char *const[]){"\"uid\": 0", mapping, "\"user\"", NULL});
    if (!strstr(warning, "'www' (33:34)"))
        fail_msg("the log says: %s", warning);
    free(mapping);
    free(dir);
}

static void expect_nothing_made(scratch *s, const char *name, const char *dir, enum bfc_code code,
                                const char *message)
{
    bfc_err err = BFC_ERR_INIT;
    bool was_there = exists(dir);
    unsigned count = count_in(dir);

    expect_error(bfc_image_bundle(s->store, name, dir, NULL, NULL, &err), code, &err, message);
    assert_int_equal(exists(dir), was_there);
    assert_int_equal(count_in(dir), count);
}

static void test_bundle__what_cannot_be_one(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/bundle", s->top), *inside = text("%s/x", s->root);
    static char big[(1 << 20) + 2];

    memset(big, '\n', sizeof big - 1);
    create_at(s, "plain", 0);
    expect_nothing_made(s, "none", dir, BFC_E_NOT_FOUND, "none");
    expect_nothing_made(s, "NONE", dir, BFC_E_INVALID, "NONE");
    expect_nothing_made(s, "plain", inside, BFC_E_INVALID, "is in the store");
    expect_nothing_made(s, "plain", "", BFC_E_INVALID, "empty");
    expect_nothing_made(s, "plain", s->tree, BFC_E_EXISTS, "not empty");
    put_image(s, CONFIG("\"User\":\"www\""));
    expect_nothing_made(s, "app:1", dir, BFC_E_NOT_FOUND, "/etc/passwd, which is missing");
    put_etc(s, "root:x:0:0::/:/bin/sh\n", "");
    put_image(s, CONFIG("\"User\":\"www\""));
    expect_nothing_made(s, "app:1", dir, BFC_E_NOT_FOUND, "user 'www' is not in its /etc/passwd");
    put_image(s, CONFIG("\"Volumes\":{\"here\":{}}"));
    expect_nothing_made(s, "app:1", dir, BFC_E_UNSUPPORTED, "volume 'here'");
    put_image(s, "{\"os\":7}");
    expect_nothing_made(s, "app:1", dir, BFC_E_CORRUPT, "the image's configuration: os");
    char *passwd = text("%s/usr-passwd", s->tree);
    write_file(passwd, big, sizeof big - 1);
    put_image(s, CONFIG(""));
    expect_nothing_made(s, "app:1", dir, BFC_E_LIMIT, "/etc/passwd");
    free(passwd);
    free(inside);
    free(dir);
}

static void cancel_now(void *ctx, const bfc_progress *progress)
{
    (void)progress;
    *(int *)ctx = 1;
}

static void test_bundle__one_that_is_interrupted_leaves_nothing(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/bundle", s->top), *big = text("%s/big", s->tree);
    int cancel = 0;
    const bfc_hooks hooks = {.progress = cancel_now, .cancel = &cancel, .ctx = &cancel};
    bfc_image_bundle_options how = BFC_IMAGE_BUNDLE_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;

    make_big_tree(big, 40, 1 << 20);
    create_at(s, "plain", 0);
    how.extract.hooks = &hooks;
    expect_error(bfc_image_bundle(s->store, "plain", dir, &how, NULL, &err), BFC_E_CANCELLED, &err,
                 "plain");
    assert_int_equal(cancel, 1);
    assert_false(exists(dir));
    assert_int_equal(mkdir(dir, 0755), 0);
    cancel = 0;
    expect_error(bfc_image_bundle(s->store, "plain", dir, &how, NULL, &err), BFC_E_CANCELLED, &err,
                 "plain");
    assert_true(exists(dir));
    assert_int_equal(count_in(dir), 0);
    free(big);
    free(dir);
}

static void test_bundle__one_at_a_time_in_a_folder(void **state)
{
    scratch *s = *state;
    char *dir = text("%s/bundle", s->top);

    create_at(s, "plain", 0);
    assert_int_equal(mkdir(dir, 0755), 0);
    FILE *other = fopen(dir, "r");
    assert_non_null(other);
    assert_int_equal(flock(fileno(other), LOCK_EX | LOCK_NB), 0);
    expect_nothing_made(s, "plain", dir, BFC_E_BUSY, "another process");
    assert_int_equal(fclose(other), 0);
    bundle(s, "plain", dir, NULL);
    free(dir);
}

static void test_bundle__options_that_were_not_set_up(void **state)
{
    scratch *s = *state;
    const bfc_image_bundle_options how = {0};
    bfc_err err = BFC_ERR_INIT;

    expect_error(bfc_image_bundle(s->store, "a", s->top, &how, NULL, &err), BFC_E_INVALID, &err,
                 "BFC_IMAGE_BUNDLE_OPTIONS_INIT");
}

#define BUNDLE_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUNDLE_TEST(test_bundle__of_an_image_from_a_directory),
        BUNDLE_TEST(test_bundle__of_an_image_with_a_configuration),
        BUNDLE_TEST(test_bundle__rootless),
        BUNDLE_TEST(test_bundle__what_cannot_be_one),
        BUNDLE_TEST(test_bundle__one_that_is_interrupted_leaves_nothing),
        BUNDLE_TEST(test_bundle__one_at_a_time_in_a_folder),
        BUNDLE_TEST(test_bundle__options_that_were_not_set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
