/* SPDX-License-Identifier: Apache-2.0 */
/* Where an image comes from: an OCI layout (image-spec 1.1, image-layout.md), an archive of one, a
 * docker-archive, a manifest beside its blobs, a registry. All of them hand out documents and
 * layers by descriptor; the bytes are not trusted: bfci_origin_document() and the reader of layers
 * check size and digest. */
#ifndef BFCI_OCI_ORIGIN_H
#define BFCI_OCI_ORIGIN_H

#include "base/hooks.h"
#include "oci/manifest.h"

/* One stream of bytes. read gives up to cap; *got 0 at the end. */
typedef struct bfci_bytes {
    void *ctx;
    int (*read)(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err);
    void (*close)(void *ctx); /* may be NULL */
    void (*stop)(void *ctx);  /* any thread: a read that waits ends with BFC_E_CANCELLED; NULL: no
                                 read waits for long */
} bfci_bytes;
static inline void bfci_bytes_close(bfci_bytes *b)
{
    if (b->close)
        b->close(b->ctx);
    *b = (bfci_bytes){0};
}
#define AUTO_BYTES __attribute__((cleanup(bfci_bytes_close)))

typedef struct bfci_origin bfci_origin;
struct bfci_origin {
    /* Opens a blob. BFC_E_NOT_FOUND: it is not there. It is used by one thread at a time; several
     * blobs may be open, each read by a thread of its own. They are closed before the origin is. */
    int (*open_blob)(bfci_origin *o, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err);
    void (*free)(bfci_origin *o);

    char *name;         /* for messages: "oci:layout:latest" */
    unsigned at_a_time; /* blobs that it wants open at most; 0: any number */

    /* The document to start from, with its descriptor; bytes as they came. */
    bfci_descriptor root;
    uint8_t *document;
    size_t document_len;
    enum bfci_media kind; /* MEDIA_MANIFEST or MEDIA_INDEX */
    bool is_checked;      /* false: there is no digest that was promised; `root` tells what it is */
    uint8_t *docker_manifest; /* of a docker-archive: its manifest.json, else NULL */
    size_t docker_manifest_len;
};
static inline void bfci_origin_close(bfci_origin *o)
{
    if (o)
        o->free(o);
}
BFCI_DEFINE_AUTO(bfci_origin, bfci_origin_close)

/* Opens what `spec` names: "oci:LAYOUT[:REF]", "oci-archive:TAR[:REF]", "docker-archive:TAR[:REF]",
 * "manifest:PATH", or a bare path that is recognised by what it is. REF is a name (an annotation
 * org.opencontainers.image.ref.name, or a tag of a docker-archive) or "@sha256:…"; without one
 * there must be one image only; "@0" is the first of several. A path that is there as a whole goes
 * before one with a reference, and "oci:" and "oci-archive:" take a folder and a tar alike, as
 * "docker-archive:" does. A docker-archive becomes a manifest whose layers are its plain
 * tars, made here; its blobs are found by their digests all the same.
 * BFC_E_NOT_FOUND names the references that are there. */
int bfci_origin_open(const char *spec, bfci_origin **out, bfc_err *err);
/* What kind of source a spec or bare path is, without opening much: "dir", "oci", "oci-archive",
 * "docker-archive", "manifest", "bfc"; *rest is what stands after "kind:" (for a bare path: all of
 * it). BFC_E_NOT_FOUND, BFC_E_INVALID. */
int bfci_origin_sniff(const char *spec, const char **kind, const char **rest, bfc_err *err);

/* A whole small blob, with its size and digest checked; a mismatch names the descriptor, what it
 * promises, and what came. *bytes: free(). */
int bfci_origin_document(bfci_origin *o, const bfci_descriptor *d, const char *what, size_t max,
                         uint8_t **bytes, size_t *len, bfc_err *err);

#endif
