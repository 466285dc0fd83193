/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and files: every call is restarted after EINTR, transfers are whole or fail.
 * Messages name what was done, not the path: callers wrap. */
#ifndef BFCI_SYS_FILE_H
#define BFCI_SYS_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/base.h"

void bfci_fd_close(int *fd); /* keeps errno, drops errors, sets -1 */
int bfci_fd_copy(int fd, int *out, bfc_err *err);
#define AUTO_FD __attribute__((cleanup(bfci_fd_close)))

static inline int bfci_steal_fd(int *fd)
{
    int value = *fd;
    *fd = -1;
    return value;
}

/* openat() with O_CLOEXEC. The message quotes the path. */
int bfci_open(int dir_fd, const char *path, int flags, unsigned mode, int *fd, bfc_err *err);
int bfci_fstat(int fd, struct stat *st, bfc_err *err);
int bfci_stat_at(int dir_fd, const char *path, int flags, struct stat *st, bfc_err *err);

/* Fewer than `len` bytes before the end of the file is BFC_E_CORRUPT ("the file ends early") at
 * `offset`. */
int bfci_pread_exact(int fd, void *bytes, size_t len, uint64_t offset, bfc_err *err);
/* Reads up to len; *got is less only at the end of the file. */
int bfci_pread(int fd, void *bytes, size_t len, uint64_t offset, size_t *got, bfc_err *err);
int bfci_pwrite_all(int fd, const void *bytes, size_t len, uint64_t offset, bfc_err *err);
int bfci_write_all(int fd, const void *bytes, size_t len, bfc_err *err);
int bfci_ftruncate(int fd, uint64_t size, bfc_err *err);
int bfci_fdatasync(int fd, bfc_err *err); /* never retried after an error */
int bfci_fsync(int fd, bfc_err *err);
/* Reads a whole small file of at most `max` bytes; BFC_E_LIMIT beyond. NUL-terminated. free(). */
int bfci_read_file(int dir_fd, const char *path, size_t max, uint8_t **data, size_t *len,
                   bfc_err *err);

/* Whole-file flock(). Without wait: BFC_E_BUSY if somebody holds it. */
int bfci_lock(int fd, bool exclusive, bool wait, bfc_err *err);

/* An unnamed temporary file beside `path` (O_TMPFILE, or made and unlinked). */
int bfci_open_temp_beside(const char *path, int *fd, bfc_err *err);

/* The same in memory (memfd_create), or, where there is none of that kind, in the folder for
 * temporary files. */
int bfci_open_memory(int *fd, bfc_err *err);
/* A path in that folder, $TMPDIR or /var/tmp: of nothing that is there. free(). */
int bfci_temp_path(char **out, bfc_err *err);

/* A new file that is published under its name at the end, or leaves no trace.
 * begin makes ".<name>.bfc-tmp-XXXXXXXX" in the target's folder, mode 0666 less the umask; publish
 * syncs the file, renames it (without replace: only if the name is free, else BFC_E_EXISTS) and
 * syncs the folder; abandon unlinks it. */
typedef struct bfci_new_file {
    int dir_fd, fd; /* -1 after publish or abandon */
    char *name, *temp_name;
} bfci_new_file;
#define BFCI_NEW_FILE_INIT                                                                         \
    {                                                                                              \
        -1, -1, NULL, NULL                                                                         \
    }
int bfci_new_file_begin(const char *path, bfci_new_file *f, bfc_err *err);
int bfci_new_file_begin_private(const char *path, bfci_new_file *f, bfc_err *err); /* 0600 */
int bfci_new_file_publish(bfci_new_file *f, bool replace, bfc_err *err);
void bfci_new_file_abandon(bfci_new_file *f); /* also after publish: then it only frees */

#endif
