/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way to a registry (distribution-spec 1.1, "Pushing blobs" and "Mounting a blob
 * from another repository").
 *
 * Up to BLOB_WHOLE_MAX bytes go in one request, which is cheap to do again. Larger ones go in
 * chunks: what a cut connection has brought stays, and the registry is asked where it stands; one
 * that keeps nothing of a request that broke off loses a chunk and no more. Chunks are smaller
 * where a server in between takes no larger ones (413), and larger where the registry asks for it
 * (OCI-Chunk-Min-Length). */
#ifndef BFCI_NET_BLOBS_H
#define BFCI_NET_BLOBS_H

#include "net/registry.h"

enum {
    BLOB_WHOLE_MAX = 8 << 20,
    BLOB_CHUNK = 32 << 20,
    BLOB_CHUNK_LEAST = 64 << 10
};

/* Whether the registry has the blob, with that size if it tells one. */
int bfci_blob_is_there(bfci_registry *r, const bfci_digest *digest, uint64_t size, bool *there,
                       bfc_err *err);

/* Has the registry take the blob over from the repository `from` of its own ("library/debian").
 * *mounted is false where it does not: then it has to be sent. */
int bfci_blob_mount(bfci_registry *r, const bfci_digest *digest, const char *from, bool *mounted,
                    bfc_err *err);

/* ── Sending ── */

/* The bytes may be asked for again, from any place. */
typedef struct bfci_blob_source {
    void *ctx;
    /* Gives up to `cap` bytes of those at `offset`, which are there. Called in the HTTP client's
     * thread: it does not block beyond the reading of a file. */
    int (*read_at)(void *ctx, uint64_t offset, void *bytes, size_t cap, size_t *got, bfc_err *err);
    /* Returns when the bytes before `end` are there. In the caller's thread; NULL: all are. */
    int (*wait)(void *ctx, uint64_t end, bfc_err *err);
} bfci_blob_source;
/* A file whose bytes are the blob; the source points to the descriptor. */
bfci_blob_source bfci_blob_source_file(const int *fd);

typedef struct bfci_blob_sending {
    bfci_digest digest;
    uint64_t size;
    bfci_blob_source source;
    const char *mount_from; /* as for bfci_blob_mount(), tried first; NULL: none */
    /* Tells how many bytes the registry has or is being sent; also less than before, when it has to
     * be sent again. Any thread; it does not block. May be NULL. */
    void (*sent)(void *ctx, uint64_t bytes);
    void *sent_ctx;
    bfci_stop *stop; /* may be NULL */
} bfci_blob_sending;

enum bfci_blob_way {
    BLOB_WAS_THERE,
    BLOB_MOUNTED,
    BLOB_SENT
};

/* Looks, mounts or sends. An upload that fails is cancelled, unless nobody answers any more.
 * BFC_E_CORRUPT: the registry took other bytes than it was sent, or its answers make no sense. */
int bfci_blob_send(bfci_registry *r, const bfci_blob_sending *s, enum bfci_blob_way *way,
                   bfc_err *err);

#endif
