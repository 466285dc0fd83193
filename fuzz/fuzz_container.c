/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is built from the input; items.c says how. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_items(data, size, NULL);
    return 0;
}
