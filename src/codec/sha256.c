/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by OpenSSL, and digits for digests. The algorithm is looked up once an object: that costs
 * more than hashing a short message. */
#include <openssl/evp.h>

#include "codec/digest.h"

struct bfci_sha256_ctx {
    EVP_MD *md;
    EVP_MD_CTX *run;
};

static int fail(bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED, "SHA-256 is not available: OpenSSL refused it");
}

void bfci_sha256_free(bfci_sha256_ctx *ctx)
{
    if (!ctx)
        return;
    EVP_MD_CTX_free(ctx->run);
    EVP_MD_free(ctx->md);
    free(ctx);
}

int bfci_sha256_new(bfci_sha256_ctx **out, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *ctx = NULL;
    BFC_TRY(bfci_alloc_zero(1, sizeof *ctx, &ctx, err));
    ctx->run = EVP_MD_CTX_new();
    if (!ctx->run)
        return bfci_fail_nomem(err);
    ctx->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!ctx->md || EVP_MD_get_size(ctx->md) != BFC_DIGEST_SIZE)
        return fail(err);
    *out = bfci_steal(&ctx);
    return 0;
}

int bfci_sha256_start(bfci_sha256_ctx *ctx, bfc_err *err)
{
    return EVP_DigestInit_ex2(ctx->run, ctx->md, NULL) == 1 ? 0 : fail(err);
}

int bfci_sha256_update(bfci_sha256_ctx *ctx, const void *bytes, size_t len, bfc_err *err)
{
    if (len == 0) /* bytes may be NULL then */
        return 0;
    return EVP_DigestUpdate(ctx->run, bytes, len) == 1 ? 0 : fail(err);
}

int bfci_sha256_finish(bfci_sha256_ctx *ctx, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    return EVP_DigestFinal_ex(ctx->run, out, NULL) == 1 ? 0 : fail(err);
}

int bfci_sha256(const void *bytes, size_t len, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *ctx = NULL;
    BFC_TRY(bfci_sha256_new(&ctx, err));
    BFC_TRY(bfci_sha256_start(ctx, err));
    BFC_TRY(bfci_sha256_update(ctx, bytes, len, err));
    return bfci_sha256_finish(ctx, out, err);
}

void bfci_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bfci_unhex(const char *text, uint8_t *bytes, size_t len)
{
    if (strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; text[i]; i++)
        if (hex_digit(text[i]) < 0)
            return false;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return true;
}
