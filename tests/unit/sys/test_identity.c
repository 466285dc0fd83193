/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that makes files as another owner: its new files are theirs, it may do what it could
 * before, and nobody else in the process notices. */
#include "scratch.h"

#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

#include "sys/identity.h"

static void expect_owner(const struct scratch *s, const char *name, uid_t uid, gid_t gid)
{
    struct stat st;
    assert_int_equal(fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_uid, uid);
    assert_int_equal(st.st_gid, gid);
}

static void make(const struct scratch *s, const char *name)
{
    int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static bool take(uint32_t uid, uint32_t gid)
{
    return bfci_identity_take(uid, gid);
}

/* The folder is open to its owner alone. */
static void *be_others(void *arg)
{
    const struct scratch *s = arg;
    assert_true(bfci_identity_may_change());
    assert_true(take(1234, 5678));
    make(s, "theirs");
    assert_true(bfci_identity_may_change());
    assert_int_equal(fchownat(s->fd, "theirs", 1, 1, 0), 0);
    assert_true(take(4321, 5678));
    make(s, "of another");
    assert_false(take(UINT32_MAX, 1));
    assert_false(take(1, UINT32_MAX));
    make(s, "of another still");
    assert_true(take(0, 0));
    make(s, "own again");
    return NULL;
}

static void test_identity__is_a_thread_s_own(void **state)
{
    struct scratch *s = *state;
    pthread_t thread;
    if (geteuid() != 0 || !bfci_identity_may_change())
        skip();
    const int dumpable = prctl(PR_GET_DUMPABLE);
    assert_int_equal(pthread_create(&thread, NULL, be_others, s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    make(s, "ours");
    expect_owner(s, "theirs", 1, 1);
    expect_owner(s, "of another", 4321, 5678);
    expect_owner(s, "of another still", 4321, 5678);
    expect_owner(s, "own again", 0, 0);
    expect_owner(s, "ours", 0, 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE), dumpable);
}

static void test_identity__needs_all_rights_about_files(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip();
    assert_false(bfci_identity_may_change());
    assert_false(take(geteuid() + 1, getegid()));
}

static void test_identity__suits_no_file_system_of_a_program(void **state)
{
    (void)state;
    AUTO_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_false(bfci_identity_suits(proc));
    assert_false(bfci_identity_suits(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_identity__is_a_thread_s_own),
        SCRATCH_TEST(test_identity__needs_all_rights_about_files),
        SCRATCH_TEST(test_identity__suits_no_file_system_of_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
