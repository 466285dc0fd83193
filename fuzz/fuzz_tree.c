/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the table of trees. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bfci_tree tree;
    AUTO_BUF buf b = BUF_INIT;

    if (bfci_tree_decode((bfci_span){data, size}, &tree, NULL) < 0)
        return 0;
    bfci_tree_encode(&b, &tree);
    fuzz_same(&b, data, size);
    return 0;
}
