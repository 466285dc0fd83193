/* SPDX-License-Identifier: Apache-2.0 */
/* What an origin offers, looked at before anything is stored: which images are to be taken, their
 * documents, their layers. Everything that can be refused without reading a layer is refused here.
 */
#ifndef BFCI_OCI_IMAGE_PLAN_H
#define BFCI_OCI_IMAGE_PLAN_H

#include "oci/config.h"
#include "oci/origin.h"

typedef struct bfci_planned_image {
    bfci_digest digest; /* of the manifest */
    uint8_t *manifest_bytes, *config_bytes;
    size_t manifest_len, config_len;
    bfci_manifest manifest;
    bfci_config config;
    char *platform;   /* "linux/arm64"; NULL for an artifact whose descriptor tells none */
    bool is_artifact; /* no image: `config` is empty, and without `config_bytes` it is too large */
} bfci_planned_image;

typedef struct bfci_image_plan {
    bfci_planned_image *image; /* the first one is the one that is extracted */
    size_t count;
    uint8_t *index; /* that they were chosen from, or NULL */
    size_t index_len;
    char *descriptor; /* JSON of the entry that names the first, or NULL */
} bfci_image_plan;

typedef struct bfci_plan_choice {
    const char *platform; /* "os/arch[/variant]", NULL: the machine's; asked for where there is a
                             choice */
    bool all;             /* every image of an index */
    bool artifacts;       /* manifests that are no images are taken, too; with `all`, also those
                             that tell of an image of the index */
} bfci_plan_choice;

/* BFC_E_UNSUPPORTED for artifacts that are not wanted, and for encrypted layers. */
int bfci_image_plan_make(bfci_origin *origin, const bfci_plan_choice *choice, bfci_image_plan *out,
                         bfc_err *err);
void bfci_image_plan_release(bfci_image_plan *p);
#define AUTO_IMAGE_PLAN __attribute__((cleanup(bfci_image_plan_release)))

#endif
