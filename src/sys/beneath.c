/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what is beneath a folder. The kernel holds the rule where it has openat2; else the way is
 * gone name by name, each opened with O_NOFOLLOW relative to the one before. Nothing is remembered
 * about which of the two works: a try costs less than shared state. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/retry.h"

enum {
    AGAIN_MAX = 64
};

static bool makes_file(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_by_kernel(int root_fd, const char *path, int flags, unsigned mode)
{
    struct open_how how = {
        /* A link is refused by resolve. With O_PATH, O_NOFOLLOW would let one in at the end. */
        .flags = (uint64_t)(unsigned)((flags & ~O_NOFOLLOW) | O_CLOEXEC),
        .mode = makes_file(flags) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (int i = 0; i < AGAIN_MAX; i++) { /* EAGAIN: something was renamed meanwhile */
        BFCI_RETRY(fd, syscall(SYS_openat2, root_fd, path, &how, sizeof how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return (int)fd;
}

static bool is_link(int dir_fd, const char *name)
{
    struct stat st;
    int rc;
    BFCI_RETRY(rc, fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    return rc == 0 && S_ISLNK(st.st_mode);
}

/* One name in an open folder, no link; -1 and errno as openat2 would set it. */
static int open_name(int dir_fd, const char *name, int flags, unsigned mode)
{
    int fd;
    BFCI_RETRY(fd, openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode));
    if (fd < 0) {
        if (errno == ENOTDIR) /* what a link gives with O_DIRECTORY */
            errno = is_link(dir_fd, name) ? ELOOP : ENOTDIR;
        return -1;
    }
    if ((flags & O_PATH) && is_link(fd, "")) {
        bfci_fd_close(&fd);
        errno = ELOOP;
    }
    return fd;
}

/* -1 and errno on failure. */
static int walk_by_name(int root_fd, const char *path, int flags, unsigned mode)
{
    bfci_parts it = {path};
    const char *part = NULL;
    size_t len = 0;
    char name[BFCI_NAME_MAX + 1];
    AUTO_FD int folder = -1;

    if (!bfci_parts_next(&it, &part, &len))
        return open_name(root_fd, ".", flags, mode);
    for (;;) {
        if (len > BFCI_NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, part, len);
        name[len] = '\0';
        int at = folder >= 0 ? folder : root_fd;
        bool slash = *it.next == '/'; /* also behind the last name: it must be a folder then */
        if (!bfci_parts_next(&it, &part, &len))
            return open_name(at, name, flags | (slash && !makes_file(flags) ? O_DIRECTORY : 0),
                             mode);
        int next = open_name(at, name, O_PATH | O_DIRECTORY, 0);
        if (next < 0)
            return -1;
        bfci_fd_close(&folder);
        folder = next;
    }
}

/* Refused before any call, so that both ways tell the same. */
static int check_path(const char *path, bfc_err *err)
{
    bfci_parts it = {path};
    const char *part = NULL;
    size_t len = 0;
    bool outside = path[0] == '/';
    while (!outside && bfci_parts_next(&it, &part, &len))
        outside = len == 2 && part[0] == '.' && part[1] == '.';
    if (!outside)
        return 0;
    int rc = bfci_fail(err, BFC_E_INVALID, "'%s' may lead out of the folder", BFCI_QUOTE_STR(path));
    if (err)
        err->os_errno = EXDEV;
    return rc;
}

static int fail_open(const char *path, int os_errno, bfc_err *err)
{
    int rc;
    if (os_errno == ELOOP)
        rc = bfci_fail(err, BFC_E_EXISTS, "'%s' is a symbolic link, or leads through one",
                       BFCI_QUOTE_STR(path));
    else if (os_errno == ENOTDIR)
        rc = bfci_fail(err, BFC_E_EXISTS, "'%s' is not a folder, or leads through what is none",
                       BFCI_QUOTE_STR(path));
    else
        rc = bfci_fail_errno(err, os_errno, "open '%s'", BFCI_QUOTE_STR(path));
    if (err)
        err->os_errno = os_errno;
    return rc;
}

int bfci_open_beneath_by_name(int root_fd, const char *path, int flags, unsigned mode, int *fd,
                              bfc_err *err)
{
    BFC_TRY(check_path(path, err));
    int got = walk_by_name(root_fd, path, flags, mode);
    if (got < 0)
        return fail_open(path, errno, err);
    *fd = got;
    return 0;
}

int bfci_open_beneath(int root_fd, const char *path, int flags, unsigned mode, int *fd,
                      bfc_err *err)
{
    BFC_TRY(check_path(path, err));
    int got = open_by_kernel(root_fd, path[0] ? path : ".", flags, mode);
    if (got < 0 && (errno == ENOSYS || errno == EPERM)) /* EPERM: filters that do not know it */
        return bfci_open_beneath_by_name(root_fd, path, flags, mode, fd, err);
    if (got < 0)
        return fail_open(path, errno, err);
    *fd = got;
    return 0;
}
