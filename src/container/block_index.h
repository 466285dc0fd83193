/* SPDX-License-Identifier: Apache-2.0 */
/* All blocks of a commit in memory, 16 bytes each: does an extent lie in blocks that are there? One
 * question takes the time of a binary search, however many blocks the extent runs through, so that
 * a container made to mislead cannot multiply the work. */
#ifndef BFCI_CONTAINER_BLOCK_INDEX_H
#define BFCI_CONTAINER_BLOCK_INDEX_H

#include "format/record.h"

typedef struct bfci_block_entry {
    uint64_t number;
    uint32_t raw;
    uint32_t run; /* blocks from this one on with rising numbers and this raw size; 1 or more */
} bfci_block_entry;

typedef struct bfci_block_index {
    bfci_block_entry *item; /* sorted by number */
    size_t count, cap;
} bfci_block_index;

void bfci_block_index_release(bfci_block_index *index);
/* Numbers must come in rising order. */
int bfci_block_index_add(bfci_block_index *index, uint64_t number, uint32_t raw, bfc_err *err);
/* To be called once after the last add, before the first look-up. */
void bfci_block_index_finish(bfci_block_index *index);

/* Position of a block, or SIZE_MAX. */
size_t bfci_block_index_find(const bfci_block_index *index, uint64_t number);
/* All blocks of the extent are there and hold what it says. `first` is where they stand in the
 * index: they follow each other there. BFC_E_CORRUPT. */
int bfci_block_index_check(const bfci_block_index *index, const bfci_extent *e, size_t *first,
                           bfc_err *err);

#endif
