/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes at a registry (distribution-spec 1.1, "Pulling manifests", "Pushing
 * Manifests"): by tag or digest, at most MANIFEST_SIZE_MAX bytes. */
#ifndef BFCI_NET_MANIFESTS_H
#define BFCI_NET_MANIFESTS_H

#include "net/registry.h"
#include "oci/manifest.h"

typedef struct bfci_remote_manifest {
    bfci_digest digest; /* of the bytes, made here */
    char *media_type;   /* as the registry tells; "" if it does not */
    uint8_t *bytes;     /* NULL where only the head was asked for */
    size_t len;
} bfci_remote_manifest;
void bfci_remote_manifest_release(bfci_remote_manifest *m);
#define AUTO_REMOTE_MANIFEST __attribute__((cleanup(bfci_remote_manifest_release)))

/* "latest" or "sha256:…": what a reference names, its digest before its tag. */
void bfci_manifest_name(const bfci_remote_ref *ref, char out[BFCI_TAG_MAX + DIGEST_TEXT_SIZE]);

/* BFC_E_NOT_FOUND; BFC_E_CORRUPT: it has not the digest that it was asked for by, or another than
 * the registry says; BFC_E_LIMIT. */
int bfci_manifest_get(bfci_registry *r, const char *name, bfci_remote_manifest *out, bfc_err *err);
/* Only the head. *known is false if the registry does not tell a digest. The digest is the
 * registry's word. */
int bfci_manifest_head(bfci_registry *r, const char *name, bool *known, bfci_remote_manifest *out,
                       bfc_err *err);

/* BFC_E_INVALID: the reference has another digest than what would be put there. */
int bfci_manifest_check_ref(const bfci_remote_ref *ref, const bfci_digest *digest, bfc_err *err);
/* Puts a document there; all that it names is there already. `name`: a tag, or its own digest. If
 * it has a subject and the registry keeps no list of referrers, the document is added to the index
 * under the tag that is for this ("sha256-HEX"). BFC_E_CORRUPT: the registry calls it by another
 * digest. */
int bfci_manifest_put(bfci_registry *r, const char *name, const char *media_type,
                      const uint8_t *bytes, size_t len, bfc_err *err);

#endif
