/* SPDX-License-Identifier: Apache-2.0 */
/* Reading folders, and opening what is beneath one without ever leaving it. */
#ifndef BFCI_SYS_DIR_H
#define BFCI_SYS_DIR_H

#include "base/base.h"

typedef struct bfci_dir_name {
    const char *name;   /* NUL-terminated; lives as long as the list */
    unsigned char type; /* DT_… as the kernel told, DT_UNKNOWN if it did not */
} bfci_dir_name;

typedef struct bfci_dir_list {
    size_t count;
    bfci_dir_name *item; /* sorted by byte order, without "." and ".." */
    void *store;
} bfci_dir_list;
#define BFCI_DIR_LIST_INIT                                                                         \
    {                                                                                              \
        0, NULL, NULL                                                                              \
    }

/* Reads a whole folder (getdents64). The descriptor's position is moved. */
int bfci_dir_read(int dir_fd, bfci_dir_list *out, bfc_err *err);
void bfci_dir_list_release(bfci_dir_list *list);

/* Opens `path` (one or more names, relative) beneath root_fd: no "..", no absolute path, no
 * symbolic link on the way or at the end (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS;
 * name by name with O_NOFOLLOW where the kernel or a filter has no openat2). BFC_E_NOT_FOUND,
 * BFC_E_EXISTS ("is a symbolic link" or "is not a folder": something else is in the way). os_errno
 * is set. "" opens root_fd's folder again. */
int bfci_open_beneath(int root_fd, const char *path, int flags, unsigned mode, int *fd,
                      bfc_err *err);

/* The way without openat2, for tests that compare the two. */
int bfci_open_beneath_by_name(int root_fd, const char *path, int flags, unsigned mode, int *fd,
                              bfc_err *err);

/* Removes a name and, if it is a folder, all below it. Never follows links. Missing is no error. */
int bfci_remove_tree(int dir_fd, const char *name, bfc_err *err);

/* mkdir -p. BFC_E_EXISTS: what is there is not a folder. BFC_E_NOT_FOUND: a folder on the way was
 * removed by somebody else since; trying again makes it. */
int bfci_make_dirs(const char *path, unsigned mode, bfc_err *err);

#endif
