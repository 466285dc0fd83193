/* SPDX-License-Identifier: Apache-2.0 */
/* Images from one place to another as they are: blobs byte for byte, documents as they came, so
 * that every digest stays. First all documents are read, which tell what there is; then blobs go
 * that the destination lacks, each compared with its descriptor while it passes; then documents,
 * each after what it names. What is not as it was promised never gets a name. */
#ifndef BFCI_OCI_COPY_H
#define BFCI_OCI_COPY_H

#include "base/map.h"
#include "oci/export_parts.h"
#include "oci/origin.h"

enum {
    COPY_DOCUMENTS_MAX = 4096,
    COPY_DOCUMENTS_SIZE_MAX = 64 << 20, /* of all, which are in memory */
    COPY_DEPTH_MAX = 4                  /* of indexes in indexes */
};

typedef struct bfci_copied_document {
    bfci_descriptor descriptor; /* without annotations */
    uint8_t *bytes;
    size_t len;
    enum bfci_media kind; /* MEDIA_MANIFEST or MEDIA_INDEX */
} bfci_copied_document;

typedef struct bfci_copy_list {
    bfci_descriptor *blob; /* each once; without annotations */
    size_t blob_count, blob_cap;
    bfci_copied_document *document; /* what one names stands before it; the last is the root */
    size_t document_count, document_cap;
    uint64_t document_bytes;
    bfci_map seen; /* digests */
} bfci_copy_list;
void bfci_copy_list_release(bfci_copy_list *l);
#define AUTO_COPY_LIST __attribute__((cleanup(bfci_copy_list_release)))

/* All that is to be copied. Of an index, the image for `platform` ("os/arch[/variant]", NULL: the
 * machine's); with `all` the index itself, with all that it names. */
int bfci_copy_list_make(bfci_origin *origin, const char *platform, bool all, bfci_copy_list *out,
                        bfc_err *err);

/* Where it goes. */
typedef struct bfci_copy_dest {
    void *ctx;
    /* Whether a blob is there. NULL: there is none. */
    int (*has)(void *ctx, const bfci_descriptor *d, bool *has, bfc_err *err);
    /* `in` fails at its end if it is not what `d` promises, and never gives more: who reads to the
     * end, and only then gives it its name, has what is right. */
    int (*blob)(void *ctx, const bfci_descriptor *d, bfci_bytes *in, bfc_err *err);
    int (*document)(void *ctx, const bfci_copied_document *d, bool is_root, bfc_err *err);
} bfci_copy_dest;

typedef struct bfci_copying {
    bfci_origin *origin;
    const bfci_copy_list *list;
    const bfci_copy_dest *dest;
    const bfc_hooks *hooks;
    /* Before the first blob: those that will be read, in this order. May be NULL. */
    int (*expect)(void *ctx, const bfci_descriptor *const *blobs, size_t count, bfc_err *err);
    void *ctx;
    uint64_t blobs, bytes, there; /* that went; bytes of them; that were there */
} bfci_copying;
int bfci_copy_run(bfci_copying *c, bfc_err *err);

/* `from` with a check at its end, as a destination gets it. It takes `from` over on success. */
int bfci_bytes_checked(bfci_bytes *from, const bfci_descriptor *d, const bfc_hooks *hooks,
                       bfci_bytes *out, bfc_err *err);

/* ── Destinations that are files ── */

/* Blobs and documents into what an export writes to; `target` is borrowed. `layout`: it is one, and
 * is asked for what it has; NULL: there is nothing yet. */
typedef struct bfci_copy_to_files {
    const bfci_export_target *target;
    const bfci_layout_out *layout;
} bfci_copy_to_files;
bfci_copy_dest bfci_copy_dest_files(bfci_copy_to_files *f);
/* What index.json says of the root; json_decref(). */
int bfci_copy_root(const bfci_copy_list *list, const char *ref, json_t **out, bfc_err *err);

/* copy_docker.c: the image of a list as a docker-archive: layers as plain tars under their diffIDs,
 * the configuration as it came. */
int bfci_copy_docker_archive(bfci_copying *c, const char *path, const char *ref, bool replace,
                             bfc_err *err);

#endif
