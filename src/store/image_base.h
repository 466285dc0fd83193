/* SPDX-License-Identifier: Apache-2.0 */
/* What of an image that is to be made the store has already: a base, whose container the new one
 * starts as, and layers that other images have. */
#ifndef BFCI_STORE_IMAGE_BASE_H
#define BFCI_STORE_IMAGE_BASE_H

#include "oci/image_build.h"
#include "store/backend.h"

typedef struct bfci_store_layers {
    char *base_path;       /* NULL: there is no base */
    size_t base_layers;    /* the lowest ones, of the plan's first image */
    bfci_lent_layer *lent; /* beyond these */
    size_t lent_count, lent_cap;
} bfci_store_layers;
void bfci_store_layers_release(bfci_store_layers *l);
#define AUTO_STORE_LAYERS __attribute__((cleanup(bfci_store_layers_release)))

/* Encrypted images are no base and lend nothing; `encrypt`: nor has a new one that will be
 * encrypted a base. `lend`: look for layers, too. */
int bfci_store_layers_find(bfc_store *store, const bfci_image_plan *plan, bool encrypt, bool lend,
                           const bfc_hooks *hooks, bfci_store_layers *out, bfc_err *err);
void bfci_store_layers_drop_lent(bfci_store_layers *l);
/* Whether layer number `layer` of the plan's image number `image` need not be read. */
bool bfci_store_layers_has(const bfci_store_layers *l, const bfci_image_plan *plan, size_t image,
                           size_t layer);

#endif
