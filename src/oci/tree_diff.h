/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two trees, of one container or of two. */
#ifndef BFCI_OCI_TREE_DIFF_H
#define BFCI_OCI_TREE_DIFF_H

#include <bfc/image.h>

#include "oci/image_in.h"

/* One side: names, and the container that has their inodes. */
typedef struct bfci_side {
    bfc_reader *reader; /* borrowed */
    bfci_nametree names;
} bfci_side;
/* The tree that the reader looks at. */
int bfci_side_load(bfci_side *s, bfc_reader *reader, bfc_err *err);
/* The file system of the lowest `count` layers, merged in memory. */
int bfci_side_merge(bfci_side *s, bfc_reader *reader, const bfci_layer_facts *layers, size_t count,
                    bfc_err *err);
void bfci_side_release(bfci_side *s);
#define AUTO_SIDE __attribute__((cleanup(bfci_side_release)))

/* Goes through both in the order of their names, a folder before what is in it. Times of folders
 * are not looked at. */
int bfci_tree_diff(bfci_side *from, bfci_side *to, bfc_image_change_fn *fn, void *ctx,
                   bfc_err *err);

/* An entry is the same: type, mode, owner, time, size, content digest, link target, device,
 * attributes. Times and sizes of folders are not looked at. */
bool bfci_inode_same(const bfci_inode *a, const bfci_inode *b);

#endif
