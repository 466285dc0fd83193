/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of names in a directory store: one holder at a time, none after a death, no file left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/dir.h"
#include "sys/names.h"

#define ROUNDS 3000
#define PROCESSES 4

static char locks[] = "/tmp/bfc-locks-XXXXXX";
static const bfci_dirstore dir = {.locks = locks};
static bfci_reference ref;

static int setup(void **state)
{
    (void)state;
    return mkdtemp(locks) ? bfci_reference_parse("team/app:1", &ref, NULL) : -1;
}

/* Fails if any lock's file is left. */
static int teardown(void **state)
{
    (void)state;
    return rmdir(locks);
}

static char *lock_path(void)
{
    char *path = NULL;

    assert_int_equal(bfci_asprintf(&path, NULL, "%s/team+app:1", locks), 0);
    return path;
}

static bool is_there(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

static void test_dir_lock__second_is_told_who(void **state)
{
    (void)state;
    bfci_name_lock lock = BFCI_NAME_LOCK_INIT, second = BFCI_NAME_LOCK_INIT;
    bfc_err err = BFC_ERR_INIT;
    AUTO_FREE char *path = lock_path();
    char pid[32];
    bool held = true;

    assert_int_equal(bfci_dirstore_lock_probe(&dir, &ref, &held, &err), 0);
    assert_false(held);
    assert_false(is_there(path)); /* looking makes nothing */
    assert_int_equal(bfci_dirstore_lock_try(&dir, &ref, &lock, &err), 0);
    assert_true(is_there(path));
    assert_int_equal(bfci_dirstore_lock_probe(&dir, &ref, &held, &err), 0);
    assert_true(held);
    assert_int_equal(bfci_dirstore_lock_try(&dir, &ref, &second, &err), BFC_E_BUSY);
    (void)snprintf(pid, sizeof pid, "process, %ld:", (long)getpid());
    assert_non_null(strstr(err.msg, pid));
    assert_non_null(strstr(err.msg, "'team/app:1'"));
    bfci_name_lock_drop(&second); /* holds nothing */
    assert_true(is_there(path));
    bfci_name_lock_drop(&lock);
    assert_false(is_there(path));
}

/* Starts a process that takes the lock; returns when it has it. */
static pid_t start_holder(unsigned hold_ms)
{
    int ready[2];
    char byte = 'r';

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        close(ready[0]);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        if (bfci_dirstore_lock_try(&dir, &ref, &lock, NULL) < 0 || write(ready[1], &byte, 1) != 1)
            _exit(1);
        bfci_pause_ms(hold_ms);
        bfci_name_lock_drop(&lock);
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void wait_for(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
}

static void test_dir_lock__short_holds_are_waited_for(void **state)
{
    (void)state;
    bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    pid_t child = start_holder(50);

    assert_int_equal(bfci_dirstore_lock_take(&dir, &ref, &lock, NULL), 0);
    bfci_name_lock_drop(&lock);
    wait_for(child);
}

static void test_dir_lock__long_holds_are_not(void **state)
{
    (void)state;
    bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    pid_t child = start_holder(60000);

    assert_int_equal(bfci_dirstore_lock_take(&dir, &ref, &lock, NULL), BFC_E_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    wait_for(child);
    /* It dies with the process, though its file is left. */
    AUTO_FREE char *path = lock_path();
    bool held = true;
    assert_true(is_there(path));
    assert_int_equal(bfci_dirstore_lock_probe(&dir, &ref, &held, NULL), 0);
    assert_false(held);
    assert_int_equal(bfci_dirstore_lock_try(&dir, &ref, &lock, NULL), 0);
    bfci_name_lock_drop(&lock);
}

/* ── Between opening the file and locking it: -Wl,--wrap=bfci_lock leads here ── */

int __real_bfci_lock(int fd, bool exclusive, bool wait, bfc_err *err);
int __wrap_bfci_lock(int fd, bool exclusive, bool wait, bfc_err *err);

static void (*before_lock)(void);

int __wrap_bfci_lock(int fd, bool exclusive, bool wait, bfc_err *err)
{
    void (*hook)(void) = before_lock;

    before_lock = NULL; /* once: processes that the hook starts come here, too */
    if (hook)
        hook();
    return __real_bfci_lock(fd, exclusive, wait, err);
}

static pid_t newcomer;

/* The holder drops the lock, and the next one takes it, with a file of its own. */
static void change_hands(void)
{
    AUTO_FREE char *path = lock_path();

    assert_int_equal(unlink(path), 0);
    newcomer = start_holder(60000);
}

/* The file is unlinked at each drop: who had it open must not believe that it holds the name. */
static void test_dir_lock__a_file_without_its_name_is_no_lock(void **state)
{
    (void)state;
    bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *path = lock_path();
    bfc_err err = BFC_ERR_INIT;
    char owner[32];

    before_lock = change_hands;
    assert_int_equal(bfci_dirstore_lock_try(&dir, &ref, &lock, &err), BFC_E_BUSY);
    (void)snprintf(owner, sizeof owner, "process, %ld:", (long)newcomer);
    assert_non_null(strstr(err.msg, owner));
    assert_int_equal(kill(newcomer, SIGKILL), 0);
    wait_for(newcomer);
    assert_int_equal(unlink(path), 0);
}

static int hammer(unsigned *holders)
{
    for (int i = 0; i < ROUNDS; i++) {
        bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        int rc = bfci_dirstore_lock_try(&dir, &ref, &lock, NULL);
        if (rc == BFC_E_BUSY)
            continue;
        if (rc < 0 || __atomic_fetch_add(holders, 1, __ATOMIC_SEQ_CST) != 0)
            return 1;
        __atomic_fetch_sub(holders, 1, __ATOMIC_SEQ_CST);
        bfci_name_lock_drop(&lock);
    }
    return 0;
}

static void test_dir_lock__never_two_holders(void **state)
{
    (void)state;
    pid_t child[PROCESSES];
    unsigned *holders =
        mmap(NULL, sizeof *holders, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool failed = false;

    assert_true(holders != MAP_FAILED);
    for (size_t i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0)
            _exit(hammer(holders));
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        failed = failed || status != 0;
    }
    assert_false(failed);
    munmap(holders, sizeof *holders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dir_lock__second_is_told_who),
        cmocka_unit_test(test_dir_lock__short_holds_are_waited_for),
        cmocka_unit_test(test_dir_lock__long_holds_are_not),
        cmocka_unit_test(test_dir_lock__a_file_without_its_name_is_no_lock),
        cmocka_unit_test(test_dir_lock__never_two_holders),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
