/* SPDX-License-Identifier: Apache-2.0 */
/* Two signs, each seen in samples. zstd makes codes for the values of a part of 128 KiB, so these
 * must be even in each part. And what repeats is found by landmarks: places that their own bytes
 * choose, one in two KiB, so that a repetition has the same ones, in whatever pieces it comes. */
#include "codec/noise.h"

#include "base/cursor.h"

enum {
    PART = 128 << 10,
    LEAST = 64 << 10, /* bytes that it can be said of */
    LINE = 64,
    LINE_EACH = 1 << 10, /* a line of so many bytes is looked at */
    VALUES = 256,
    MARK = 0xa5, /* a landmark begins with it, … */
    MARK_LEN = 8,
    MARK_ONE_IN = 8, /* … and is one of so many that do */
    MARKS = 2048     /* places in the table: 4 MiB of bytes have about as many landmarks */
};

/* Of chi-squared, for each byte that was looked at: half of a 64th of 8 bits of entropy. Pure
 * chance makes less than a tenth of that. */
static const double uneven_at = 8.0 / 128 * 2 * 0.6931;

/* Lines are taken at places that no structure of the bytes has. */
static size_t look(const uint8_t *bytes, size_t len, uint32_t count[VALUES])
{
    uint32_t random = 1;
    size_t seen = 0;

    for (size_t at = 0; at + LINE_EACH <= len; at += LINE_EACH, seen += LINE) {
        random = random * 1664525u + 1013904223u;
        const uint8_t *line = bytes + at + (random >> 16) % (LINE_EACH - LINE + 1);
        for (size_t i = 0; i < LINE; i++)
            count[line[i]]++;
    }
    return seen;
}

static bool is_even(const uint8_t *bytes, size_t len)
{
    uint32_t count[VALUES] = {0};
    const size_t seen = look(bytes, len, count);
    const double each = (double)seen / VALUES;
    double squares = 0;

    for (size_t i = 0; i < VALUES; i++) {
        double off = (double)count[i] - each;
        squares += off * off;
    }
    return squares / each - (VALUES - 1) < uneven_at * (double)seen;
}

/* The last part may be longer, by less than another one. */
static bool is_even_throughout(const uint8_t *bytes, size_t len)
{
    while (len >= 2 * (size_t)PART) {
        if (!is_even(bytes, PART))
            return false;
        bytes += PART;
        len -= PART;
    }
    return is_even(bytes, len);
}

static bool repeats(const uint8_t *bytes, size_t len)
{
    uint64_t mark[MARKS] = {0};
    const uint8_t *end = bytes + len - MARK_LEN, *at = bytes;
    unsigned marks = 0, known = 0;

    while (at < end && (at = memchr(at, MARK, (size_t)(end - at)))) {
        const uint64_t hash = get_u64le(++at) * 0x9e3779b97f4a7c15u;
        if (hash % MARK_ONE_IN != 0)
            continue;
        uint64_t *there = &mark[hash >> 53];
        marks++;
        known += *there == hash;
        *there = hash;
    }
    return known > marks >> BFCI_SAVING_SHIFT;
}

bool bfci_is_noise(const uint8_t *bytes, size_t len)
{
    return len >= LEAST && is_even_throughout(bytes, len) && !repeats(bytes, len);
}
