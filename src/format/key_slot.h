/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots of a commit record; docs/format.md, section 11. */
#ifndef BFCI_FORMAT_KEY_SLOT_H
#define BFCI_FORMAT_KEY_SLOT_H

#include "codec/box.h"
#include "codec/secret.h"

#define BFCI_KEY_SLOTS 20
#define BFCI_KEY_SLOT_SIZE 128

enum key_slot_at {
    KEY_SLOT_AT_TYPE = 0,
    KEY_SLOT_AT_LANES = 1,
    KEY_SLOT_AT_PASSES = 2,
    KEY_SLOT_AT_MEMORY = 4,
    KEY_SLOT_AT_TIME = 8,
    KEY_SLOT_AT_SALT = 16,
    KEY_SLOT_AT_WRAPPED = 48
};

enum {
    KEY_SLOT_SIZE = BFCI_KEY_SLOT_SIZE,
    KEY_SLOT_HEAD_SIZE = KEY_SLOT_AT_WRAPPED, /* what wrapping authenticates */
    KEY_SLOT_SALT_SIZE = 32,
    KEY_SLOT_WRAPPED_SIZE = BFCI_KEY_SIZE + BFCI_BOX_EXTRA,

    KEY_SLOT_PASSES_MAX = 64,
    KEY_SLOT_MEMORY_MIN = 8192, /* KiB */
    KEY_SLOT_MEMORY_MAX = 4 << 20,
    KEY_SLOT_WORK_MAX = 16 << 20 /* passes × memory */
};

enum bfci_key_slot_type {
    KEY_SLOT_FREE = 0,
    KEY_SLOT_PASSWORD = 1,
    KEY_SLOT_KEY_FILE = 2,
    KEY_SLOT_RECIPIENT = 3
};

typedef struct bfci_key_slot {
    enum bfci_key_slot_type type;
    uint16_t passes;                  /* password only */
    uint32_t memory_kib;              /* password only */
    int64_t time;                     /* seconds since 1970 */
    uint8_t salt[KEY_SLOT_SALT_SIZE]; /* recipient: its public key */
    uint8_t wrapped[KEY_SLOT_WRAPPED_SIZE];
} bfci_key_slot;

/* Whether a password slot may have this cost; if not, BFC_E_LIMIT and words that start with
 * `subject` and name the bound. */
int bfci_key_slot_check_cost(const char *subject, uint32_t passes, uint32_t memory_kib,
                             bfc_err *err);

void bfci_key_slot_encode(const bfci_key_slot *slot, uint8_t out[BFCI_KEY_SLOT_SIZE]);
/* `number` is for messages. BFC_E_CORRUPT, or BFC_E_LIMIT for a password that costs too much. */
int bfci_key_slot_decode(const uint8_t raw[BFCI_KEY_SLOT_SIZE], unsigned number, bfci_key_slot *out,
                         bfc_err *err);

#endif
