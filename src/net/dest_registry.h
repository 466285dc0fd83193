/* SPDX-License-Identifier: Apache-2.0 */
/* A registry as the target of an export: layers become uploads, documents wait for them. */
#ifndef BFCI_NET_DEST_REGISTRY_H
#define BFCI_NET_DEST_REGISTRY_H

#include "net/uploads.h"
#include "oci/export_parts.h"

typedef struct bfci_dest bfci_dest;
/* All are borrowed. */
int bfci_dest_new(bfci_registry *r, bfci_uploads *u, const char *mount_from, bfci_dest **out,
                  bfc_err *err);
void bfci_dest_free(bfci_dest *d); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_dest, bfci_dest_free)
bfci_export_target bfci_dest_target(bfci_dest *d);

/* After the export: waits for the uploads, then puts the documents, the last one as `ref` says.
 * *digest is that one's. BFC_E_INVALID: the reference has another digest. */
int bfci_dest_finish(bfci_dest *d, const bfci_remote_ref *ref, bfci_digest *digest, bfc_err *err);

#endif
