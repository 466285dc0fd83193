/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from data blocks, through a small cache of decompressed ones. */
#ifndef BFCI_CONTAINER_CONTENT_H
#define BFCI_CONTAINER_CONTENT_H

#include "container/table.h"

typedef struct bfci_block_cache bfci_block_cache;
/* Both are borrowed for the cache's life. */
int bfci_block_cache_new(const bfci_source *source, bfci_tables *tables, bfci_block_cache **out,
                         bfc_err *err);
void bfci_block_cache_free(bfci_block_cache *c); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_block_cache, bfci_block_cache_free)

/* Bytes [from, from + len) of an extent, counted from its start. */
int bfci_block_cache_read(bfci_block_cache *c, const bfci_extent *e, uint64_t from, uint8_t *out,
                          size_t len, bfc_err *err);

#endif
