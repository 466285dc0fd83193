/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way to a registry, several at once, each from a file of its own without a name: it
 * is filled by the caller, then sent while the next one is filled. There are as many files as
 * uploads at once, and one more. */
#ifndef BFCI_NET_UPLOADS_H
#define BFCI_NET_UPLOADS_H

#include "net/blobs.h"

enum {
    UPLOADS_AT_ONCE = 3,
    UPLOADS_AT_ONCE_MAX = 16
};

/* A blob that will be told of, in the order in which they will come. */
typedef struct bfci_upload_line {
    bool has_digest; /* it is known before: what it came with */
    bfci_digest digest;
    uint64_t size; /* 0: not known */
} bfci_upload_line;

typedef struct bfci_uploads_options {
    bfci_registry *registry; /* borrowed, with its client and hooks */
    const char *folder;      /* where the files are; borrowed */
    const char *mount_from;  /* or NULL */
    unsigned parallel;       /* 0: UPLOADS_AT_ONCE */
    /* Called by one thread of its own; may be NULL. */
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;
    const bfci_upload_line *line;
    size_t line_count;
} bfci_uploads_options;

typedef struct bfci_uploads bfci_uploads;
int bfci_uploads_open(const bfci_uploads_options *options, bfci_uploads **out, bfc_err *err);
/* Stops what is under way, and waits for it. NULL is allowed. */
void bfci_uploads_close(bfci_uploads *u);
BFCI_DEFINE_AUTO(bfci_uploads, bfci_uploads_close)

/* What follows is called by one thread at a time, and fails with what an upload failed with. */

/* The next line is what comes now. */
void bfci_uploads_next_line(bfci_uploads *u);
/* It was there, or was mounted, and need not be sent. */
void bfci_uploads_note(bfci_uploads *u, enum bfci_blob_way way);

/* A file for the next blob, its bytes, and its end: then it is sent, as soon as one of the uploads
 * that are under way has ended, if there are as many as there may be. It belongs to the line at
 * hand, or to none. */
int bfci_uploads_begin(bfci_uploads *u, bfc_err *err);
int bfci_uploads_write(bfci_uploads *u, const void *bytes, size_t len, bfc_err *err);
int bfci_uploads_end(bfci_uploads *u, const bfci_digest *digest, bfc_err *err);

/* Waits for all. */
int bfci_uploads_finish(bfci_uploads *u, bfc_err *err);
/* Sets blobs, bytes, mounted and there. */
void bfci_uploads_report(bfci_uploads *u, bfc_push_report *out);

#endif
