/* SPDX-License-Identifier: Apache-2.0 */
/* An upload under way, as its requests see it: the session that a registry has opened. */
#ifndef BFCI_NET_UPLOAD_H
#define BFCI_NET_UPLOAD_H

#include "net/blobs.h"

typedef struct bfci_upload {
    bfci_registry *registry;
    const bfci_blob_sending *blob;
    char *location; /* of the session; NULL: there is none */
    uint64_t at;    /* bytes that the registry has */
    uint64_t chunk_min;
    /* Of the last request: */
    bfci_http_answer answer;
    uint64_t from, end, given; /* of the blob: its body, and how far it was read */
} bfci_upload;
#define BFCI_UPLOAD_INIT(registry, blob)                                                           \
    {                                                                                              \
        (registry), (blob), NULL, 0, 0, BFCI_HTTP_ANSWER_INIT, 0, 0, 0                             \
    }
void bfci_upload_release(bfci_upload *u);
#define AUTO_UPLOAD __attribute__((cleanup(bfci_upload_release)))

/* POST: a session, or with `mount_from` perhaps the blob. */
int bfci_upload_begin(bfci_upload *u, const char *mount_from, bool *mounted, bfc_err *err);
/* PUT with all of the blob. */
int bfci_upload_whole(bfci_upload *u, bfc_err *err);
/* PATCH with the next `len` bytes, and on to where the registry says it is. Once: after a failure
 * ask. */
int bfci_upload_chunk(bfci_upload *u, uint64_t len, bfc_err *err);
/* PUT after the last chunk. */
int bfci_upload_finish(bfci_upload *u, bfc_err *err);
/* GET: where it stands. *known is false where the answer does not tell for sure. */
int bfci_upload_ask(bfci_upload *u, bool *known, bfc_err *err);
/* DELETE: once, and whatever comes of it. */
void bfci_upload_cancel(bfci_upload *u);

#endif
