/* SPDX-License-Identifier: Apache-2.0 */
/* Plain files: open, whole transfers, sync, lock. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "sys/retry.h"

void bfci_fd_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        (void)close(*fd);
        errno = saved;
    }
    *fd = -1;
}

int bfci_fd_copy(int fd, int *out, bfc_err *err)
{
    int got = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (got < 0)
        return bfci_fail_errno(err, errno, "copy a descriptor");
    *out = got;
    return 0;
}

int bfci_open(int dir_fd, const char *path, int flags, unsigned mode, int *fd, bfc_err *err)
{
    int got;
    BFCI_RETRY(got, openat(dir_fd, path, flags | O_CLOEXEC, (mode_t)mode));
    if (got < 0)
        return bfci_fail_errno(err, errno, "open '%s'", BFCI_QUOTE_STR(path));
    *fd = got;
    return 0;
}

int bfci_fstat(int fd, struct stat *st, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fstat(fd, st));
    return rc < 0 ? bfci_fail_errno(err, errno, "get the attributes") : 0;
}

int bfci_stat_at(int dir_fd, const char *path, int flags, struct stat *st, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fstatat(dir_fd, path, st, flags));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "get the attributes of '%s'", BFCI_QUOTE_STR(path));
    return 0;
}

int bfci_pread(int fd, void *bytes, size_t len, uint64_t offset, size_t *got, bfc_err *err)
{
    uint8_t *p = bytes;
    size_t done = 0;
    /* No file has bytes beyond INT64_MAX, and the kernel refuses to be asked for them. */
    len = offset > INT64_MAX ? 0 : (size_t)MIN(len, INT64_MAX - offset);
    while (done < len) {
        ssize_t n;
        BFCI_RETRY(n, pread(fd, p + done, len - done, (off_t)(offset + done)));
        if (n < 0)
            return bfci_fail_errno(err, errno, "read at byte %" PRIu64, offset + done);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return 0;
}

int bfci_pread_exact(int fd, void *bytes, size_t len, uint64_t offset, bfc_err *err)
{
    size_t got = 0;
    BFC_TRY(bfci_pread(fd, bytes, len, offset, &got, err));
    if (got < len)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "the file ends early");
    return 0;
}

int bfci_pwrite_all(int fd, const void *bytes, size_t len, uint64_t offset, bfc_err *err)
{
    const uint8_t *p = bytes;
    if (offset > INT64_MAX || len > INT64_MAX - offset)
        return bfci_fail_errno(err, EFBIG, "write at byte %" PRIu64, offset);
    for (size_t done = 0; done < len;) {
        ssize_t n;
        BFCI_RETRY(n, pwrite(fd, p + done, len - done, (off_t)(offset + done)));
        if (n <= 0) /* 0 is no answer to a write; it must not loop */
            return bfci_fail_errno(err, n < 0 ? errno : EIO, "write at byte %" PRIu64,
                                   offset + done);
        done += (size_t)n;
    }
    return 0;
}

int bfci_write_all(int fd, const void *bytes, size_t len, bfc_err *err)
{
    const uint8_t *p = bytes;
    for (size_t done = 0; done < len;) {
        ssize_t n;
        BFCI_RETRY(n, write(fd, p + done, len - done));
        if (n <= 0)
            return bfci_fail_errno(err, n < 0 ? errno : EIO, "write");
        done += (size_t)n;
    }
    return 0;
}

int bfci_ftruncate(int fd, uint64_t size, bfc_err *err)
{
    int rc;
    if (size > INT64_MAX)
        return bfci_fail_errno(err, EFBIG, "set the size to %" PRIu64 " bytes", size);
    BFCI_RETRY(rc, ftruncate(fd, (off_t)size));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "set the size to %" PRIu64 " bytes", size);
    return 0;
}

/* After any other error than EINTR the kernel may have dropped the pages that it could not write: a
 * second call would succeed and lie. */
int bfci_fdatasync(int fd, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fdatasync(fd));
    return rc < 0 ? bfci_fail_errno(err, errno, "sync the data") : 0;
}

int bfci_fsync(int fd, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fsync(fd));
    return rc < 0 ? bfci_fail_errno(err, errno, "sync") : 0;
}

/* Reads to the end; the size that stat tells is not asked for, /proc has none. */
static int read_up_to(int fd, size_t max, uint8_t **data, size_t *len, bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    size_t cap = 0, used = 0;
    for (;;) {
        if (cap - used < 2) /* one for the NUL, one at least to read */
            BFC_TRY(bfci_reserve(&bytes, &cap, used + 4096, 1, err));
        ssize_t n;
        BFCI_RETRY(n, read(fd, bytes + used, cap - used - 1));
        if (n < 0)
            return bfci_fail_errno(err, errno, "read");
        if (n == 0)
            break;
        used += (size_t)n;
        if (used > max)
            return bfci_fail(err, BFC_E_LIMIT, "larger than %zu bytes", max);
    }
    bytes[used] = '\0';
    *data = bfci_steal(&bytes);
    *len = used;
    return 0;
}

int bfci_read_file(int dir_fd, const char *path, size_t max, uint8_t **data, size_t *len,
                   bfc_err *err)
{
    AUTO_FD int fd = -1;
    BFC_TRY(bfci_open(dir_fd, path, O_RDONLY, 0, &fd, err));
    int rc = read_up_to(fd, max, data, len, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path)) : 0;
}

/* Of the C library's <sys/file.h>, whose name our own header has. */
int flock(int fd, int operation);

int bfci_lock(int fd, bool exclusive, bool wait, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)));
    if (rc == 0)
        return 0;
    if (errno == EWOULDBLOCK) {
        rc = bfci_fail(err, BFC_E_BUSY, "somebody else holds the lock");
        if (err)
            err->os_errno = EWOULDBLOCK;
        return rc;
    }
    return bfci_fail_errno(err, errno, "lock");
}
