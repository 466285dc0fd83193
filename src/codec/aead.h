/* SPDX-License-Identifier: Apache-2.0 */
/* ChaCha20-Poly1305 (RFC 8439, section 2.8) by OpenSSL. */
#ifndef BFCI_CODEC_AEAD_H
#define BFCI_CODEC_AEAD_H

#include "codec/secret.h"

#define BFCI_NONCE_SIZE 12
#define BFCI_TAG_SIZE 16

/* Holds a key and OpenSSL's state for it; one a thread. */
typedef struct bfci_aead bfci_aead;
int bfci_aead_new(bfci_aead **out, bfc_err *err);
void bfci_aead_free(bfci_aead *aead); /* wipes; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_aead, bfci_aead_free)

/* To be called before the first message. Setting the key that is set already costs nothing. */
int bfci_aead_set_key(bfci_aead *aead, const uint8_t key[BFCI_KEY_SIZE], bfc_err *err);

/* `out` takes len bytes, and may be `in`. `ad` and `in` may be NULL where their length is 0.
 * It is the caller's duty that a key never sees a nonce twice. */
int bfci_aead_seal(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                   size_t ad_len, const uint8_t *in, size_t len, uint8_t *out,
                   uint8_t tag[BFCI_TAG_SIZE], bfc_err *err);

/* With a tag that does not fit *authentic is false, `out` is wiped, and 0 is returned: the caller
 * knows whether that is a wrong key or damage. */
int bfci_aead_open(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                   size_t ad_len, const uint8_t *in, size_t len, const uint8_t tag[BFCI_TAG_SIZE],
                   uint8_t *out, bool *authentic, bfc_err *err);

/* The same for a message that is too long to be held: begin, its pieces in order, end. Nothing that
 * came out may be believed, or handed on, before *authentic is true. `out` takes len bytes, and may
 * be `in`. */
int bfci_aead_open_begin(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                         size_t ad_len, bfc_err *err);
int bfci_aead_open_more(bfci_aead *aead, const uint8_t *in, size_t len, uint8_t *out, bfc_err *err);
int bfci_aead_open_end(bfci_aead *aead, const uint8_t tag[BFCI_TAG_SIZE], bool *authentic,
                       bfc_err *err);

#endif
