/* SPDX-License-Identifier: Apache-2.0 */
/* Restarting system calls that a signal has interrupted. */
#ifndef BFCI_SYS_RETRY_H
#define BFCI_SYS_RETRY_H

#include <errno.h>

/* rc = call, again as long as it fails with EINTR. Not for close(): the descriptor is gone either
 * way. */
#define BFCI_RETRY(rc, call)                                                                       \
    do {                                                                                           \
        (rc) = (call);                                                                             \
    } while ((rc) < 0 && errno == EINTR)

#endif
