/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that extracting a tree consists of. Nothing here builds a message or decides anything;
 * calls that can be interrupted are restarted. */
#include "sys/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "sys/retry.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

static int outcome(int rc)
{
    return rc < 0 ? errno : 0;
}

static int open_again(int dir_fd, const char *name, int flags, mode_t mode, int *fd)
{
    int got;

    BFCI_RETRY(got, openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, mode));
    if (got < 0)
        return errno;
    *fd = got;
    return 0;
}

int bfci_node_make_file(int dir_fd, const char *name, unsigned mode, int *fd)
{
    return open_again(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, (mode_t)mode, fd);
}

int bfci_node_make_dir(int dir_fd, const char *name, unsigned mode)
{
    return outcome(mkdirat(dir_fd, name, (mode_t)mode));
}

int bfci_node_make_symlink(int dir_fd, const char *name, const char *target)
{
    return outcome(symlinkat(target, dir_fd, name));
}

int bfci_node_make_special(int dir_fd, const char *name, unsigned mode, unsigned major,
                           unsigned minor)
{
    return outcome(mknodat(dir_fd, name, (mode_t)mode, makedev(major, minor)));
}

int bfci_node_make_link(int dir_fd, const char *name, int from_fd, const char *from_name)
{
    return outcome(linkat(from_fd, from_name, dir_fd, name, 0));
}

int bfci_node_open_dir(int dir_fd, const char *name, int *fd)
{
    return open_again(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, fd);
}

int bfci_node_remove(int dir_fd, const char *name)
{
    if (unlinkat(dir_fd, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    int first = errno;
    int e = outcome(unlinkat(dir_fd, name, AT_REMOVEDIR));
    return e == ENOTDIR ? first : e == EEXIST ? ENOTEMPTY : e;
}

int bfci_node_close(int *fd)
{
    int e = outcome(close(*fd));

    *fd = -1;
    return e == EINTR ? 0 : e; /* Linux has closed it all the same */
}

int bfci_node_chown(bfci_place at, uint32_t uid, uint32_t gid)
{
    if (at.fd >= 0)
        return outcome(fchown(at.fd, uid, gid));
    return outcome(fchownat(at.dir_fd, at.name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int bfci_node_set_mtime(bfci_place at, int64_t seconds, uint32_t ns)
{
    const struct timespec times[2] = {{0, UTIME_OMIT}, {seconds, (long)ns}};

    if (at.fd >= 0)
        return outcome(futimens(at.fd, times));
    return outcome(utimensat(at.dir_fd, at.name, times, AT_SYMLINK_NOFOLLOW));
}

int bfci_node_chmod_fd(int fd, unsigned mode)
{
    return outcome(fchmod(fd, (mode_t)mode));
}

bool bfci_node_has_default_acl(int dir_fd)
{
    return fgetxattr(dir_fd, ACL_DEFAULT, NULL, 0) > 0;
}

static int remove_attr(bfci_place at, const char *attr)
{
    char path[32 + BFCI_NAME_MAX];
    int rc;

    if (at.fd >= 0) {
        rc = fremovexattr(at.fd, attr);
    } else {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", at.dir_fd, at.name);
        rc = lremovexattr(path, attr);
    }
    int e = outcome(rc);
    return e == ENODATA || e == ENOTSUP ? 0 : e;
}

int bfci_node_strip_acl(bfci_place at)
{
    int e = remove_attr(at, ACL_ACCESS);
    int e_default = remove_attr(at, ACL_DEFAULT);

    return e ? e : e_default == EACCES ? 0 : e_default; /* EACCES: it is no folder */
}

bool bfci_node_has_space(int fd)
{
    enum {
        ROOM = 64
    }; /* blocks: more than the largest attribute needs */
    struct statvfs st;

    return fstatvfs(fd, &st) == 0 && st.f_bavail > ROOM;
}

uint64_t bfci_fd_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}
