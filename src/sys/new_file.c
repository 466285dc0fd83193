/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are seen whole or not at all: temporary ones without a name, and new ones that get
 * their name at the very end. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/retry.h"

enum {
    TEMP_TRIES = 100
};

/* The folder of a path as one that can be opened: "." for a bare name. */
static int folder_of(const char *path, char **out, bfc_err *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return bfci_strdup(".", out, err);
    return bfci_memdup_str(path, MAX((size_t)(slash - path), 1), out, err);
}

/* Makes a new file ".<name>.bfc-tmp-XXXXXXXX" in the folder. */
static int make_temp(int dir_fd, const char *name, unsigned mode, char **temp_name, int *fd,
                     bfc_err *err)
{
    enum {
        AROUND = sizeof "..bfc-tmp-XXXXXXXX" - 1
    };
    int keep = (int)MIN(strlen(name), (size_t)(BFCI_NAME_MAX - AROUND));
    for (int try = 0; try < TEMP_TRIES; try++) {
        AUTO_FREE char *temp = NULL;
        uint32_t random = 0;
        BFC_TRY(bfci_random(&random, sizeof random, err));
        BFC_TRY(bfci_asprintf(&temp, err, ".%.*s.bfc-tmp-%08" PRIx32, keep, name, random));
        int got;
        BFCI_RETRY(got, openat(dir_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode));
        if (got >= 0) {
            *fd = got;
            *temp_name = bfci_steal(&temp);
            return 0;
        }
        if (errno != EEXIST)
            return bfci_fail_errno(err, errno, "make '%s'", BFCI_QUOTE_STR(temp));
    }
    return bfci_fail(err, BFC_E_EXISTS, "no free name for a temporary file");
}

int bfci_open_temp_beside(const char *path, int *fd, bfc_err *err)
{
    AUTO_FREE char *folder = NULL, *temp = NULL;
    AUTO_FD int dir_fd = -1;
    BFC_TRY(folder_of(path, &folder, err));

    int got;
    BFCI_RETRY(got, open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (got >= 0) {
        *fd = got;
        return 0;
    }
    /* EISDIR, EOPNOTSUPP: not every file system has unnamed files. */
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOSYS)
        return bfci_fail_errno(err, errno, "make a temporary file in '%s'", BFCI_QUOTE_STR(folder));

    AUTO_FD int named = -1;
    BFC_TRY(bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &dir_fd, err));
    BFC_TRY(make_temp(dir_fd, "bfc", 0600, &temp, &named, err));
    int rc;
    BFCI_RETRY(rc, unlinkat(dir_fd, temp, 0));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "unlink '%s'", BFCI_QUOTE_STR(temp));
    *fd = bfci_steal_fd(&named);
    return 0;
}

int bfci_temp_path(char **out, bfc_err *err)
{
    const char *folder = secure_getenv("TMPDIR");

    return bfci_asprintf(out, err, "%s/bfc", folder && folder[0] == '/' ? folder : "/var/tmp");
}

int bfci_open_memory(int *fd, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    int got = memfd_create("bfc", MFD_CLOEXEC);

    if (got >= 0) {
        *fd = got;
        return 0;
    }
    BFC_TRY(bfci_temp_path(&path, err));
    return bfci_open_temp_beside(path, fd, err);
}

/* A file can be put in place of anything but a folder. */
static int check_not_folder(int dir_fd, const char *name, const char *path, bfc_err *err)
{
    struct stat st;
    int rc;
    BFCI_RETRY(rc, fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW));
    if (rc == 0 && S_ISDIR(st.st_mode))
        return bfci_fail(err, BFC_E_EXISTS, "'%s' is a folder: name a file", BFCI_QUOTE_STR(path));
    return 0;
}

static int begin(const char *path, unsigned mode, bfci_new_file *f, bfc_err *err)
{
    AUTO_FREE char *folder = NULL, *name = NULL, *temp = NULL;
    AUTO_FD int dir_fd = -1, fd = -1;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;

    if (!bfci_name_ok(base, strlen(base)))
        return bfci_fail(err, BFC_E_INVALID, "'%s' does not end in the name of a file",
                         BFCI_QUOTE_STR(path));
    BFC_TRY(bfci_strdup(base, &name, err));
    BFC_TRY(folder_of(path, &folder, err));
    BFC_TRY(bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &dir_fd, err));
    BFC_TRY(check_not_folder(dir_fd, name, path, err));
    BFC_TRY(make_temp(dir_fd, name, mode, &temp, &fd, err));

    f->dir_fd = bfci_steal_fd(&dir_fd);
    f->fd = bfci_steal_fd(&fd);
    f->name = bfci_steal(&name);
    f->temp_name = bfci_steal(&temp);
    return 0;
}

int bfci_new_file_begin(const char *path, bfci_new_file *f, bfc_err *err)
{
    return begin(path, 0666, f, err);
}

int bfci_new_file_begin_private(const char *path, bfci_new_file *f, bfc_err *err)
{
    return begin(path, 0600, f, err);
}

/* A temporary name that stays behind is no reason to fail. */
static void unlink_quietly(int dir_fd, const char *name)
{
    int saved = errno, rc;
    BFCI_RETRY(rc, unlinkat(dir_fd, name, 0));
    errno = saved;
}

/* Gives the file its name if that is free; -1 and errno otherwise. */
static int rename_if_free(const bfci_new_file *f)
{
    int rc;
    BFCI_RETRY(rc, renameat2(f->dir_fd, f->temp_name, f->dir_fd, f->name, RENAME_NOREPLACE));
    if (rc == 0 || (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP))
        return rc;
    /* The file system cannot do it in one step: a second name is as exclusive. */
    BFCI_RETRY(rc, linkat(f->dir_fd, f->temp_name, f->dir_fd, f->name, 0));
    if (rc == 0)
        unlink_quietly(f->dir_fd, f->temp_name);
    return rc;
}

int bfci_new_file_publish(bfci_new_file *f, bool replace, bfc_err *err)
{
    int rc;
    /* All of the file is on disk before its name is: a name never shows half a file. */
    BFC_TRY(bfci_fsync(f->fd, err));
    if (replace)
        BFCI_RETRY(rc, renameat(f->dir_fd, f->temp_name, f->dir_fd, f->name));
    else
        rc = rename_if_free(f);
    if (rc < 0)
        return bfci_fail_errno(err, errno, "give the new file its name '%s'",
                               BFCI_QUOTE_STR(f->name));
    /* From here on there is no temporary name that abandon could take away. */
    free(bfci_steal(&f->temp_name));
    /* The name is on disk before success is told. */
    BFC_TRY(bfci_fsync(f->dir_fd, err));
    bfci_fd_close(&f->fd);
    bfci_fd_close(&f->dir_fd);
    return 0;
}

void bfci_new_file_abandon(bfci_new_file *f)
{
    if (f->temp_name && f->dir_fd >= 0) {
        /* Emptied first: what is only unlinked may keep its room for long where a disk is full. */
        if (f->fd >= 0)
            (void)bfci_ftruncate(f->fd, 0, NULL);
        unlink_quietly(f->dir_fd, f->temp_name);
    }
    bfci_fd_close(&f->fd);
    bfci_fd_close(&f->dir_fd);
    free(f->name);
    free(f->temp_name);
    *f = (bfci_new_file)BFCI_NEW_FILE_INIT;
}
