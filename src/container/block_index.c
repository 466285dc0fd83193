/* SPDX-License-Identifier: Apache-2.0 */
/* An index of block numbers and sizes. Runs of equally long blocks are measured once, backwards, so
 * that the rule for extents that go through many blocks is one comparison. */
#include "container/block_index.h"

#include <inttypes.h>

void bfci_block_index_release(bfci_block_index *index)
{
    free(index->item);
    *index = (bfci_block_index){0};
}

int bfci_block_index_add(bfci_block_index *index, uint64_t number, uint32_t raw, bfc_err *err)
{
    if (index->count == UINT32_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "more than %" PRIu32 " blocks in a container",
                         UINT32_MAX);
    BFC_TRY(bfci_reserve(&index->item, &index->cap, index->count + 1, sizeof *index->item, err));
    index->item[index->count++] = (bfci_block_entry){number, raw, 1};
    return 0;
}

void bfci_block_index_finish(bfci_block_index *index)
{
    for (size_t i = index->count; i-- > 1;) {
        bfci_block_entry *e = &index->item[i - 1];
        if (e->number + 1 == e[1].number && e->raw == e[1].raw)
            e->run = e[1].run + 1;
    }
}

size_t bfci_block_index_find(const bfci_block_index *index, uint64_t number)
{
    size_t low = 0, high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->item[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->count && index->item[low].number == number ? low : SIZE_MAX;
}

int bfci_block_index_check(const bfci_block_index *index, const bfci_extent *e, size_t *first,
                           bfc_err *err)
{
    uint64_t blocks = bfci_extent_blocks(e);
    size_t at = bfci_block_index_find(index, e->block);

    if (at == SIZE_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "content in block %" PRIu64 ", which is not there",
                         e->block);
    if (blocks > index->count - at || index->item[at + blocks - 1].number != e->block + blocks - 1)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "content in %" PRIu64 " blocks from %" PRIu64
                         " on, which are not all there",
                         blocks, e->block);
    if (blocks > 1 &&
        (index->item[at].raw != UINT32_C(1) << e->shift || index->item[at].run < blocks - 1))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "content runs through blocks from %" PRIu64 " on whose sizes differ",
                         e->block);
    uint64_t in_last = e->len - (blocks > 1 ? (blocks - 1) << e->shift : 0);
    if (in_last + e->offset > index->item[at + blocks - 1].raw)
        return bfci_fail(err, BFC_E_CORRUPT, "content beyond the end of block %" PRIu64,
                         e->block + blocks - 1);
    *first = at;
    return 0;
}
