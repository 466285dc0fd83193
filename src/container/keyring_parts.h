/* SPDX-License-Identifier: Apache-2.0 */
/* What opening and wrapping share. */
#ifndef BFCI_CONTAINER_KEYRING_PARTS_H
#define BFCI_CONTAINER_KEYRING_PARTS_H

#include "codec/aead.h"
#include "container/keyring.h"

/* The wrapping key that a key file makes with a slot's salt. */
int bfci_key_file_key(const uint8_t secret[BFC_KEY_FILE_SIZE],
                      const uint8_t salt[KEY_SLOT_SALT_SIZE], uint8_t out[BFCI_KEY_SIZE],
                      bfc_err *err);

/* What a password came out as for a slot's first KEY_SLOT_HEAD_SIZE bytes, salt and cost among
 * them. Both are called by whoever has the turn; that nothing is remembered does no harm. */
void bfci_keys_remember(const bfc_keys *keys, const uint8_t *head,
                        const uint8_t wrapping_key[BFCI_KEY_SIZE]);
bool bfci_keys_recall(const bfc_keys *keys, const uint8_t *head,
                      uint8_t wrapping_key[BFCI_KEY_SIZE]);

#endif
