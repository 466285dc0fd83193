/* SPDX-License-Identifier: Apache-2.0 */
/* Where files stand: absolute paths, moving, linking, copying and removing names, room that is
 * left. Messages quote the path, os_errno is set. */
#ifndef BFCI_SYS_NAMES_H
#define BFCI_SYS_NAMES_H

#include "base/base.h"

/* `path` from the working directory on, without "." and doubled slashes; ".." and links stay. */
int bfci_absolute_path(const char *path, char **out, bfc_err *err);
/* Links and ".." resolved; everything must be there. */
int bfci_real_path(const char *path, char **out, bfc_err *err);

/* Renames. Without replace: BFC_E_EXISTS if `to` is there. Where the file system cannot do that in
 * one step, a name that appears between look and move is lost: callers hold a lock of their own. */
int bfci_move(const char *from, const char *to, bool replace, bfc_err *err);
int bfci_link(const char *from, const char *to, bfc_err *err);
/* A new file at `to` with the content of `from`, synced: sharing its blocks where the file system
 * can. */
int bfci_copy_file(const char *from, const char *to, bfc_err *err);
/* Makes `to` the content of `from` without copying, where the file system can; false: it cannot,
 * and nothing was done. */
bool bfci_share_blocks(int from_fd, int to_fd);
int bfci_make_folder(const char *path, unsigned mode, bfc_err *err);
int bfci_remove_file(const char *path, bfc_err *err);
int bfci_remove_folder(const char *path, bfc_err *err); /* an empty one */
int bfci_sync_folder(const char *path, bfc_err *err);

/* Bytes that this user may still write on the file system of `path`. */
int bfci_free_space(const char *path, uint64_t *bytes, bfc_err *err);
int bfci_free_space_of(int fd, uint64_t *bytes, bfc_err *err);

/* What the kernel calls this machine: "x86_64". */
int bfci_machine(char **out, bfc_err *err);

/* The name of the user that we act for, or the number of one that has none. */
#define BFCI_USER_NAME_MAX 64
void bfci_user_name(char out[BFCI_USER_NAME_MAX]);

void bfci_pause_ms(unsigned ms);

#endif
