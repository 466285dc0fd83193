/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that several documents have: descriptors, platforms, and what kind a document is. */
#ifndef BFCI_OCI_DESCRIPTOR_H
#define BFCI_OCI_DESCRIPTOR_H

#include "oci/json.h"
#include "oci/manifest.h"

/* *out must be empty; what it has got on failure is released by the caller. */
int bfci_descriptor_read(const bfci_json_node *n, bfci_descriptor *out, bfc_err *err);
/* The members os, architecture, variant and os.version of `n`; likewise. */
int bfci_platform_read(const bfci_json_node *n, bfci_platform *out, bfc_err *err);

/* A count of descriptors, in an array of their own; likewise. */
int bfci_descriptors_read(const bfci_json_node *array, size_t max, bfci_descriptor **out,
                          size_t *count, bfc_err *err);
void bfci_descriptors_free(bfci_descriptor *d, size_t count);

/* MEDIA_MANIFEST or MEDIA_INDEX, or a failure that says why it is neither. */
int bfci_document_check(const bfci_json_node *root, enum bfci_media *out, bfc_err *err);

#endif
