/* SPDX-License-Identifier: Apache-2.0 */
/* Files that images are written to, as they are named: "oci:LAYOUT[:REF]", "oci-archive:TAR[:REF]",
 * "docker-archive:TAR[:REF]", "bfc:FILE". */
#ifndef BFCI_STORE_DEST_H
#define BFCI_STORE_DEST_H

#include "base/base.h"

enum bfci_dest_kind {
    DEST_LAYOUT,
    DEST_OCI_ARCHIVE,
    DEST_DOCKER_ARCHIVE,
    DEST_CONTAINER
};

typedef struct bfci_dest {
    enum bfci_dest_kind kind;
    char *path, *ref; /* ref: NULL where none was given */
} bfci_dest;
void bfci_dest_release(bfci_dest *d);
#define AUTO_DEST __attribute__((cleanup(bfci_dest_release)))

/* BFC_E_INVALID. `text` may be NULL, which is none. */
int bfci_dest_parse(const char *text, bfci_dest *out, bfc_err *err);
/* Whether a name can stand in an index. */
int bfci_dest_check_ref(const char *ref, bfc_err *err);

#endif
