/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the extents table: 8 bytes where it starts, 8 bytes size of the file, then the value.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bfci_extent extent[EXTENTS_ENTRY_MAX];
    AUTO_BUF buf b = BUF_INIT;
    size_t count = 0;

    if (size < 16)
        return 0;
    uint64_t from = get_u64le(data), file_size = get_u64le(data + 8);
    if (bfci_extents_entry_decode((bfci_span){data + 16, size - 16}, from, file_size, extent,
                                  &count, NULL) < 0)
        return 0;
    FUZZ_CHECK(count > 0 && count <= EXTENTS_ENTRY_MAX && extent[0].start == from);
    uint64_t end = from;
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(extent[i].start >= end && extent[i].len <= file_size - extent[i].start);
        end = extent[i].start + extent[i].len;
    }
    bfci_extents_entry_encode(&b, extent, count);
    fuzz_same(&b, data + 16, size - 16);
    return 0;
}
