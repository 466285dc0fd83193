/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a file's blocks belong to other files, too (FICLONE made them so). */
#ifndef BFCI_SYS_EXTENTS_H
#define BFCI_SYS_EXTENTS_H

#include "base/base.h"

/* A range of the device, in bytes; equal ranges of one device are the same blocks. */
typedef int bfci_shared_fn(void *ctx, uint64_t start, uint64_t len, bfc_err *err);

/* Calls `fn` for each range that the file shares with another, or with itself. Looks at `max`
 * extents at most; *max becomes what is left. A file system that cannot tell shares nothing. What
 * is compressed on disk is passed by: its place says nothing of its length. */
int bfci_shared_extents(int fd, size_t *max, bfci_shared_fn *fn, void *ctx, bfc_err *err);

#endif
