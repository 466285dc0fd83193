/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bfci_inode inode;
    AUTO_BUF buf b = BUF_INIT;

    if (bfci_inode_decode((bfci_span){data, size}, &inode, NULL) < 0)
        return 0;
    FUZZ_CHECK(inode.link[inode.link_len] == '\0');
    uint64_t end = 0;
    for (size_t i = 0; i < inode.extent_count; i++) {
        FUZZ_CHECK(inode.extent[i].start >= end && inode.extent[i].len > 0);
        end = inode.extent[i].start + inode.extent[i].len;
        FUZZ_CHECK(end <= inode.size && bfci_extent_blocks(&inode.extent[i]) > 0);
    }
    bfci_inode_encode(&b, &inode);
    fuzz_same(&b, data, size);
    return 0;
}
