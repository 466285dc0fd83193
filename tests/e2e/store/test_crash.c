/* SPDX-License-Identifier: Apache-2.0 */
/* Killed work: whatever the moment, the store shows the old state or the new one, and prune finds
 * what is left, all of it and nothing else. */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 30

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void sleep_us(uint64_t us)
{
    struct timespec left = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static pid_t start_create(const char *root, const char *tree, const char *name, bool replace)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
        bfc_store *store = NULL;
        options.writer.replace = replace;
        int rc = bfc_store_open(root, &store, NULL);
        if (rc == 0)
            rc = bfc_image_create_from_dir(store, name, tree, &options, NULL, NULL);
        _exit(rc == 0 ? 0 : 1);
    }
    return child;
}

static int wait_for(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* What prune tells is gone, df told before, and nothing but whole images is left. */
static void check_prune(scratch *s, unsigned images, unsigned names_on_disk)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_prune_report dry = {0, 0}, done = {0, 0}, again = {9, 9};
    bfc_store_usage usage;

    assert_int_equal(bfc_image_df(s->store, &usage, &err), 0);
    assert_int_equal(usage.images, images);
    assert_int_equal(bfc_image_prune(s->store, true, NULL, NULL, &dry, &err), 0);
    assert_int_equal(usage.leftover_bytes, dry.bytes);
    if (bfc_image_prune(s->store, false, NULL, NULL, &done, &err) < 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(&dry, &done, sizeof dry);
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &again, &err), 0);
    assert_int_equal(again.removed, 0);
    assert_int_equal(count_below(s->root), names_on_disk);
    char *locks = text("%s/.bfc-lock", s->root);
    if (exists(locks))
        assert_int_equal(count_below(locks), 0);
    free(locks);
}

static void test_crash__killed_create_is_not_seen(void **state)
{
    scratch *s = *state;
    uint64_t seed = test_seed();
    bfc_err err = BFC_ERR_INIT;
    char *big = text("%s/big", s->top);
    unsigned whole = 0;

    make_big_tree(big, 64, 65536);
    uint64_t start = now_us();
    assert_int_equal(wait_for(start_create(s->root, big, "team/full:1", false)), 0);
    uint64_t span = now_us() - start;
    assert_int_equal(bfc_image_delete(s->store, "team/full:1", &err), 0);

    for (int i = 0; i < KILLS; i++) {
        pid_t child = start_create(s->root, big, "team/app:1", false);
        sleep_us(next_random(&seed) % (span + span / 8));
        kill(child, SIGKILL);
        wait_for(child);
        char *names = list_names(s->store, NULL);
        bool done = *names != '\0';
        if (done) {
            assert_string_equal(names, "team/app:1");
            assert_int_equal(bfc_image_verify(s->store, "team/app:1", NULL, NULL, &err), 0);
            whole++;
        }
        check_prune(s, done, done ? 3 : 0);
        if (done)
            assert_int_equal(bfc_image_delete(s->store, "team/app:1", &err), 0);
        assert_int_equal(count_below(s->root), 0);
        free(names);
    }
    print_message("%u of %d were done before the kill\n", whole, KILLS);
    free(big);
}

static void test_crash__killed_replace_leaves_the_old_or_the_new(void **state)
{
    scratch *s = *state;
    uint64_t seed = test_seed();
    bfc_err err = BFC_ERR_INIT;
    char *big = text("%s/big", s->top);
    uint64_t span = 0;

    make_big_tree(big, 16, 65536);
    for (int i = 0; i < KILLS; i++) {
        if (i % 10 == 0) { /* the old one is the small tree, the new one the big */
            if (i > 0)
                assert_int_equal(bfc_image_delete(s->store, "app:1", &err), 0);
            create_at(s, "app:1", 1000);
            uint64_t start = now_us();
            assert_int_equal(wait_for(start_create(s->root, big, "other:1", true)), 0);
            span = now_us() - start;
        }
        pid_t child = start_create(s->root, big, "app:1", true);
        sleep_us(next_random(&seed) % (span + span / 8));
        kill(child, SIGKILL);
        wait_for(child);
        bfc_image_info *info = NULL;
        if (bfc_image_info_get(s->store, "app:1", &info, &err) < 0)
            fail_msg("%s", err.msg);
        assert_true(info->content_bytes == 300006 || info->content_bytes == 16 * 65536);
        bfc_image_info_free(info);
        assert_int_equal(bfc_image_verify(s->store, "app:1", NULL, NULL, &err), 0);
        check_prune(s, 2, 4);
    }
    free(big);
}

static void test_crash__the_next_create_needs_no_prune(void **state)
{
    scratch *s = *state;
    char *works = text("%s/.bfc-tmp", s->root);
    char *work = text("%s/.bfc-tmp/team+app:1", s->root);
    char *file = text("%s/.bfc-tmp/team+app:1/image.bfc", s->root);

    assert_int_equal(mkdir(s->root, 0755), 0);
    assert_int_equal(mkdir(works, 0755), 0);
    assert_int_equal(mkdir(work, 0755), 0);
    write_file(file, "torn", 4);
    create_at(s, "team/app:1", 0);
    assert_int_equal(count_below(s->root), 3);
    free(file);
    free(work);
    free(works);
}

struct told {
    unsigned count;
    char *paths;
};

static void keep_told(void *ctx, const char *path, uint64_t size)
{
    struct told *told = ctx;
    char *more = text("%s%s=%llu\n", told->paths, path, (unsigned long long)size);

    free(told->paths);
    told->paths = more;
    told->count++;
}

/* A dead work, a living one, and folders that a kill left, side by side. */
static void test_crash__prune_takes_the_dead_only(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    static const char *const folders[] = {
        ".bfc-tmp/dead:1", ".bfc-tmp/live:1", ".bfc-tmp/UNKNOWN", "team",
        "team/gone:1",     "team/sub",        "team/sub/gone:2",  "kept",
        "kept/real:1"};
    static const char *const files[] = {".bfc-tmp/dead:1/.image.bfc.bfc-tmp-00c0ffee",
                                        ".bfc-tmp/live:1/image.bfc", ".bfc-lock/dead:1",
                                        ".bfc-lock/live:1", ".bfc-lock/only-a-lock:1"};

    create_at(s, "first:1", 0);
    for (size_t i = 0; i < COUNT(folders); i++) {
        char *path = text("%s/%s", s->root, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
        free(path);
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        char *path = text("%s/%s", s->root, files[i]);
        write_file(path, "12345", 5);
        free(path);
    }
    create_at(s, "kept/real:2", 0);
    char *lock_name = text("%s/.bfc-lock/live:1", s->root);
    int lock = open(lock_name, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);

    struct told dry = {0, text("%s", "")}, done = {0, text("%s", "")};
    bfc_prune_report report;
    unsigned before = count_below(s->root);
    assert_int_equal(bfc_image_prune(s->store, true, keep_told, &dry, &report, &err), 0);
    assert_int_equal(count_below(s->root), before);
    assert_int_equal(report.removed, 6);
    assert_int_equal(report.bytes, 5);
    assert_int_equal(bfc_image_prune(s->store, false, keep_told, &done, &report, &err), 0);
    assert_string_equal(dry.paths, done.paths);
    char *expected = text("%s/.bfc-tmp/dead:1=5\n%s/kept/real:1=0\n%s/team/gone:1=0\n"
                          "%s/team/sub/gone:2=0\n%s/team/sub=0\n%s/team=0\n",
                          s->root, s->root, s->root, s->root, s->root, s->root);
    assert_string_equal(done.paths, expected);
    /* first:1 and its file, kept/real:2 with both, live:1 with lock and file, UNKNOWN */
    assert_int_equal(count_below(s->root), 9);

    close(lock); /* it dies */
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &report, &err), 0);
    assert_int_equal(report.removed, 1);
    assert_int_equal(count_below(s->root), 6);
    free(expected);
    free(done.paths);
    free(dry.paths);
    free(lock_name);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_crash__##name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(killed_create_is_not_seen),
        TEST(killed_replace_leaves_the_old_or_the_new),
        TEST(the_next_create_needs_no_prune),
        TEST(prune_takes_the_dead_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
