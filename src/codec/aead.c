/* SPDX-License-Identifier: Apache-2.0 */
/* ChaCha20-Poly1305 by OpenSSL's EVP. The cipher is looked up once an object, and a key is set up
 * once for all messages under it: a message costs a nonce and its bytes. There is a context for
 * each direction, since turning one round makes OpenSSL ask for the key again. */
#include "codec/aead.h"

#include <limits.h>

#include "codec/crypto.h"

struct bfci_aead {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *sealer, *opener;
    uint8_t key[BFCI_KEY_SIZE];
    bool has_key;
};

static int fail(bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED,
                     "ChaCha20-Poly1305 is not available: OpenSSL refused it");
}

void bfci_aead_free(bfci_aead *aead)
{
    if (!aead)
        return;
    bfci_crypto.EVP_CIPHER_CTX_free(aead->sealer); /* OpenSSL wipes its copies of the key */
    bfci_crypto.EVP_CIPHER_CTX_free(aead->opener);
    bfci_crypto.EVP_CIPHER_free(aead->cipher);
    bfci_wipe(aead, sizeof *aead);
    free(aead);
}

int bfci_aead_new(bfci_aead **out, bfc_err *err)
{
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    BFC_TRY(bfci_crypto_load(err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *aead, &aead, err));
    aead->sealer = bfci_crypto.EVP_CIPHER_CTX_new();
    aead->opener = bfci_crypto.EVP_CIPHER_CTX_new();
    if (!aead->sealer || !aead->opener)
        return bfci_fail_nomem(err);
    aead->cipher = bfci_crypto.EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    if (!aead->cipher || bfci_crypto.EVP_CIPHER_get_key_length(aead->cipher) != BFCI_KEY_SIZE ||
        bfci_crypto.EVP_CIPHER_get_iv_length(aead->cipher) != BFCI_NONCE_SIZE)
        return fail(err);
    *out = bfci_steal(&aead);
    return 0;
}

int bfci_aead_set_key(bfci_aead *aead, const uint8_t key[BFCI_KEY_SIZE], bfc_err *err)
{
    if (aead->has_key && bfci_same(aead->key, key, BFCI_KEY_SIZE))
        return 0;
    aead->has_key = false;
    if (bfci_crypto.EVP_EncryptInit_ex2(aead->sealer, aead->cipher, key, NULL, NULL) != 1 ||
        bfci_crypto.EVP_DecryptInit_ex2(aead->opener, aead->cipher, key, NULL, NULL) != 1)
        return fail(err);
    memcpy(aead->key, key, BFCI_KEY_SIZE);
    aead->has_key = true;
    return 0;
}

static int check_message(const bfci_aead *aead, size_t ad_len, size_t len, bfc_err *err)
{
    if (!aead->has_key)
        return bfci_fail(err, BFC_E_INVALID, "no key was set");
    if (ad_len > INT_MAX || len > INT_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a message of %zu bytes is too long to be encrypted",
                         MAX(ad_len, len));
    return 0;
}

/* All of the message but the tag. EVP takes a length of 0 for something else than no bytes. */
static bool run(EVP_CIPHER_CTX *ctx, const void *ad, size_t ad_len, const uint8_t *in, size_t len,
                uint8_t *out)
{
    int done = 0;
    if (ad_len > 0 && bfci_crypto.EVP_CipherUpdate(ctx, NULL, &done, ad, (int)ad_len) != 1)
        return false;
    if (len > 0 &&
        (bfci_crypto.EVP_CipherUpdate(ctx, out, &done, in, (int)len) != 1 || done != (int)len))
        return false;
    return true;
}

int bfci_aead_seal(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                   size_t ad_len, const uint8_t *in, size_t len, uint8_t *out,
                   uint8_t tag[BFCI_TAG_SIZE], bfc_err *err)
{
    EVP_CIPHER_CTX *ctx = aead->sealer;
    uint8_t rest[16]; /* a stream cipher leaves nothing for the end */
    int rest_len = 0;

    BFC_TRY(check_message(aead, ad_len, len, err));
    if (bfci_crypto.EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
        !run(ctx, ad, ad_len, in, len, out) ||
        bfci_crypto.EVP_EncryptFinal_ex(ctx, rest, &rest_len) != 1 || rest_len != 0 ||
        bfci_crypto.EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BFCI_TAG_SIZE, tag) != 1)
        return fail(err);
    return 0;
}

int bfci_aead_open(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                   size_t ad_len, const uint8_t *in, size_t len, const uint8_t tag[BFCI_TAG_SIZE],
                   uint8_t *out, bool *authentic, bfc_err *err)
{
    EVP_CIPHER_CTX *ctx = aead->opener;
    uint8_t want[BFCI_TAG_SIZE]; /* EVP's parameter is not const */
    uint8_t rest[16];
    int rest_len = 0;

    BFC_TRY(check_message(aead, ad_len, len, err));
    memcpy(want, tag, sizeof want);
    if (bfci_crypto.EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
        bfci_crypto.EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, BFCI_TAG_SIZE, want) != 1)
        return fail(err);
    if (!run(ctx, ad, ad_len, in, len, out)) {
        bfci_wipe(out, len);
        return fail(err);
    }
    *authentic = bfci_crypto.EVP_DecryptFinal_ex(ctx, rest, &rest_len) == 1 && rest_len == 0;
    if (!*authentic)
        bfci_wipe(out, len);
    return 0;
}

int bfci_aead_open_begin(bfci_aead *aead, const uint8_t nonce[BFCI_NONCE_SIZE], const void *ad,
                         size_t ad_len, bfc_err *err)
{
    BFC_TRY(check_message(aead, ad_len, 0, err));
    if (bfci_crypto.EVP_DecryptInit_ex2(aead->opener, NULL, NULL, nonce, NULL) != 1 ||
        !run(aead->opener, ad, ad_len, NULL, 0, NULL))
        return fail(err);
    return 0;
}

int bfci_aead_open_more(bfci_aead *aead, const uint8_t *in, size_t len, uint8_t *out, bfc_err *err)
{
    BFC_TRY(check_message(aead, 0, len, err));
    return run(aead->opener, NULL, 0, in, len, out) ? 0 : fail(err);
}

int bfci_aead_open_end(bfci_aead *aead, const uint8_t tag[BFCI_TAG_SIZE], bool *authentic,
                       bfc_err *err)
{
    uint8_t want[BFCI_TAG_SIZE]; /* EVP's parameter is not const */
    uint8_t rest[16];
    int rest_len = 0;

    memcpy(want, tag, sizeof want);
    if (bfci_crypto.EVP_CIPHER_CTX_ctrl(aead->opener, EVP_CTRL_AEAD_SET_TAG, BFCI_TAG_SIZE, want) !=
        1)
        return fail(err);
    *authentic =
        bfci_crypto.EVP_DecryptFinal_ex(aead->opener, rest, &rest_len) == 1 && rest_len == 0;
    return 0;
}
