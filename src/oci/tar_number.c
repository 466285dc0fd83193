/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as tar archives write them: octal or base-256 in header blocks, decimal in extended
 * headers. All are 64 bits with a sign; more is refused, never cut. */
#include "oci/tar_parts.h"

enum {
    NS_DIGITS = 9
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\0';
}

static bool octal(const uint8_t *field, size_t len, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;

    while (len > 0 && is_blank(field[len - 1]))
        len--;
    while (i < len && is_blank(field[i]))
        i++;
    for (; i < len && field[i] != '\0'; i++)
        if (field[i] < '0' || field[i] > '7' || bfci_mul_overflows(value, 8, &value) ||
            bfci_add_overflows(value, field[i] - '0', &value))
            return false;
    *out = value;
    return true;
}

/* Two's complement, the highest byte first; its highest bit says only that this is base-256. */
static bool base256(const uint8_t *field, size_t len, int64_t *out)
{
    bool negative = field[0] & 0x40;
    uint8_t flip = negative ? 0xff : 0;
    uint64_t value = (field[0] ^ flip) & 0x3f;

    for (size_t i = 1; i < len; i++) {
        if (value >> 55)
            return false;
        value = value << 8 | (field[i] ^ flip);
    }
    *out = negative ? -1 - (int64_t)value : (int64_t)value;
    return true;
}

bool bfci_tar_number(const uint8_t *field, size_t len, int64_t *out)
{
    return field[0] & 0x80 ? base256(field, len, out) : octal(field, len, out);
}

bool bfci_tar_decimal(const char *text, size_t len, int64_t *out)
{
    int64_t value = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9' || bfci_mul_overflows(value, 10, &value) ||
            bfci_add_overflows(value, text[i] - '0', &value))
            return false;
    if (len > 0)
        *out = value;
    return len > 0;
}

static bool fraction(const char *text, size_t len, uint32_t *ns)
{
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    for (size_t i = 0; i < NS_DIGITS; i++)
        value = value * 10 + (i < len ? (uint32_t)(text[i] - '0') : 0);
    *ns = value;
    return true;
}

bool bfci_tar_time(const char *text, size_t len, int64_t *seconds, uint32_t *ns)
{
    bool negative = len > 0 && text[0] == '-';
    int64_t whole;
    uint32_t part = 0;

    text += negative;
    len -= negative;
    const char *dot = memchr(text, '.', len);
    size_t whole_len = dot ? (size_t)(dot - text) : len;
    if (!bfci_tar_decimal(text, whole_len, &whole) ||
        (dot && !fraction(dot + 1, len - whole_len - 1, &part)))
        return false;
    *seconds = !negative ? whole : part ? -1 - whole : -whole;
    *ns = negative && part ? 1000000000 - part : part;
    return true;
}
