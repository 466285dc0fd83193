/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar out of a container again: by its recipe, byte for byte, checked against its diffID;
 * or, for a tree that has no recipe, made anew. */
#ifndef BFCI_OCI_LAYER_OUT_H
#define BFCI_OCI_LAYER_OUT_H

#include "codec/flow.h"
#include "container/reader.h"
#include "oci/facts.h"

/* Writes the tar. BFC_E_CORRUPT if what came is not what the recipe and `layer` promise. */
int bfci_layer_out(bfc_reader *r, const bfci_layer_facts *layer, const bfc_hooks *hooks,
                   bfci_write_fn *write, void *ctx, bfc_err *err);
/* A tree as a layer: pax tar, names in byte order, folders before what is in them, hard links to
 * the first name. The same tree always gives the same bytes. */
int bfci_tree_out(bfc_reader *r, uint32_t tree, const bfc_hooks *hooks, bfci_write_fn *write,
                  void *ctx, bfc_err *err);

#endif
