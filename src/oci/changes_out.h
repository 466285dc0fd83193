/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder has changed against an image, as a layer: new and changed entries, whiteouts for
 * what is gone (image-spec 1.1, layer.md, "Representing Changes"). */
#ifndef BFCI_OCI_CHANGES_OUT_H
#define BFCI_OCI_CHANGES_OUT_H

#include "codec/flow.h"
#include "container/reader.h"

typedef struct bfci_changes {
    const char *dir;            /* the folder: its own attributes are those of the root */
    bfc_reader *base;           /* looks at the tree that it is compared with */
    const char *const *exclude; /* as in bfc_writer_options: neither changed nor gone */
    bool one_file_system;
    unsigned jobs; /* threads; 0: as many as processors */
    const bfc_hooks *hooks;
} bfci_changes;

/* Writes the tar of the layer. Contents are compared, not times alone. The folders above an entry
 * come with it, so that a reader which unpacks the layer alone knows their attributes. All names of
 * a file with several come when one of them has changed. The same folder and image always give the
 * same bytes. */
int bfci_changes_out(const bfci_changes *c, bfci_write_fn *write, void *ctx, bfc_err *err);

#endif
