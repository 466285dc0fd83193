/* SPDX-License-Identifier: Apache-2.0 */
/* Making entries of folders and giving them their attributes: one system call each, beneath an open
 * folder, never through a link. Callers know the path and branch on the cause, so each returns 0 or
 * an errno.
 *
 *     int e = bfci_node_make_dir(parent_fd, "bin", 0700);
 *     if (e == 0)
 *         e = bfci_node_open_dir(parent_fd, "bin", &fd);
 */
#ifndef BFCI_SYS_NODE_H
#define BFCI_SYS_NODE_H

#include "base/base.h"

/* A regular file that was not there, open for writing. */
int bfci_node_make_file(int dir_fd, const char *name, unsigned mode, int *fd);
int bfci_node_make_dir(int dir_fd, const char *name, unsigned mode);
int bfci_node_make_symlink(int dir_fd, const char *name, const char *target);
/* `mode` with its S_IF… bits. */
int bfci_node_make_special(int dir_fd, const char *name, unsigned mode, unsigned major,
                           unsigned minor);
int bfci_node_make_link(int dir_fd, const char *name, int from_fd, const char *from_name);
/* ENOTDIR also for a link. */
int bfci_node_open_dir(int dir_fd, const char *name, int *fd);
/* The folder itself only if it is empty, else ENOTEMPTY. */
int bfci_node_remove(int dir_fd, const char *name);
/* With what closing reports: the last chance to learn of a failed write on some file systems. */
int bfci_node_close(int *fd);

/* An open file or folder, or, with fd -1, a name that is not followed. */
typedef struct bfci_place {
    int fd;
    int dir_fd;
    const char *name;
} bfci_place;

/* UINT32_MAX leaves one of them as it is. */
int bfci_node_chown(bfci_place at, uint32_t uid, uint32_t gid);
/* The time of last access stays. */
int bfci_node_set_mtime(bfci_place at, int64_t seconds, uint32_t ns);
int bfci_node_chmod_fd(int fd, unsigned mode);

/* POSIX ACLs, as far as what is made in a folder inherits them. */
bool bfci_node_has_default_acl(int dir_fd);
/* None is no error, nor is a file system without them. */
int bfci_node_strip_acl(bfci_place at);

/* Whether the file system of an open file has room left. */
bool bfci_node_has_space(int fd);
/* Descriptors that the process may have open. */
uint64_t bfci_fd_limit(void);

#endif
