/* SPDX-License-Identifier: Apache-2.0 */
/* Layers into a container: each as a tree of its own with its recipe, and all of them merged into
 * one file system (image-spec 1.1, layer.md; docs/format.md, section 12). */
#ifndef BFCI_OCI_IMAGE_IN_H
#define BFCI_OCI_IMAGE_IN_H

#include "base/map.h"
#include "container/feed.h"
#include "container/reader.h"
#include "oci/facts.h"
#include "oci/layer_stream.h"
#include "oci/nametree.h"

typedef struct bfci_image_in {
    bfci_feed *feed; /* borrowed */
    const bfc_hooks *hooks;
    bfci_nametree merged; /* of the layers so far */
    bool has_merged;
    bfci_map links; /* inodes with several names → the most names in one tree */
    uint32_t next_tree;
    uint64_t blobs_done; /* bytes of the blobs of the layers so far, for the progress display */
    bfci_inode inode;    /* scratch */
} bfci_image_in;

/* `base`: a reader of the container that the writer appends to, looking at its merged tree: the new
 * layers lie on that. Else NULL. */
int bfci_image_in_begin(bfci_image_in *ii, bfci_feed *feed, bfc_reader *base, uint32_t next_tree,
                        const bfc_hooks *hooks, bfc_err *err);
/* Takes one layer. `what` names it in messages; "": there is nothing to name. `promised`: the
 * diffID that the configuration has for it, or NULL. `out` gets all but the descriptor's media
 * type, digest and size. */
int bfci_image_in_layer(bfci_image_in *ii, bfci_layer_stream *stream, const char *what,
                        const bfci_digest *promised, bfci_layer_facts *out, bfc_err *err);
/* Stores the merged file system of the layers so far as a tree of that number and label. */
int bfci_image_in_merged(bfci_image_in *ii, uint32_t tree, const char *label, bfc_err *err);
/* Entries of the merged file system, each inode once, and bytes of its files. After
 * bfci_image_in_merged(). */
int bfci_image_in_totals(const bfci_image_in *ii, uint64_t *entries, uint64_t *content,
                         bfc_err *err);
/* The next layer is the lowest one of another image. */
void bfci_image_in_restart(bfci_image_in *ii);
/* After all layers. */
int bfci_image_in_finish(bfci_image_in *ii, bfc_err *err);
void bfci_image_in_release(bfci_image_in *ii);

/* ── Shared by its files ── */

/* layer_merge.c: lays a layer's names over those of the layers below. Takes `layer` over. */
int bfci_layer_merge(bfci_image_in *ii, bfci_nametree *layer, bfc_err *err);
/* Stores the names of a tree, and the inodes of folders that have none yet. Without `all`, folders
 * that have one are stored already, with what is below them. */
int bfci_names_store(bfci_image_in *ii, bfci_nametree *t, bool all, bfc_err *err);
/* The names of the tree that a reader looks at. On failure `t` is to be released, too. */
int bfci_names_load(bfc_reader *r, bfci_nametree *t, bfc_err *err);
/* Folder attributes to and from inodes. */
void bfci_dir_attr_get(const bfci_inode *n, bfci_dir_attr *out);
void bfci_dir_attr_put(const bfci_dir_attr *attr, bool made_up, bfci_inode *n);

#define AUTO_IMAGE_IN __attribute__((cleanup(bfci_image_in_release)))

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
enum {
    WHITEOUT_PREFIX_LEN = 4
};

#endif
