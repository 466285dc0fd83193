/* SPDX-License-Identifier: Apache-2.0 */
/* A container file as an OCI artifact: one layer, which is the file as it is, an empty
 * configuration (image-spec 1.1, manifest.md, "Guidelines for Artifact Usage"), and annotations
 * that say which commit it is.
 *
 * The root digest is not told of an encrypted container: it is a digest of what is in it. */
#ifndef BFCI_NET_CONTAINER_ARTIFACT_H
#define BFCI_NET_CONTAINER_ARTIFACT_H

#include <bfc/container.h>

#include "net/manifests.h"
#include "store/backend.h"

#define BFCI_CONTAINER_TYPE "application/vnd.bfc.container.v1"
#define BFCI_EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define BFCI_EMPTY_CONFIG "{}"

typedef struct bfci_container_artifact {
    bfci_digest file; /* of the whole file */
    uint64_t size;
    bool has_root; /* what follows is told */
    uint8_t root[BFC_DIGEST_SIZE];
    uint64_t offset; /* of the last commit record */
} bfci_container_artifact;

/* What is known without a key of the container that is open: all but `file`. */
int bfci_container_look(int fd, bfci_container_artifact *out, bfc_err *err);
/* The manifest; `title` is a name for the file; free(). */
int bfci_container_manifest(const bfci_container_artifact *a, const char *title, char **json,
                            bfc_err *err);
/* *is_one is false for every other manifest, and for an index. BFC_E_CORRUPT: it calls itself one,
 * and is not. */
int bfci_container_recognise(const uint8_t *json, size_t len, bool *is_one,
                             bfci_container_artifact *out, bfc_err *err);
/* Whether the container at `path` is the one that the manifest tells of. */
bool bfci_container_is_same(const char *path, const bfci_container_artifact *a);

/* Sends the container at `path`, and names it. */
int bfci_push_container(bfci_registry *r, const char *path, const char *title,
                        const bfci_remote_ref *ref, const bfc_image_push_options *options,
                        bfc_push_report *report, bfc_err *err);

#endif
