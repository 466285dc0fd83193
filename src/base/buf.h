/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a sticky failure bit: write fields in order, ask once with
 * buf_check(). */
#ifndef BFCI_BASE_BUF_H
#define BFCI_BASE_BUF_H

#include "base/base.h"
#include "base/cursor.h"

typedef struct buf {
    uint8_t *data;
    size_t len, cap;
    bool bad; /* out of memory */
} buf;

#define BUF_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void bfci_buf_free(buf *b); /* frees data, leaves an empty buf */
static inline void bfci_cleanup_buf(buf *b)
{
    bfci_buf_free(b);
}
#define AUTO_BUF __attribute__((cleanup(bfci_cleanup_buf)))

/* Room for n more bytes; returns where they start (len is not moved), or NULL and sets bad. */
uint8_t *bfci_buf_room(buf *b, size_t n);
void bfci_buf_put(buf *b, const void *bytes, size_t n);
void bfci_buf_printf(buf *b, const char *fmt, ...) BFCI_PRINTF(2, 3);

static inline void buf_u8(buf *b, uint8_t v)
{
    bfci_buf_put(b, &v, 1);
}

static inline void buf_u32(buf *b, uint32_t v)
{
    uint8_t raw[4];
    put_u32le(raw, v);
    bfci_buf_put(b, raw, sizeof raw);
}

static inline void buf_u64(buf *b, uint64_t v)
{
    uint8_t raw[8];
    put_u64le(raw, v);
    bfci_buf_put(b, raw, sizeof raw);
}

void bfci_buf_varint(buf *b, uint64_t v);
static inline void buf_svarint(buf *b, int64_t v)
{
    bfci_buf_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static inline void buf_clear(buf *b)
{
    b->len = 0;
}

static inline int buf_check(const buf *b, bfc_err *err)
{
    return b->bad ? bfci_fail_nomem(err) : 0;
}

#endif
