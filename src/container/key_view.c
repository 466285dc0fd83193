/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots as the public interface tells them. */
#include "container/key_view.h"

#include "format/key_text.h"

_Static_assert((int)BFC_SLOT_PASSWORD == (int)KEY_SLOT_PASSWORD &&
                   (int)BFC_SLOT_KEY_FILE == (int)KEY_SLOT_KEY_FILE &&
                   (int)BFC_SLOT_RECIPIENT == (int)KEY_SLOT_RECIPIENT,
               "the same numbers");

int bfci_key_slots_view(const uint8_t raw[BFCI_KEY_SLOTS_SIZE], bfc_key_slot slots[BFC_KEY_SLOTS],
                        size_t *count, bfc_err *err)
{
    size_t used = 0;

    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++) {
        bfci_key_slot slot;
        BFC_TRY(bfci_key_slot_decode(raw + i * BFCI_KEY_SLOT_SIZE, i, &slot, err));
        if (slot.type == KEY_SLOT_FREE)
            continue;
        slots[used] = (bfc_key_slot){.number = i,
                                     .type = (enum bfc_slot_type)slot.type,
                                     .passes = slot.passes,
                                     .memory_kib = slot.memory_kib,
                                     .time = slot.time};
        if (slot.type == KEY_SLOT_RECIPIENT)
            bfci_key_text_encode(KEY_FORM_RECIPIENT, slot.salt, slots[used].recipient);
        used++;
    }
    *count = used;
    return 0;
}
