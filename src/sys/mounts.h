/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted where, and who keeps it from being unmounted. */
#ifndef BFCI_SYS_MOUNTS_H
#define BFCI_SYS_MOUNTS_H

#include "base/base.h"

/* One line of mountinfo (proc_pid_mountinfo(5)), octal escapes undone. Borrowed for the call. */
typedef struct bfci_mount {
    uint64_t device;    /* what the file system has in st_dev, as bfci_device_parse() tells it */
    const char *root;   /* what of the file system is mounted: "/" for all of it */
    const char *point;  /* as the process sees it whose mountinfo it is */
    const char *type;   /* "zfs", "fuse.zfs", "ext4" */
    const char *source; /* of a ZFS file system: the name of its dataset */
    const char *options; /* of the file system: "rw,user_id=0,…"; what a user mounts by FUSE may say
                            anything else of itself */
} bfci_mount;

/* Non-zero ends it and is what the function returns that called it. */
typedef int bfci_mount_fn(void *ctx, const bfci_mount *mount, bfc_err *err);

/* In the kernel's order: later ones hide earlier ones at the same point. A line that is not as it
 * should be is passed by. */
int bfci_mounts_each(bfci_mount_fn *fn, void *ctx, bfc_err *err);
/* The same of another process, or of any file with such lines. */
int bfci_mounts_each_in(int dir_fd, const char *path, bfci_mount_fn *fn, void *ctx, bfc_err *err);

/* Takes a mount out of sight, though it is in use: it ends with its last user (MNT_DETACH). */
int bfci_detach(const char *point, bfc_err *err);

/* "major:minor", with digits of base 10 or 16, as one number. */
bool bfci_device_parse(const char *text, unsigned base, uint64_t *device);

/* Somebody who uses a file system, in words: "pid 12 (bash) works in '/tank/x'". */
typedef struct bfci_holder {
    long pid;
    const char *command; /* its name (comm), as it is: quote it */
    const char *how;     /* "keeps open", "works in", "has its root in", "runs", "maps", "keeps in
                            another mount namespace" */
    const char *where;   /* the path, as the kernel tells it: quote it */
} bfci_holder;
typedef int bfci_holder_fn(void *ctx, const bfci_holder *holder, bfc_err *err);

/* The processes that keep busy what is mounted with this source (of ZFS: the dataset), our own left
 * out. Each comes once, by the first reason that is found, in the order of `how`; the last reason
 * is told of one process a namespace, and never of ours.
 * Looks through /proc. What it may not see (other users' processes) is passed by, and *hidden says
 * how many these are. Not seen either: what the kernel itself holds (loop devices, swap files, NFS
 * exports, mounts below), and mounts in a namespace that no process is in.
 * Never asks the file system itself: that may not answer any more. */
int bfci_holders_each(const char *source, bfci_holder_fn *fn, void *ctx, size_t *hidden,
                      bfc_err *err);

#endif
