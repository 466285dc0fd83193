/* SPDX-License-Identifier: Apache-2.0 */
/* Whose files a thread makes. On Linux that is the thread's own (fsuid, fsgid): a file then has its
 * owner from the start, and needs no chown. A thread keeps what it may do (capabilities), and no
 * other thread is concerned. Sources: setfsuid(2), capabilities(7).
 *
 *     if (bfci_identity_may_change() && bfci_identity_suits(dir_fd))
 *         if (bfci_identity_take(1000, 1000))
 *             ... files of 1000:1000 ...
 */
#ifndef BFCI_SYS_IDENTITY_H
#define BFCI_SYS_IDENTITY_H

#include "base/base.h"

/* Whether the calling thread may do all that making files asks for whoever they belong to, and so
 * loses nothing by being somebody else. But room that a file system keeps for user 0 is not for who
 * makes files as another: so ENOSPC is no last word. */
bool bfci_identity_may_change(void);

/* Whether the file system of an open file asks the kernel alone what a thread may do. Servers and
 * user programs see another user, and decide for themselves. */
bool bfci_identity_suits(int fd);

/* From now on the calling thread makes files as uid:gid. False: it cannot, and is who it was. */
bool bfci_identity_take(uint32_t uid, uint32_t gid);

#endif
