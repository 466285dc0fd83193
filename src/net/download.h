/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way from a registry: each grows while it comes, and readers follow it. Those that
 * are expected come several at once, in the order in which they will be read; one that is read
 * before its turn comes at once. Large ones are part files (store/part_file.h), and go on where an
 * earlier try or an earlier run was cut off; others are in memory.
 *
 * Never more bytes are taken than the descriptor promises. That they have its digest is for the
 * reader to see. */
#ifndef BFCI_NET_DOWNLOAD_H
#define BFCI_NET_DOWNLOAD_H

#include "net/registry.h"
#include "oci/origin.h"

enum {
    DOWNLOADS_AT_ONCE = 3,
    DOWNLOADS_AT_ONCE_MAX = 16,
    DOWNLOAD_IN_MEMORY_MAX = 4 << 20,  /* of one blob */
    DOWNLOADS_IN_MEMORY_MAX = 64 << 20 /* of all; what goes beyond it is a file */
};

typedef struct bfci_downloads_options {
    bfci_registry *registry; /* borrowed, with its client and hooks */
    unsigned parallel;       /* 0: DOWNLOADS_AT_ONCE */
    /* Called by one thread of its own, for what bfci_downloads_expect() named; may be NULL. */
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;
} bfci_downloads_options;

typedef struct bfci_downloads bfci_downloads;
int bfci_downloads_open(const bfci_downloads_options *options, bfci_downloads **out, bfc_err *err);
/* Stops what is under way, and waits for it; part files stay. Readers are closed by then. NULL is
 * allowed. */
void bfci_downloads_close(bfci_downloads *d);
BFCI_DEFINE_AUTO(bfci_downloads, bfci_downloads_close)
unsigned bfci_downloads_parallel(const bfci_downloads *d); /* that come at once */

/* These will be read, in this order; one that stands there twice will be read twice. Fetching
 * begins. Files come into `folder`, which is made if it is not there. May be called again: then
 * they are read once more. */
int bfci_downloads_expect(bfci_downloads *d, const char *folder,
                          const bfci_descriptor *const *blobs, size_t count, bfc_err *err);
/* A reader that follows the blob. Each one is used by a thread at a time. */
int bfci_downloads_read(bfci_downloads *d, const bfci_descriptor *blob, bfci_bytes *out,
                        bfc_err *err);

/* ── Afterwards: readers are closed; what is still under way is stopped, and nothing begins any
 * more ── */

/* All went well: the files are removed. */
void bfci_downloads_forget(bfci_downloads *d);
/* A reader found a wrong digest: removes each file that has one. *of_old: one of them began with
 * what an earlier run had left, so that fetching it anew makes sense. */
int bfci_downloads_drop_wrong(bfci_downloads *d, bool *of_old, bfc_err *err);
/* Sets blobs, bytes and kept. */
void bfci_downloads_report(bfci_downloads *d, bfc_pull_report *out);

#endif
