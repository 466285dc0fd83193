/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, and what else is read and written in order: a reader that has gone is a failure, never a
 * SIGPIPE; and whoever waits for the other end can be cancelled, wherever the signal went. */
#ifndef BFCI_SYS_PIPE_H
#define BFCI_SYS_PIPE_H

#include <bfc/hooks.h>

#include "base/base.h"

int bfci_pipe_make(int *read_fd, int *write_fd, bfc_err *err); /* both O_CLOEXEC */

/* `hooks` may be NULL; their cancel flag ends each of these, BFC_E_CANCELLED. */

/* Reads what is there, at most `len`; *got is 0 at the end. */
int bfci_pipe_read(int fd, void *bytes, size_t len, const bfc_hooks *hooks, size_t *got,
                   bfc_err *err);
/* Reads `len` bytes; *got is less only at the end. */
int bfci_pipe_read_full(int fd, void *bytes, size_t len, const bfc_hooks *hooks, size_t *got,
                        bfc_err *err);
/* Writes all of it. os_errno is EPIPE where nobody reads any more. */
int bfci_pipe_write(int fd, const void *bytes, size_t len, const bfc_hooks *hooks, bfc_err *err);

#endif
