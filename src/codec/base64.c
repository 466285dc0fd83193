/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 by libsodium, which refuses padding and left-over bits. */
#include "codec/base64.h"

#include <sodium.h>

void bfci_base64url(const uint8_t *bytes, size_t len, char *out)
{
    sodium_bin2base64(out, BFCI_BASE64_SIZE(len), bytes, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool bfci_unbase64url(const char *text, size_t text_len, uint8_t *bytes, size_t len)
{
    size_t got = 0;
    const char *end = NULL;

    return text_len == BFCI_BASE64_SIZE(len) - 1 &&
           sodium_base642bin(bytes, len, text, text_len, NULL, &got, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           got == len && end == text + text_len;
}
