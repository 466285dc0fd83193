/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at source files: what they link to, and where their holes are. */
#include "sys/inspect.h"

#include <errno.h>
#include <unistd.h>

int bfci_readlink_at(int dir_fd, const char *path, char *out, size_t cap, size_t *len, bfc_err *err)
{
    ssize_t n = readlinkat(dir_fd, path, out, cap);

    if (n < 0)
        return bfci_fail_errno(err, errno, "read the link '%s'", BFCI_QUOTE_STR(path));
    if (n == 0 || (size_t)n >= cap)
        return bfci_fail(err, BFC_E_LIMIT, "the target of link '%s' is too long",
                         BFCI_QUOTE_STR(path));
    *len = (size_t)n;
    return 0;
}

int bfci_has_hole(int fd, const struct stat *st, bool *out, bfc_err *err)
{
    *out = false;
    /* Fewer blocks than the size needs are the sign of a hole, or of compression: ask only then. */
    if ((uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size)
        return 0;
    off_t hole = lseek(fd, 0, SEEK_HOLE);
    /* EINVAL: the file system does not tell; ENXIO: the file is empty by now. Any other error must
     * not pass for a file without holes. */
    if (hole < 0 && errno != EINVAL && errno != ENXIO)
        return bfci_fail_errno(err, errno, "look for holes");
    *out = hole >= 0 && hole < st->st_size;
    return 0;
}

int bfci_next_data(int fd, uint64_t from, uint64_t size, uint64_t *start, uint64_t *end,
                   bfc_err *err)
{
    off_t data = lseek(fd, (off_t)from, SEEK_DATA);

    if (data < 0 && errno == ENXIO) { /* no data up to the end */
        *start = *end = size;
        return 0;
    }
    if (data < 0 && errno == EINVAL) {
        *start = from;
        *end = size;
        return 0;
    }
    off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return bfci_fail_errno(err, errno, "look for holes");
    *start = MIN((uint64_t)data, size);
    *end = MIN((uint64_t)hole, size);
    return 0;
}

bool bfci_may_skip_atime(void)
{
    return geteuid() == 0;
}
