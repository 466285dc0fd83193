/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of names: an flock() on a file that holds the owner's process id. The kernel drops the lock
 * with the process, so what it guards is dead exactly when it can be taken. The file is unlinked
 * before the lock is let go; who got hold of a file that has lost its name starts again. */
#include "store/name_lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/names.h"

/* A prune holds a lock for a moment only: that is waited for. */
#define PATIENCE_STEPS 10
#define PATIENCE_STEP_MS 20
#define NAME_TRIES 1000

void bfci_name_lock_drop(bfci_name_lock *lock)
{
    if (lock->fd >= 0)
        (void)bfci_remove_file(lock->path, NULL);
    bfci_fd_close(&lock->fd);
    free(lock->path);
    lock->path = NULL;
}

/* The process id that stands in a lock's file, as text; "" if none does (yet). */
static void read_owner(int fd, char owner[32])
{
    size_t got = 0;

    if (bfci_pread(fd, owner, 31, 0, &got, NULL) < 0)
        got = 0;
    owner[got] = '\0';
    owner[strspn(owner, "0123456789")] = '\0';
}

static int tell_busy(int fd, const char *what, bfc_err *err)
{
    char owner[32];

    read_owner(fd, owner);
    return bfci_fail(err, BFC_E_BUSY,
                     "%s is being changed by another process%s%s: try again when it is done", what,
                     *owner ? ", " : "", owner);
}

/* True if the name still leads to the file that is open. */
static bool still_named(int fd, const char *path)
{
    struct stat open_file, named_file;

    return bfci_fstat(fd, &open_file, NULL) == 0 &&
           bfci_stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &named_file, NULL) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

/* Only help for the message above: a disk that is full must not stop a delete. */
static void write_owner(int fd)
{
    char owner[32];
    int len = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());

    if (bfci_ftruncate(fd, 0, NULL) == 0)
        (void)bfci_pwrite_all(fd, owner, (size_t)len, 0, NULL);
}

static int take(const char *path, const char *what, int *out, bfc_err *err)
{
    int rc = 0;

    for (int i = 0; i < NAME_TRIES; i++) {
        AUTO_FD int fd = -1;
        rc = bfci_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666, &fd, err);
        if (rc == BFC_E_NOT_FOUND) /* FUSE: it was there, and was unlinked before it was opened */
            continue;
        BFC_TRY(rc);
        rc = bfci_lock(fd, true, false, err);
        if (rc == BFC_E_BUSY)
            return tell_busy(fd, what, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "lock '%s'", BFCI_QUOTE_STR(path));
        if (still_named(fd, path)) {
            write_owner(fd);
            *out = bfci_steal_fd(&fd);
            return 0;
        }
    }
    if (rc == BFC_E_NOT_FOUND) /* its folder is not there */
        return rc;
    return bfci_fail(err, BFC_E_BUSY, "%s is being changed by many others: try again", what);
}

int bfci_name_lock_try(const char *path, const char *what, bfci_name_lock *lock, bfc_err *err)
{
    AUTO_FREE char *own = NULL;
    int fd = -1;

    BFC_TRY(bfci_strdup(path, &own, err));
    BFC_TRY(take(path, what, &fd, err));
    *lock = (bfci_name_lock){fd, bfci_steal(&own)};
    return 0;
}

int bfci_name_lock_probe(const char *path, bool *held, bfc_err *err)
{
    AUTO_FD int fd = -1;

    int rc = bfci_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, &fd, err);
    if (rc == 0)
        rc = bfci_lock(fd, false, false, err);
    if (rc < 0 && rc != BFC_E_BUSY && rc != BFC_E_NOT_FOUND)
        return rc;
    *held = rc == BFC_E_BUSY;
    return 0;
}

int bfci_name_lock_take(const char *path, const char *what, bfci_name_lock *lock, bfc_err *err)
{
    int rc = bfci_name_lock_try(path, what, lock, err);

    for (int i = 0; rc == BFC_E_BUSY && i < PATIENCE_STEPS; i++) {
        bfci_pause_ms(PATIENCE_STEP_MS);
        rc = bfci_name_lock_try(path, what, lock, err);
    }
    return rc;
}
