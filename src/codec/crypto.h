/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's libcrypto, loaded by the first cipher, key derivation or long digest: loading it and
 * looking up an algorithm takes several times as long as all else that a short command does. */
#ifndef BFCI_CODEC_CRYPTO_H
#define BFCI_CODEC_CRYPTO_H

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/base.h"

#define BFCI_CRYPTO_FUNCTIONS(X)                                                                   \
    X(EVP_CIPHER_CTX_ctrl)                                                                         \
    X(EVP_CIPHER_CTX_free)                                                                         \
    X(EVP_CIPHER_CTX_new)                                                                          \
    X(EVP_CIPHER_fetch)                                                                            \
    X(EVP_CIPHER_free)                                                                             \
    X(EVP_CIPHER_get_iv_length)                                                                    \
    X(EVP_CIPHER_get_key_length)                                                                   \
    X(EVP_CipherUpdate)                                                                            \
    X(EVP_DecryptFinal_ex)                                                                         \
    X(EVP_DecryptInit_ex2)                                                                         \
    X(EVP_DigestFinal_ex)                                                                          \
    X(EVP_DigestInit_ex2)                                                                          \
    X(EVP_DigestUpdate)                                                                            \
    X(EVP_EncryptFinal_ex)                                                                         \
    X(EVP_EncryptInit_ex2)                                                                         \
    X(EVP_KDF_CTX_free)                                                                            \
    X(EVP_KDF_CTX_new)                                                                             \
    X(EVP_KDF_derive)                                                                              \
    X(EVP_KDF_fetch)                                                                               \
    X(EVP_KDF_free)                                                                                \
    X(EVP_MD_CTX_free)                                                                             \
    X(EVP_MD_CTX_new)                                                                              \
    X(EVP_MD_fetch)                                                                                \
    X(EVP_MD_free)                                                                                 \
    X(EVP_MD_get_size)                                                                             \
    X(OSSL_PARAM_construct_end)                                                                    \
    X(OSSL_PARAM_construct_octet_string)                                                           \
    X(OSSL_PARAM_construct_utf8_string)

/* All NULL before bfci_crypto_load(). */
typedef struct bfci_crypto_functions {
#define BFCI_CRYPTO_FIELD(name) __typeof__(&name) name;
    BFCI_CRYPTO_FUNCTIONS(BFCI_CRYPTO_FIELD)
#undef BFCI_CRYPTO_FIELD
} bfci_crypto_functions;
extern bfci_crypto_functions bfci_crypto;

/* Any thread, any number of times. It stays until the process ends. BFC_E_UNSUPPORTED: it is not
 * there, or lacks what we need. */
int bfci_crypto_load(bfc_err *err);
/* Whether it was loaded: then there is no reason to do without it. */
bool bfci_crypto_is_loaded(void);

#endif
