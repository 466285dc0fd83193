/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the reading of a layer: the state that its two halves share. */
#ifndef BFCI_OCI_LAYER_PARTS_H
#define BFCI_OCI_LAYER_PARTS_H

#include "oci/image_in.h"
#include "oci/recipe.h"
#include "oci/tar_content.h"

typedef struct bfci_recipe_part {
    bfci_stored stored;
    uint8_t *inline_bytes;
} bfci_recipe_part;

typedef struct bfci_kept_entry {
    uint64_t ino;
    uint8_t type;
} bfci_kept_entry;

typedef struct bfci_layer_in {
    bfci_image_in *ii;
    bfci_layer_stream *stream;
    bfci_feed *feed;
    bfci_nametree names;
    bfci_recipe_writer *recipe;
    bfci_recipe_part *part;
    size_t part_count, part_cap;
    bfci_kept_entry *kept; /* that were replaced */
    size_t kept_count, kept_cap;
    uint64_t files;
    uint64_t first_ino; /* of this layer: lower ones are those of the layers below */

    /* the entry at hand: */
    bool stores; /* it has an inode of its own, which entry_end stores */
    bool again;  /* a folder that was there */
    uint64_t ino;
    bfci_inode inode;
    char *path;
    uint64_t offset; /* of its header in the tar */
    bfci_tar_content content;
    bfci_xattr_item *item;
    size_t item_cap;
} bfci_layer_in;

/* layer_entry.c: what the tar reader hands out, less what goes to the recipe; `ctx` is a
 * bfci_layer_in. */
int bfci_layer_take_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err);
int bfci_layer_take_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err);
int bfci_layer_take_entry_end(void *ctx, bfc_err *err);

#endif
