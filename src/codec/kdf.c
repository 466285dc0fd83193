/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation: HKDF by OpenSSL, Argon2id by libsodium. */
#include "codec/kdf.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <sodium.h>

#include "codec/crypto.h"

static int fail(bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED, "HKDF-SHA-256 is not available: OpenSSL refused it");
}

/* OpenSSL wants a pointer that is not const; it only reads. */
static OSSL_PARAM octets(const char *name, const void *bytes, size_t len)
{
    union {
        const void *in;
        void *out;
    } unconst = {bytes};
    return bfci_crypto.OSSL_PARAM_construct_octet_string(name, unconst.out, len);
}

static int derive(EVP_KDF_CTX *ctx, OSSL_PARAM *params, uint8_t *out, bfc_err *err)
{
    if (!ctx)
        return bfci_fail_nomem(err);
    return bfci_crypto.EVP_KDF_derive(ctx, out, BFCI_KEY_SIZE, params) == 1 ? 0 : fail(err);
}

int bfci_hkdf(uint8_t out[BFCI_KEY_SIZE], const uint8_t *key, size_t key_len, const void *salt,
              size_t salt_len, const void *info, size_t info_len, bfc_err *err)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[5];
    OSSL_PARAM *next = params;

    BFC_TRY(bfci_crypto_load(err));
    EVP_KDF *kdf = bfci_crypto.EVP_KDF_fetch(NULL, "HKDF", NULL);
    if (!kdf)
        return fail(err);
    *next++ = bfci_crypto.OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    *next++ = octets(OSSL_KDF_PARAM_KEY, key, key_len);
    if (salt_len > 0)
        *next++ = octets(OSSL_KDF_PARAM_SALT, salt, salt_len);
    if (info_len > 0)
        *next++ = octets(OSSL_KDF_PARAM_INFO, info, info_len);
    *next = bfci_crypto.OSSL_PARAM_construct_end();

    EVP_KDF_CTX *ctx = bfci_crypto.EVP_KDF_CTX_new(kdf);
    int rc = derive(ctx, params, out, err);
    bfci_crypto.EVP_KDF_CTX_free(ctx);
    bfci_crypto.EVP_KDF_free(kdf);
    return rc;
}

int bfci_argon2id(uint8_t out[BFCI_KEY_SIZE], const uint8_t *password, size_t len,
                  const uint8_t salt[BFCI_ARGON2_SALT_SIZE], unsigned passes, uint32_t memory_kib,
                  bfc_err *err)
{
    _Static_assert(crypto_pwhash_argon2id_SALTBYTES == BFCI_ARGON2_SALT_SIZE, "salt of 16 bytes");
    static const char no_bytes[1];
    const char *text = len > 0 ? (const char *)password : no_bytes;

    BFC_TRY(bfci_sodium_start(err));
    errno = 0;
    if (crypto_pwhash(out, BFCI_KEY_SIZE, text, len, salt, passes, (size_t)memory_kib * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) == 0)
        return 0;
    if (errno == ENOMEM)
        return bfci_fail(err, BFC_E_NOMEM,
                         "out of memory: Argon2id needs %" PRIu32 " KiB for this password",
                         memory_kib);
    return bfci_fail(err, BFC_E_INVALID, "Argon2id does not take %u passes over %" PRIu32 " KiB",
                     passes, memory_kib);
}
