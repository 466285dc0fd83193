/* SPDX-License-Identifier: Apache-2.0 */
/* A program from its start to its end. One loop takes what it writes, and looks ten times a second
 * at least at the clock, at the caller's flag and at whether it has ended. That is asked of the
 * process and not seen by its pipes' ends: a child of its own may hold those open for ever. The
 * process is looked at without being reaped until its group needs no more signals, so that its
 * number cannot be somebody else's by then. */
#include "sys/process.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/retry.h"
#include "sys/spawn.h"

enum {
    PAUSE_MAX_MS = 100,
    GRACE_MS = 2000, /* between SIGTERM and SIGKILL */
    KILLED_MS = 5000,
    CHUNK = 16 * 1024,
    SIGNALLED = 128
};

/* The last bytes of standard error: as many as the result has room for, the newline behind them,
 * and one byte before them, which tells whether they begin a line. */
typedef struct tail {
    char bytes[BFCI_PROCESS_ERR_MAX + 1];
    size_t len;
} tail;

typedef struct run {
    const bfci_process *process;
    bfci_child child;
    uint64_t deadline_ns;
    bool stopping; /* what it still writes, and the caller's flag, no longer matter */
    bool lost;     /* somebody else has reaped it: its number may be another's by now */
    int exit_code;
    int start_errno;
    buf out;
    tail err_tail;
} run;

static void cleanup_run(run *r)
{
    for (int i = 0; i < BFCI_CHILD_STREAMS; i++)
        bfci_fd_close(&r->child.fd[i]);
    if (r->process->secret && r->out.data)
        explicit_bzero(r->out.data, r->out.len);
    bfci_buf_free(&r->out);
}

static const char *name_of(const run *r)
{
    return r->process->argv[0];
}

/* ── What it writes ── */

static void keep_err(tail *t, const char *bytes, size_t len)
{
    size_t keep = MIN(len, sizeof t->bytes);
    size_t stay = MIN(t->len, sizeof t->bytes - keep);
    memmove(t->bytes, t->bytes + t->len - stay, stay);
    memcpy(t->bytes + stay, bytes + len - keep, keep);
    t->len = stay + keep;
}

/* A line whose beginning is lost is left out, unless there is no other. */
static void hand_out_err(const tail *t, char out[BFCI_PROCESS_ERR_MAX])
{
    const size_t most = BFCI_PROCESS_ERR_MAX - 1;
    size_t len = t->len, start = 0;
    if (len > 0 && t->bytes[len - 1] == '\n')
        len--;
    if (len > most) {
        const char *newline = memchr(t->bytes + len - most - 1, '\n', most + 1);
        start = newline ? (size_t)(newline - t->bytes) + 1 : len - most;
    }
    len -= start;
    for (size_t i = 0; i < len; i++)
        out[i] = t->bytes[start + i] ? t->bytes[start + i] : '?';
    out[len] = '\0';
}

static int keep_out(run *r, const char *bytes, size_t len, bfc_err *err)
{
    size_t room = r->process->out_max - r->out.len;
    bfci_buf_put(&r->out, bytes, MIN(len, room));
    BFC_TRY(buf_check(&r->out, err));
    if (len > room && !r->stopping)
        return bfci_fail(err, BFC_E_LIMIT, "'%s' wrote more than %zu bytes",
                         BFCI_QUOTE_STR(name_of(r)), r->process->out_max);
    return 0;
}

/* Reads once what is there, at most `max` bytes; *got is 0 at the end of the stream, which is
 * closed then. */
static int take_into(run *r, char *bytes, enum bfci_child_stream which, size_t max, size_t *got,
                     bfc_err *err)
{
    ssize_t n;
    BFCI_RETRY(n, read(r->child.fd[which], bytes, max));
    if (n < 0)
        return bfci_fail_errno(err, errno, "read from '%s'", BFCI_QUOTE_STR(name_of(r)));
    *got = (size_t)n;
    if (n == 0)
        bfci_fd_close(&r->child.fd[which]);
    else if (which == BFCI_CHILD_OUT)
        return keep_out(r, bytes, (size_t)n, err);
    else if (which == BFCI_CHILD_ERR)
        keep_err(&r->err_tail, bytes, (size_t)n);
    else
        r->start_errno = (unsigned char)bytes[0];
    return 0;
}

static int take(run *r, enum bfci_child_stream which, size_t max, size_t *got, bfc_err *err)
{
    char bytes[CHUNK];
    int rc = take_into(r, bytes, which, MIN(max, sizeof bytes), got, err);
    if (r->process->secret)
        explicit_bzero(bytes, sizeof bytes);
    return rc;
}

static int wait_and_take(run *r, unsigned wait_ms, bool *moved, bfc_err *err)
{
    struct pollfd set[BFCI_CHILD_STREAMS];
    for (int i = 0; i < BFCI_CHILD_STREAMS; i++)
        set[i] = (struct pollfd){r->child.fd[i], POLLIN, 0}; /* -1 is passed by */
    int n = poll(set, BFCI_CHILD_STREAMS, (int)wait_ms);
    if (n < 0 && errno != EINTR) /* a signal: perhaps it has set the caller's flag */
        return bfci_fail_errno(err, errno, "wait for '%s'", BFCI_QUOTE_STR(name_of(r)));
    *moved = n > 0;
    size_t got = 0;
    for (int i = 0; i < BFCI_CHILD_STREAMS; i++)
        if (n > 0 && set[i].revents)
            BFC_TRY(take(r, (enum bfci_child_stream)i, SIZE_MAX, &got, err));
    return 0;
}

/* What was written before its end, and no more: others may write on. */
static int take_rest(run *r, bfc_err *err)
{
    for (int i = 0; i < BFCI_CHILD_STREAMS; i++) {
        int left = 0;
        if (r->child.fd[i] >= 0 && ioctl(r->child.fd[i], FIONREAD, &left) < 0)
            return bfci_fail_errno(err, errno, "read from '%s'", BFCI_QUOTE_STR(name_of(r)));
        for (size_t got = 1; left > 0 && got > 0; left -= (int)got)
            BFC_TRY(take(r, (enum bfci_child_stream)i, (size_t)left, &got, err));
    }
    return 0;
}

/* ── Its end ── */

static int has_ended(run *r, bool *ended, bfc_err *err)
{
    siginfo_t info = {0};
    int rc;
    BFCI_RETRY(rc, waitid(P_PID, (id_t)r->child.pid, &info, WEXITED | WNOHANG | WNOWAIT));
    if (rc < 0 && errno == ECHILD) {
        r->lost = true;
        return bfci_fail(err, BFC_E_IO,
                         "'%s' ran, but another part of the calling program took its exit code",
                         BFCI_QUOTE_STR(name_of(r)));
    }
    if (rc < 0)
        return bfci_fail_errno(err, errno, "wait for '%s'", BFCI_QUOTE_STR(name_of(r)));
    *ended = info.si_pid != 0;
    if (*ended)
        r->exit_code = info.si_status + (info.si_code == CLD_EXITED ? 0 : SIGNALLED);
    return 0;
}

static void set_deadline(run *r, uint64_t ms)
{
    r->deadline_ns = bfci_monotonic_ns() + ms * 1000000u;
}

static int check_limits(const run *r, bfc_err *err)
{
    if (!r->stopping)
        BFC_TRY(bfci_check_cancel(r->process->hooks, err));
    if (bfci_monotonic_ns() >= r->deadline_ns)
        return bfci_fail(err, BFC_E_BUSY, "'%s' ran for more than %u seconds",
                         BFCI_QUOTE_STR(name_of(r)), r->process->limit_s);
    return 0;
}

/* To its end, or to a reason to stop it. */
static int follow(run *r, bfc_err *err)
{
    for (unsigned pause_ms = 1;;) {
        bool ended = false, moved = false;
        BFC_TRY(has_ended(r, &ended, err));
        if (ended)
            return 0;
        BFC_TRY(check_limits(r, err));
        int rc = wait_and_take(r, pause_ms, &moved, err);
        if (rc < 0 && !r->stopping)
            return rc;
        pause_ms = moved ? 1 : MIN(2 * pause_ms, PAUSE_MAX_MS);
    }
}

/* Asked first, then killed, and its children with it. What the kernel does not let go even then (a
 * pool of disks that are gone) is not waited for without end. */
static void stop(run *r)
{
    const pid_t group = -r->child.pid;
    r->stopping = true;
    (void)kill(group, SIGTERM);
    (void)kill(group, SIGCONT); /* what is stopped would not hear */
    set_deadline(r, GRACE_MS);
    int rc = follow(r, NULL);
    if (r->lost)
        return;
    (void)kill(group, SIGKILL);
    set_deadline(r, KILLED_MS);
    if (rc < 0)
        (void)follow(r, NULL);
    (void)take_rest(r, NULL);
}

static int run_to_end(run *r, bfc_err *err)
{
    int rc = follow(r, err);
    if (rc == 0)
        rc = take_rest(r, err);
    else if (!r->lost)
        stop(r);
    if (!r->lost)
        (void)waitid(P_PID, (id_t)r->child.pid, &(siginfo_t){0}, WEXITED | WNOHANG);
    if (rc == 0 && r->start_errno != 0)
        rc = bfci_fail_errno(err, r->start_errno, "run '%s'", BFCI_QUOTE_STR(name_of(r)));
    return rc;
}

static int hand_out(run *r, int rc, bfci_process_result *out, bfc_err *err)
{
    out->exit_code = r->exit_code;
    hand_out_err(&r->err_tail, out->err);
    size_t len = r->out.len;
    bfci_buf_put(&r->out, "", 1);
    if (r->out.bad)
        return rc < 0 ? rc : bfci_fail_nomem(err);
    out->out = (char *)bfci_steal(&r->out.data);
    out->out_len = len;
    out->secret = r->process->secret;
    return rc;
}

int bfci_process_run(const bfci_process *p, bfci_process_result *out, bfc_err *err)
{
    __attribute__((cleanup(cleanup_run))) run r = {
        .process = p,
        .child = {-1, {-1, -1, -1}},
        .deadline_ns = UINT64_MAX,
        .out = BUF_INIT,
    };
    bfci_process_result_release(out);
    if (p->argv[0][0] != '/')
        return bfci_fail(err, BFC_E_INVALID, "'%s' is no absolute path",
                         BFCI_QUOTE_STR(p->argv[0]));
    if (p->secret && !bfci_buf_room(&r.out, p->out_max + 1)) /* so that it never moves */
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_check_cancel(p->hooks, err));
    int rc = bfci_child_start(p, &r.child, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "run '%s'", BFCI_QUOTE_STR(p->argv[0]));
    if (p->limit_s > 0)
        set_deadline(&r, (uint64_t)p->limit_s * 1000);
    return hand_out(&r, run_to_end(&r, err), out, err);
}

void bfci_process_result_release(bfci_process_result *r)
{
    if (r->secret && r->out)
        explicit_bzero(r->out, r->out_len);
    free(r->out);
    *r = (bfci_process_result)BFCI_PROCESS_RESULT_INIT;
}
