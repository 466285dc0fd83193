/* SPDX-License-Identifier: Apache-2.0 */
/* A key slot, given short: the rest is zero. */
#include "fuzz.h"

#include "format/key_slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t raw[BFCI_KEY_SLOT_SIZE] = {0}, again[BFCI_KEY_SLOT_SIZE];
    bfci_key_slot slot;

    memcpy(raw, data, MIN(size, sizeof raw));
    if (bfci_key_slot_decode(raw, 0, &slot, NULL) < 0)
        return 0;
    if (slot.type == KEY_SLOT_PASSWORD)
        FUZZ_CHECK((uint64_t)slot.passes * slot.memory_kib <= KEY_SLOT_WORK_MAX);
    bfci_key_slot_encode(&slot, again);
    FUZZ_CHECK(memcmp(raw, again, sizeof raw) == 0);
    return 0;
}
