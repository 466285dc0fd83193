/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts: manifests that are no images, such as charts and signatures. What they name is kept as
 * it is: as the files "blobs/sha256/HEX" of a tree, whose content digests are those of the blobs
 * (docs/format.md, section 12). */
#ifndef BFCI_OCI_ARTIFACT_H
#define BFCI_OCI_ARTIFACT_H

#include "oci/facts.h"
#include "oci/manifest.h"

/* The inode that holds a blob, in the tree that the reader looks at. BFC_E_CORRUPT if there is none
 * with that size and digest. */
int bfci_artifact_find(bfc_reader *r, const bfci_descriptor *d, uint64_t *ino, bfc_err *err);

/* The blob number i of a manifest: its config, then its layers; NULL behind the last. */
const bfci_descriptor *bfci_artifact_blob(const bfci_manifest *m, size_t i);

/* BFC_E_UNSUPPORTED if the first of these is one, for what only images can do. */
int bfci_artifact_refuse(const bfci_facts *f, bfc_err *err);

#endif
