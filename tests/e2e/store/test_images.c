/* SPDX-License-Identifier: Apache-2.0 */
/* The store in peace: what each operation does, what it refuses, and what is then on disk. */
#include "helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_images__create_list_info_extract_delete(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_info *made = NULL, *info = NULL;
    bfc_extract_report report;
    char *file = text("%s/library/nginx:1.25/nginx:1.25.bfc", s->root);
    char *out = text("%s/out", s->top);

    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    options.platform = "linux/arm/v7";
    if (bfc_image_create_from_dir(s->store, "library/nginx:1.25", s->tree, &options, &made, &err) <
        0)
        fail_msg("%s", err.msg);
    assert_string_equal(made->path, file);
    assert_true(exists(file));
    assert_int_equal(count_below(s->root), 3); /* library, its image's folder, the file */

    assert_int_equal(bfc_image_info_get(s->store, "library/nginx:1.25", &info, &err), 0);
    assert_string_equal(info->name, "library/nginx:1.25");
    assert_string_equal(info->path, file);
    assert_string_equal(info->platform, "linux/arm/v7");
    assert_string_equal(info->compression, "zstd");
    assert_string_equal(info->encryption, "none");
    assert_string_equal(info->manifest_digest, "");
    assert_int_equal(info->layers, 1);
    assert_int_equal(info->files, 5); /* two folders, two files, a link */
    assert_int_equal(info->content_bytes, 300006);
    assert_memory_equal(info->root_digest, made->root_digest, BFC_DIGEST_SIZE);
    assert_int_equal(info->created, made->created);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(info->size, st.st_size);

    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "library/nginx:1.25");
    if (bfc_image_extract(s->store, "library/nginx:1.25", out, NULL, &report, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(report.files, 2);
    assert_true(trees_equal(s->tree, out));
    assert_int_equal(bfc_image_verify(s->store, "library/nginx:1.25", NULL, NULL, &err), 0);

    assert_int_equal(bfc_image_delete(s->store, "library/nginx:1.25", &err), 0);
    assert_int_equal(count_below(s->root), 0);
    expect_error(bfc_image_delete(s->store, "library/nginx:1.25", &err), BFC_E_NOT_FOUND, &err,
                 "no image 'library/nginx:1.25' in the store 'dir:");
    assert_true(trees_equal(s->tree, out)); /* what was extracted stays */
    bfc_image_info_free(info);
    bfc_image_info_free(made);
    free(names);
    free(out);
    free(file);
}

static void test_images__default_tag_and_platform(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_info *info = NULL;

    create_at(s, "debian", 0);
    assert_int_equal(bfc_image_info_get(s->store, "debian:latest", &info, &err), 0);
    assert_string_equal(info->name, "debian:latest");
    assert_int_equal(strncmp(info->platform, "linux/", 6), 0);
    bfc_image_info_free(info);
}

static void count_progress(void *ctx, const bfc_progress *progress)
{
    unsigned *calls = ctx;

    (void)progress;
    ++*calls;
}

static void test_images__a_name_is_taken_once(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    char *file = text("%s/a:1/a:1.bfc", s->root);

    unsigned calls = 0;
    const bfc_hooks hooks = {NULL, count_progress, &calls, NULL};

    create_at(s, "a:1", 1000);
    uint64_t before = inode_of(file);
    options.writer.hooks = &hooks;
    expect_error(bfc_image_create_from_dir(s->store, "a:1", s->tree, &options, NULL, &err),
                 BFC_E_EXISTS, &err, "image 'a:1' is already in the store");
    assert_int_equal(inode_of(file), before);
    assert_int_equal(calls, 0); /* told before any work was done */

    bfc_reader *old = NULL; /* open while it is replaced */
    assert_int_equal(bfc_reader_open(file, NULL, &old, &err), 0);
    bfc_image_info *info = NULL;
    options.writer.replace = true;
    options.writer.reproducible = true;
    options.writer.source_date_epoch = 2000;
    if (bfc_image_create_from_dir(s->store, "a:1", s->tree, &options, &info, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(info->created, 2000);
    assert_true(calls > 0);
    assert_true(inode_of(file) != before);
    assert_int_equal(count_below(s->root), 2);

    bfc_entry entry;
    bfc_container_info container;
    assert_int_equal(bfc_reader_stat(old, "etc/motd", &entry, &err), 0);
    assert_int_equal(bfc_reader_info(old, &container, &err), 0);
    assert_int_equal(container.commit.time, 1000);
    bfc_reader_close(old);
    bfc_image_info_free(info);
    free(file);
}

static void test_images__list_is_newest_first(void **state)
{
    scratch *s = *state;

    create_at(s, "old:1", 1000);
    create_at(s, "new:1", 3000);
    create_at(s, "b/mid:1", 2000);
    create_at(s, "a/mid:1", 2000);
    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "new:1 a/mid:1 b/mid:1 old:1");
    free(names);
}

struct log_lines {
    unsigned warnings;
    char last[1024];
};

static void keep_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct log_lines *lines = ctx;

    (void)module;
    lines->warnings += level == BFC_LOG_WARNING;
    (void)snprintf(lines->last, sizeof lines->last, "%s", msg);
}

static void test_images__damaged_ones_are_told_and_the_others_listed(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    struct log_lines lines = {0, ""};
    const bfc_hooks hooks = {keep_log, NULL, &lines, NULL};
    bfc_image_list *list = NULL;
    char *bad = text("%s/bad:1/bad:1.bfc", s->root);

    create_at(s, "good:1", 0);
    create_at(s, "bad:1", 0);
    assert_int_equal(truncate(bad, 100), 0);
    assert_int_equal(bfc_image_list_get(s->store, &hooks, &list, &err), 0);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->damaged, 1);
    assert_int_equal(lines.warnings, 1);
    assert_non_null(strstr(lines.last, "image 'bad:1'"));
    bfc_image_list_free(list);

    bfc_image_info *info = NULL;
    expect_error(bfc_image_info_get(s->store, "bad:1", &info, &err), BFC_E_CORRUPT, &err,
                 "image 'bad:1'");
    assert_int_equal(bfc_image_delete(s->store, "bad:1", &err), 0); /* one can be rid of it */
    free(bad);
}

static void test_images__others_files_are_no_images(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_prune_report report;
    static const char *const folders[] = {"lost+found", "Upper:1", ".hidden", "plain", "dir:1"};
    static const char *const files[] = {"Upper:1/Upper:1.bfc", ".hidden/x.bfc", "plain/plain.bfc",
                                        "notes.txt", "dir:1/notes.txt"};

    create_at(s, "real:1", 0);
    for (size_t i = 0; i < COUNT(folders); i++) {
        char *path = text("%s/%s", s->root, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
        free(path);
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        char *path = text("%s/%s", s->root, files[i]);
        write_file(path, "x", 1);
        free(path);
    }
    char *link_name = text("%s/linked:1", s->root); /* links are not followed */
    assert_int_equal(symlink("real:1", link_name), 0);
    unsigned before = count_below(s->root);
    size_t damaged = 9;
    char *names = list_names(s->store, &damaged);
    assert_string_equal(names, "real:1");
    assert_int_equal(damaged, 0);
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &report, &err), 0);
    assert_int_equal(report.removed, 0);
    assert_int_equal(count_below(s->root), before);
    free(names);
    free(link_name);
}

static void test_images__tags_share_one_file(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_store_usage one, two;
    bfc_image_info *info = NULL;
    char *a = text("%s/a:1/a:1.bfc", s->root);
    char *b = text("%s/team/b:2/b:2.bfc", s->root);

    create_at(s, "a:1", 1000);
    create_at(s, "other:1", 2000);
    assert_int_equal(bfc_image_df(s->store, &one, &err), 0);
    assert_int_equal(one.images, 2);
    assert_int_equal(one.shared_bytes, 0);
    if (bfc_image_tag(s->store, "a:1", "team/b:2", false, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(inode_of(a), inode_of(b));
    assert_int_equal(bfc_image_info_get(s->store, "team/b:2", &info, &err), 0);
    assert_string_equal(info->name, "team/b:2");
    assert_string_equal(info->path, b);

    assert_int_equal(bfc_image_df(s->store, &two, &err), 0);
    assert_int_equal(two.images, 3);
    assert_int_equal(two.disk_bytes, one.disk_bytes);
    assert_int_equal(two.shared_bytes, info->size);
    assert_int_equal(two.image_bytes, one.image_bytes + info->size);
    assert_int_equal(two.content_bytes, 2 * 300006);
    assert_int_equal(two.leftover_bytes, 0);
    assert_true(two.free_bytes > 0);

    expect_error(bfc_image_tag(s->store, "a:1", "other:1", false, &err), BFC_E_EXISTS, &err,
                 "image 'other:1' is already");
    expect_error(bfc_image_tag(s->store, "a:1", "a:1", false, &err), BFC_E_EXISTS, &err, "a:1");
    expect_error(bfc_image_tag(s->store, "no:1", "x:1", false, &err), BFC_E_NOT_FOUND, &err,
                 "no:1");
    expect_error(bfc_image_tag(s->store, "a:1", "X", false, &err), BFC_E_INVALID, &err, "'X'");
    assert_int_equal(bfc_image_tag(s->store, "a:1", "a:1", true, &err), 0);
    assert_int_equal(bfc_image_tag(s->store, "a:1", "team/b:2", true, &err), 0); /* as it is */
    assert_int_equal(bfc_image_tag(s->store, "a:1", "other:1", true, &err), 0);
    char *other = text("%s/other:1/other:1.bfc", s->root);
    assert_int_equal(inode_of(a), inode_of(other));

    assert_int_equal(bfc_image_delete(s->store, "a:1", &err), 0);
    assert_int_equal(bfc_image_verify(s->store, "team/b:2", NULL, NULL, &err), 0);
    assert_int_equal(count_below(s->root), 5);
    bfc_image_info_free(info);
    free(other);
    free(b);
    free(a);
}

static void test_images__a_registry_can_be_called_like_an_image(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;

    create_at(s, "localhost:5000", 3000);
    create_at(s, "localhost:5000/app:1", 2000);
    create_at(s, "[::1]:80/a/b/c:d", 1000);
    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "localhost:5000 localhost:5000/app:1 [::1]:80/a/b/c:d");
    free(names);
    assert_int_equal(bfc_image_delete(s->store, "localhost:5000", &err), 0);
    names = list_names(s->store, NULL);
    assert_string_equal(names, "localhost:5000/app:1 [::1]:80/a/b/c:d");
    free(names);
    assert_int_equal(bfc_image_delete(s->store, "localhost:5000/app:1", &err), 0);
    assert_int_equal(bfc_image_delete(s->store, "[::1]:80/a/b/c:d", &err), 0);
    assert_int_equal(count_below(s->root), 0);
}

static void test_images__hostile_names_touch_nothing(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_info *info = NULL;
    static const char *const names[] = {"",           "../x",     "..", "a//b",        "A",
                                        ":",          "x:",       "-x", "/etc/passwd", "a/../../b",
                                        ".bfc-tmp/x", "x:../../y"};

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = names[i];
        expect_error(bfc_image_create_from_dir(s->store, name, s->tree, NULL, NULL, &err),
                     BFC_E_INVALID, &err, "image name");
        expect_error(bfc_image_info_get(s->store, name, &info, &err), BFC_E_INVALID, &err, "name");
        expect_error(bfc_image_delete(s->store, name, &err), BFC_E_INVALID, &err, "name");
        expect_error(bfc_image_extract(s->store, name, s->top, NULL, NULL, &err), BFC_E_INVALID,
                     &err, "name");
        expect_error(bfc_image_tag(s->store, "a:1", name, true, &err), BFC_E_INVALID, &err, "name");
        expect_error(bfc_image_verify(s->store, name, NULL, NULL, &err), BFC_E_INVALID, &err,
                     "name");
    }
    assert_false(exists(s->root));
}

static void test_images__targets_of_extract(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_extract_options replace = BFC_EXTRACT_OPTIONS_INIT;
    char *out = text("%s/out", s->top);
    char *old = text("%s/out/old", s->top);
    char *file = text("%s/file", s->top);
    char *inside = text("%s/a:1/out", s->root);
    char *way_round = text("%s/link/new/out", s->top);
    char *link_name = text("%s/link", s->top);
    char *lost = text("%s/no/../store/x", s->top);

    create_at(s, "a:1", 0);
    assert_int_equal(mkdir(out, 0755), 0);
    write_file(old, "old", 3);
    write_file(file, "x", 1);
    assert_int_equal(symlink("store", link_name), 0);
    expect_error(bfc_image_extract(s->store, "a:1", out, NULL, NULL, &err), BFC_E_EXISTS, &err,
                 "is not empty");
    expect_error(bfc_image_extract(s->store, "a:1", file, NULL, NULL, &err), BFC_E_EXISTS, &err,
                 "is not a folder");
    expect_error(bfc_image_extract(s->store, "a:1", "", NULL, NULL, &err), BFC_E_INVALID, &err,
                 "empty");
    expect_error(bfc_image_extract(s->store, "no:1", out, NULL, NULL, &err), BFC_E_NOT_FOUND, &err,
                 "no image 'no:1'");
    replace.replace = true;
    const char *const in_store[] = {s->root, inside, way_round, link_name};
    for (size_t i = 0; i < COUNT(in_store); i++)
        expect_error(bfc_image_extract(s->store, "a:1", in_store[i], &replace, NULL, &err),
                     BFC_E_INVALID, &err, "is in the store");
    expect_error(bfc_image_extract(s->store, "a:1", lost, &replace, NULL, &err), BFC_E_INVALID,
                 &err, "'..' follows a folder that is not there");
    assert_int_equal(count_below(s->root), 2);

    if (bfc_image_extract(s->store, "a:1", out, &replace, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(exists(old));
    assert_int_equal(remove(old), 0);
    assert_true(trees_equal(s->tree, out));
    free(lost);
    free(link_name);
    free(way_round);
    free(inside);
    free(file);
    free(old);
    free(out);
}

static void test_images__sources_of_create(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    char *missing = text("%s/missing", s->top);
    char *file = text("%s/tree/zeros", s->top);

    expect_error(bfc_image_create_from_dir(s->store, "a:1", missing, NULL, NULL, &err),
                 BFC_E_NOT_FOUND, &err, "missing");
    expect_error(bfc_image_create_from_dir(s->store, "a:1", file, NULL, NULL, &err), BFC_E_INVALID,
                 &err, "is not a folder");
    options.platform = "windows";
    expect_error(bfc_image_create_from_dir(s->store, "a:1", s->tree, &options, NULL, &err),
                 BFC_E_INVALID, &err, "platform 'windows'");
    options.size = 4;
    expect_error(bfc_image_create_from_dir(s->store, "a:1", s->tree, &options, NULL, &err),
                 BFC_E_INVALID, &err, "INIT");
    assert_false(exists(s->root)); /* not even the store was made */
    create_at(s, "a:1", 0);
    expect_error(bfc_image_create_from_dir(s->store, "b:1", s->root, NULL, NULL, &err),
                 BFC_E_INVALID, &err, "is in the store");
    free(file);
    free(missing);
}

/* The source holds the store, and a folder elsewhere that is called alike. */
static void test_images__the_store_is_left_out_of_its_images(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    static const char *const exclude[] = {"zeros", NULL};
    char *alike = text("%s/tree/store", s->top);
    char *path = text("%s/all:1/all:1.bfc", s->root);
    bfc_reader *reader = NULL;
    bfc_entry entry;

    create_at(s, "a:1", 0);
    assert_int_equal(mkdir(alike, 0755), 0);
    options.writer.exclude = exclude;
    if (bfc_image_create_from_dir(s->store, "all:1", s->top, &options, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(bfc_reader_open(path, NULL, &reader, &err), 0);
    assert_int_equal(bfc_reader_stat(reader, "tree/etc/motd", &entry, &err), 0);
    assert_int_equal(bfc_reader_stat(reader, "tree/store", &entry, &err), 0);
    assert_int_equal(bfc_reader_stat(reader, "tree/zeros", &entry, &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfc_reader_stat(reader, "store", &entry, &err), BFC_E_NOT_FOUND);
    bfc_reader_close(reader);
    free(path);
    free(alike);
}

static void test_images__a_store_that_is_not_there(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_info *info = NULL;
    bfc_prune_report pruned;
    bfc_store_usage usage;

    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "");
    expect_error(bfc_image_info_get(s->store, "a:1", &info, &err), BFC_E_NOT_FOUND, &err, "'a:1'");
    expect_error(bfc_image_delete(s->store, "a:1", &err), BFC_E_NOT_FOUND, &err, "'a:1'");
    expect_error(bfc_image_tag(s->store, "a:1", "b:1", false, &err), BFC_E_NOT_FOUND, &err,
                 "'a:1'");
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &pruned, &err), 0);
    assert_int_equal(pruned.removed, 0);
    assert_int_equal(bfc_image_df(s->store, &usage, &err), 0);
    assert_int_equal(usage.images, 0);
    assert_true(usage.free_bytes > 0);
    assert_false(exists(s->root));
    free(names);
}

static void test_images__the_same_tree_gives_the_same_file(void **state)
{
    scratch *s = *state;
    char *a = text("%s/a:1/a:1.bfc", s->root);
    char *b = text("%s/x/b:2/b:2.bfc", s->root);

    create_at(s, "a:1", 1500000000);
    create_at(s, "x/b:2", 1500000000);
    assert_true(files_equal(a, b));
    free(b);
    free(a);
}

static void test_images__cancelled_create_leaves_nothing(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    const int cancel = 1;
    const bfc_hooks hooks = {NULL, NULL, NULL, &cancel};
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_image_list *list = NULL;

    options.writer.hooks = &hooks;
    expect_error(bfc_image_create_from_dir(s->store, "a:1", s->tree, &options, NULL, &err),
                 BFC_E_CANCELLED, &err, "interrupted");
    assert_int_equal(count_below(s->root), 0);
    create_at(s, "b:1", 0);
    assert_int_equal(bfc_image_list_get(s->store, &hooks, &list, &err), BFC_E_CANCELLED);
    assert_null(list);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_images__##name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(create_list_info_extract_delete),
        TEST(default_tag_and_platform),
        TEST(a_name_is_taken_once),
        TEST(list_is_newest_first),
        TEST(damaged_ones_are_told_and_the_others_listed),
        TEST(others_files_are_no_images),
        TEST(tags_share_one_file),
        TEST(a_registry_can_be_called_like_an_image),
        TEST(hostile_names_touch_nothing),
        TEST(targets_of_extract),
        TEST(sources_of_create),
        TEST(the_store_is_left_out_of_its_images),
        TEST(a_store_that_is_not_there),
        TEST(the_same_tree_gives_the_same_file),
        TEST(cancelled_create_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
