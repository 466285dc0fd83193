/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the block table. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bfci_ref ref;
    AUTO_BUF buf b = BUF_INIT;

    if (bfci_block_decode((bfci_span){data, size}, &ref, NULL) < 0)
        return 0;
    if (bfci_ref_check(&ref, UINT64_C(1) << 40, BLOCK_SIZE_MAX, false, NULL) == 0)
        FUZZ_CHECK(ref.stored <= BLOCK_SIZE_MAX && ref.raw >= ref.stored);
    bfci_block_encode(&b, &ref);
    fuzz_same(&b, data, size);
    return 0;
}
