/* SPDX-License-Identifier: Apache-2.0 */
/* A bunch of keys. It owns its secrets, each in locked memory of its own; a key that is there
 * already is not added twice, as it would take a second slot. */
#include "container/keys.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/hooks.h"
#include "codec/box.h"
#include "container/keyring_parts.h"
#include "format/key_text.h"
#include "sys/file.h"

enum {
    RECIPIENT_FILE_MAX = 64 << 10,
    REMEMBERED_MAX = 16
};

/* A password with a salt and a cost, and the wrapping key that came of it. */
struct remembered {
    uint8_t head[KEY_SLOT_HEAD_SIZE];
    uint8_t *wrapping_key;
};

/* What changes while a bunch is used, also by those who only read with it. */
struct bunch {
    pthread_mutex_t list_lock; /* held to look at or change `first` and `next` */
    pthread_mutex_t turn;      /* held while passwords are tried */
    bfci_key *first, *last;
    struct remembered remembered[REMEMBERED_MAX]; /* by the one whose turn it is */
    size_t remembered_next;                       /* the oldest */
};

struct bfc_keys {
    struct bunch *bunch;
    const bfc_hooks *hooks;
    bfc_prompt_fn *prompt;
    void *prompt_ctx;
    uint32_t passes, memory_kib; /* 0: to be chosen */
};

static void free_key(bfci_key *key)
{
    bfci_secret_free(key->secret);
    free(key);
}
BFCI_DEFINE_AUTO(bfci_key, free_key)

void bfc_keys_free(bfc_keys *keys)
{
    if (!keys)
        return;
    if (keys->bunch) {
        for (bfci_key *key = keys->bunch->first, *next; key; key = next) {
            next = key->next;
            free_key(key);
        }
        for (size_t i = 0; i < REMEMBERED_MAX; i++)
            bfci_secret_free(keys->bunch->remembered[i].wrapping_key);
        (void)pthread_mutex_destroy(&keys->bunch->list_lock);
        (void)pthread_mutex_destroy(&keys->bunch->turn);
        free(keys->bunch);
    }
    free(keys);
}
BFCI_DEFINE_AUTO(bfc_keys, bfc_keys_free)

int bfc_keys_new(const bfc_hooks *hooks, bfc_keys **out, bfc_err *err)
{
    AUTO(bfc_keys) bfc_keys *keys = NULL;
    BFC_TRY(bfci_alloc_zero(1, sizeof *keys, &keys, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *keys->bunch, &keys->bunch, err));
    /* With default attributes neither can fail. */
    (void)pthread_mutex_init(&keys->bunch->list_lock, NULL);
    (void)pthread_mutex_init(&keys->bunch->turn, NULL);
    keys->hooks = hooks;
    *out = bfci_steal(&keys);
    return 0;
}

void bfci_keys_remember(const bfc_keys *keys, const uint8_t *head,
                        const uint8_t wrapping_key[BFCI_KEY_SIZE])
{
    struct remembered *r = &keys->bunch->remembered[keys->bunch->remembered_next];

    if (!r->wrapping_key && bfci_secret_new(BFCI_KEY_SIZE, &r->wrapping_key, NULL) < 0)
        return;
    memcpy(r->head, head, sizeof r->head);
    memcpy(r->wrapping_key, wrapping_key, BFCI_KEY_SIZE);
    keys->bunch->remembered_next = (keys->bunch->remembered_next + 1) % REMEMBERED_MAX;
}

bool bfci_keys_recall(const bfc_keys *keys, const uint8_t *head,
                      uint8_t wrapping_key[BFCI_KEY_SIZE])
{
    for (size_t i = 0; keys && i < REMEMBERED_MAX; i++) {
        const struct remembered *r = &keys->bunch->remembered[i];
        if (!r->wrapping_key || memcmp(r->head, head, sizeof r->head) != 0)
            continue;
        memcpy(wrapping_key, r->wrapping_key, BFCI_KEY_SIZE);
        return true;
    }
    return false;
}

void bfci_keys_lock(const bfc_keys *keys)
{
    if (keys)
        (void)pthread_mutex_lock(&keys->bunch->turn);
}

void bfci_keys_unlock(const bfc_keys *keys)
{
    if (keys)
        (void)pthread_mutex_unlock(&keys->bunch->turn);
}

const bfci_key *bfci_keys_next(const bfc_keys *keys, enum bfci_key_kind kind, const bfci_key *after)
{
    if (!keys)
        return NULL;
    (void)pthread_mutex_lock(&keys->bunch->list_lock);
    const bfci_key *key = after ? after->next : keys->bunch->first;
    while (key && key->kind != kind)
        key = key->next;
    (void)pthread_mutex_unlock(&keys->bunch->list_lock);
    return key;
}

bool bfci_keys_can_open(const bfc_keys *keys)
{
    return bfci_keys_next(keys, KEY_PASSWORD, NULL) || bfci_keys_next(keys, KEY_FILE, NULL) ||
           bfci_keys_next(keys, KEY_IDENTITY, NULL);
}

bool bfci_keys_empty(const bfc_keys *keys)
{
    return !bfci_keys_can_open(keys) && !bfci_keys_next(keys, KEY_RECIPIENT, NULL);
}

const bfc_hooks *bfci_keys_hooks(const bfc_keys *keys)
{
    return keys ? keys->hooks : NULL;
}

static bool same_key(const bfci_key *a, const bfci_key *b)
{
    if (a->kind != b->kind || a->len != b->len)
        return false;
    return a->secret ? bfci_same(a->secret, b->secret, a->len)
                     : memcmp(a->public_key, b->public_key, BFCI_KEY_SIZE) == 0;
}

/* Takes the key over in any case. */
static void append(const bfc_keys *keys, bfci_key *key)
{
    struct bunch *bunch = keys->bunch;
    bool known = false;

    (void)pthread_mutex_lock(&bunch->list_lock);
    for (const bfci_key *k = bunch->first; k && !known; k = k->next)
        known = same_key(k, key);
    if (!known) {
        if (bunch->last)
            bunch->last->next = key;
        else
            bunch->first = key;
        bunch->last = key;
    }
    (void)pthread_mutex_unlock(&bunch->list_lock);
    if (known)
        free_key(key);
}

static int add_secret(const bfc_keys *keys, enum bfci_key_kind kind, const uint8_t *secret,
                      size_t len, bfc_err *err)
{
    AUTO(bfci_key) bfci_key *key = NULL;
    BFC_TRY(bfci_alloc_zero(1, sizeof *key, &key, err));
    BFC_TRY(bfci_secret_new(len, &key->secret, err));
    memcpy(key->secret, secret, len);
    key->kind = kind;
    key->len = len;
    if (kind == KEY_IDENTITY)
        BFC_TRY(bfci_box_public(key->public_key, key->secret, err));
    append(keys, bfci_steal(&key));
    return 0;
}

int bfci_keys_keep_password(const bfc_keys *keys, const uint8_t *password, size_t len, bfc_err *err)
{
    return add_secret(keys, KEY_PASSWORD, password, len, err);
}

int bfc_keys_add_password(bfc_keys *keys, const void *password, size_t len, bfc_err *err)
{
    if (len == 0)
        return bfci_fail(err, BFC_E_INVALID, "an empty password protects nothing");
    if (len > BFC_PASSWORD_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a password of %zu bytes: at most %d are allowed", len,
                         BFC_PASSWORD_MAX);
    return add_secret(keys, KEY_PASSWORD, password, len, err);
}

static int read_password_file(const char *path, const bfc_hooks *hooks, uint8_t **password,
                              size_t *len, bfc_err *err)
{
    BFC_TRY(bfci_secret_read(path, SECRET_LINE, "password", BFC_PASSWORD_MAX, hooks, password, len,
                             err));
    if (*len == 0)
        return bfci_fail(err, BFC_E_INVALID, "password file '%s': its first line is empty",
                         BFCI_QUOTE_STR(path));
    return 0;
}

int bfc_keys_add_password_file(bfc_keys *keys, const char *path, bfc_err *err)
{
    AUTO_SECRET uint8_t *password = NULL;
    size_t len = 0;

    BFC_TRY(read_password_file(path, keys->hooks, &password, &len, err));
    return add_secret(keys, KEY_PASSWORD, password, len, err);
}

int bfc_password_read_file(const char *path, const bfc_hooks *hooks, char *password, size_t *len,
                           bfc_err *err)
{
    AUTO_SECRET uint8_t *read = NULL;
    size_t read_len = 0;

    BFC_TRY(read_password_file(path, hooks, &read, &read_len, err));
    memcpy(password, read, read_len);
    *len = read_len;
    return 0;
}

int bfc_keys_add_password_fd(bfc_keys *keys, int fd, bfc_err *err)
{
    AUTO_SECRET uint8_t *password = NULL;
    size_t len = 0;

    int rc = bfci_secret_read_line_fd(fd, BFC_PASSWORD_MAX, keys->hooks, &password, &len, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "read a password from descriptor %d", fd);
    if (len == 0)
        return bfci_fail(err, BFC_E_INVALID, "descriptor %d: its first line is empty, no password",
                         fd);
    return add_secret(keys, KEY_PASSWORD, password, len, err);
}

int bfc_keys_add_key_file(bfc_keys *keys, const char *path, bfc_err *err)
{
    AUTO_SECRET uint8_t *secret = NULL;
    size_t len = 0;

    int rc = bfci_secret_read(path, SECRET_ALL, "key", BFC_KEY_FILE_SIZE, keys->hooks, &secret,
                              &len, err);
    if (rc == BFC_E_LIMIT || (rc == 0 && len != BFC_KEY_FILE_SIZE))
        return bfci_fail(err, BFC_E_INVALID,
                         "key file '%s' has %s than %d bytes: it must have exactly that many; a "
                         "text is a password, not a key file",
                         BFCI_QUOTE_STR(path), rc == 0 ? "fewer" : "more", BFC_KEY_FILE_SIZE);
    BFC_TRY(rc);
    return add_secret(keys, KEY_FILE, secret, len, err);
}

int bfc_keys_add_identity(bfc_keys *keys, const char *path, bfc_err *err)
{
    AUTO_SECRET uint8_t *secret = NULL;
    enum bfc_key_kind kind = BFC_KEY_IDENTITY;

    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &secret, err));
    BFC_TRY(bfci_secret_key_read(path, keys->hooks, &kind, secret, err));
    if (kind != BFC_KEY_IDENTITY)
        return bfci_fail(err, BFC_E_INVALID, "'%s' holds a signing key: an identity is needed",
                         BFCI_QUOTE_STR(path));
    return add_secret(keys, KEY_IDENTITY, secret, BFCI_KEY_SIZE, err);
}

int bfci_keys_take(bfc_keys *keys, const bfci_key *key, bfc_err *err)
{
    return add_secret(keys, key->kind, key->secret, key->len, err);
}

int bfci_keys_take_recipient(bfc_keys *keys, const uint8_t public_key[BFCI_KEY_SIZE], bfc_err *err)
{
    bfci_key *key = NULL;
    BFC_TRY(bfci_alloc_zero(1, sizeof *key, &key, err));
    key->kind = KEY_RECIPIENT;
    memcpy(key->public_key, public_key, BFCI_KEY_SIZE);
    append(keys, key);
    return 0;
}

static int add_recipient(bfc_keys *keys, const char *text, size_t len, bfc_err *err)
{
    uint8_t public_key[BFCI_KEY_SIZE];
    BFC_TRY(bfci_key_text_decode_as(text, len, KEY_FORM_RECIPIENT, public_key, err));
    return bfci_keys_take_recipient(keys, public_key, err);
}

int bfc_keys_add_recipient(bfc_keys *keys, const char *text, bfc_err *err)
{
    int rc = add_recipient(keys, text, strlen(text), err);
    return rc < 0 ? bfci_wrap(err, rc, "recipient") : 0;
}

int bfc_keys_add_recipient_file(bfc_keys *keys, const char *path, bfc_err *err)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0, count = 0;
    unsigned number = 0;

    int rc = bfci_read_file(AT_FDCWD, path, RECIPIENT_FILE_MAX, &text, &len, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "recipients");
    for (const char *line = (const char *)text, *end = line + len; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t line_len = (size_t)((stop ? stop : end) - line);
        number++;
        if (line_len > 0 && line[0] != '#') {
            rc = add_recipient(keys, line, line_len, err);
            if (rc < 0)
                return bfci_wrap(err, rc, "recipients in '%s', line %u", BFCI_QUOTE_STR(path),
                                 number);
            count++;
        }
        line += line_len + 1;
    }
    if (count == 0)
        return bfci_fail(err, BFC_E_INVALID, "recipients in '%s': there are none",
                         BFCI_QUOTE_STR(path));
    return 0;
}

void bfc_keys_set_prompt(bfc_keys *keys, bfc_prompt_fn *fn, void *ctx)
{
    keys->prompt = fn;
    keys->prompt_ctx = ctx;
}

int bfci_keys_ask(const bfc_keys *keys, const bfc_prompt *about, uint8_t **password, size_t *len,
                  bfc_err *err)
{
    AUTO_SECRET uint8_t *got = NULL;
    size_t got_len = 0;
    bfc_err unheard = BFC_ERR_INIT; /* a callback always has one to fill in */

    *len = 0;
    if (!keys || !keys->prompt)
        return 0;
    BFC_TRY(bfci_secret_new(BFC_PASSWORD_MAX, &got, err));
    int rc = keys->prompt(keys->prompt_ctx, about, (char *)got, &got_len, err ? err : &unheard);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    if (got_len == 0 || got_len > BFC_PASSWORD_MAX)
        return bfci_fail(err, BFC_E_DENIED, "no password was given");
    *password = bfci_steal(&got);
    *len = got_len;
    return 0;
}

int bfc_keys_set_cost(bfc_keys *keys, uint32_t passes, uint32_t memory_kib, bfc_err *err)
{
    if ((passes == 0) != (memory_kib == 0))
        return bfci_fail(err, BFC_E_INVALID, "a password's cost is passes and memory: give both");
    if (passes > 0)
        BFC_TRY(bfci_key_slot_check_cost("a password's cost", passes, memory_kib, err));
    keys->passes = passes;
    keys->memory_kib = memory_kib;
    return 0;
}

bool bfci_keys_cost(const bfc_keys *keys, uint32_t *passes, uint32_t *memory_kib)
{
    if (!keys || keys->passes == 0)
        return false;
    *passes = keys->passes;
    *memory_kib = keys->memory_kib;
    return true;
}
