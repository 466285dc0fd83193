/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots as the public interface tells them. */
#ifndef BFCI_CONTAINER_KEY_VIEW_H
#define BFCI_CONTAINER_KEY_VIEW_H

#include <bfc/keys.h>

#include "container/keyring.h"

/* Those that are used, by their numbers. */
int bfci_key_slots_view(const uint8_t raw[BFCI_KEY_SLOTS_SIZE], bfc_key_slot slots[BFC_KEY_SLOTS],
                        size_t *count, bfc_err *err);

#endif
