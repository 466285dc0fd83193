/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of uploads share. */
#ifndef BFCI_NET_UPLOADS_PARTS_H
#define BFCI_NET_UPLOADS_PARTS_H

#include "net/uploads.h"
#include "net/wait.h"

enum {
    UPLOAD_NO_LINE = -1
};

typedef struct bfci_uploads_line {
    bfci_digest digest;
    bool has_digest, changed;
    uint64_t size, done;
    enum bfc_blob_state state;
} bfci_uploads_line;

/* One of those at once. */
typedef struct bfci_uploads_slot {
    bfci_uploads *all;
    pthread_t thread;
    bool has_thread; /* it is joined before it is used again */
    bool running;    /* under the lock of all */
    bfci_stop stop;
    int fd;
    long line;
    bfci_blob_sending sending;
} bfci_uploads_slot;

struct bfci_uploads {
    bfci_registry *registry;
    const bfc_hooks *hooks;
    const char *folder, *mount_from;
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;

    /* The caller's. */
    int fd;         /* of the blob that is filled; -1: none */
    uint64_t size;  /* of it */
    long line_here; /* or UPLOAD_NO_LINE */
    bool line_taken;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t bell;  /* one has ended */
    pthread_cond_t tick;  /* the teller's */
    bfci_uploads_slot *slot;
    size_t slot_count;
    bfci_uploads_line *line;
    size_t line_count;
    bfc_push_report report;
    int rc; /* the first failure */
    bfc_err err;
    bool closing, has_teller;
    pthread_t teller;
};

/* uploads_teller.c */
void *bfci_uploads_teller(void *uploads);
/* Of a line that is one. */
void bfci_uploads_tell(bfci_uploads *u, long line, enum bfc_blob_state state, uint64_t done,
                       uint64_t size, const bfci_digest *digest);

#endif
