/* SPDX-License-Identifier: Apache-2.0 */
/* Making bytes from strangers fit for a message: nothing that steers a terminal, hides text or ends
 * the quotes around it gets through. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"

/* Length of the UTF-8 character at bytes, shortest form and no surrogate; 0 if it is none. */
static size_t utf8_len(const unsigned char *bytes, size_t len, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = bytes[0];
    size_t n = first < 0x80       ? 1
               : first >> 5 == 6  ? 2
               : first >> 4 == 14 ? 3
               : first >> 3 == 30 ? 4
                                  : 0;
    if (n == 0 || n > len)
        return 0;

    uint32_t c = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        c = c << 6 | (bytes[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

bool bfci_is_utf8(const char *bytes, size_t len)
{
    uint32_t code = 0;

    for (size_t at = 0, n; at < len; at += n)
        if ((n = utf8_len((const unsigned char *)bytes + at, len - at, &code)) == 0)
            return false;
    return true;
}

static bool printable(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    if (code == '\'' || code == '\\')
        return false;
    /* Line breaks, marks and overrides of writing direction: they show another text than is there.
     */
    if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e))
        return false;
    return !(code >= 0x2060 && code <= 0x2069) && code != 0xfeff;
}

struct bfci_quoted bfci_quote_bytes(const char *bytes, size_t len)
{
    static const char ellipsis[] = "...";
    struct bfci_quoted out;
    const unsigned char *p = (const unsigned char *)bytes;
    size_t room = sizeof out.text - sizeof ellipsis, used = 0;

    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = utf8_len(p + at, len - at, &code);
        bool plain = n > 0 && printable(code);
        if (n == 0)
            n = 1;
        size_t width = plain ? n : 4 * n;
        if (width > room - used) {
            memcpy(out.text + used, ellipsis, sizeof ellipsis);
            return out;
        }
        if (plain)
            memcpy(out.text + used, p + at, n);
        else
            for (size_t i = 0; i < n; i++)
                (void)snprintf(out.text + used + 4 * i, 5, "\\x%02x", p[at + i]);
        used += width;
        at += n;
    }
    out.text[used] = '\0';
    return out;
}
