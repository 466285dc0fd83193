/* SPDX-License-Identifier: Apache-2.0 */
/* Values of blobs and xattr sets. Byte 0: odd means with sums. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bfci_stored stored;
    AUTO_BUF buf b = BUF_INIT;

    if (size < 1)
        return 0;
    const bool with_sums = data[0] & 1;
    if (bfci_stored_decode((bfci_span){data + 1, size - 1}, with_sums, XATTR_SET_MAX, &stored,
                           NULL) < 0)
        return 0;
    uint64_t end = stored.is_inline ? stored.size : 0;
    for (size_t i = 0; i < stored.extent_count; i++) {
        FUZZ_CHECK(stored.extent[i].start == end);
        end += stored.extent[i].len;
    }
    FUZZ_CHECK(end == stored.size && stored.size <= XATTR_SET_MAX);
    bfci_stored_encode(&b, &stored);
    fuzz_same(&b, data + 1, size - 1);
    return 0;
}
