/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files by path, for those who own the folders they work in. What handles folders that
 * others may write to, or paths from a container, uses sys/dir.h instead. */
#include "sys/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "sys/file.h"
#include "sys/retry.h"

#define COPY_CHUNK (1u << 20)

int bfci_absolute_path(const char *path, char **out, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;
    char here[PATH_MAX];
    const char *roots[2] = {path, NULL};

    if (path[0] != '/') {
        if (!getcwd(here, sizeof here))
            return bfci_fail_errno(err, errno, "find the working directory");
        roots[0] = here;
        roots[1] = path;
    }
    for (size_t i = 0; i < ARRAY_LEN(roots) && roots[i]; i++) {
        bfci_parts it = {roots[i]};
        const char *part = NULL;
        size_t len = 0;
        while (bfci_parts_next(&it, &part, &len)) {
            buf_u8(&text, '/');
            bfci_buf_put(&text, part, len);
        }
    }
    if (text.len == 0)
        buf_u8(&text, '/');
    buf_u8(&text, '\0');
    BFC_TRY(buf_check(&text, err));
    *out = (char *)bfci_steal(&text.data);
    return 0;
}

int bfci_real_path(const char *path, char **out, bfc_err *err)
{
    char *real = realpath(path, NULL);

    if (!real)
        return bfci_fail_errno(err, errno, "find '%s'", BFCI_QUOTE_STR(path));
    *out = real;
    return 0;
}

/* For file systems without RENAME_NOREPLACE. */
static int move_if_free(const char *from, const char *to)
{
    if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return errno == ENOENT ? rename(from, to) : -1;
}

int bfci_move(const char *from, const char *to, bool replace, bfc_err *err)
{
    int rc;

    BFCI_RETRY(rc, replace ? rename(from, to)
                           : renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
    if (rc < 0 && !replace && (errno == EINVAL || errno == ENOSYS))
        rc = move_if_free(from, to);
    if (rc < 0)
        return bfci_fail_errno(err, errno, "move '%s' to '%s'", BFCI_QUOTE_STR(from),
                               BFCI_QUOTE_STR(to));
    return 0;
}

int bfci_link(const char *from, const char *to, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, link(from, to));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "link '%s' to '%s'", BFCI_QUOTE_STR(to),
                               BFCI_QUOTE_STR(from));
    return 0;
}

static int copy_bytes(int from, int to, bfc_err *err)
{
    AUTO_FREE uint8_t *chunk = NULL;
    size_t got = COPY_CHUNK;

    BFC_TRY(bfci_alloc(COPY_CHUNK, 1, &chunk, err));
    for (uint64_t at = 0; got == COPY_CHUNK; at += got) {
        BFC_TRY(bfci_pread(from, chunk, COPY_CHUNK, at, &got, err));
        BFC_TRY(bfci_write_all(to, chunk, got, err));
    }
    return 0;
}

bool bfci_share_blocks(int from_fd, int to_fd)
{
    return ioctl(to_fd, FICLONE, from_fd) == 0;
}

static int copy_into(int from, int to, bfc_err *err)
{
    if (!bfci_share_blocks(from, to))
        BFC_TRY(copy_bytes(from, to, err));
    return bfci_fsync(to, err);
}

int bfci_copy_file(const char *from, const char *to, bfc_err *err)
{
    AUTO_FD int source = -1;
    AUTO_FD int target = -1;

    BFC_TRY(bfci_open(AT_FDCWD, from, O_RDONLY | O_NOFOLLOW, 0, &source, err));
    BFC_TRY(bfci_open(AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL, 0666, &target, err));
    int rc = copy_into(source, target, err);
    if (rc < 0) {
        (void)unlink(to);
        return bfci_wrap(err, rc, "copy '%s' to '%s'", BFCI_QUOTE_STR(from), BFCI_QUOTE_STR(to));
    }
    return 0;
}

int bfci_make_folder(const char *path, unsigned mode, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, mkdir(path, mode));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "make the folder '%s'", BFCI_QUOTE_STR(path));
    return 0;
}

int bfci_remove_file(const char *path, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, unlink(path));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "remove '%s'", BFCI_QUOTE_STR(path));
    return 0;
}

int bfci_remove_folder(const char *path, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, rmdir(path));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "remove the folder '%s'", BFCI_QUOTE_STR(path));
    return 0;
}

int bfci_sync_folder(const char *path, bfc_err *err)
{
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    int rc = bfci_fsync(fd, err);
    return rc < 0 ? bfci_wrap(err, rc, "folder '%s'", BFCI_QUOTE_STR(path)) : 0;
}

static uint64_t free_bytes(const struct statvfs *fs)
{
    uint64_t bytes;

    return bfci_mul_overflows((uint64_t)fs->f_bavail, (uint64_t)fs->f_frsize, &bytes) ? UINT64_MAX
                                                                                      : bytes;
}

int bfci_free_space(const char *path, uint64_t *bytes, bfc_err *err)
{
    struct statvfs fs;
    int rc;

    BFCI_RETRY(rc, statvfs(path, &fs));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "ask for the room at '%s'", BFCI_QUOTE_STR(path));
    *bytes = free_bytes(&fs);
    return 0;
}

int bfci_free_space_of(int fd, uint64_t *bytes, bfc_err *err)
{
    struct statvfs fs;
    int rc;

    BFCI_RETRY(rc, fstatvfs(fd, &fs));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "ask for the room of a file system");
    *bytes = free_bytes(&fs);
    return 0;
}

int bfci_machine(char **out, bfc_err *err)
{
    struct utsname name;

    if (uname(&name) < 0)
        return bfci_fail_errno(err, errno, "ask for the kind of machine");
    return bfci_strdup(name.machine, out, err);
}

void bfci_user_name(char out[BFCI_USER_NAME_MAX])
{
    char text[1024];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 && found &&
        strlen(found->pw_name) < BFCI_USER_NAME_MAX)
        (void)snprintf(out, BFCI_USER_NAME_MAX, "%s", found->pw_name);
    else
        (void)snprintf(out, BFCI_USER_NAME_MAX, "%lu", (unsigned long)geteuid());
}

void bfci_pause_ms(unsigned ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}
