/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of open files, and of names that cannot be opened (links, devices). */
#ifndef BFCI_SYS_ATTR_H
#define BFCI_SYS_ATTR_H

#include "base/base.h"

typedef struct bfci_attr {
    const char *name; /* NUL-terminated */
    const uint8_t *value;
    size_t value_len;
} bfci_attr;

typedef struct bfci_attr_list {
    size_t count;
    bfci_attr *item; /* sorted by name */
    void *store;
} bfci_attr_list;
#define BFCI_ATTR_LIST_INIT                                                                        \
    {                                                                                              \
        0, NULL, NULL                                                                              \
    }

/* All attributes of an open file or folder. A file system without them gives an empty list. */
int bfci_attrs_read_fd(int fd, bfci_attr_list *out, bfc_err *err);
/* The same of dir_fd/name, not following a link (lgetxattr on /proc/self/fd). */
int bfci_attrs_read_at(int dir_fd, const char *name, bfci_attr_list *out, bfc_err *err);
void bfci_attr_list_release(bfci_attr_list *list);

int bfci_attr_set_fd(int fd, const bfci_attr *attr, bfc_err *err);
int bfci_attr_set_at(int dir_fd, const char *name, const bfci_attr *attr, bfc_err *err);
/* A missing attribute is no error. */
int bfci_attr_remove_fd(int fd, const char *attr, bfc_err *err);

/* chmod of dir_fd/name, not following a link (O_PATH and /proc/self/fd). */
int bfci_chmod_at(int dir_fd, const char *name, unsigned mode, bfc_err *err);

/* The process's file creation mask, read without changing it (/proc/self/status); 0777 where that
 * is not mounted: then no mode may be taken for granted. */
unsigned bfci_umask(void);

#endif
