/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed boxes: X25519 with an ephemeral key, XSalsa20-Poly1305 under what both make. */
#include "codec/box.h"

#include <sodium.h>

_Static_assert(crypto_box_PUBLICKEYBYTES == BFCI_KEY_SIZE &&
                   crypto_box_SECRETKEYBYTES == BFCI_KEY_SIZE &&
                   crypto_box_SEALBYTES == BFCI_BOX_EXTRA,
               "sizes of libsodium's box");

int bfci_x25519(uint8_t out[BFCI_KEY_SIZE], const uint8_t scalar[BFCI_KEY_SIZE],
                const uint8_t point[BFCI_KEY_SIZE], bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    if (crypto_scalarmult(out, scalar, point) != 0)
        return bfci_fail(err, BFC_E_INVALID, "that is no X25519 public key: its order is small");
    return 0;
}

int bfci_box_public(uint8_t public_key[BFCI_KEY_SIZE], const uint8_t secret_key[BFCI_KEY_SIZE],
                    bfc_err *err)
{
    static const uint8_t base[BFCI_KEY_SIZE] = {9}; /* RFC 7748, section 4.1 */
    return bfci_x25519(public_key, secret_key, base, err);
}

int bfci_box_pair(uint8_t public_key[BFCI_KEY_SIZE], uint8_t secret_key[BFCI_KEY_SIZE],
                  bfc_err *err)
{
    BFC_TRY(bfci_random(secret_key, BFCI_KEY_SIZE, err));
    return bfci_box_public(public_key, secret_key, err);
}

int bfci_box_seal(const uint8_t public_key[BFCI_KEY_SIZE], const uint8_t *in, size_t len,
                  uint8_t *out, bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    if (crypto_box_seal(out, in, len, public_key) != 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "the recipient's key is no X25519 public key: its order is small");
    return 0;
}

int bfci_box_open(const uint8_t public_key[BFCI_KEY_SIZE], const uint8_t secret_key[BFCI_KEY_SIZE],
                  const uint8_t *box, size_t len, uint8_t *out, bool *opened, bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    if (len < BFCI_BOX_EXTRA)
        return bfci_fail(err, BFC_E_INVALID, "a sealed box of %zu bytes is too short", len);
    *opened = crypto_box_seal_open(out, box, len, public_key, secret_key) == 0;
    if (!*opened)
        bfci_wipe(out, len - BFCI_BOX_EXTRA);
    return 0;
}
