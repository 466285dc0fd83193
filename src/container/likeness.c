/* SPDX-License-Identifier: Apache-2.0 */
#include "container/likeness.h"

#include <string.h>

enum {
    PLAIN = 0,
    PROGRAM = 1, /* may be executed and has no ending: most are machine code */
    LINK = 255,
    ENDING_LEN = 8,
    NAME_LEN = KEY_MAX - 1 - ENDING_LEN - 1 - 8 - 8
};

static bool is_number(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return len > 0;
}

/* What follows the last dot, versions left aside: "so" of libc.so.6. A dot in front is no ending's.
 */
static const char *ending_of(const char *name, size_t *out_len)
{
    size_t end = strlen(name);

    for (size_t at = end; at-- > 1;) {
        if (name[at] != '.')
            continue;
        *out_len = end - at - 1;
        if (!is_number(name + at + 1, *out_len))
            return name + at + 1;
        end = at;
    }
    *out_len = 0;
    return name;
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t len)
{
    memcpy(to, bytes, len);
    return to + len;
}

static uint8_t *put_number(uint8_t *to, uint64_t v)
{
    put_u64be(to, v);
    return to + 8;
}

bfci_span bfci_likeness_key(uint8_t out[KEY_MAX], const char *name, unsigned mode, uint64_t size,
                            uint64_t ino)
{
    size_t ending_len = 0, len = strlen(name);
    const char *ending = ending_of(name, &ending_len);
    uint8_t padded[ENDING_LEN] = {0};
    uint8_t *at = out;

    memcpy(padded, ending, MIN(ending_len, (size_t)ENDING_LEN));
    *at++ = ending_len == 0 && (mode & 0111) ? PROGRAM : PLAIN;
    at = put_bytes(at, padded, ENDING_LEN);
    at = put_bytes(at, name, MIN(len, (size_t)NAME_LEN));
    *at++ = 0;
    at = put_number(at, size);
    at = put_number(at, ino);
    return (bfci_span){out, (size_t)(at - out)};
}

bfci_span bfci_likeness_link_key(uint8_t out[KEY_MAX], uint64_t ino, uint64_t link_count)
{
    uint8_t *at = out;

    *at++ = LINK;
    at = put_number(at, ino);
    at = put_number(at, link_count);
    return (bfci_span){out, (size_t)(at - out)};
}
