/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program on a kernel without openat2, as it looks to that program: a filter answers the
 * call with ENOSYS. So what falls back to older calls can be tested on any machine.
 *
 *     no_openat2 PROGRAM [ARGUMENT…]
 *
 * Exits with 77 where the filter cannot be set, or does not work. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    EXIT_SKIP = 77,
    EXIT_NO_PROGRAM = 127
};

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static int set_filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: no_openat2 PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    if (set_filter() != 0) {
        fprintf(stderr, "no_openat2: cannot set a filter: %s\n", strerror(errno));
        return EXIT_SKIP;
    }
    if (syscall(SYS_openat2, AT_FDCWD, ".", NULL, (size_t)0) != -1 || errno != ENOSYS) {
        fprintf(stderr, "no_openat2: the filter does not work\n");
        return EXIT_SKIP;
    }
    execv(argv[1], argv + 1);
    fprintf(stderr, "no_openat2: '%s': %s\n", argv[1], strerror(errno));
    return EXIT_NO_PROGRAM;
}
