/* SPDX-License-Identifier: Apache-2.0 */
/* Reading untrusted bytes: a cursor with a sticky failure bit. Read fields in file order, ask once
 * at the end with rd_finished() or rd_ok(). */
#ifndef BFCI_BASE_CURSOR_H
#define BFCI_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t get_u16le(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_u64le(const uint8_t *p)
{
    return (uint64_t)get_u32le(p) | (uint64_t)get_u32le(p + 4) << 32;
}

static inline uint32_t get_u32be(const uint8_t *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline uint64_t get_u64be(const uint8_t *p)
{
    return (uint64_t)get_u32be(p + 4) | (uint64_t)get_u32be(p) << 32;
}

static inline void put_u16le(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void put_u32le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void put_u64le(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void put_u32be(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[3 - i] = (uint8_t)(v >> 8 * i);
}

static inline void put_u64be(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[7 - i] = (uint8_t)(v >> 8 * i);
}

typedef struct rd {
    const uint8_t *p, *end;
    bool bad;
} rd;

/* `bytes` must not be NULL, also when len is 0. */
static inline rd rd_over(const void *bytes, size_t len)
{
    return (rd){(const uint8_t *)bytes, (const uint8_t *)bytes + len, false};
}

static inline size_t rd_left(const rd *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}

static inline const uint8_t *rd_take(rd *r, size_t n)
{
    if (r->bad || n > (size_t)(r->end - r->p)) { /* compare lengths, never p + n */
        r->bad = true;
        return NULL;
    }
    r->p += n;
    return r->p - n;
}

static inline uint8_t rd_u8(rd *r)
{
    const uint8_t *b = rd_take(r, 1);
    return b ? *b : 0;
}

static inline uint16_t rd_u16(rd *r)
{
    const uint8_t *b = rd_take(r, 2);
    return b ? get_u16le(b) : 0;
}

static inline uint32_t rd_u32(rd *r)
{
    const uint8_t *b = rd_take(r, 4);
    return b ? get_u32le(b) : 0;
}

static inline uint64_t rd_u64(rd *r)
{
    const uint8_t *b = rd_take(r, 8);
    return b ? get_u64le(b) : 0;
}

/* docs/format.md, section 1: unsigned LEB128, shortest form only. */
static inline uint64_t rd_varint(rd *r)
{
    uint64_t value = 0;
    if (!r->bad && r->p < r->end && *r->p < 0x80) /* most of them */
        return *r->p++;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *b = rd_take(r, 1);
        if (!b)
            return 0;
        if (shift == 63 && *b > 1)
            break; /* more than 64 bits */
        value |= (uint64_t)(*b & 0x7f) << shift;
        if (!(*b & 0x80)) {
            if (*b == 0 && shift > 0)
                break; /* a shorter form exists */
            return value;
        }
    }
    r->bad = true;
    return 0;
}

static inline int64_t rd_svarint(rd *r)
{
    uint64_t z = rd_varint(r);
    return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
}

/* A varint that must not be above max. */
static inline uint64_t rd_varint_max(rd *r, uint64_t max)
{
    uint64_t v = rd_varint(r);
    if (v > max) {
        r->bad = true;
        return 0;
    }
    return v;
}

/* Believe a count only if that many smallest items could still follow. */
static inline uint64_t rd_count(rd *r, size_t item_min)
{
    uint64_t n = rd_varint(r);
    if (n > rd_left(r) / item_min)
        r->bad = true;
    return r->bad ? 0 : n;
}

/* True if all `n` bytes are zero; fails the cursor otherwise. */
static inline bool rd_zeros(rd *r, size_t n)
{
    const uint8_t *b = rd_take(r, n);
    for (size_t i = 0; b && i < n; i++)
        if (b[i])
            r->bad = true;
    return !r->bad;
}

static inline bool rd_ok(const rd *r)
{
    return !r->bad;
}

static inline bool rd_finished(const rd *r)
{
    return !r->bad && r->p == r->end;
}

#endif
