/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, and digits for digests. OpenSSL has the processor's instructions for it, but loading it
 * and looking the algorithm up takes as long as libsodium takes for a megabyte: so that is what
 * libsodium hashes, in short messages, before OpenSSL is loaded. Which of them did it cannot be
 * told from a digest. */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "codec/crypto.h"
#include "codec/digest.h"

enum {
    SHORT = 64 << 10,    /* the longest message for libsodium */
    ALLOWANCE = 1 << 20, /* bytes for libsodium, in all */
};

struct bfci_sha256_ctx {
    EVP_MD_CTX *run; /* NULL while it was not needed */
    bool running;    /* the message is with OpenSSL; else it is in `held` */
    buf held;
};

static atomic_size_t hashed_without; /* by libsodium, in this process */

static struct {
    pthread_mutex_t lock;
    _Atomic(EVP_MD *) md; /* kept until the process ends */
} sha256 = {PTHREAD_MUTEX_INITIALIZER, NULL};

static int fail(bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED, "SHA-256 is not available: OpenSSL refused it");
}

/* ── OpenSSL's ── */

static EVP_MD *fetch(void)
{
    EVP_MD *md = bfci_crypto.EVP_MD_fetch(NULL, "SHA256", NULL);

    if (md && bfci_crypto.EVP_MD_get_size(md) == BFC_DIGEST_SIZE)
        return md;
    bfci_crypto.EVP_MD_free(md);
    return NULL;
}

/* Looked up once a process: that costs more than hashing a page. */
static int look_up(const EVP_MD **out, bfc_err *err)
{
    EVP_MD *md = atomic_load_explicit(&sha256.md, memory_order_acquire);

    if (!md) {
        BFC_TRY(bfci_crypto_load(err));
        pthread_mutex_lock(&sha256.lock);
        md = atomic_load_explicit(&sha256.md, memory_order_relaxed);
        if (!md)
            md = fetch();
        atomic_store_explicit(&sha256.md, md, memory_order_release);
        pthread_mutex_unlock(&sha256.lock);
    }
    *out = md;
    return md ? 0 : fail(err);
}

static int run_start(bfci_sha256_ctx *ctx, bfc_err *err)
{
    const EVP_MD *md;

    BFC_TRY(look_up(&md, err));
    if (!ctx->run)
        ctx->run = bfci_crypto.EVP_MD_CTX_new();
    if (!ctx->run)
        return bfci_fail_nomem(err);
    ctx->running = bfci_crypto.EVP_DigestInit_ex2(ctx->run, md, NULL) == 1;
    return ctx->running ? 0 : fail(err);
}

static int run_update(bfci_sha256_ctx *ctx, const void *bytes, size_t len, bfc_err *err)
{
    if (len == 0) /* bytes may be NULL then */
        return 0;
    return bfci_crypto.EVP_DigestUpdate(ctx->run, bytes, len) == 1 ? 0 : fail(err);
}

static int run_finish(bfci_sha256_ctx *ctx, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    return bfci_crypto.EVP_DigestFinal_ex(ctx->run, out, NULL) == 1 ? 0 : fail(err);
}

static void release(bfci_sha256_ctx *ctx)
{
    if (ctx->run)
        bfci_crypto.EVP_MD_CTX_free(ctx->run);
    bfci_buf_free(&ctx->held);
}

/* ── Either's ── */

static bool do_without(size_t len)
{
    if (len > SHORT || bfci_crypto_is_loaded())
        return false;
    return atomic_fetch_add_explicit(&hashed_without, len, memory_order_relaxed) + len <= ALLOWANCE;
}

static int hash_without(const void *bytes, size_t len, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    _Static_assert(crypto_hash_sha256_BYTES == BFC_DIGEST_SIZE, "SHA-256 has 32 bytes");
    /* Without sodium_init(): this function has nothing that it would set up, and to look at the
     * processor and to draw random numbers takes as long as all else that opens a container. */
    return crypto_hash_sha256(out, bytes, len) == 0 ? 0 : fail(err);
}

void bfci_sha256_free(bfci_sha256_ctx *ctx)
{
    if (!ctx)
        return;
    release(ctx);
    free(ctx);
}

int bfci_sha256_new(bfci_sha256_ctx **out, bfc_err *err)
{
    return bfci_alloc_zero(1, sizeof **out, out, err);
}

int bfci_sha256_start(bfci_sha256_ctx *ctx, bfc_err *err)
{
    ctx->running = false;
    buf_clear(&ctx->held);
    return bfci_crypto_is_loaded() ? run_start(ctx, err) : 0;
}

int bfci_sha256_update(bfci_sha256_ctx *ctx, const void *bytes, size_t len, bfc_err *err)
{
    if (!ctx->running && len <= SHORT - ctx->held.len) {
        bfci_buf_put(&ctx->held, bytes, len);
        return buf_check(&ctx->held, err);
    }
    if (!ctx->running) {
        BFC_TRY(run_start(ctx, err));
        BFC_TRY(run_update(ctx, ctx->held.data, ctx->held.len, err));
        bfci_buf_free(&ctx->held);
    }
    return run_update(ctx, bytes, len, err);
}

int bfci_sha256_finish(bfci_sha256_ctx *ctx, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    if (ctx->running)
        return run_finish(ctx, out, err);
    return bfci_sha256(ctx->held.data, ctx->held.len, out, err);
}

int bfci_sha256(const void *bytes, size_t len, uint8_t out[BFC_DIGEST_SIZE], bfc_err *err)
{
    __attribute__((cleanup(release))) bfci_sha256_ctx ctx = {0};

    if (do_without(len))
        return hash_without(bytes, len, out, err);
    BFC_TRY(run_start(&ctx, err));
    BFC_TRY(run_update(&ctx, bytes, len, err));
    return run_finish(&ctx, out, err);
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
