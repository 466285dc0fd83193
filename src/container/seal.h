/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a sealed container that was opened with a key: its file key, and which segment, and
 * so which segment key, an offset belongs to. docs/format.md, section 11. */
#ifndef BFCI_CONTAINER_SEAL_H
#define BFCI_CONTAINER_SEAL_H

#include <stdatomic.h>

#include <bfc/keys.h>

#include "container/chain.h"
#include "format/key_slot.h"

/* Threads may share it. */
typedef struct bfci_seal bfci_seal;

/* Opens the container whose last commit is `last` with one of `keys`; of the file `fd`, which is
 * borrowed, older commit records are read when they are needed. `what` is the container's name for
 * words to the user. BFC_E_DENIED: there are no keys, or none fits. */
int bfci_seal_open(int fd, const bfci_super *super, const bfci_commit *last, const bfc_keys *keys,
                   const char *what, bfci_seal **out, bfc_err *err);
/* For a container that is to be made: a file key is drawn, and wrapped for each of `keys`. */
int bfci_seal_new(const uint8_t uuid[BFC_UUID_SIZE], const bfc_keys *keys, int64_t time,
                  bfci_seal **out, bfc_err *err);
/* Likewise, with the file key and the slots of another container. */
int bfci_seal_inherit(const uint8_t uuid[BFC_UUID_SIZE], const bfci_seal *from, bfci_seal **out,
                      bfc_err *err);
/* Changes which keys open what is written from now on: a slot more for each key of the bunch, or
 * one less. Not while a sealer of it is in use. */
int bfci_seal_add_keys(bfci_seal *s, const bfc_keys *keys, int64_t time, bfc_err *err);
void bfci_seal_clear_slot(bfci_seal *s, unsigned number);
/* The same keys as far as they are known, for a container with another file key: those of `keys`
 * that fit a slot of `s`, and all recipients, go into `kept`; slots that are not for one of them
 * are marked in `dropped`. */
int bfci_seal_known_keys(const bfci_seal *s, const bfc_keys *keys, bfc_keys *kept,
                         bool dropped[BFCI_KEY_SLOTS], bfc_err *err);
void bfci_seal_free(bfci_seal *s); /* wipes; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_seal, bfci_seal_free)

/* Decodes the sealed fields of a commit of this container into `c`. */
int bfci_seal_open_commit(bfci_seal *s, const uint8_t record[COMMIT_SIZE], bfci_commit *c,
                          bfc_err *err);

/* What one thread opens payloads with. */
typedef struct bfci_opener {
    bfci_aead *aead; /* has the key of `segment` */
    uint8_t *key;    /* memory for it while it is derived */
    const bfci_seal *of;
    uint64_t segment;
} bfci_opener;
void bfci_opener_release(bfci_opener *o);

/* Opens a payload in place: *len bytes from SEALED_AT_CIPHERTEXT on. */
int bfci_seal_open_payload(bfci_seal *s, bfci_opener *o, bfci_frame_id frame, const bfci_ref *ref,
                           uint8_t *payload, size_t *len, bfc_err *err);

/* ── Writing a segment ── */

/* Workers share it: each payload takes the next number of one counter. */
typedef struct bfci_sealer bfci_sealer;
/* Draws the salt of the segment that starts at `start`: one sealer for each attempt to write one.
 * `seal` is borrowed for its life. */
int bfci_sealer_new(const bfci_seal *seal, uint64_t start, bfci_sealer **out, bfc_err *err);
void bfci_sealer_free(bfci_sealer *s); /* wipes; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_sealer, bfci_sealer_free)
/* What one thread seals with: it has the segment's key. */
int bfci_sealer_aead(const bfci_sealer *s, bfci_aead **out, bfc_err *err);
/* As bfci_sealed_close(), with the next counter. */
int bfci_sealer_close(bfci_sealer *s, bfci_aead *aead, bfci_frame_id frame, uint8_t *payload,
                      size_t len, bfc_err *err);
/* Encodes the segment's commit record, and seals it. Once. */
int bfci_sealer_commit(bfci_sealer *s, const bfci_super *super, bfci_commit *c,
                       uint8_t record[COMMIT_SIZE], bfc_err *err);

#endif
