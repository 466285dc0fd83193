/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a container is the image that it says it is. */
#ifndef BFCI_OCI_IMAGE_VERIFY_H
#define BFCI_OCI_IMAGE_VERIFY_H

#include <bfc/container.h>

#include "base/hooks.h"

typedef struct bfci_image_check {
    void (*problem)(void *ctx, const bfc_problem *problem); /* may be NULL */
    void *ctx;
    const bfc_hooks *hooks;
    const bfc_keys *keys; /* may be NULL */
    bool deep;            /* layers too: each is put together again */
    uint64_t problems;
} bfci_image_check;

/* Checks the documents against the digests in the facts, the facts against the documents, and,
 * deep, each layer's tar against its diffID; of an artifact, that its blobs are there under their
 * digests. An image from a directory has nothing to check. Problems are told and counted; negative
 * only for what ends the check, and then BFC_E_CORRUPT if there were problems, with the first one.
 */
int bfci_image_check_run(const char *path, bfci_image_check *check, bfc_err *err);

#endif
