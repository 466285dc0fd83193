/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program: an absolute path, a vector of arguments, no shell. It gets a fixed
 * environment (LC_ALL=C and a PATH) unless it is to have ours, /dev/null as its standard input, no
 * descriptors beside the standard ones, no blocked and no ignored signals, and a process group of
 * its own, so that a Ctrl-C on the terminal is ours to handle. It dies with us (PR_SET_PDEATHSIG).
 */
#ifndef BFCI_SYS_PROCESS_H
#define BFCI_SYS_PROCESS_H

#include <bfc/hooks.h>

#include "base/base.h"

#define BFCI_PROCESS_ERR_MAX 1024

typedef struct bfci_process {
    const char *const *argv; /* argv[0] is the absolute path; ended by NULL */
    int in_fd;               /* its standard input; -1: /dev/null */
    int out_fd;              /* its standard output; -1: it is gathered */
    size_t out_max;          /* bytes of output that are gathered; more is BFC_E_LIMIT */
    unsigned limit_s;        /* seconds; 0: no limit. Beyond: killed, BFC_E_BUSY */
    const bfc_hooks *hooks;  /* its cancel flag ends the program, BFC_E_CANCELLED; may be NULL */
    bool own_environment;    /* it gets ours: for programs that serve the user at hand */
    bool secret;             /* what it writes is wiped wherever it lay, also by release */
} bfci_process;
#define BFCI_PROCESS_INIT                                                                          \
    {                                                                                              \
        NULL, -1, -1, 0, 0, NULL, false, false                                                     \
    }

typedef struct bfci_process_result {
    int exit_code; /* 0 to 255; 128 + the signal where one ended it */
    char *out;     /* what it wrote, NUL-terminated; free() */
    size_t out_len;
    bool secret;                    /* as it was asked for */
    char err[BFCI_PROCESS_ERR_MAX]; /* the last bytes of its standard error, whole lines, the final
                                       newline taken off, NUL-terminated */
} bfci_process_result;
#define BFCI_PROCESS_RESULT_INIT                                                                   \
    {                                                                                              \
        0, NULL, 0, false, ""                                                                      \
    }
void bfci_process_result_release(bfci_process_result *r);
#define AUTO_PROCESS_RESULT __attribute__((cleanup(bfci_process_result_release)))

/* Runs it to its end; what *out held before is released. Success means that it ran, and ended by
 * itself or by a signal: look at exit_code. What it has left running in the background goes on, and
 * is not waited for. On failure *out holds what is known by then, and nothing of its process group
 * is left. BFC_E_UNSUPPORTED: the calling program ignores SIGCHLD, and would not learn any exit
 * code. */
int bfci_process_run(const bfci_process *p, bfci_process_result *out, bfc_err *err);

/* Where systems keep their programs: the PATH of every program that is run. */
#define BFCI_PROGRAM_FOLDERS                                                                       \
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

/* The absolute path of a program: in the absolute folders of $PATH, then in those above.
 * BFC_E_NOT_FOUND. free(). */
int bfci_program_find(const char *name, char **path, bfc_err *err);

#endif
