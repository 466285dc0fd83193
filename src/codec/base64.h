/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 by libsodium, whose time does not depend on the bytes: for URLs and names without padding
 * (RFC 4648, section 5), and the ordinary one with it (section 4). */
#ifndef BFCI_CODEC_BASE64_H
#define BFCI_CODEC_BASE64_H

#include "base/base.h"

/* Characters for `len` bytes, and the NUL. */
#define BFCI_BASE64_SIZE(len) (((len)*8 + 5) / 6 + 1)

void bfci_base64url(const uint8_t *bytes, size_t len, char *out);
/* False unless `text` is what bfci_base64url() makes of exactly `len` bytes. */
bool bfci_unbase64url(const char *text, size_t text_len, uint8_t *bytes, size_t len);

/* The same with padding, in the alphabet with '+' and '/'. */
#define BFCI_BASE64_PADDED_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void bfci_base64(const uint8_t *bytes, size_t len, char *out);
/* At most `max` bytes; *len tells how many. False unless `text` is what bfci_base64() makes of
 * them: what `bytes` holds then means nothing. */
bool bfci_unbase64(const char *text, size_t text_len, uint8_t *bytes, size_t max, size_t *len);

#endif
