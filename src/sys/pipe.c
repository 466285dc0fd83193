/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing in order. SIGPIPE is blocked in this thread while it writes, and taken off if
 * it came: what a program does with that signal is its own matter. A signal that cancels may come
 * just before a call that then waits for ever, or to another thread: so it is poll() that waits,
 * and looks at the flag again and again. */
#include "sys/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hooks.h"
#include "sys/retry.h"

enum {
    LOOK_EVERY_MS = 200
};

int bfci_pipe_make(int *read_fd, int *write_fd, bfc_err *err)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) < 0)
        return bfci_fail_errno(err, errno, "make a pipe");
    *read_fd = fd[0];
    *write_fd = fd[1];
    return 0;
}

/* What poll() cannot wait for is left to the call that follows. */
static int wait_for(int fd, short events, const bfc_hooks *hooks, bfc_err *err)
{
    struct pollfd p = {.fd = fd, .events = events};
    int ready = 0;

    while (ready == 0) {
        BFC_TRY(bfci_check_cancel(hooks, err));
        ready = poll(&p, 1, LOOK_EVERY_MS);
        if (ready < 0 && errno == EINTR)
            ready = 0;
    }
    return 0;
}

static bool can_cancel(const bfc_hooks *hooks)
{
    return hooks && hooks->cancel;
}

int bfci_pipe_read(int fd, void *bytes, size_t len, const bfc_hooks *hooks, size_t *got,
                   bfc_err *err)
{
    ssize_t n = 0;

    if (can_cancel(hooks))
        BFC_TRY(wait_for(fd, POLLIN, hooks, err));
    BFCI_RETRY(n, read(fd, bytes, len));
    if (n < 0)
        return bfci_fail_errno(err, errno, "read");
    *got = (size_t)n;
    return 0;
}

int bfci_pipe_read_full(int fd, void *bytes, size_t len, const bfc_hooks *hooks, size_t *got,
                        bfc_err *err)
{
    size_t have = 0, n = 0;

    do {
        BFC_TRY(bfci_pipe_read(fd, (char *)bytes + have, len - have, hooks, &n, err));
        have += n;
    } while (n > 0 && have < len);
    *got = have;
    return 0;
}

static bool is_pending(int signal_number)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, signal_number) == 1;
}

static bool is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A pipe of which poll() says that it can be written to has room for PIPE_BUF bytes. */
static int write_all(int fd, const char *bytes, size_t len, const bfc_hooks *hooks, bfc_err *err)
{
    const bool waits = can_cancel(hooks) && !is_file(fd);

    while (len > 0) {
        ssize_t n = 0;
        if (waits)
            BFC_TRY(wait_for(fd, POLLOUT, hooks, err));
        BFCI_RETRY(n, write(fd, bytes, waits ? MIN(len, (size_t)PIPE_BUF) : len));
        if (n < 0)
            return bfci_fail_errno(err, errno, "write");
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int bfci_pipe_write(int fd, const void *bytes, size_t len, const bfc_hooks *hooks, bfc_err *err)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe_signal, before;
    bfc_err why = BFC_ERR_INIT;

    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    bool came_before = is_pending(SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    int rc = write_all(fd, bytes, len, hooks, &why);
    if (rc < 0 && why.os_errno == EPIPE && !came_before)
        (void)sigtimedwait(&pipe_signal, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc < 0 && err)
        *err = why;
    return rc;
}
