/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at files that are to be stored: targets of links, holes. */
#ifndef BFCI_SYS_INSPECT_H
#define BFCI_SYS_INSPECT_H

#include <sys/stat.h>

#include "base/base.h"

/* The target, not NUL-terminated; one of `cap` bytes or more is BFC_E_LIMIT. */
int bfci_readlink_at(int dir_fd, const char *path, char *out, size_t cap, size_t *len,
                     bfc_err *err);

/* Whether the file system tells of a hole before the end. The descriptor's position is moved. */
int bfci_has_hole(int fd, const struct stat *st, bool *out, bfc_err *err);

/* The next range at or after `from` that may hold data; *start is `size` if there is none. A file
 * system that cannot tell says all is data. */
int bfci_next_data(int fd, uint64_t from, uint64_t size, uint64_t *start, uint64_t *end,
                   bfc_err *err);

/* Whether O_NOATIME is worth trying: it is refused to all but owners and root. */
bool bfci_may_skip_atime(void);

#endif
