/* SPDX-License-Identifier: Apache-2.0 */
/* How libarchive writes extended attributes: "%" and two hexadecimal digits for odd bytes of a
 * name, base64 (without "=" at its end, which is allowed here) for the value. */
#include "oci/tar_parts.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool bfci_tar_unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int high = hex_digit(in[1]);
        int low = high < 0 ? -1 : hex_digit(in[2]);
        if (low < 0 || high + low == 0)
            return false;
        *out++ = (char)(high << 4 | low);
        in += 2;
    }
    *out = '\0';
    return true;
}

void bfci_tar_escape(buf *out, const char *text)
{
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c > ' ' && c < 0x7f && c != '%' && c != '=')
            buf_u8(out, c);
        else
            bfci_buf_printf(out, "%%%02X", c);
    }
}

static int sixbits(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool bfci_tar_base64(char *text, size_t *len)
{
    size_t in_len = *len, out = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t equals = 0; equals < 2 && in_len > 0 && text[in_len - 1] == '='; equals++)
        in_len--;
    for (size_t i = 0; i < in_len; i++) {
        int six = sixbits(text[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text[out++] = (char)(uint8_t)(bits >> held);
        }
    }
    *len = out;
    return in_len % 4 != 1;
}

void bfci_tar_put_base64(buf *out, const uint8_t *bytes, size_t len)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        size_t count = MIN(len - i, (size_t)3);
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (count > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (count > 2)
            bits |= bytes[i + 2];
        for (size_t d = 0; d <= count; d++)
            buf_u8(out, (uint8_t)digit[bits >> (18 - 6 * d) & 63]);
    }
}
