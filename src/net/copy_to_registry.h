/* SPDX-License-Identifier: Apache-2.0 */
/* A registry as the destination of a copy: blobs first, then documents by their digests, and the
 * root, which gets its tag, last. */
#ifndef BFCI_NET_COPY_TO_REGISTRY_H
#define BFCI_NET_COPY_TO_REGISTRY_H

#include "net/registry.h"
#include "oci/copy.h"

/* Copies to what `reference` names. `source`: the session with the registry that it comes from, or
 * NULL: blobs of the same registry are mounted. */
int bfci_copy_to_registry(bfci_copying *run, bfci_client *client, const char *reference,
                          const bfci_registry *source, bfc_err *err);

#endif
