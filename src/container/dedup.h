/* SPDX-License-Identifier: Apache-2.0 */
/* Contents that were stored already, by their digest. Memory is bounded: the oldest are forgotten.
 */
#ifndef BFCI_CONTAINER_DEDUP_H
#define BFCI_CONTAINER_DEDUP_H

#include "container/memory.h"
#include "container/table.h"

typedef struct bfci_dedup bfci_dedup;
/* `base`: the commit before, borrowed; NULL in a new container. */
int bfci_dedup_new(const bfci_source *base, bfci_memory memory, bfci_dedup **out, bfc_err *err);
void bfci_dedup_free(bfci_dedup *d); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_dedup, bfci_dedup_free)

/* Only contents without holes, which are one extent, are known. */
int bfci_dedup_find(bfci_dedup *d, const uint8_t digest[BFC_DIGEST_SIZE], uint64_t size,
                    bool *found, bfci_extent *out, bfc_err *err);
int bfci_dedup_add(bfci_dedup *d, const uint8_t digest[BFC_DIGEST_SIZE], const bfci_extent *extent,
                   bfc_err *err);
/* Whether a content of this size was added in this commit or may stand in the one before: worth
 * hashing a large file before it is stored. */
bool bfci_dedup_may_have_size(const bfci_dedup *d, uint64_t size);

#endif
