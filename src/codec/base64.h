/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 for URLs and names, without padding (RFC 4648, section 5); by libsodium, whose time does
 * not depend on the bytes. */
#ifndef BFCI_CODEC_BASE64_H
#define BFCI_CODEC_BASE64_H

#include "base/base.h"

/* Characters for `len` bytes, and the NUL. */
#define BFCI_BASE64_SIZE(len) (((len)*8 + 5) / 6 + 1)

void bfci_base64url(const uint8_t *bytes, size_t len, char *out);
/* False unless `text` is what bfci_base64url() makes of exactly `len` bytes. */
bool bfci_unbase64url(const char *text, size_t text_len, uint8_t *bytes, size_t len);

#endif
