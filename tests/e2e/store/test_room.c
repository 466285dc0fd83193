/* SPDX-License-Identifier: Apache-2.0 */
/* No room, no right: the store stays as it was, and the message says what is the matter. Needs root
 * for a small file system and for becoming somebody else; skipped otherwise. */
#include "helper.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define SKIPPED 77

/* Runs a part of a test in a process of its own; failed asserts there end it with 1. */
static void in_child(int part(scratch *s), scratch *s)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(part(s));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("skipped: it takes more rights than we have\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child there is no cmocka to catch a failure. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, err.msg);           \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* ── A disk that is full ── */

static bool mount_small(const char *path)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(path, 0755) == 0 && mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0;
}

static int fill_disk(scratch *s)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_image_info *before = NULL, *after = NULL;
    bfc_prune_report left;
    char *big = text("%s/big", s->top);

    if (!mount_small(s->root))
        return SKIPPED;
    CHECK(bfc_image_create_from_dir(s->store, "small:1", s->tree, NULL, &before, &err) == 0);
    options.writer.replace = true;
    CHECK(bfc_image_create_from_dir(s->store, "big:1", big, &options, NULL, &err) == BFC_E_NOSPC);
    CHECK(strstr(err.msg, "create image 'big:1'") && strstr(err.msg, strerror(ENOSPC)));
    CHECK(bfc_image_create_from_dir(s->store, "small:1", big, &options, NULL, &err) == BFC_E_NOSPC);

    char *names = list_names(s->store, NULL);
    CHECK(strcmp(names, "small:1") == 0);
    CHECK(bfc_image_info_get(s->store, "small:1", &after, &err) == 0);
    CHECK(memcmp(before->root_digest, after->root_digest, BFC_DIGEST_SIZE) == 0);
    CHECK(bfc_image_verify(s->store, "small:1", NULL, NULL, &err) == 0);
    CHECK(bfc_image_prune(s->store, true, NULL, NULL, &left, &err) == 0);
    CHECK(left.removed == 0);
    CHECK(bfc_image_tag(s->store, "small:1", "again:1", false, &err) == 0); /* takes no room */
    CHECK(bfc_image_delete(s->store, "small:1", &err) == 0);
    bfc_image_info_free(before);
    bfc_image_info_free(after);
    free(names);
    free(big);
    return 0;
}

static void test_room__full_disk_leaves_the_store_as_it_was(void **state)
{
    scratch *s = *state;
    char *big = text("%s/big", s->top);

    make_big_tree(big, 8, 512 * 1024); /* random: does not shrink */
    in_child(fill_disk, s);
    free(big);
}

/* ── A store of somebody else ── */

static bool become_nobody(void)
{
    return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static int use_others_store(scratch *s)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_image_info *info = NULL;
    bfc_store_usage usage;
    char *work = text("%s/.bfc-tmp/dead:1", s->root);

    CHECK(mkdir(work, 0755) == 0);
    if (!become_nobody())
        return SKIPPED;
    CHECK(bfc_image_create_from_dir(s->store, "b:1", s->tree, NULL, NULL, &err) == BFC_E_DENIED);
    CHECK(strstr(err.msg, "the store 'dir:") && strstr(err.msg, "cannot be changed by this user"));
    CHECK(bfc_image_delete(s->store, "a:1", &err) == BFC_E_DENIED);
    CHECK(strstr(err.msg, "cannot be changed by this user"));
    CHECK(bfc_image_tag(s->store, "a:1", "b:1", false, &err) == BFC_E_DENIED);
    CHECK(bfc_image_prune(s->store, false, NULL, NULL, NULL, &err) == BFC_E_DENIED);

    /* Looking is allowed, also at what a prune would do. */
    char *names = list_names(s->store, NULL);
    CHECK(strcmp(names, "a:1") == 0);
    CHECK(bfc_image_info_get(s->store, "a:1", &info, &err) == 0);
    CHECK(bfc_image_prune(s->store, true, NULL, NULL, NULL, &err) == 0);
    CHECK(bfc_image_df(s->store, &usage, &err) == 0);
    CHECK(usage.images == 1);
    bfc_image_info_free(info);
    free(names);
    free(work);
    return 0;
}

static void test_room__a_store_of_somebody_else(void **state)
{
    scratch *s = *state;

    create_at(s, "a:1", 0);
    in_child(use_others_store, s);
}

static int make_store_where_denied(scratch *s)
{
    bfc_err err = BFC_ERR_INIT;

    if (!become_nobody())
        return SKIPPED;
    CHECK(bfc_image_create_from_dir(s->store, "b:1", s->tree, NULL, NULL, &err) == BFC_E_DENIED);
    CHECK(strstr(err.msg, "cannot be changed by this user") && strstr(err.msg, strerror(EACCES)));
    return 0;
}

static void test_room__a_store_that_cannot_be_made(void **state)
{
    scratch *s = *state;

    in_child(make_store_where_denied, s);
    assert_false(exists(s->root));
}

static int look_into_closed_store(scratch *s)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_image_list *list = NULL;
    bfc_image_info *info = NULL;

    if (!become_nobody())
        return SKIPPED;
    CHECK(bfc_image_list_get(s->store, NULL, &list, &err) == BFC_E_DENIED);
    CHECK(strstr(err.msg, "list the store 'dir:") != NULL);
    CHECK(bfc_image_info_get(s->store, "a:1", &info, &err) == BFC_E_DENIED);
    return 0;
}

static void test_room__a_store_that_is_closed(void **state)
{
    scratch *s = *state;

    create_at(s, "a:1", 0);
    assert_int_equal(chmod(s->root, 0700), 0);
    in_child(look_into_closed_store, s);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_room__##name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(full_disk_leaves_the_store_as_it_was),
        TEST(a_store_of_somebody_else),
        TEST(a_store_that_cannot_be_made),
        TEST(a_store_that_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
