/* SPDX-License-Identifier: Apache-2.0 */
/* A file key and the slots it is wrapped in; docs/format.md, section 11. */
#ifndef BFCI_CONTAINER_KEYRING_H
#define BFCI_CONTAINER_KEYRING_H

#include <bfc/container.h>

#include "container/keys.h"
#include "format/key_slot.h"

#define BFCI_KEY_SLOTS_SIZE (BFCI_KEY_SLOTS * BFCI_KEY_SLOT_SIZE)

/* Wraps the file key once for each password, key file, identity and recipient of `keys`, into slots
 * that are free; those that are used stay. With nothing given a new password is asked for. `time`:
 * seconds since 1970, for the slots.
 *
 * BFC_E_INVALID when there is nothing to wrap for, BFC_E_LIMIT when there are not enough slots,
 * BFC_E_EXISTS when a recipient has one already; `slots` is as it was then. */
int bfci_keyring_wrap(const bfc_keys *keys, const uint8_t file_key[BFCI_KEY_SIZE], int64_t time,
                      uint8_t slots[BFCI_KEY_SLOTS_SIZE], bfc_err *err);

/* Finds the file key: cheap slots first, then passwords that were given, then the prompt. `what` is
 * the container's name for the prompt; words of a failure call it "it"; `keys` and `slot` may be
 * NULL; *slot is the number of the slot that opened.
 *
 * BFC_E_DENIED when nothing fits, BFC_E_CORRUPT for slots that are damaged or hold another key than
 * `key_check` says, BFC_E_LIMIT for a password that costs more than the format allows,
 * BFC_E_CANCELLED, also from the prompt. */
int bfci_keyring_unwrap(const bfc_keys *keys, const uint8_t slots[BFCI_KEY_SLOTS_SIZE],
                        const uint8_t uuid[BFC_UUID_SIZE], const uint8_t key_check[BFCI_KEY_SIZE],
                        const char *what, uint8_t file_key[BFCI_KEY_SIZE], int *slot, bfc_err *err);

/* Adds to `kept` each password and key file of `keys` that opens a slot, and the recipient of every
 * slot that is for one; dropped[n] is set for slots that are used and not among these. */
int bfci_keyring_known(const bfc_keys *keys, const uint8_t slots[BFCI_KEY_SLOTS_SIZE],
                       const uint8_t uuid[BFC_UUID_SIZE], const uint8_t key_check[BFCI_KEY_SIZE],
                       bfc_keys *kept, bool dropped[BFCI_KEY_SLOTS], bfc_err *err);

#endif
