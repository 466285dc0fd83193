/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519. libsodium's secret key is the seed with the public key behind it; it is made anew for
 * each signature, so that only the seed has to be kept. */
#include "codec/sign.h"

#include <sodium.h>

_Static_assert(crypto_sign_SEEDBYTES == BFCI_KEY_SIZE &&
                   crypto_sign_PUBLICKEYBYTES == BFCI_KEY_SIZE &&
                   crypto_sign_BYTES == BFCI_SIGNATURE_SIZE,
               "sizes of libsodium's signatures");

static int fail(bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED, "Ed25519 is not available: libsodium refused it");
}

/* `pair` takes crypto_sign_SECRETKEYBYTES. */
static int expand(uint8_t *public_key, uint8_t *pair, const uint8_t *seed, bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    return crypto_sign_seed_keypair(public_key, pair, seed) == 0 ? 0 : fail(err);
}

int bfci_sign_public(uint8_t public_key[BFCI_KEY_SIZE], const uint8_t seed[BFCI_KEY_SIZE],
                     bfc_err *err)
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES];
    int rc = expand(public_key, pair, seed, err);
    bfci_wipe(pair, sizeof pair);
    return rc;
}

int bfci_sign_pair(uint8_t public_key[BFCI_KEY_SIZE], uint8_t seed[BFCI_KEY_SIZE], bfc_err *err)
{
    BFC_TRY(bfci_random(seed, BFCI_KEY_SIZE, err));
    return bfci_sign_public(public_key, seed, err);
}

int bfci_sign(uint8_t signature[BFCI_SIGNATURE_SIZE], const uint8_t seed[BFCI_KEY_SIZE],
              const void *message, size_t len, bfc_err *err)
{
    uint8_t pair[crypto_sign_SECRETKEYBYTES];
    uint8_t public_key[BFCI_KEY_SIZE];
    int rc = expand(public_key, pair, seed, err);
    if (rc == 0 && crypto_sign_detached(signature, NULL, message, len, pair) != 0)
        rc = fail(err);
    bfci_wipe(pair, sizeof pair);
    return rc;
}

int bfci_sign_verify(const uint8_t signature[BFCI_SIGNATURE_SIZE],
                     const uint8_t public_key[BFCI_KEY_SIZE], const void *message, size_t len,
                     bool *valid, bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    *valid = crypto_sign_verify_detached(signature, message, len, public_key) == 0;
    return 0;
}
