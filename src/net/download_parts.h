/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of downloads share. */
#ifndef BFCI_NET_DOWNLOAD_PARTS_H
#define BFCI_NET_DOWNLOAD_PARTS_H

#include "net/download.h"
#include "store/part_file.h"

typedef struct bfci_download {
    bfci_downloads *all;
    bfci_digest digest;
    uint64_t size;
    bfci_stop stop;

    /* Under the lock of all. */
    enum {
        DOWNLOAD_PENDING,
        DOWNLOAD_RUNNING,
        DOWNLOAD_DONE,
        DOWNLOAD_FAILED
    } state;
    bool is_expected, in_memory, waits; /* for another process */
    unsigned uses, readers;             /* that are to come; that there are */
    uint64_t have;                      /* bytes that readers may read; never less */
    uint64_t kept;                      /* of them from an earlier run */
    uint64_t came;                      /* over the network, also twice */
    int rc;
    bfc_err err;
    uint64_t told_have;
    int told_state;

    /* Its thread's while it runs, then unchanged as long as it has readers. */
    bfci_part part;
    uint8_t *memory;

    /* Of the client's thread, during one try. */
    uint64_t skip; /* bytes that come again */
} bfci_download;

struct bfci_downloads {
    bfci_registry *registry;
    const bfc_hooks *hooks;
    unsigned parallel;
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t bell;  /* something came, or ended */
    pthread_cond_t tick;  /* the teller's */
    char *folder;         /* NULL: not known yet */
    bfci_download **item;
    size_t count, cap, expected;
    unsigned running;
    uint64_t memory;
    bool closing, has_teller;
    pthread_t teller;
};

/* download_fetch.c: brings all of it here. */
int bfci_download_fetch(bfci_download *b, bfc_err *err);
/* download_teller.c */
void *bfci_downloads_teller(void *downloads);
/* Waits for `cond`, `ms` at most. The clock is the monotonic one. */
void bfci_downloads_wait(bfci_downloads *d, pthread_cond_t *cond, unsigned ms);

#endif
