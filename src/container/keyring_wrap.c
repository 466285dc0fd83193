/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping a file key: a slot for each key of a bunch. The slots are made beside the old ones,
 * which are replaced when all went well. */
#include "codec/kdf.h"
#include "container/keyring_parts.h"

enum {
    COST_LEAST_MEMORY = 64 << 10 /* KiB */
};

struct wrapping {
    const bfc_keys *keys;
    const uint8_t *file_key;
    int64_t time;
    uint8_t slots[BFCI_KEY_SLOTS_SIZE];
    bfci_aead *aead;
    uint8_t *wrapping_key; /* locked */
};

int bfci_key_file_key(const uint8_t secret[BFC_KEY_FILE_SIZE],
                      const uint8_t salt[KEY_SLOT_SALT_SIZE], uint8_t out[BFCI_KEY_SIZE],
                      bfc_err *err)
{
    static const char info[] = "bfc key file"; /* with its NUL */
    return bfci_hkdf(out, secret, BFC_KEY_FILE_SIZE, salt, KEY_SLOT_SALT_SIZE, info, sizeof info,
                     err);
}

static unsigned free_slots(const uint8_t *slots)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++)
        count += slots[i * BFCI_KEY_SLOT_SIZE + KEY_SLOT_AT_TYPE] == KEY_SLOT_FREE;
    return count;
}

/* There is one: they were counted. */
static uint8_t *next_free(struct wrapping *w)
{
    uint8_t *slot = w->slots;
    while (slot[KEY_SLOT_AT_TYPE] != KEY_SLOT_FREE)
        slot += BFCI_KEY_SLOT_SIZE;
    return slot;
}

/* Under the wrapping key that is set in `w`. */
static int put_wrapped(struct wrapping *w, bfci_key_slot *slot, bfc_err *err)
{
    static const uint8_t nonce[BFCI_NONCE_SIZE]; /* each wrapping key is used once */
    uint8_t raw[BFCI_KEY_SLOT_SIZE];

    bfci_key_slot_encode(slot, raw);
    BFC_TRY(bfci_aead_set_key(w->aead, w->wrapping_key, err));
    BFC_TRY(bfci_aead_seal(w->aead, nonce, raw, KEY_SLOT_HEAD_SIZE, w->file_key, BFCI_KEY_SIZE,
                           slot->wrapped, slot->wrapped + BFCI_KEY_SIZE, err));
    bfci_key_slot_encode(slot, next_free(w));
    return 0;
}

/* A cost that was chosen gives way where there is not so much memory: more passes make up for it.
 */
static int derive(struct wrapping *w, const bfci_key *password, bfci_key_slot *slot, bfc_err *err)
{
    uint32_t passes = 0, memory = 0;
    bool fixed = bfci_keys_cost(w->keys, &passes, &memory);

    if (!fixed)
        bfci_cost_chosen(&passes, &memory);
    for (;;) {
        int rc = bfci_argon2id(w->wrapping_key, password->secret, password->len, slot->salt, passes,
                               memory, err);
        slot->passes = (uint16_t)passes;
        slot->memory_kib = memory;
        if (rc != BFC_E_NOMEM || fixed || memory / 2 < COST_LEAST_MEMORY)
            return rc;
        memory /= 2;
        passes = MIN(passes * 2, (uint32_t)KEY_SLOT_PASSES_MAX);
    }
}

static int wrap_password(struct wrapping *w, const bfci_key *password, bfc_err *err)
{
    bfci_key_slot slot = {.type = KEY_SLOT_PASSWORD, .time = w->time};
    uint8_t raw[BFCI_KEY_SLOT_SIZE];

    BFC_TRY(bfci_random(slot.salt, BFCI_ARGON2_SALT_SIZE, err));
    BFC_TRY(derive(w, password, &slot, err));
    bfci_key_slot_encode(&slot, raw);
    bfci_keys_remember(w->keys, raw, w->wrapping_key);
    return put_wrapped(w, &slot, err);
}

static int wrap_key_file(struct wrapping *w, const bfci_key *key, bfc_err *err)
{
    bfci_key_slot slot = {.type = KEY_SLOT_KEY_FILE, .time = w->time};

    BFC_TRY(bfci_random(slot.salt, sizeof slot.salt, err));
    BFC_TRY(bfci_key_file_key(key->secret, slot.salt, w->wrapping_key, err));
    return put_wrapped(w, &slot, err);
}

static bool has_slot(const uint8_t *slots, const uint8_t public_key[BFCI_KEY_SIZE])
{
    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++, slots += BFCI_KEY_SLOT_SIZE)
        if (slots[KEY_SLOT_AT_TYPE] == KEY_SLOT_RECIPIENT &&
            memcmp(slots + KEY_SLOT_AT_SALT, public_key, BFCI_KEY_SIZE) == 0)
            return true;
    return false;
}

static int wrap_recipient(struct wrapping *w, const bfci_key *key, bfc_err *err)
{
    bfci_key_slot slot = {.type = KEY_SLOT_RECIPIENT, .time = w->time};

    memcpy(slot.salt, key->public_key, sizeof slot.salt);
    BFC_TRY(bfci_box_seal(key->public_key, w->file_key, BFCI_KEY_SIZE, slot.wrapped, err));
    bfci_key_slot_encode(&slot, next_free(w));
    return 0;
}

static int wrap_one(struct wrapping *w, const bfci_key *key, bfc_err *err)
{
    switch (key->kind) {
    case KEY_PASSWORD:
        return wrap_password(w, key, err);
    case KEY_FILE:
        return wrap_key_file(w, key, err);
    case KEY_IDENTITY:
    case KEY_RECIPIENT:
        return wrap_recipient(w, key, err);
    }
    return 0;
}

/* An identity is its own recipient, and may be named as one beside. */
static bool is_named_twice(const bfc_keys *keys, const bfci_key *recipient)
{
    const bfci_key *key = NULL;

    if (recipient->kind != KEY_RECIPIENT)
        return false;
    while ((key = bfci_keys_next(keys, KEY_IDENTITY, key)))
        if (memcmp(key->public_key, recipient->public_key, BFCI_KEY_SIZE) == 0)
            return true;
    return false;
}

typedef int key_fn(struct wrapping *w, const bfci_key *key, bfc_err *err);

static int for_each_key(struct wrapping *w, key_fn *fn, unsigned *count, bfc_err *err)
{
    static const enum bfci_key_kind kinds[] = {KEY_PASSWORD, KEY_FILE, KEY_IDENTITY, KEY_RECIPIENT};

    *count = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const bfci_key *key = NULL;
        while ((key = bfci_keys_next(w->keys, kinds[i], key))) {
            if (is_named_twice(w->keys, key))
                continue;
            ++*count;
            if (fn)
                BFC_TRY(fn(w, key, err));
        }
    }
    return 0;
}

static int check_new(struct wrapping *w, const bfci_key *key, bfc_err *err)
{
    if ((key->kind == KEY_IDENTITY || key->kind == KEY_RECIPIENT) &&
        has_slot(w->slots, key->public_key))
        return bfci_fail(err, BFC_E_EXISTS, "that recipient has a key slot already");
    return 0;
}

static int ask_for_new(const bfc_keys *keys, bfc_err *err)
{
    AUTO_SECRET uint8_t *password = NULL;
    bfc_prompt about = {BFC_PROMPT_CREATE, NULL, 1};
    size_t len = 0;

    BFC_TRY(bfci_keys_ask(keys, &about, &password, &len, err));
    return len > 0 ? bfci_keys_keep_password(keys, password, len, err) : 0;
}

static int wrap(struct wrapping *w, bfc_err *err)
{
    unsigned wanted = 0, room = free_slots(w->slots);

    BFC_TRY(for_each_key(w, NULL, &wanted, err));
    if (wanted == 0) {
        BFC_TRY(ask_for_new(w->keys, err));
        BFC_TRY(for_each_key(w, NULL, &wanted, err));
    }
    if (wanted == 0)
        return bfci_fail(
            err, BFC_E_INVALID,
            "encrypt for whom? give a password, a key file, an identity or a recipient "
            "(--password-file, --key-file, --identity, --recipient)");
    if (wanted > room)
        return bfci_fail(err, BFC_E_LIMIT,
                         "%u keys were given, and %u of the %d key slots are free: leave some out",
                         wanted, room, BFCI_KEY_SLOTS);
    BFC_TRY(for_each_key(w, check_new, &wanted, err));
    BFC_TRY(bfci_aead_new(&w->aead, err));
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &w->wrapping_key, err));
    return for_each_key(w, wrap_one, &wanted, err);
}

int bfci_keyring_wrap(const bfc_keys *keys, const uint8_t file_key[BFCI_KEY_SIZE], int64_t time,
                      uint8_t slots[BFCI_KEY_SLOTS_SIZE], bfc_err *err)
{
    struct wrapping w = {.keys = keys, .file_key = file_key, .time = time};

    memcpy(w.slots, slots, sizeof w.slots);
    bfci_keys_lock(keys);
    int rc = wrap(&w, err);
    bfci_keys_unlock(keys);
    if (rc == 0)
        memcpy(slots, w.slots, sizeof w.slots);
    bfci_aead_free(w.aead);
    bfci_secret_free(w.wrapping_key);
    return rc;
}
