/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an image as streams, in order. While one is taken, those behind it are read and
 * inflated already, where there are threads for it: a gzip stream can be inflated by one thread
 * only, but several of them by several. */
#ifndef BFCI_OCI_LAYER_AHEAD_H
#define BFCI_OCI_LAYER_AHEAD_H

#include "container/feed.h"
#include "oci/layer_stream.h"
#include "oci/origin.h"

typedef struct bfci_layer_ahead {
    const bfci_feed *feed; /* borrowed, as the next two */
    bfci_origin *origin;
    const bfci_descriptor *layer;
    size_t count;
    uint64_t size_max; /* of a layer, uncompressed; 0: by what its descriptor says */
    const bool *skip;  /* these will hardly be asked for; NULL: all will be */

    bfci_layer_stream **stream; /* `count` of them; NULL: not begun, or handed out */
} bfci_layer_ahead;

/* Stream number `at`; each is asked for once, in order, and when the one before is freed. A failure
 * is told when it is the layer's turn. */
int bfci_layer_ahead_next(bfci_layer_ahead *a, size_t at, bfci_layer_stream **out, bfc_err *err);
void bfci_layer_ahead_release(bfci_layer_ahead *a);
#define AUTO_LAYER_AHEAD __attribute__((cleanup(bfci_layer_ahead_release)))

#endif
