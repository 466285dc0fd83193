/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 by libsodium, which refuses padding and left-over bits, but (as of 1.0.18) takes the bytes
 * 0xAD and 0xDF for "-" and "_": they differ from them in the sign only. */
#include "codec/base64.h"

#include <sodium.h>

void bfci_base64url(const uint8_t *bytes, size_t len, char *out)
{
    sodium_bin2base64(out, BFCI_BASE64_SIZE(len), bytes, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static bool is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] > 0x7F)
            return false;
    return true;
}

bool bfci_unbase64url(const char *text, size_t text_len, uint8_t *bytes, size_t len)
{
    size_t got = 0;
    const char *end = NULL;

    return text_len == BFCI_BASE64_SIZE(len) - 1 && is_ascii(text, text_len) &&
           sodium_base642bin(bytes, len, text, text_len, NULL, &got, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           got == len && end == text + text_len;
}

void bfci_base64(const uint8_t *bytes, size_t len, char *out)
{
    sodium_bin2base64(out, BFCI_BASE64_PADDED_SIZE(len), bytes, len,
                      sodium_base64_VARIANT_ORIGINAL);
}

bool bfci_unbase64(const char *text, size_t text_len, uint8_t *bytes, size_t max, size_t *len)
{
    size_t got = 0;
    const char *end = NULL;

    if (!is_ascii(text, text_len) ||
        sodium_base642bin(bytes, max, text, text_len, NULL, &got, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text + text_len)
        return false;
    *len = got;
    return true;
}
