/* SPDX-License-Identifier: Apache-2.0 */
/* From fork to exec. Other threads of the caller may have held any lock when the child was made, so
 * it makes only calls that are safe in a signal handler. What fails there is told through a pipe
 * that a successful exec closes. Nothing of the caller is changed but the calling thread's signal
 * mask, for the moment of the fork: none of the caller's handlers may run in the child. */
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/retry.h"

enum {
    STATUS_FD = 3, /* behind the standard ones */
    PLACES,
    NOT_RUN = 127
};

typedef struct launch {
    const char *const *argv;
    bool own_environment;
    int fd[PLACES]; /* what is to be its descriptors 0, 1, 2, and the pipe for the errno */
    pid_t parent;
} launch;

/* ── In the child ── */

static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* a few cannot be set, nor need it */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool dies_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return false;
    pid_t now = getppid();
    if (now == parent || now == 0) /* 0: a parent that our PID namespace does not show */
        return true;
    errno = ESRCH; /* it ended before it was watched */
    return false;
}

/* First out of the way of each other: the caller may have closed its standard descriptors, and have
 * others in their places. */
static bool place_descriptors(launch *l)
{
    for (int i = 0; i < PLACES; i++) {
        l->fd[i] = fcntl(l->fd[i], F_DUPFD_CLOEXEC, PLACES);
        if (l->fd[i] < 0)
            return false;
    }
    for (int i = 0; i < PLACES; i++)
        if (dup3(l->fd[i], i, i == STATUS_FD ? O_CLOEXEC : 0) < 0)
            return false;
    l->fd[STATUS_FD] = STATUS_FD;
    /* Our own are closed by exec anyway; this is for those of the rest of the program. */
    (void)syscall(SYS_close_range, PLACES, ~0U, 0);
    return true;
}

/* execve() promises not to write to its vectors, but not in its types. */
static void run_program(const launch *l)
{
    static const char *const environment[] = {"LC_ALL=C", "PATH=" BFCI_PROGRAM_FOLDERS, NULL};
    char *const *args, *const *env;
    const char *const *fixed = environment;
    memcpy(&args, &l->argv, sizeof args);
    memcpy(&env, &fixed, sizeof env);
    (void)execve(l->argv[0], args, l->own_environment ? environ : env);
}

__attribute__((noreturn)) static void be_child(launch *l)
{
    int status_fd = l->fd[STATUS_FD];
    if (setpgid(0, 0) == 0 && dies_with(l->parent) && place_descriptors(l)) {
        status_fd = l->fd[STATUS_FD];
        reset_signals();
        run_program(l);
    }
    unsigned char cause = (unsigned char)errno; /* Linux has none above 133 */
    (void)!write(status_fd, &cause, 1);
    /* Without anything that the caller has put before an end of its own. */
    for (;;)
        (void)syscall(SYS_exit_group, NOT_RUN);
}

/* ── In the caller ── */

/* Its children would vanish unseen when they end. */
static int check_children_are_kept(bfc_err *err)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0 &&
        ((now.sa_flags & SA_NOCLDWAIT) ||
         (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN)))
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the calling program ignores SIGCHLD, so no exit code would be known");
    return 0;
}

static int make_pipe(int *read_end, int *write_end, bfc_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return bfci_fail_errno(err, errno, "make a pipe");
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

static int fork_child(launch *l, pid_t *out, bfc_err *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    l->parent = getpid();
    pid_t pid = fork();
    int cause = errno;
    if (pid == 0)
        be_child(l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return bfci_fail_errno(err, cause, "make a process");
    (void)setpgid(pid, pid); /* as the child does: whoever comes first */
    *out = pid;
    return 0;
}

int bfci_child_start(const bfci_process *p, bfci_child *out, bfc_err *err)
{
    AUTO_FD int null_fd = -1, status_read = -1, status_write = -1;
    AUTO_FD int err_read = -1, err_write = -1, out_read = -1, out_write = -1;
    pid_t pid = -1;

    BFC_TRY(check_children_are_kept(err));
    if (p->in_fd < 0)
        BFC_TRY(bfci_open(AT_FDCWD, "/dev/null", O_RDONLY, 0, &null_fd, err));
    BFC_TRY(make_pipe(&status_read, &status_write, err));
    BFC_TRY(make_pipe(&err_read, &err_write, err));
    if (p->out_fd < 0)
        BFC_TRY(make_pipe(&out_read, &out_write, err));
    launch l = {
        .argv = p->argv,
        .own_environment = p->own_environment,
        .fd = {p->in_fd < 0 ? null_fd : p->in_fd, p->out_fd < 0 ? out_write : p->out_fd, err_write,
               status_write},
    };
    BFC_TRY(fork_child(&l, &pid, err));
    out->pid = pid;
    out->fd[BFCI_CHILD_STATUS] = bfci_steal_fd(&status_read);
    out->fd[BFCI_CHILD_ERR] = bfci_steal_fd(&err_read);
    out->fd[BFCI_CHILD_OUT] = bfci_steal_fd(&out_read);
    return 0;
}
