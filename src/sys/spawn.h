/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a program, for process.c alone. */
#ifndef BFCI_SYS_SPAWN_H
#define BFCI_SYS_SPAWN_H

#include <sys/types.h>

#include "sys/process.h"

/* What comes from it. Standard error before the output: a flood of that must not hide it. */
enum bfci_child_stream {
    BFCI_CHILD_STATUS, /* one byte, an errno, if the program could not be run */
    BFCI_CHILD_ERR,
    BFCI_CHILD_OUT, /* -1 if the program writes to bfci_process.out_fd */
    BFCI_CHILD_STREAMS
};

typedef struct bfci_child {
    pid_t pid; /* also the number of its process group */
    int fd[BFCI_CHILD_STREAMS];
} bfci_child;

/* The caller closes the descriptors and waits for the process. */
int bfci_child_start(const bfci_process *p, bfci_child *out, bfc_err *err);

#endif
