/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing whole branches. Removing goes down and up with one open folder, whatever the
 * depth; going up by ".." is checked against what was seen on the way down, so that a folder that
 * somebody moves away meanwhile cannot lead us elsewhere. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/attr.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/retry.h"

/* A folder on the way down. */
struct level {
    bfci_dir_list list;
    size_t next; /* the first that is still to be removed */
    dev_t dev;
    ino_t ino;
};

typedef struct removal {
    int top;          /* the caller's folder */
    const char *name; /* in it */
    int fd;           /* the deepest folder that is open */
    struct level *level;
    size_t depth, cap;
} removal;

static void release_removal(removal *r)
{
    for (size_t i = 0; i < r->depth; i++)
        bfci_dir_list_release(&r->level[i].list);
    free(r->level);
    bfci_fd_close(&r->fd);
}

/* 0, or -1 and errno. */
static int unlink_name(int dir_fd, const char *name, int flags)
{
    int rc;
    BFCI_RETRY(rc, unlinkat(dir_fd, name, flags));
    return rc == 0 || errno == ENOENT ? 0 : -1;
}

static int open_folder(int dir_fd, const char *name)
{
    int fd;
    BFCI_RETRY(fd, openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0 && errno == EACCES) { /* one without r for us: it goes away anyway */
        if (bfci_chmod_at(dir_fd, name, 0700, NULL) < 0) {
            errno = EACCES;
            return -1;
        }
        BFCI_RETRY(fd, openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    return fd;
}

/* Takes over the folder as the deepest one. */
static int descend(removal *r, int fd, bfc_err *err)
{
    struct stat st;
    bfci_fd_close(&r->fd);
    r->fd = fd;
    BFC_TRY(bfci_fstat(fd, &st, err));
    if ((st.st_mode & S_IRWXU) != S_IRWXU)
        (void)fchmod(fd, S_IRWXU); /* if it does not help, the removal says why */
    BFC_TRY(bfci_reserve(&r->level, &r->cap, r->depth + 1, sizeof *r->level, err));
    struct level *level = &r->level[r->depth];
    *level = (struct level){BFCI_DIR_LIST_INIT, 0, st.st_dev, st.st_ino};
    BFC_TRY(bfci_dir_read(fd, &level->list, err));
    r->depth++;
    return 0;
}

/* Removes a name if it is no folder; goes into it if it is one. */
static int remove_name(removal *r, int dir_fd, const char *name, unsigned char type, bfc_err *err)
{
    int cause = EISDIR;
    if (type != DT_DIR) {
        if (unlink_name(dir_fd, name, 0) == 0)
            return 0;
        cause = errno;
        if (type != DT_UNKNOWN && cause != EISDIR && cause != EPERM)
            return bfci_fail_errno(err, cause, "remove '%s'", BFCI_QUOTE_STR(name));
    }
    int fd = open_folder(dir_fd, name);
    if (fd >= 0)
        return descend(r, fd, err);
    if (errno == ENOENT)
        return 0;
    if (type == DT_DIR && (errno == ENOTDIR || errno == ELOOP)) /* replaced meanwhile */
        return remove_name(r, dir_fd, name, DT_UNKNOWN, err);
    if (type != DT_DIR &&
        (errno == ENOTDIR || errno == ELOOP)) /* the first cause is the true one */
        errno = cause;
    return bfci_fail_errno(err, errno, "remove '%s'", BFCI_QUOTE_STR(name));
}

/* Leaves the deepest folder, which is empty now, and removes it from the one above. */
static int ascend(removal *r, bfc_err *err)
{
    bfci_dir_list_release(&r->level[--r->depth].list);
    int above = r->top;
    const char *name = r->name;
    AUTO_FD int fd = -1;
    if (r->depth > 0) {
        struct level *level = &r->level[r->depth - 1];
        struct stat st;
        BFC_TRY(bfci_open(r->fd, "..", O_RDONLY | O_DIRECTORY, 0, &fd, err));
        BFC_TRY(bfci_fstat(fd, &st, err));
        if (st.st_dev != level->dev || st.st_ino != level->ino)
            return bfci_fail(err, BFC_E_BUSY, "somebody moved a folder that is being removed");
        name = level->list.item[level->next++].name;
        above = fd;
    }
    if (unlink_name(above, name, AT_REMOVEDIR) < 0)
        return bfci_fail_errno(err, errno, "remove the folder '%s'", BFCI_QUOTE_STR(name));
    bfci_fd_close(&r->fd);
    r->fd = bfci_steal_fd(&fd);
    return 0;
}

static int remove_levels(removal *r, bfc_err *err)
{
    BFC_TRY(remove_name(r, r->top, r->name, DT_UNKNOWN, err));
    while (r->depth > 0) {
        struct level *level = &r->level[r->depth - 1];
        if (level->next == level->list.count) {
            BFC_TRY(ascend(r, err));
            continue;
        }
        const bfci_dir_name *item = &level->list.item[level->next];
        size_t depth = r->depth;
        BFC_TRY(remove_name(r, r->fd, item->name, item->type, err));
        if (r->depth == depth) /* gone; else it is a folder, and ascend() steps on */
            level->next++;
    }
    return 0;
}

int bfci_remove_tree(int dir_fd, const char *name, bfc_err *err)
{
    removal r = {dir_fd, name, -1, NULL, 0, 0};
    int rc = remove_levels(&r, err);
    release_removal(&r);
    return rc;
}

/* 0 if a folder is there; else the error number that tells why none is, ENOTDIR for another type.
 */
static int no_folder(const char *path)
{
    struct stat st;
    int rc;
    BFCI_RETRY(rc, stat(path, &st));
    if (rc < 0)
        return errno;
    return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

static bool is_link(const char *path)
{
    struct stat st;
    int rc;
    BFCI_RETRY(rc, lstat(path, &st));
    return rc == 0 && S_ISLNK(st.st_mode);
}

/* `cause`: why mkdir() did not make it, `why`: what was found instead. EEXIST and then ENOENT: a
 * link that leads nowhere, or a folder that somebody has removed since, which is no obstacle. */
static int fail_make_dir(const char *path, int cause, int why, bfc_err *err)
{
    if (cause == EEXIST && (why == ENOTDIR || (why == ENOENT && is_link(path))))
        return bfci_fail_errno(err, EEXIST, "'%s' is in the way: it is not a folder",
                               BFCI_QUOTE_STR(path));
    return bfci_fail_errno(err, cause == EEXIST ? why : cause, "make the folder '%s'",
                           BFCI_QUOTE_STR(path));
}

int bfci_make_dirs(const char *path, unsigned mode, bfc_err *err)
{
    AUTO_FREE char *prefix = NULL;
    BFC_TRY(bfci_strdup(path, &prefix, err));
    for (char *end = prefix; *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char kept = *end;
        *end = '\0';
        int rc;
        BFCI_RETRY(rc, mkdir(prefix, (mode_t)mode));
        int cause = errno;
        /* Whatever the cause, e.g. a parent that is read-only: what is there already is fine. */
        int why = rc < 0 ? no_folder(prefix) : 0;
        if (why)
            return fail_make_dir(prefix, cause, why, err);
        *end = kept;
    }
    return 0;
}
