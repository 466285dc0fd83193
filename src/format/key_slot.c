/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots: fixed fields with bounds. The bounds of a password's cost are what keeps a container
 * from a stranger from taking all memory, or hours, before its password is known to be wrong. */
#include "format/key_slot.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cursor.h"
#include "codec/kdf.h"

enum {
    WRAPPED_BY_AEAD = 48 /* the file key and a tag */
};

int bfci_key_slot_check_cost(const char *subject, uint32_t passes, uint32_t memory_kib,
                             bfc_err *err)
{
    if (passes < 1 || passes > KEY_SLOT_PASSES_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "%s: Argon2id with %" PRIu32 " passes; 1 to %d are allowed", subject,
                         passes, (int)KEY_SLOT_PASSES_MAX);
    if (memory_kib < KEY_SLOT_MEMORY_MIN || memory_kib > KEY_SLOT_MEMORY_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "%s: Argon2id with %" PRIu32 " KiB of memory; %d to %d KiB are allowed",
                         subject, memory_kib, (int)KEY_SLOT_MEMORY_MIN, (int)KEY_SLOT_MEMORY_MAX);
    if ((uint64_t)passes * memory_kib > KEY_SLOT_WORK_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "%s: Argon2id with %" PRIu32 " passes over %" PRIu32
                         " KiB of memory; passes times memory may be 16 GiB",
                         subject, passes, memory_kib);
    return 0;
}

void bfci_key_slot_encode(const bfci_key_slot *slot, uint8_t out[BFCI_KEY_SLOT_SIZE])
{
    memset(out, 0, BFCI_KEY_SLOT_SIZE);
    if (slot->type == KEY_SLOT_FREE)
        return;
    out[KEY_SLOT_AT_TYPE] = (uint8_t)slot->type;
    if (slot->type == KEY_SLOT_PASSWORD) {
        out[KEY_SLOT_AT_LANES] = 1;
        put_u16le(out + KEY_SLOT_AT_PASSES, slot->passes);
        put_u32le(out + KEY_SLOT_AT_MEMORY, slot->memory_kib);
    }
    put_u64le(out + KEY_SLOT_AT_TIME, (uint64_t)slot->time);
    memcpy(out + KEY_SLOT_AT_SALT, slot->salt, sizeof slot->salt);
    memcpy(out + KEY_SLOT_AT_WRAPPED, slot->wrapped, sizeof slot->wrapped);
}

static int illegal(unsigned number, const char *what, bfc_err *err)
{
    return bfci_fail(err, BFC_E_CORRUPT, "key slot %u: %s", number, what);
}

static int check_cost(const uint8_t *raw, unsigned number, bfc_err *err)
{
    char subject[32];
    uint16_t passes = get_u16le(raw + KEY_SLOT_AT_PASSES);
    uint32_t memory = get_u32le(raw + KEY_SLOT_AT_MEMORY);

    if (raw[KEY_SLOT_AT_TYPE] != KEY_SLOT_PASSWORD) {
        if (raw[KEY_SLOT_AT_LANES] != 0 || passes != 0 || memory != 0)
            return illegal(number, "a cost where there is no password", err);
        return 0;
    }
    if (raw[KEY_SLOT_AT_LANES] != 1)
        return illegal(number, "Argon2id with other than one lane", err);
    (void)snprintf(subject, sizeof subject, "key slot %u", number);
    return bfci_key_slot_check_cost(subject, passes, memory, err);
}

int bfci_key_slot_decode(const uint8_t raw[BFCI_KEY_SLOT_SIZE], unsigned number, bfci_key_slot *out,
                         bfc_err *err)
{
    uint8_t type = raw[KEY_SLOT_AT_TYPE];
    rd all = rd_over(raw, BFCI_KEY_SLOT_SIZE);
    rd salt = rd_over(raw + KEY_SLOT_AT_SALT + BFCI_ARGON2_SALT_SIZE,
                      KEY_SLOT_SALT_SIZE - BFCI_ARGON2_SALT_SIZE);
    rd wrapped = rd_over(raw + KEY_SLOT_AT_WRAPPED + WRAPPED_BY_AEAD,
                         KEY_SLOT_WRAPPED_SIZE - WRAPPED_BY_AEAD);

    if (type == KEY_SLOT_FREE) {
        if (!rd_zeros(&all, BFCI_KEY_SLOT_SIZE))
            return illegal(number, "not used, and not zero", err);
        *out = (bfci_key_slot){0};
        return 0;
    }
    if (type > KEY_SLOT_RECIPIENT)
        return illegal(number, "of unknown type", err);
    BFC_TRY(check_cost(raw, number, err));
    if (type == KEY_SLOT_PASSWORD && !rd_zeros(&salt, rd_left(&salt)))
        return illegal(number, "a salt that is too long", err);
    if (type != KEY_SLOT_RECIPIENT && !rd_zeros(&wrapped, rd_left(&wrapped)))
        return illegal(number, "bytes behind the wrapped key", err);

    out->type = (enum bfci_key_slot_type)type;
    out->passes = get_u16le(raw + KEY_SLOT_AT_PASSES);
    out->memory_kib = get_u32le(raw + KEY_SLOT_AT_MEMORY);
    out->time = (int64_t)get_u64le(raw + KEY_SLOT_AT_TIME);
    memcpy(out->salt, raw + KEY_SLOT_AT_SALT, sizeof out->salt);
    memcpy(out->wrapped, raw + KEY_SLOT_AT_WRAPPED, sizeof out->wrapped);
    return 0;
}
