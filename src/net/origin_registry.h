/* SPDX-License-Identifier: Apache-2.0 */
/* An image at a registry as an origin: documents are manifests or blobs there, layers are
 * downloads.
 */
#ifndef BFCI_NET_ORIGIN_REGISTRY_H
#define BFCI_NET_ORIGIN_REGISTRY_H

#include "net/download.h"
#include "net/manifests.h"

/* `document` is what the reference named; its bytes are taken over on success. Session and
 * downloads are borrowed. `name` is for messages. */
int bfci_origin_registry_new(bfci_registry *r, bfci_downloads *d, bfci_remote_manifest *document,
                             const char *name, bfci_origin **out, bfc_err *err);

#endif
