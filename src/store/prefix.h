/* SPDX-License-Identifier: Apache-2.0 */
/* "NAME#N": an image as its lowest N layers make it. */
#ifndef BFCI_STORE_PREFIX_H
#define BFCI_STORE_PREFIX_H

#include "store/backend.h"

/* Splits "NAME#N"; *cut is false where there is no '#'. *name: free(). */
int bfci_prefix_split(const char *text, char **name, size_t *layers, bool *cut, bfc_err *err);
/* The tree of the container at `path` that is the file system of its lowest layers.
 * BFC_E_NOT_FOUND: it was not kept when the image was created, or there are not so many. */
int bfci_prefix_tree(const char *path, const bfc_keys *keys, size_t layers, uint32_t *tree,
                     bfc_err *err);

#endif
