/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a bunch of keys. Keys are only ever added at its end, so that whoever tries them
 * one by one is not disturbed by a password that another thread asked for. */
#ifndef BFCI_CONTAINER_KEYS_H
#define BFCI_CONTAINER_KEYS_H

#include <bfc/keys.h>

#include "codec/secret.h"

enum bfci_key_kind {
    KEY_PASSWORD,
    KEY_FILE,
    KEY_IDENTITY, /* secret and public key */
    KEY_RECIPIENT /* public key alone */
};

typedef struct bfci_key {
    enum bfci_key_kind kind;
    uint8_t *secret; /* len bytes, locked; NULL for a recipient */
    size_t len;
    uint8_t public_key[BFCI_KEY_SIZE]; /* identity, recipient */
    struct bfci_key *next;
} bfci_key;

/* The next one of that kind behind `after`, or the first for NULL; NULL at the end. `keys` may be
 * NULL. A key lives as long as the bunch. */
const bfci_key *bfci_keys_next(const bfc_keys *keys, enum bfci_key_kind kind,
                               const bfci_key *after);
/* Whether there is any key that could open something. */
bool bfci_keys_can_open(const bfc_keys *keys);
/* Whether nothing was given; somebody could be asked all the same. */
bool bfci_keys_empty(const bfc_keys *keys);
const bfc_hooks *bfci_keys_hooks(const bfc_keys *keys); /* may be NULL */

/* Passwords are tried between these, by one thread at a time. */
void bfci_keys_lock(const bfc_keys *keys);
void bfci_keys_unlock(const bfc_keys *keys);

/* Asks for a password. *password has BFC_PASSWORD_MAX bytes; it is the caller's, also after
 * success without an answer: *len is 0 when there is nobody to ask. */
int bfci_keys_ask(const bfc_keys *keys, const bfc_prompt *about, uint8_t **password, size_t *len,
                  bfc_err *err);
/* Keeps a password that was asked for. */
int bfci_keys_keep_password(const bfc_keys *keys, const uint8_t *password, size_t len,
                            bfc_err *err);

/* Takes a key of another bunch over. */
int bfci_keys_take(bfc_keys *keys, const bfci_key *key, bfc_err *err);
int bfci_keys_take_recipient(bfc_keys *keys, const uint8_t public_key[BFCI_KEY_SIZE], bfc_err *err);

/* What bfc_keys_set_cost() set; false if the cost is to be chosen. */
bool bfci_keys_cost(const bfc_keys *keys, uint32_t *passes, uint32_t *memory_kib);
/* What takes about a second here; measured once a process. Never fails for want of a measure: then
 * it is the least that is ever chosen. */
void bfci_cost_chosen(uint32_t *passes, uint32_t *memory_kib);
/* What follows from the time that 3 passes over 64 MiB took; 0: not known. */
void bfci_cost_of(uint64_t measured_ns, uint32_t *passes, uint32_t *memory_kib);

/* Secrets in files. Each reads into locked memory, which the caller frees. */
enum bfci_secret_kind {
    SECRET_LINE, /* the first line, without its newline */
    SECRET_ALL
};
/* At most `max` bytes, BFC_E_LIMIT beyond; `word` is what messages call it. */
int bfci_secret_read(const char *path, enum bfci_secret_kind kind, const char *word, size_t max,
                     const bfc_hooks *hooks, uint8_t **secret, size_t *len, bfc_err *err);
int bfci_secret_read_line_fd(int fd, size_t max, const bfc_hooks *hooks, uint8_t **secret,
                             size_t *len, bfc_err *err);
/* The secret key of a file, an identity or a signing key. */
int bfci_secret_key_read(const char *path, const bfc_hooks *hooks, enum bfc_key_kind *kind,
                         uint8_t secret_key[BFCI_KEY_SIZE], bfc_err *err);

#endif
