/* SPDX-License-Identifier: Apache-2.0 */
/* The growing byte buffer. Once a growth has failed nothing more is added: what stands in it is
 * then a prefix of what was meant, and buf_check() says so. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    BUF_FIRST = 64
};

void bfci_buf_free(buf *b)
{
    free(b->data);
    *b = (buf)BUF_INIT;
}

uint8_t *bfci_buf_room(buf *b, size_t n)
{
    if (b->bad)
        return NULL;
    if (n <= b->cap - b->len && b->data)
        return b->data + b->len;

    size_t want;
    if (bfci_add_overflows(b->len, n, &want) ||
        bfci_reserve(&b->data, &b->cap, MAX(want, BUF_FIRST), 1, NULL) < 0) {
        b->bad = true;
        return NULL;
    }
    return b->data + b->len;
}

void bfci_buf_put(buf *b, const void *bytes, size_t n)
{
    uint8_t *room = bfci_buf_room(b, n);
    if (!room || n == 0)
        return;
    memcpy(room, bytes, n);
    b->len += n;
}

void bfci_buf_printf(buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);

    uint8_t *room = bfci_buf_room(b, 1);
    size_t have = b->cap - b->len;
    int len = room ? vsnprintf((char *)room, have, fmt, args) : -1;
    if (len < 0) {
        b->bad = true;
    } else if ((size_t)len >= have) {
        room = bfci_buf_room(b, (size_t)len + 1);
        if (room)
            (void)vsnprintf((char *)room, (size_t)len + 1, fmt, again);
    }
    if (!b->bad)
        b->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void bfci_buf_varint(buf *b, uint64_t v)
{
    uint8_t raw[10];
    size_t n = 0;
    while (v >= 0x80) {
        raw[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    raw[n++] = (uint8_t)v;
    bfci_buf_put(b, raw, n);
}
