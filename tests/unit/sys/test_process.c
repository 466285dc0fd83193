/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs: what they get, what is taken from them, and that each of them ends. */
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/process.h"

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", (script), NULL})

/* With all that a test does not say: it may write a lot, and has as much time as the test. */
static int run(const char *const *argv, bfci_process_result *out, bfc_err *err)
{
    bfci_process p = BFCI_PROCESS_INIT;
    p.argv = argv;
    p.out_max = 1 << 20;
    return bfci_process_run(&p, out, err);
}

static void expect_out(const char *const *argv, const char *want)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfc_err err = BFC_ERR_INIT;
    if (run(argv, &r, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(r.err, "");
    assert_string_equal(r.out, want);
    assert_int_equal(r.out_len, strlen(want));
    assert_int_equal(r.exit_code, 0);
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(bfci_monotonic_ns() - start_ns) / 1e9;
}

static pid_t number_in(const char *text)
{
    return (pid_t)strtol(text, NULL, 10);
}

/* ── How it ends ── */

static void test_process__exit_codes(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int code;
    } cases[] = {
        {"exit 0", 0},          {"exit 1", 1},          {"exit 127", 127},      {"exit 255", 255},
        {"kill -TERM $$", 143}, {"kill -KILL $$", 137}, {"kill -SEGV $$", 139},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
        assert_int_equal(run(SHELL(cases[i].script), &r, NULL), 0);
        assert_int_equal(r.exit_code, cases[i].code);
        assert_string_equal(r.out, "");
    }
}

static void test_process__cannot_be_run(void **state)
{
    struct scratch *s = *state;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfc_err err = BFC_ERR_INIT;
    char path[512], want[600];

    scratch_path(s, "none", path);
    assert_int_equal(run((const char *const[]){path, NULL}, &r, &err), BFC_E_NOT_FOUND);
    (void)snprintf(want, sizeof want, "run '%s': No such file or directory", path);
    assert_string_equal(err.msg, want);
    assert_int_equal(err.os_errno, ENOENT);

    scratch_file(s, "plain", "#!/bin/sh\n");
    scratch_path(s, "plain", path);
    assert_int_equal(run((const char *const[]){path, NULL}, &r, &err), BFC_E_DENIED);
    (void)snprintf(want, sizeof want, "run '%s': Permission denied", path);
    assert_string_equal(err.msg, want);

    assert_int_equal(run((const char *const[]){"sh", NULL}, &r, &err), BFC_E_INVALID);
    assert_string_equal(err.msg, "'sh' is no absolute path");
}

/* ── What it gets ── */

static void test_process__environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("BFC_TEST_SECRET", "x", 1), 0);
    expect_out((const char *const[]){"/usr/bin/env", NULL},
               "LC_ALL=C\nPATH=" BFCI_PROGRAM_FOLDERS "\n");
    assert_int_equal(unsetenv("BFC_TEST_SECRET"), 0);
}

static void test_process__arguments_as_they_are(void **state)
{
    (void)state;
    expect_out(
        (const char *const[]){"/usr/bin/printf", "[%s]", "", " a  b", "$(id)", "*", "\n", NULL},
        "[][ a  b][$(id)][*][\n]");
}

static void test_process__standard_input(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int in = -1;
    expect_out(SHELL("readlink /proc/self/fd/0; cat"), "/dev/null\n");

    scratch_file(s, "in", "some words\n");
    assert_int_equal(bfci_open(s->fd, "in", O_RDONLY, 0, &in, NULL), 0);
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfci_process p = BFCI_PROCESS_INIT;
    p.argv = (const char *const[]){"/bin/cat", NULL};
    p.in_fd = in;
    p.out_max = 11;
    assert_int_equal(bfci_process_run(&p, &r, NULL), 0);
    assert_string_equal(r.out, "some words\n");
}

static void test_process__output_to_a_file(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int out = -1;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfci_process p = BFCI_PROCESS_INIT;
    assert_int_equal(bfci_open(s->fd, "out", O_WRONLY | O_CREAT, 0600, &out, NULL), 0);
    p.argv = SHELL("echo out; echo err >&2");
    p.out_fd = out;
    assert_int_equal(bfci_process_run(&p, &r, NULL), 0);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, "err");
    scratch_expect(s, "out", "out\n");
}

static void test_process__no_other_descriptors(void **state)
{
    (void)state;
    assert_int_equal(fcntl(STDIN_FILENO, F_DUPFD, 100), 100);
    assert_int_equal(fcntl(STDIN_FILENO, F_DUPFD, 900), 900);
    expect_out(SHELL("i=3; while [ $i -lt 1000 ]; do"
                     "  if [ -e /proc/self/fd/$i ]; then echo $i; fi; i=$((i + 1)); done"),
               "");
    close(100);
    close(900);
}

static void test_process__signals_as_by_default(void **state)
{
    (void)state;
    sigset_t some, before, after;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &some, &before), 0);
    void (*kept)(int) = signal(SIGINT, SIG_IGN);
    void (*pipe_kept)(int) = signal(SIGPIPE, SIG_IGN);
    expect_out((const char *const[]){"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL},
               "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    signal(SIGPIPE, pipe_kept);
    assert_ptr_equal(signal(SIGINT, kept), SIG_IGN);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    assert_true(sigismember(&after, SIGUSR1) && sigismember(&after, SIGTERM));
    assert_false(sigismember(&after, SIGUSR2));
}

static void test_process__group_of_its_own(void **state)
{
    (void)state;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    assert_int_equal(run((const char *const[]){"/bin/cat", "/proc/self/stat", NULL}, &r, NULL), 0);
    int pid = 0, group = 0;
    assert_int_equal(sscanf(r.out, "%d (cat) %*c %*d %d", &pid, &group), 2);
    assert_int_equal(pid, group);
}

/* The pipes then get the numbers that the program's standard descriptors are to have. */
static void test_process__caller_without_standard_descriptors(void **state)
{
    (void)state;
    pid_t helper = fork();
    if (helper == 0) {
        bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        bool same = run(SHELL("cat; echo out; echo err >&2"), &r, NULL) == 0 &&
                    strcmp(r.out, "out\n") == 0 && strcmp(r.err, "err") == 0;
        _exit(same ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(helper, &status, 0), helper);
    assert_int_equal(status, 0);
}

/* ── What is taken from it ── */

static void test_process__output_is_bounded(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    bfci_process p = BFCI_PROCESS_INIT;
    bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    p.argv = (const char *const[]){"/usr/bin/yes", NULL};
    p.out_max = 100001;
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_LIMIT);
    assert_string_equal(err.msg, "'/usr/bin/yes' wrote more than 100001 bytes");
    assert_true(seconds_since(start) < 1.5);
    assert_int_equal(r.out_len, 100001);
    assert_int_equal(strlen(r.out), 100001);
    assert_int_equal(r.exit_code, 128 + SIGTERM);
    bfci_process_result_release(&r);

    p.argv = SHELL("head -c 100001 /dev/zero");
    assert_int_equal(bfci_process_run(&p, &r, &err), 0);
    assert_int_equal(r.out_len, 100001);
    bfci_process_result_release(&r);
    p.out_max = 100000;
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_LIMIT);
    bfci_process_result_release(&r);
}

static void expect_err(const char *script, const char *want)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    assert_int_equal(run(SHELL(script), &r, NULL), 0);
    assert_string_equal(r.err, want);
    assert_string_equal(r.out, "");
}

static void test_process__error_tail(void **state)
{
    (void)state;
    char want[BFCI_PROCESS_ERR_MAX] = "";
    expect_err("echo one >&2; echo two >&2", "one\ntwo");
    expect_err("printf 'a\\n\\n' >&2", "a\n");
    expect_err("printf 'a\\0b' >&2", "a?b");

    /* Lines of five bytes: 204 fit, behind a piece of one. */
    size_t len = 0;
    for (int i = 10000 - 204; i < 10000; i++)
        len += (size_t)snprintf(want + len, sizeof want - len, "%s%d", len ? "\n" : "", i);
    expect_err("i=1000; while [ $i -le 9999 ]; do echo $i; i=$((i + 1)); done >&2", want);

    /* Whole lines that fill it to the last byte: the first one is whole, and stays. */
    memset(want, 'x', sizeof want - 1);
    want[511] = '\n';
    want[sizeof want - 1] = '\0';
    expect_err("{ echo gone; head -c 511 /dev/zero; echo; head -c 511 /dev/zero; echo; }"
               " | tr '\\0' x >&2",
               want);
    /* One that is too long: its end. */
    memset(want, 'x', sizeof want - 1);
    expect_err("head -c 5000 /dev/zero | tr '\\0' x >&2", want);
    expect_err("{ head -c 5000 /dev/zero | tr '\\0' x; echo; } >&2", want);
    expect_err("head -c 1024 /dev/zero | tr '\\0' x >&2", want);
    expect_err("{ echo gone; head -c 1024 /dev/zero | tr '\\0' x; } >&2", want);
    want[sizeof want - 2] = '\0';
    expect_err("{ echo gone; head -c 1022 /dev/zero | tr '\\0' x; } >&2", want);
}

/* ── That it ends ── */

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 300; i++) {
        (void)waitpid(pid, NULL, WNOHANG); /* ours, if its parent has ended before it */
        if (kill(pid, 0) < 0 && errno == ESRCH)
            return true;
        usleep(10000);
    }
    return false;
}

static void test_process__time_limit(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    bfci_process p = BFCI_PROCESS_INIT;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    p.argv = SHELL("sleep 60 & echo $!; echo busy >&2; wait");
    p.out_max = 100;
    p.limit_s = 1;
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_BUSY);
    assert_string_equal(err.msg, "'/bin/sh' ran for more than 1 seconds");
    assert_true(seconds_since(start) >= 1 && seconds_since(start) < 2.5);
    assert_int_equal(r.exit_code, 128 + SIGTERM);
    assert_string_equal(r.err, "busy");
    assert_true(is_gone(number_in(r.out))); /* the whole group */
}

static void test_process__time_limit_for_one_that_does_not_listen(void **state)
{
    (void)state;
    bfci_process p = BFCI_PROCESS_INIT;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    p.argv = SHELL("trap '' TERM; echo $$; while :; do sleep 0.1; done");
    p.out_max = 100;
    p.limit_s = 1;
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_process_run(&p, &r, NULL), BFC_E_BUSY);
    assert_true(seconds_since(start) >= 2.9 && seconds_since(start) < 5);
    assert_int_equal(r.exit_code, 128 + SIGKILL);
    assert_true(is_gone(number_in(r.out)));
}

static void test_process__time_limit_for_one_that_stands_still(void **state)
{
    (void)state;
    bfci_process p = BFCI_PROCESS_INIT;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    p.argv = SHELL("exec >&- 2>&-; kill -STOP $$");
    p.limit_s = 1;
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_process_run(&p, &r, NULL), BFC_E_BUSY);
    assert_true(seconds_since(start) < 2.5);
    assert_int_equal(r.exit_code, 128 + SIGTERM);
}

static void *set_flag(void *flag)
{
    usleep(200000);
    __atomic_store_n((int *)flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_process__cancel(void **state)
{
    (void)state;
    int flag = 0;
    bfc_err err = BFC_ERR_INIT;
    bfc_hooks hooks = {NULL, NULL, NULL, &flag};
    bfci_process p = BFCI_PROCESS_INIT;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    pthread_t thread;
    p.argv = (const char *const[]){"/bin/sleep", "60", NULL};
    p.hooks = &hooks;
    assert_int_equal(pthread_create(&thread, NULL, set_flag, &flag), 0);
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_CANCELLED);
    assert_true(seconds_since(start) < 1.5);
    assert_string_equal(err.msg, "interrupted");
    assert_int_equal(r.exit_code, 128 + SIGTERM);
    assert_int_equal(pthread_join(thread, NULL), 0);

    p.argv = (const char *const[]){"/none", NULL}; /* it is looked at first */
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_CANCELLED);
}

/* What a program leaves in the background holds its pipes: it goes on, we do not wait. */
static void test_process__grandchild_holds_the_pipes(void **state)
{
    (void)state;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    uint64_t start = bfci_monotonic_ns();
    assert_int_equal(run(SHELL("sleep 60 & echo $!; exit 3"), &r, NULL), 0);
    assert_true(seconds_since(start) < 1.5);
    assert_int_equal(r.exit_code, 3);
    pid_t sleeper = number_in(r.out);
    assert_true(sleeper > 0);
    assert_int_equal(waitpid(sleeper, NULL, WNOHANG), 0);
    assert_int_equal(kill(sleeper, SIGKILL), 0);
    assert_true(is_gone(sleeper));

    /* And one that writes all the time. */
    bfci_process_result_release(&r);
    start = bfci_monotonic_ns();
    assert_int_equal(run(SHELL("yes >&2 & echo $!; sleep 0.2"), &r, NULL), 0);
    assert_true(seconds_since(start) < 1.5);
    sleeper = number_in(r.out);
    assert_true(sleeper > 0);
    assert_true(is_gone(sleeper)); /* nobody reads: SIGPIPE */
}

static void test_process__dies_with_its_caller(void **state)
{
    struct scratch *s = *state;
    AUTO_FREE char *script = NULL;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(
        bfci_asprintf(&script, NULL, "cd '%s'; echo $$ > new; mv new pid; exec sleep 60", s->path),
        0);
    pid_t helper = fork();
    if (helper == 0) {
        bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
        (void)run(SHELL(script), &r, NULL);
        _exit(0);
    }
    for (int i = 0; i < 500 && !scratch_has(s, "pid"); i++)
        usleep(10000);
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;
    assert_int_equal(bfci_read_file(s->fd, "pid", 100, &text, &len, NULL), 0);
    pid_t sleeper = number_in((const char *)text);
    assert_int_equal(kill(sleeper, 0), 0);
    assert_int_equal(kill(helper, SIGKILL), 0);
    assert_int_equal(waitpid(helper, NULL, 0), helper);
    assert_true(is_gone(sleeper));
}

/* ── Among other things that the caller does ── */

static void test_process__caller_ignores_its_children(void **state)
{
    (void)state;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfc_err err = BFC_ERR_INIT;
    struct sigaction before, no_wait = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    assert_int_equal(sigaction(SIGCHLD, &no_wait, &before), 0);
    assert_int_equal(run(SHELL("exit 3"), &r, &err), BFC_E_UNSUPPORTED);
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(run(SHELL("exit 3"), &r, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "ignores SIGCHLD"));
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static void reap_all(int signal)
{
    (void)signal;
    int kept = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = kept;
}

static void test_process__caller_reaps_all_children(void **state)
{
    (void)state;
    struct sigaction before, reap = {.sa_handler = reap_all};
    assert_int_equal(sigaction(SIGCHLD, &reap, &before), 0);
    for (int i = 0; i < 20; i++) {
        AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
        bfc_err err = BFC_ERR_INIT;
        int rc = run(SHELL("echo out; exit 3"), &r, &err);
        if (rc == 0)
            assert_int_equal(r.exit_code, 3); /* seen before it was taken */
        else
            assert_non_null(strstr(err.msg, "took its exit code"));
        assert_true(rc == 0 || rc == BFC_E_IO);
    }
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static size_t open_descriptors(void)
{
    AUTO_FD int fd = -1;
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    assert_int_equal(bfci_open(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_dir_read(fd, &list, NULL), 0);
    size_t count = list.count;
    bfci_dir_list_release(&list);
    return count;
}

static void test_process__leaves_nothing_open(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    for (int i = 0; i < 250; i++) {
        AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
        const char *path = i % 4 == 0 ? "/none" : "/bin/true";
        int rc = run((const char *const[]){path, NULL}, &r, NULL);
        assert_int_equal(rc, i % 4 == 0 ? BFC_E_NOT_FOUND : 0);
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, either */
    assert_int_equal(errno, ECHILD);
}

/* ── What only some ask for ── */

static void test_process__own_environment(void **state)
{
    (void)state;
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfci_process p = BFCI_PROCESS_INIT;

    p.argv = SHELL("echo \"$BFC_TEST_OWN\"");
    p.out_max = 100;
    assert_int_equal(setenv("BFC_TEST_OWN", "kept", 1), 0);
    assert_int_equal(bfci_process_run(&p, &r, NULL), 0);
    assert_string_equal(r.out, "\n");
    p.own_environment = true;
    assert_int_equal(bfci_process_run(&p, &r, NULL), 0);
    assert_string_equal(r.out, "kept\n");
    assert_int_equal(unsetenv("BFC_TEST_OWN"), 0);
}

static void test_process__secret(void **state)
{
    (void)state;
    bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    bfci_process p = BFCI_PROCESS_INIT;
    bfc_err err = BFC_ERR_INIT;

    p.argv = SHELL("i=0; while [ $i -lt 50 ]; do echo open sesame $i; i=$((i+1)); done");
    p.out_max = 1000;
    p.secret = true;
    assert_int_equal(bfci_process_run(&p, &r, NULL), 0);
    assert_true(r.secret);
    assert_int_equal(r.out_len, 740);
    assert_non_null(strstr(r.out, "sesame 49\n"));
    p.out_max = 739;
    assert_int_equal(bfci_process_run(&p, &r, &err), BFC_E_LIMIT);
    assert_null(strstr(err.msg, "sesame"));
    bfci_process_result_release(&r);
    assert_null(r.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__own_environment),
        cmocka_unit_test(test_process__secret),
        cmocka_unit_test(test_process__exit_codes),
        SCRATCH_TEST(test_process__cannot_be_run),
        cmocka_unit_test(test_process__environment),
        cmocka_unit_test(test_process__arguments_as_they_are),
        SCRATCH_TEST(test_process__standard_input),
        SCRATCH_TEST(test_process__output_to_a_file),
        cmocka_unit_test(test_process__no_other_descriptors),
        cmocka_unit_test(test_process__signals_as_by_default),
        cmocka_unit_test(test_process__group_of_its_own),
        cmocka_unit_test(test_process__caller_without_standard_descriptors),
        cmocka_unit_test(test_process__output_is_bounded),
        cmocka_unit_test(test_process__error_tail),
        cmocka_unit_test(test_process__time_limit),
        cmocka_unit_test(test_process__time_limit_for_one_that_does_not_listen),
        cmocka_unit_test(test_process__time_limit_for_one_that_stands_still),
        cmocka_unit_test(test_process__cancel),
        cmocka_unit_test(test_process__grandchild_holds_the_pipes),
        SCRATCH_TEST(test_process__dies_with_its_caller),
        cmocka_unit_test(test_process__caller_ignores_its_children),
        cmocka_unit_test(test_process__caller_reaps_all_children),
        cmocka_unit_test(test_process__leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
