/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures as bytes and as text. What is signed begins with a prefix that nothing else signs, and
 * holds the digest and the time: neither can be exchanged for another. */
#include "format/signature.h"

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "format/key_text.h"

_Static_assert(sizeof SIGNED_PREFIX == SIGNED_AT_ROOT_DIGEST, "the prefix ends with its zero byte");
_Static_assert(sizeof SIGNATURE_TEXT_PREFIX + BFCI_BASE64_SIZE(SIGNATURE_TEXT_SIZE) - 1 <=
                   BFC_SIGNATURE_TEXT_MAX,
               "room for a signature");
_Static_assert(BFC_SIGNER_SIZE == BFCI_KEY_SIZE && BFC_SIGNATURE_SIZE == BFCI_SIGNATURE_SIZE,
               "as the codec has it");

/* ── What is signed ── */

static void encode_signed(const bfc_signature *s, uint8_t out[SIGNED_SIZE])
{
    memcpy(out + SIGNED_AT_PREFIX, SIGNED_PREFIX, sizeof SIGNED_PREFIX);
    memcpy(out + SIGNED_AT_ROOT_DIGEST, s->root_digest, BFC_DIGEST_SIZE);
    put_u64le(out + SIGNED_AT_TIME, (uint64_t)s->time);
}

int bfci_signature_make(bfc_signature *s, const uint8_t seed[BFCI_KEY_SIZE], bfc_err *err)
{
    uint8_t message[SIGNED_SIZE];

    encode_signed(s, message);
    BFC_TRY(bfci_sign_public(s->signer, seed, err));
    return bfci_sign(s->bytes, seed, message, sizeof message, err);
}

int bfc_signature_check(const bfc_signature *signature, bool *valid, bfc_err *err)
{
    uint8_t message[SIGNED_SIZE];

    encode_signed(signature, message);
    return bfci_sign_verify(signature->bytes, signature->signer, message, sizeof message, valid,
                            err);
}

void bfc_signer_text(const uint8_t signer[BFC_SIGNER_SIZE], char out[BFC_KEY_TEXT_MAX])
{
    bfci_key_text_encode(KEY_FORM_SIGNER, signer, out);
}

/* ── Entries ── */

bfci_span bfci_signature_key(uint8_t out[SIGNATURE_KEY_SIZE],
                             const uint8_t root_digest[BFC_DIGEST_SIZE],
                             const uint8_t signer[BFC_SIGNER_SIZE])
{
    memcpy(out + SIGNATURE_KEY_AT_ROOT_DIGEST, root_digest, BFC_DIGEST_SIZE);
    memcpy(out + SIGNATURE_KEY_AT_SIGNER, signer, BFC_SIGNER_SIZE);
    return (bfci_span){out, SIGNATURE_KEY_SIZE};
}

void bfci_signature_value_encode(buf *b, const bfc_signature *s)
{
    buf_u8(b, SIGNATURE_FORM_ED25519);
    buf_u64(b, (uint64_t)s->time);
    bfci_buf_put(b, s->bytes, BFC_SIGNATURE_SIZE);
}

static void take(rd *r, uint8_t *out, size_t len)
{
    const uint8_t *bytes = rd_take(r, len);
    if (bytes)
        memcpy(out, bytes, len);
}

int bfci_signature_decode(bfci_span key, bfci_span value, bfc_signature *out, bool *known,
                          bfc_err *err)
{
    bfc_signature s = {0};

    if (key.len != SIGNATURE_KEY_SIZE)
        return bfci_fail(err, BFC_E_CORRUPT, "a signature with a key of %zu bytes, not of %d",
                         key.len, SIGNATURE_KEY_SIZE);
    if (value.len == 0 || value.p[SIGNATURE_AT_FORM] == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "a signature without a form");
    if (value.p[SIGNATURE_AT_FORM] != SIGNATURE_FORM_ED25519) {
        *known = false;
        return 0;
    }
    rd r = rd_over(value.p + SIGNATURE_AT_TIME, value.len - SIGNATURE_AT_TIME);
    s.time = (int64_t)rd_u64(&r);
    take(&r, s.bytes, sizeof s.bytes);
    if (!rd_finished(&r))
        return bfci_fail(err, BFC_E_CORRUPT, "a signature of %zu bytes, not of %d", value.len,
                         SIGNATURE_VALUE_SIZE);
    memcpy(s.root_digest, key.p + SIGNATURE_KEY_AT_ROOT_DIGEST, BFC_DIGEST_SIZE);
    memcpy(s.signer, key.p + SIGNATURE_KEY_AT_SIGNER, BFC_SIGNER_SIZE);
    *out = s;
    *known = true;
    return 0;
}

/* ── Text ── */

void bfc_signature_text(const bfc_signature *signature, char out[BFC_SIGNATURE_TEXT_MAX])
{
    static const size_t prefix_len = sizeof SIGNATURE_TEXT_PREFIX - 1;
    uint8_t raw[SIGNATURE_TEXT_SIZE] = {SIGNATURE_FORM_ED25519};

    memcpy(raw + SIGNATURE_TEXT_AT_ROOT_DIGEST, signature->root_digest, BFC_DIGEST_SIZE);
    memcpy(raw + SIGNATURE_TEXT_AT_SIGNER, signature->signer, BFC_SIGNER_SIZE);
    put_u64le(raw + SIGNATURE_TEXT_AT_TIME, (uint64_t)signature->time);
    memcpy(raw + SIGNATURE_TEXT_AT_SIGNATURE, signature->bytes, BFC_SIGNATURE_SIZE);
    put_u32le(raw + SIGNATURE_TEXT_AT_CRC, bfci_crc32c(raw, SIGNATURE_TEXT_AT_CRC));
    memcpy(out, SIGNATURE_TEXT_PREFIX, prefix_len);
    bfci_base64url(raw, sizeof raw, out + prefix_len);
}

int bfci_signature_text_decode(const char *text, size_t len, bfc_signature *out, bfc_err *err)
{
    static const size_t prefix_len = sizeof SIGNATURE_TEXT_PREFIX - 1;
    uint8_t raw[SIGNATURE_TEXT_SIZE];
    bfc_signature s = {0};

    if (len < prefix_len || memcmp(text, SIGNATURE_TEXT_PREFIX, prefix_len) != 0)
        return bfci_fail(err, BFC_E_INVALID, "no signature: it does not start with '%s'",
                         SIGNATURE_TEXT_PREFIX);
    if (!bfci_unbase64url(text + prefix_len, len - prefix_len, raw, sizeof raw) ||
        get_u32le(raw + SIGNATURE_TEXT_AT_CRC) != bfci_crc32c(raw, SIGNATURE_TEXT_AT_CRC))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "not a whole signature behind '%s': it was cut or "
                         "changed",
                         SIGNATURE_TEXT_PREFIX);
    rd r = rd_over(raw, SIGNATURE_TEXT_AT_CRC);
    if (rd_u8(&r) != SIGNATURE_FORM_ED25519)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a signature of a form that this version does "
                         "not know (%u)",
                         raw[SIGNATURE_TEXT_AT_FORM]);
    take(&r, s.root_digest, sizeof s.root_digest);
    take(&r, s.signer, sizeof s.signer);
    s.time = (int64_t)rd_u64(&r);
    take(&r, s.bytes, sizeof s.bytes);
    *out = s;
    return 0;
}
