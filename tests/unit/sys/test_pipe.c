/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: a reader that has gone, ends, and being cancelled while the other end does nothing. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "scratch.h"
#include "sys/pipe.h"

static int received; /* SIGPIPE */

static void on_pipe(int number)
{
    (void)number;
    received++;
}

static void assert_no_reader(void)
{
    AUTO_FD int in = -1;
    AUTO_FD int out = -1;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_pipe_make(&in, &out, NULL), 0);
    bfci_fd_close(&in);
    assert_int_equal(bfci_pipe_write(out, "x", 1, NULL, &err), BFC_E_IO);
    assert_int_equal(err.os_errno, EPIPE);
    assert_int_equal(bfci_pipe_write(out, "x", 1, NULL, NULL), BFC_E_IO);
}

static bool is_pending(void)
{
    sigset_t set;
    return sigpending(&set) == 0 && sigismember(&set, SIGPIPE);
}

static void test_pipe__no_reader_is_no_signal(void **state)
{
    (void)state;
    assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    assert_no_reader(); /* or this program is dead */
    assert_false(is_pending());
    (void)signal(SIGPIPE, on_pipe);
    assert_no_reader();
    assert_int_equal(received, 0);
    (void)signal(SIGPIPE, SIG_DFL);
}

static void test_pipe__a_signal_that_waits_stays(void **state)
{
    static const struct timespec at_once = {0, 0};
    sigset_t set;
    (void)state;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    assert_no_reader();
    assert_false(is_pending());
    assert_int_equal(raise(SIGPIPE), 0);
    assert_no_reader();
    assert_true(is_pending());
    assert_int_equal(sigtimedwait(&set, NULL, &at_once), SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
}

static void test_pipe__read_full(void **state)
{
    AUTO_FD int in = -1;
    AUTO_FD int out = -1;
    char bytes[8] = "";
    size_t got = 99;
    (void)state;
    assert_int_equal(bfci_pipe_make(&in, &out, NULL), 0);
    assert_int_equal(fcntl(in, F_GETFD) & fcntl(out, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(bfci_pipe_write(out, "0123456", 7, NULL, NULL), 0);
    assert_int_equal(bfci_pipe_read_full(in, bytes, 4, NULL, &got, NULL), 0);
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "0123", 4);
    bfci_fd_close(&out);
    assert_int_equal(bfci_pipe_read_full(in, bytes, 8, NULL, &got, NULL), 0);
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "456", 3);
    assert_int_equal(bfci_pipe_read_full(in, bytes, 8, NULL, &got, NULL), 0);
    assert_int_equal(got, 0);
    got = 99;
    assert_int_equal(bfci_pipe_read_full(-1, bytes, 8, NULL, &got, NULL), BFC_E_IO);
    assert_int_equal(got, 99);
}

struct feeding {
    int fd;
    size_t count;
    const bfc_hooks *hooks;
};

static void *feed(void *ctx)
{
    struct feeding *f = ctx;
    static char piece[100001];
    memset(piece, 'p', sizeof piece);
    for (size_t i = 0; i < f->count; i++)
        assert_int_equal(bfci_pipe_write(f->fd, piece, sizeof piece, f->hooks, NULL), 0);
    bfci_fd_close(&f->fd);
    return NULL;
}

static void read_what_is_fed(const bfc_hooks *hooks)
{
    AUTO_FD int in = -1;
    struct feeding f = {.count = 10, .hooks = hooks};
    pthread_t thread;
    static char bytes[70001];
    size_t got = 0, all = 0;
    assert_int_equal(bfci_pipe_make(&in, &f.fd, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    do {
        assert_int_equal(bfci_pipe_read_full(in, bytes, sizeof bytes, hooks, &got, NULL), 0);
        all += got;
    } while (got == sizeof bytes);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(all, 1000010);
}

static void test_pipe__more_than_it_holds(void **state)
{
    int cancel = 0;
    (void)state;
    read_what_is_fed(NULL);
    read_what_is_fed(&(bfc_hooks){.cancel = &cancel});
}

static void *cancel_soon(void *flag)
{
    (void)usleep(100000);
    __atomic_store_n((int *)flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_pipe__cancelled_while_it_waits(void **state)
{
    AUTO_FD int in = -1;
    AUTO_FD int out = -1;
    static char bytes[200000];
    size_t got = 99;
    (void)state;
    assert_int_equal(bfci_pipe_make(&in, &out, NULL), 0);
    for (int writing = 0; writing < 2; writing++) {
        int cancel = 0;
        const bfc_hooks hooks = {.cancel = &cancel};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
        int rc = writing ? bfci_pipe_write(out, bytes, sizeof bytes, &hooks, NULL)
                         : bfci_pipe_read_full(in, bytes, sizeof bytes, &hooks, &got, NULL);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(rc, BFC_E_CANCELLED);
    }
    assert_int_equal(got, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe__no_reader_is_no_signal),
        cmocka_unit_test(test_pipe__a_signal_that_waits_stays),
        cmocka_unit_test(test_pipe__read_full),
        cmocka_unit_test(test_pipe__more_than_it_holds),
        cmocka_unit_test(test_pipe__cancelled_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
