/* SPDX-License-Identifier: Apache-2.0 */
/* The half of a pull that is for container files (container_artifact.h). */
#ifndef BFCI_NET_PULL_CONTAINER_H
#define BFCI_NET_PULL_CONTAINER_H

#include "net/container_artifact.h"
#include "net/download.h"
#include "store/image_build.h"

typedef struct bfci_container_pull {
    bfc_store *store;
    bfci_downloads *downloads;
    const bfci_container_artifact *container;
    const bfc_image_create_options *create;
} bfci_container_pull;
/* All is borrowed. BFC_E_CORRUPT: what came has another digest, is damaged, or is not what the
 * manifest says. */
int bfci_pull_container(bfci_container_pull *p, const bfci_reference *name, bfc_image_info **out,
                        bfc_err *err);

#endif
