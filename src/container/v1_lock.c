/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a version 1 container: made from a password, or a key file as it is. The format has
 * nothing that tells a right key from a wrong one but the files themselves. So each key is tried on
 * the smallest of them: one that opens proves it, and a file that does not open then is damaged;
 * if none opens, the key is wrong. */
#include "codec/kdf.h"
#include "container/keys.h"
#include "container/v1_sealed.h"

enum {
    PROBES_MAX = 8,
    PROMPTS_MAX = 3,
    PASSES = 3,
    MEMORY_KIB = 64 << 10
};
#define PROBE_BYTES_MAX (UINT64_C(64) << 20) /* together; one is tried whatever its size */

struct search {
    const bfci_v1 *v;
    const bfci_v1_entry *probe[PROBES_MAX]; /* encrypted files, the smallest first */
    size_t probes;
    uint8_t *key; /* locked */
    size_t sealed_count;
    bool given, found;
};

static void add_probe(struct search *s, const bfci_v1_entry *e)
{
    size_t at = s->probes < PROBES_MAX ? s->probes++ : PROBES_MAX - 1;

    if (s->probe[at] && s->probe[at]->size <= e->size)
        return;
    for (; at > 0 && s->probe[at - 1]->size > e->size; at--)
        s->probe[at] = s->probe[at - 1];
    s->probe[at] = e;
}

static int try_key(struct search *s, bfc_err *err)
{
    for (size_t i = 0; i < s->probes && !s->found; i++) {
        AUTO(bfci_v1_sealed) bfci_v1_sealed *opened = NULL;
        bfc_err why = BFC_ERR_INIT;
        int rc = bfci_v1_sealed_open(s->v, s->probe[i], s->key, &s->found, &opened, &why);
        if (rc == BFC_E_CORRUPT) /* its object's header */
            continue;
        if (rc < 0 && err)
            *err = why;
        BFC_TRY(rc);
    }
    return 0;
}

static int try_password(struct search *s, const uint8_t *password, size_t len, bfc_err *err)
{
    s->given = true;
    BFC_TRY(bfci_argon2id(s->key, password, len, s->v->header.salt, PASSES, MEMORY_KIB, err));
    return try_key(s, err);
}

static int try_prompt(struct search *s, bfc_err *err)
{
    for (unsigned attempt = 1; attempt <= PROMPTS_MAX && !s->found; attempt++) {
        AUTO_SECRET uint8_t *password = NULL;
        const bfc_prompt about = {BFC_PROMPT_OPEN, s->v->name, attempt};
        size_t len = 0;

        BFC_TRY(bfci_keys_ask(s->v->keys, &about, &password, &len, err));
        if (len == 0)
            return 0;
        BFC_TRY(try_password(s, password, len, err));
        if (s->found)
            BFC_TRY(bfci_keys_keep_password(s->v->keys, password, len, err));
    }
    return 0;
}

static int try_all(struct search *s, bfc_err *err)
{
    const bool password = s->v->header.has_salt;
    const bfci_key *key = NULL;

    while (!s->found &&
           (key = bfci_keys_next(s->v->keys, password ? KEY_PASSWORD : KEY_FILE, key))) {
        if (password) {
            BFC_TRY(try_password(s, key->secret, key->len, err));
        } else {
            s->given = true;
            memcpy(s->key, key->secret, V1_KEY_SIZE);
            BFC_TRY(try_key(s, err));
        }
    }
    return password && !s->found && s->v->keys ? try_prompt(s, err) : 0;
}

static int denied(const struct search *s, bfc_err *err)
{
    const char *kind = s->v->header.has_salt ? "password" : "key file";

    if (!s->given)
        return bfci_fail(err, BFC_E_DENIED, "it is encrypted with a %s, and none was given (--%s)",
                         kind, s->v->header.has_salt ? "password-file" : "key-file");
    if (s->sealed_count == 1)
        return bfci_fail(err, BFC_E_DENIED, "wrong %s, or the only encrypted file in it is damaged",
                         kind);
    return bfci_fail(err, BFC_E_DENIED, "wrong %s: it opens none of the %zu encrypted files %s",
                     kind, s->probes,
                     s->probes == s->sealed_count ? "in the container" : "that were tried");
}

static void choose_probes(struct search *s)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < s->v->entry_count; i++)
        if (s->v->entry[i].sealed)
            add_probe(s, &s->v->entry[i]);
    s->sealed_count = s->v->sealed_count;
    for (size_t i = 0; i < s->probes; i++) {
        bytes += s->probe[i]->size;
        if (i > 0 && bytes > PROBE_BYTES_MAX)
            s->probes = i;
    }
}

int bfci_v1_unlock(bfci_v1 *v, bfc_err *err)
{
    AUTO_SECRET uint8_t *key = NULL;
    struct search s = {.v = v};

    if (v->key)
        return 0;
    choose_probes(&s);
    BFC_TRY(bfci_secret_new(V1_KEY_SIZE, &key, err));
    s.key = key;
    bfci_keys_lock(v->keys);
    int rc = try_all(&s, err);
    bfci_keys_unlock(v->keys);
    BFC_TRY(rc);
    if (!s.found)
        return denied(&s, err);
    v->key = bfci_steal(&key);
    return 0;
}
