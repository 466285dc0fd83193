/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a file key in its slots. The costly trials come last, one at a time: first what public
 * keys and key files open, then passwords that are given, then those that are asked for. What a
 * password came out as is remembered, so that the same container opens a second time at once.
 * Wrapping is in keyring_wrap.c. */
#include "container/keyring.h"

#include <stdio.h>

#include "base/hooks.h"
#include "codec/kdf.h"
#include "container/keyring_parts.h"
#include "format/sealed.h"

enum {
    PROMPTS_MAX = 3
};

/* One search for a file key. */
struct search {
    const bfc_keys *keys;
    const uint8_t *raw; /* all slots */
    const uint8_t *uuid, *key_check;
    const char *what;
    bfci_key_slot slot[BFCI_KEY_SLOTS];
    unsigned count[KEY_SLOT_RECIPIENT + 1]; /* slots of each type */
    bfci_aead *aead;
    uint8_t *file_key, *wrapping_key; /* locked */
    int found;                        /* number of the slot, or -1 */
};

static void search_release(struct search *s)
{
    bfci_aead_free(s->aead);
    bfci_secret_free(s->file_key);
    bfci_secret_free(s->wrapping_key);
}

static int search_init(struct search *s, bfc_err *err)
{
    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++) {
        BFC_TRY(bfci_key_slot_decode(s->raw + i * BFCI_KEY_SLOT_SIZE, i, &s->slot[i], err));
        s->count[s->slot[i].type]++;
    }
    if (s->count[KEY_SLOT_FREE] == BFCI_KEY_SLOTS)
        return bfci_fail(err, BFC_E_CORRUPT, "none of the key slots is used");
    BFC_TRY(bfci_aead_new(&s->aead, err));
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &s->file_key, err));
    return bfci_secret_new(BFCI_KEY_SIZE, &s->wrapping_key, err);
}

/* A slot that opens is an authentic one; so if its key is not the container's, somebody put it
 * there. */
static int accept(struct search *s, unsigned number, bfc_err *err)
{
    uint8_t check[BFCI_KEY_SIZE];

    BFC_TRY(bfci_key_check(s->file_key, s->uuid, check, err));
    if (!bfci_same(check, s->key_check, sizeof check))
        return bfci_fail(err, BFC_E_CORRUPT, "key slot %u opens, but holds another container's key",
                         number);
    s->found = (int)number;
    return 0;
}

/* With the wrapping key that is set in `s`. */
static int try_wrapping_key(struct search *s, unsigned number, bool *fits, bfc_err *err)
{
    static const uint8_t nonce[BFCI_NONCE_SIZE]; /* each wrapping key is used once */
    const bfci_key_slot *slot = &s->slot[number];

    *fits = false;
    BFC_TRY(bfci_aead_set_key(s->aead, s->wrapping_key, err));
    BFC_TRY(bfci_aead_open(s->aead, nonce, s->raw + number * BFCI_KEY_SLOT_SIZE, KEY_SLOT_HEAD_SIZE,
                           slot->wrapped, BFCI_KEY_SIZE, slot->wrapped + BFCI_KEY_SIZE, s->file_key,
                           fits, err));
    return *fits ? accept(s, number, err) : 0;
}

static int try_identities(struct search *s, unsigned number, bfc_err *err)
{
    const bfci_key_slot *slot = &s->slot[number];
    const bfci_key *key = NULL;
    bool opened = false;

    while (s->found < 0 && (key = bfci_keys_next(s->keys, KEY_IDENTITY, key))) {
        if (memcmp(slot->salt, key->public_key, BFCI_KEY_SIZE) != 0)
            continue;
        BFC_TRY(bfci_box_open(key->public_key, key->secret, slot->wrapped, sizeof slot->wrapped,
                              s->file_key, &opened, err));
        if (!opened)
            return bfci_fail(err, BFC_E_CORRUPT,
                             "key slot %u is for the identity that was given, and does not open",
                             number);
        BFC_TRY(accept(s, number, err));
    }
    return 0;
}

static int try_key_files(struct search *s, unsigned number, bfc_err *err)
{
    const bfci_key *key = NULL;
    bool fits = false;

    while (s->found < 0 && (key = bfci_keys_next(s->keys, KEY_FILE, key))) {
        BFC_TRY(bfci_key_file_key(key->secret, s->slot[number].salt, s->wrapping_key, err));
        BFC_TRY(try_wrapping_key(s, number, &fits, err));
    }
    return 0;
}

/* What costs next to nothing, and what was remembered. */
static int try_cheap(struct search *s, bfc_err *err)
{
    bool fits = false;

    for (unsigned i = 0; i < BFCI_KEY_SLOTS && s->found < 0; i++) {
        if (s->slot[i].type == KEY_SLOT_RECIPIENT)
            BFC_TRY(try_identities(s, i, err));
        else if (s->slot[i].type == KEY_SLOT_KEY_FILE)
            BFC_TRY(try_key_files(s, i, err));
    }
    for (unsigned i = 0; i < BFCI_KEY_SLOTS && s->found < 0; i++)
        if (s->slot[i].type == KEY_SLOT_PASSWORD &&
            bfci_keys_recall(s->keys, s->raw + i * BFCI_KEY_SLOT_SIZE, s->wrapping_key))
            BFC_TRY(try_wrapping_key(s, i, &fits, err));
    return 0;
}

static int try_password(struct search *s, const uint8_t *password, size_t len, bfc_err *err)
{
    bool fits = false;

    for (unsigned i = 0; i < BFCI_KEY_SLOTS && s->found < 0; i++) {
        const bfci_key_slot *slot = &s->slot[i];
        if (slot->type != KEY_SLOT_PASSWORD)
            continue;
        BFC_TRY(bfci_check_cancel(bfci_keys_hooks(s->keys), err));
        int rc = bfci_argon2id(s->wrapping_key, password, len, slot->salt, slot->passes,
                               slot->memory_kib, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "key slot %u", i);
        BFC_TRY(try_wrapping_key(s, i, &fits, err));
        if (fits)
            bfci_keys_remember(s->keys, s->raw + i * BFCI_KEY_SLOT_SIZE, s->wrapping_key);
    }
    return 0;
}

static int try_passwords(struct search *s, bfc_err *err)
{
    const bfci_key *key = NULL;

    while (s->found < 0 && (key = bfci_keys_next(s->keys, KEY_PASSWORD, key)))
        BFC_TRY(try_password(s, key->secret, key->len, err));
    return 0;
}

static int try_prompt(struct search *s, bool *asked, bfc_err *err)
{
    for (unsigned attempt = 1; attempt <= PROMPTS_MAX && s->found < 0; attempt++) {
        AUTO_SECRET uint8_t *password = NULL;
        bfc_prompt about = {BFC_PROMPT_OPEN, s->what, attempt};
        size_t len = 0;

        BFC_TRY(bfci_keys_ask(s->keys, &about, &password, &len, err));
        if (len == 0)
            return 0;
        *asked = true;
        BFC_TRY(try_password(s, password, len, err));
        if (s->found >= 0)
            BFC_TRY(bfci_keys_keep_password(s->keys, password, len, err));
    }
    return 0;
}

struct words {
    char text[160];
};

/* "1 password, 2 key files": what would open it. */
static struct words name_slots(const struct search *s)
{
    static const char *const names[] = {[KEY_SLOT_PASSWORD] = "password",
                                        [KEY_SLOT_KEY_FILE] = "key file",
                                        [KEY_SLOT_RECIPIENT] = "recipient"};
    struct words words = {""};
    size_t len = 0;

    for (unsigned type = KEY_SLOT_PASSWORD; type <= KEY_SLOT_RECIPIENT; type++) {
        unsigned n = s->count[type];
        if (n > 0)
            len += (size_t)snprintf(words.text + len, sizeof words.text - len, "%s%u %s%s",
                                    len > 0 ? ", " : "", n, names[type], n == 1 ? "" : "s");
    }
    return words;
}

/* Callers name the container. */
static int denied(const struct search *s, bool given, bfc_err *err)
{
    if (!given)
        return bfci_fail(err, BFC_E_DENIED,
                         "it is encrypted (%s): give a password, a key file or an identity "
                         "(--password-file, --key-file, --identity)",
                         name_slots(s).text);
    return bfci_fail(err, BFC_E_DENIED,
                     "it is encrypted (%s), and none of the keys that were given opens it",
                     name_slots(s).text);
}

static int find(struct search *s, bfc_err *err)
{
    bool given = bfci_keys_can_open(s->keys);

    BFC_TRY(search_init(s, err));
    BFC_TRY(try_cheap(s, err));
    if (s->found < 0 && s->count[KEY_SLOT_PASSWORD] > 0) {
        BFC_TRY(try_passwords(s, err));
        BFC_TRY(try_prompt(s, &given, err));
    }
    return s->found < 0 ? denied(s, given, err) : 0;
}

int bfci_keyring_unwrap(const bfc_keys *keys, const uint8_t slots[BFCI_KEY_SLOTS_SIZE],
                        const uint8_t uuid[BFC_UUID_SIZE], const uint8_t key_check[BFCI_KEY_SIZE],
                        const char *what, uint8_t file_key[BFCI_KEY_SIZE], int *slot, bfc_err *err)
{
    struct search s = {.keys = keys,
                       .raw = slots,
                       .uuid = uuid,
                       .key_check = key_check,
                       .what = what,
                       .found = -1};

    /* One at a time: each trial of a password takes much memory, and what one thread has asked for
     * the next need not ask for again. */
    bfci_keys_lock(keys);
    int rc = find(&s, err);
    bfci_keys_unlock(keys);
    if (rc == 0) {
        memcpy(file_key, s.file_key, BFCI_KEY_SIZE);
        if (slot)
            *slot = s.found;
    }
    search_release(&s);
    return rc;
}

/* ── Which keys are known ── */

/* One key at one slot; s->found tells whether it fits. What was remembered does not help: it does
 * not tell by which password. */
static int try_key(struct search *s, unsigned number, const bfci_key *key, bfc_err *err)
{
    const bfci_key_slot *slot = &s->slot[number];
    bool fits = false;

    s->found = -1;
    BFC_TRY(bfci_check_cancel(bfci_keys_hooks(s->keys), err));
    if (key->kind == KEY_FILE)
        BFC_TRY(bfci_key_file_key(key->secret, slot->salt, s->wrapping_key, err));
    else
        BFC_TRY(bfci_argon2id(s->wrapping_key, key->secret, key->len, slot->salt, slot->passes,
                              slot->memory_kib, err));
    return try_wrapping_key(s, number, &fits, err);
}

static int keep_secrets(struct search *s, enum bfci_key_kind kind, enum bfci_key_slot_type type,
                        bfc_keys *kept, bool *dropped, bfc_err *err)
{
    const bfci_key *key = NULL;

    while ((key = bfci_keys_next(s->keys, kind, key)))
        for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++) {
            if (s->slot[i].type != type)
                continue;
            BFC_TRY(try_key(s, i, key, err));
            if (s->found < 0)
                continue;
            BFC_TRY(bfci_keys_take(kept, key, err));
            dropped[i] = false;
        }
    return 0;
}

static int keep_all(struct search *s, bfc_keys *kept, bool *dropped, bfc_err *err)
{
    BFC_TRY(search_init(s, err));
    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++) {
        dropped[i] = s->slot[i].type == KEY_SLOT_PASSWORD || s->slot[i].type == KEY_SLOT_KEY_FILE;
        if (s->slot[i].type == KEY_SLOT_RECIPIENT)
            BFC_TRY(bfci_keys_take_recipient(kept, s->slot[i].salt, err));
    }
    BFC_TRY(keep_secrets(s, KEY_FILE, KEY_SLOT_KEY_FILE, kept, dropped, err));
    return keep_secrets(s, KEY_PASSWORD, KEY_SLOT_PASSWORD, kept, dropped, err);
}

int bfci_keyring_known(const bfc_keys *keys, const uint8_t slots[BFCI_KEY_SLOTS_SIZE],
                       const uint8_t uuid[BFC_UUID_SIZE], const uint8_t key_check[BFCI_KEY_SIZE],
                       bfc_keys *kept, bool dropped[BFCI_KEY_SLOTS], bfc_err *err)
{
    struct search s = {
        .keys = keys, .raw = slots, .uuid = uuid, .key_check = key_check, .found = -1};

    bfci_keys_lock(keys);
    int rc = keep_all(&s, kept, dropped, err);
    bfci_keys_unlock(keys);
    search_release(&s);
    return rc;
}
