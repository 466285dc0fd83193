/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed payloads: padding, counter, associated data; and the two keys that are made of the file
 * key. Everything happens in place: a payload is a block, and blocks are not to be copied. */
#include "format/sealed.h"

#include "codec/kdf.h"

enum {
    AD_SIZE = 40,
    PAD_MARK = 0x80
};

static void encode_place(const bfci_sealed_place *p, uint8_t out[AD_SIZE])
{
    memcpy(out, "bfcf", 4);
    memcpy(out + 4, p->uuid, BFC_UUID_SIZE);
    put_u64le(out + 20, p->segment);
    out[28] = p->frame.kind;
    out[29] = p->frame.table;
    out[30] = p->frame.level;
    out[31] = 0;
    put_u64le(out + 32, p->frame.block);
}

/* The counter stands in the payload, and four zero bytes behind it make the nonce. */
static void nonce_of(const uint8_t *payload, uint8_t out[BFCI_NONCE_SIZE])
{
    memset(out, 0, BFCI_NONCE_SIZE);
    memcpy(out, payload, SEALED_AT_CIPHERTEXT);
}

int bfci_sealed_close(bfci_aead *aead, const bfci_sealed_place *place, uint64_t counter,
                      uint8_t *payload, size_t len, bfc_err *err)
{
    uint8_t ad[AD_SIZE], nonce[BFCI_NONCE_SIZE];
    uint8_t *text = payload + SEALED_AT_CIPHERTEXT;
    size_t text_len = bfci_sealed_size(len) - SEALED_OVERHEAD;

    text[len] = PAD_MARK;
    memset(text + len + 1, 0, text_len - len - 1);
    put_u64le(payload, counter);
    encode_place(place, ad);
    nonce_of(payload, nonce);
    return bfci_aead_seal(aead, nonce, ad, sizeof ad, text, text_len, text, text + text_len, err);
}

/* The last unit holds the mark, and nothing but zeros behind it. */
static bool unpad(const uint8_t *text, size_t text_len, size_t *len)
{
    size_t at = text_len;

    while (at > text_len - SEALED_UNIT && text[at - 1] == 0)
        at--;
    if (at == text_len - SEALED_UNIT || text[at - 1] != PAD_MARK)
        return false;
    *len = at - 1;
    return true;
}

int bfci_sealed_open(bfci_aead *aead, const bfci_sealed_place *place, uint64_t offset,
                     uint8_t *payload, size_t stored, size_t *len, bfc_err *err)
{
    uint8_t ad[AD_SIZE], nonce[BFCI_NONCE_SIZE];
    uint8_t *text = payload + SEALED_AT_CIPHERTEXT;
    size_t text_len = stored - SEALED_OVERHEAD;
    bool authentic = false;

    if (get_u64le(payload) == 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "a sealed payload without a counter");
    encode_place(place, ad);
    nonce_of(payload, nonce);
    BFC_TRY(bfci_aead_open(aead, nonce, ad, sizeof ad, text, text_len, text + text_len, text,
                           &authentic, err));
    if (!authentic)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset,
                            "%zu encrypted bytes were changed, or belong elsewhere", stored);
    if (!unpad(text, text_len, len))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "a sealed payload with illegal padding");
    return 0;
}

int bfci_segment_key(const uint8_t file_key[BFCI_KEY_SIZE], const uint8_t salt[SEALED_SALT_SIZE],
                     const uint8_t uuid[BFC_UUID_SIZE], uint64_t segment,
                     uint8_t out[BFCI_KEY_SIZE], bfc_err *err)
{
    uint8_t info[16 + BFC_UUID_SIZE + 8] = "bfc segment key";

    memcpy(info + 16, uuid, BFC_UUID_SIZE);
    put_u64le(info + 16 + BFC_UUID_SIZE, segment);
    return bfci_hkdf(out, file_key, BFCI_KEY_SIZE, salt, SEALED_SALT_SIZE, info, sizeof info, err);
}

int bfci_key_check(const uint8_t file_key[BFCI_KEY_SIZE], const uint8_t uuid[BFC_UUID_SIZE],
                   uint8_t out[SEALED_CHECK_SIZE], bfc_err *err)
{
    static const char info[] = "bfc key check"; /* with its NUL */

    return bfci_hkdf(out, file_key, BFCI_KEY_SIZE, uuid, BFC_UUID_SIZE, info, sizeof info, err);
}
