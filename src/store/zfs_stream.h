/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of ZFS: a pipe between `zfs`, which runs in a thread of its own, and us; and the record
 * that a stream begins with. */
#ifndef BFCI_STORE_ZFS_STREAM_H
#define BFCI_STORE_ZFS_STREAM_H

#include "base/base.h"

typedef struct bfci_zfs_stream {
    int (*zfs)(void *ctx, int fd, bfc_err *err);  /* runs it; in a thread */
    int (*copy)(void *ctx, int fd, bfc_err *err); /* the other end of the pipe */
    void *ctx;                                    /* of both */
    bool sends;                                   /* zfs writes and we read */
} bfci_zfs_stream;

/* Runs both to their ends. What zfs says of a failure counts for more than that its pipe broke. */
int bfci_zfs_stream_run(const bfci_zfs_stream *s, bfc_err *err);

enum {
    ZFS_STREAM_BEGIN_SIZE = 312 /* of a stream's first record */
};

/* What it has to be. */
typedef struct bfci_zfs_begin {
    const char *name;   /* of the snapshot: how it ends */
    bool has_base;      /* a difference */
    uint64_t base_guid; /* of the snapshot that it is a difference from; 0: any */
} bfci_zfs_begin;

/* Fails unless these are the first bytes of a stream as we send it: of one file system's snapshot,
 * without properties. (Those of a stream would become the dataset's, and could have it mounted over
 * the system.) BFC_E_NOT_FOUND: it is a difference from another snapshot. */
int bfci_zfs_stream_check(const uint8_t *bytes, size_t len, const bfci_zfs_begin *want,
                          bfc_err *err);

#endif
