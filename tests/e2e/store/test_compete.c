/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes on one store: who is first does it, the others are told who. */
#include "helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_exit(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_compete__who_is_late_is_told_who_is_at_it(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_image_info *info = NULL;
    char *out = text("%s/out", s->top);
    char *path = text("%s/.bfc-lock/team+app:1", s->root);

    create_at(s, "team/app:1", 0);
    create_at(s, "b:1", 0);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(write(lock, "4711\n", 5), 5);

    options.writer.replace = true;
    expect_error(bfc_image_create_from_dir(s->store, "team/app:1", s->tree, &options, NULL, &err),
                 BFC_E_BUSY, &err, "image 'team/app:1' is being changed by another process, 4711");
    expect_error(bfc_image_delete(s->store, "team/app:1", &err), BFC_E_BUSY, &err, "4711");
    expect_error(bfc_image_tag(s->store, "b:1", "team/app:1", true, &err), BFC_E_BUSY, &err,
                 "4711");

    /* Readers do not care, and neither do other names. */
    char *names = list_names(s->store, NULL);
    assert_non_null(strstr(names, "team/app:1"));
    assert_int_equal(bfc_image_info_get(s->store, "team/app:1", &info, &err), 0);
    assert_int_equal(bfc_image_extract(s->store, "team/app:1", out, NULL, NULL, &err), 0);
    assert_int_equal(bfc_image_tag(s->store, "team/app:1", "c:1", false, &err), 0);
    close(lock);
    assert_int_equal(bfc_image_delete(s->store, "team/app:1", &err), 0);
    assert_false(exists(path));
    bfc_image_info_free(info);
    free(names);
    free(path);
    free(out);
}

/* ── A create that stands still in the middle ── */

struct pause {
    int tell, wait; /* ends of two pipes */
    bool done;
};

static void pause_once(void *ctx, const bfc_progress *progress)
{
    struct pause *p = ctx;
    char byte = 'm';

    (void)progress;
    if (p->done)
        return;
    p->done = true;
    if (write(p->tell, &byte, 1) != 1 || read(p->wait, &byte, 1) != 1)
        _exit(100);
}

/* Returns when the child has begun to store files; it goes on when a byte comes through *go. */
static pid_t start_paused(const scratch *s, const char *name, int *go)
{
    int here[2], there[2];
    char byte;

    assert_int_equal(pipe(here), 0);
    assert_int_equal(pipe(there), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(here[0]); /* so that it does not outlive a test that failed */
        close(there[1]);
        struct pause p = {here[1], there[0], false};
        const bfc_hooks hooks = {NULL, pause_once, &p, NULL};
        bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
        options.writer.hooks = &hooks;
        _exit(-bfc_image_create_from_dir(s->store, name, s->tree, &options, NULL, NULL));
    }
    close(here[1]);
    close(there[0]);
    assert_int_equal(read(here[0], &byte, 1), 1);
    close(here[0]);
    *go = there[1];
    return child;
}

static void test_compete__living_work_is_left_alone(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_prune_report report;
    bfc_store_usage usage;
    int go = -1;

    pid_t child = start_paused(s, "team/app:1", &go);
    char *pid = text(", %ld:", (long)child);
    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "");
    expect_error(bfc_image_create_from_dir(s->store, "team/app:1", s->tree, NULL, NULL, &err),
                 BFC_E_BUSY, &err, pid);
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &report, &err), 0);
    assert_int_equal(report.removed, 0);
    assert_int_equal(bfc_image_df(s->store, &usage, &err), 0);
    assert_int_equal(usage.leftover_bytes, 0);
    create_at(s, "team/other:1", 0);
    assert_int_equal(bfc_image_delete(s->store, "team/other:1", &err), 0);
    assert_int_equal(write(go, "g", 1), 1);
    assert_int_equal(wait_exit(child), 0);
    assert_int_equal(bfc_image_verify(s->store, "team/app:1", NULL, NULL, &err), 0);
    assert_int_equal(count_below(s->root), 3);
    close(go);
    free(names);
    free(pid);
}

static void test_compete__work_dies_with_its_process(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_prune_report report;
    int go = -1, status = 0;

    pid_t child = start_paused(s, "team/app:1", &go);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    char *names = list_names(s->store, NULL);
    assert_string_equal(names, "");
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, &report, &err), 0);
    assert_int_equal(report.removed, 1);
    assert_int_equal(count_below(s->root), 0);
    close(go);
    free(names);
}

/* ── Two who start together ── */

/* Both wait at a pipe. */
static pid_t start_racer(const char *root, const char *tree, int gate)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        bfc_store *store = NULL;
        char byte;
        int rc = bfc_store_open(root, &store, NULL);
        if (rc == 0 && read(gate, &byte, 1) == 1)
            rc = bfc_image_create_from_dir(store, "race:1", tree, NULL, NULL, NULL);
        bfc_store_close(store);
        _exit(-rc);
    }
    return child;
}

static void test_compete__one_of_two_creators_wins(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    char *big = text("%s/big", s->top);

    make_big_tree(big, 32, 65536);
    for (int i = 0; i < 10; i++) {
        int gate[2];
        assert_int_equal(pipe(gate), 0);
        pid_t a = start_racer(s->root, big, gate[0]);
        pid_t b = start_racer(s->root, big, gate[0]);
        assert_int_equal(write(gate[1], "gg", 2), 2);
        int rc_a = wait_exit(a), rc_b = wait_exit(b);
        int loser = rc_a == 0 ? rc_b : rc_a;
        if (rc_a != 0 && rc_b != 0)
            fail_msg("nobody won: %d, %d", -rc_a, -rc_b);
        assert_true(loser == -BFC_E_BUSY || loser == -BFC_E_EXISTS);
        assert_int_equal(bfc_image_verify(s->store, "race:1", NULL, NULL, &err), 0);
        assert_int_equal(bfc_image_delete(s->store, "race:1", &err), 0);
        assert_int_equal(count_below(s->root), 0);
        close(gate[0]);
        close(gate[1]);
    }
    free(big);
}

/* ── Folders that vanish while an image is on its way into them ── */

static pid_t start_remover(const scratch *s)
{
    static const char *const folders[] = {"a/b/one:1", "a/b", "a"};
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        char *path[COUNT(folders)];
        for (size_t i = 0; i < COUNT(folders); i++)
            path[i] = text("%s/%s", s->root, folders[i]);
        for (;;)
            for (size_t i = 0; i < COUNT(folders); i++)
                (void)rmdir(path[i]);
    }
    return child;
}

static void test_compete__folders_that_vanish_are_made_again(void **state)
{
    scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    int rc = 0, status;

    pid_t child = start_remover(s);
    for (int i = 0; i < 40 && rc == 0; i++) {
        rc = bfc_image_create_from_dir(s->store, "a/b/one:1", s->tree, NULL, NULL, &err);
        if (rc == 0)
            rc = bfc_image_delete(s->store, "a/b/one:1", &err);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (rc < 0)
        fail_msg("%s", err.msg);
}

/* ── Neighbours that come and go in the same folders ── */

#define ROUNDS 60

static bool expected(int rc)
{
    return rc == 0 || rc == BFC_E_EXISTS || rc == BFC_E_NOT_FOUND || rc == BFC_E_BUSY;
}

static int one_step(bfc_store *store, const char *tree, uint64_t *seed, bfc_err *err)
{
    static const char *const names[] = {"a/b/one:1", "a/b/two:1", "a/b/two:2", "a/three:1"};
    bfc_image_list *list = NULL;
    const char *name = names[next_random(seed) % COUNT(names)];
    int rc;

    switch (next_random(seed) % 6) {
    case 0:
    case 1:
        return bfc_image_create_from_dir(store, name, tree, NULL, NULL, err);
    case 2:
    case 3:
        return bfc_image_delete(store, name, err);
    case 4:
        return bfc_image_tag(store, name, names[next_random(seed) % COUNT(names)], true, err);
    default:
        rc = bfc_image_list_get(store, NULL, &list, err);
        if (rc == 0 && list->damaged > 0)
            rc = BFC_E_CORRUPT;
        bfc_image_list_free(list);
        return rc < 0 ? rc : bfc_image_prune(store, false, NULL, NULL, NULL, err);
    }
}

static pid_t start_storm(const char *root, const char *tree, uint64_t seed)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        bfc_store *store = NULL;
        bfc_err err = BFC_ERR_INIT;
        int rc = bfc_store_open(root, &store, &err);
        for (int i = 0; i < ROUNDS && expected(rc); i++)
            rc = one_step(store, tree, &seed, &err);
        if (!expected(rc))
            fprintf(stderr, "storm: %s (%s)\n", err.msg, bfc_code_name(err.code));
        bfc_store_close(store);
        _exit(expected(rc) ? 0 : 1);
    }
    return child;
}

static void test_compete__neighbours_do_not_disturb_each_other(void **state)
{
    scratch *s = *state;
    uint64_t seed = test_seed();
    bfc_err err = BFC_ERR_INIT;
    bfc_image_list *list = NULL;
    pid_t child[4];

    for (size_t i = 0; i < COUNT(child); i++)
        child[i] = start_storm(s->root, s->tree, next_random(&seed));
    for (size_t i = 0; i < COUNT(child); i++)
        assert_int_equal(wait_exit(child[i]), 0);

    /* Nobody died, so nothing is left but images; folders may wait for a prune. */
    assert_int_equal(bfc_image_list_get(s->store, NULL, &list, &err), 0);
    for (size_t i = 0; i < list->count; i++) {
        assert_int_equal(bfc_image_verify(s->store, list->item[i]->name, NULL, NULL, &err), 0);
        assert_int_equal(bfc_image_delete(s->store, list->item[i]->name, &err), 0);
    }
    assert_int_equal(bfc_image_prune(s->store, false, NULL, NULL, NULL, &err), 0);
    assert_int_equal(count_below(s->root), 0);
    bfc_image_list_free(list);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_compete__##name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_is_late_is_told_who_is_at_it),   TEST(living_work_is_left_alone),
        TEST(work_dies_with_its_process),         TEST(one_of_two_creators_wins),
        TEST(folders_that_vanish_are_made_again), TEST(neighbours_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
