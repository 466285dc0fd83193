/* SPDX-License-Identifier: Apache-2.0 */
/* One command of zfs(8) at a time: its arguments, its answer, and what its complaints mean. */
#ifndef BFCI_STORE_ZFS_TOOL_H
#define BFCI_STORE_ZFS_TOOL_H

#include <bfc/hooks.h>

#include "base/base.h"
#include "sys/mounts.h"

enum {
    ZFS_NAME_MAX =
        255, /* bytes of a dataset's name, with that of a snapshot (ZFS_MAX_DATASET_NAME_LEN - 1) */
    ZFS_DEPTH_MAX = 49, /* slashes in a name: zfs_max_dataset_nesting, as it comes, less 1 */
    ZFS_ARGS_MAX = 64,
    ZFS_BUSY_MS = 10000 /* for how long a command is tried again that only waits for the kernel */
};

typedef struct bfci_zfs_tool {
    char *program;          /* by its absolute path */
    const bfc_hooks *hooks; /* are told each command; borrowed, may be NULL */
    bool fuse;              /* it is ZFS-FUSE: no ACLs, one property a `set`, small records */
} bfci_zfs_tool;

/* Whether it is a mount of ZFS. Any user can have FUSE mount what calls itself ZFS: that of the
 * daemon is root's. */
bool bfci_zfs_is_mount(const bfci_mount *m);
bool bfci_zfs_is_fuse_mount(const bfci_mount *m);

/* BFC_E_UNSUPPORTED if this machine has no zfs. */
int bfci_zfs_tool_open(bfci_zfs_tool *tool, bfc_err *err);
void bfci_zfs_tool_close(bfci_zfs_tool *tool);

/* A command in the making. Running out of memory or of room is told when it is run. */
typedef struct bfci_zfs_call {
    const char *argv[ZFS_ARGS_MAX + 2];
    char *owned[ZFS_ARGS_MAX];
    size_t count, owned_count;
    bool too_many, nomem;
    int in_fd, out_fd;    /* -1: none */
    unsigned patience_ms; /* for how long it is tried again while something is busy */
    bool unmounted;       /* set: what was to be made is there, but could not be mounted */
    bool endless;         /* no time limit, but the hooks' cancel flag */
} bfci_zfs_call;
#define BFCI_ZFS_CALL_INIT                                                                         \
    {                                                                                              \
        .in_fd = -1, .out_fd = -1                                                                  \
    }
void bfci_zfs_call_release(bfci_zfs_call *call);
#define AUTO_ZFS_CALL __attribute__((cleanup(bfci_zfs_call_release)))

void bfci_zfs_add(bfci_zfs_call *call, const char *argument); /* borrowed */
void bfci_zfs_addf(bfci_zfs_call *call, const char *fmt, ...) BFCI_PRINTF(2, 3);
/* "-o" and "name=value". */
void bfci_zfs_set_option(bfci_zfs_call *call, const char *name, const char *value);

/* Runs it. *out (may be NULL) is what it wrote; free(). A dataset that was made and could not be
 * mounted is no failure, but call->unmounted. What zfs complains of becomes the code that fits:
 * BFC_E_NOT_FOUND, BFC_E_EXISTS, BFC_E_BUSY, BFC_E_NOSPC, BFC_E_DENIED (with the `zfs allow` that
 * would help), BFC_E_INVALID (a property), BFC_E_UNSUPPORTED (no ZFS here), else BFC_E_IO; the
 * message has the command and zfs's own words. */
int bfci_zfs_run(const bfci_zfs_tool *tool, bfci_zfs_call *call, char **out, bfc_err *err);
/* The same for arguments that are known, ended by NULL. */
int bfci_zfs(const bfci_zfs_tool *tool, char **out, bfc_err *err, ...) __attribute__((sentinel));

/* The value of one property, whatever bytes it has, without the newline that zfs adds. free(). */
int bfci_zfs_get(const bfci_zfs_tool *tool, const char *dataset, const char *property, char **value,
                 bfc_err *err);
/* Whether there is such a dataset or snapshot. */
int bfci_zfs_exists(const bfci_zfs_tool *tool, const char *dataset, bool *there, bfc_err *err);

#endif
