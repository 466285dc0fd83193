/* SPDX-License-Identifier: Apache-2.0 */
#include "packed.h"

#include <isa-l.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
    BLOCK = 128 << 10
};

#define CRC_START 0xffffffffU
#define NO_BLOCK SIZE_MAX

typedef struct block {
    uint8_t *bytes;
    size_t len, raw; /* raw == len: not compressed */
    uint32_t crc;
} block;

struct packed {
    block *block;
    size_t count, cap;
    int level;
    ZSTD_CCtx *zstd;
    uint8_t *open; /* the block that is being filled */
    size_t fill;
    uint8_t *out;
};

struct packed_window {
    const packed *from;
    ZSTD_DCtx *zstd;
    uint8_t *raw;
    size_t at; /* the block in it */
};

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "bare: no memory\n");
        exit(1);
    }
    return p;
}

packed *packed_new(int level)
{
    packed *p = need(calloc(1, sizeof *p));

    p->level = level;
    p->zstd = need(ZSTD_createCCtx());
    p->open = need(malloc(BLOCK));
    p->out = need(malloc(ZSTD_compressBound(BLOCK)));
    return p;
}

static void close_block(packed *p)
{
    size_t len =
        ZSTD_compressCCtx(p->zstd, p->out, ZSTD_compressBound(BLOCK), p->open, p->fill, p->level);
    bool smaller = !ZSTD_isError(len) && len < p->fill;

    if (p->count == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 1024;
        p->block = need(realloc(p->block, p->cap * sizeof *p->block));
    }
    block *b = &p->block[p->count++];
    b->raw = p->fill;
    b->len = smaller ? len : p->fill;
    b->bytes = need(malloc(b->len));
    memcpy(b->bytes, smaller ? p->out : p->open, b->len);
    b->crc = crc32_iscsi(b->bytes, (int)b->len, CRC_START);
    p->fill = 0;
}

uint64_t packed_add(packed *p, const uint8_t *bytes, size_t len)
{
    uint64_t at = (uint64_t)p->count * BLOCK + p->fill;

    while (len > 0) {
        size_t take = len < BLOCK - p->fill ? len : BLOCK - p->fill;
        memcpy(p->open + p->fill, bytes, take);
        p->fill += take;
        bytes += take;
        len -= take;
        if (p->fill == BLOCK)
            close_block(p);
    }
    return at;
}

void packed_end(packed *p)
{
    if (p->fill > 0)
        close_block(p);
}

packed_window *packed_window_new(const packed *p)
{
    packed_window *w = need(calloc(1, sizeof *w));

    *w = (packed_window){p, need(ZSTD_createDCtx()), need(malloc(BLOCK)), NO_BLOCK};
    return w;
}

void packed_window_free(packed_window *w)
{
    if (!w)
        return;
    ZSTD_freeDCtx(w->zstd);
    free(w->raw);
    free(w);
}

static void decode(packed_window *w, size_t number)
{
    const block *b = &w->from->block[number];
    bool damaged = crc32_iscsi(b->bytes, (int)b->len, CRC_START) != b->crc;

    if (!damaged && b->len == b->raw)
        memcpy(w->raw, b->bytes, b->raw);
    else if (!damaged)
        damaged = ZSTD_decompressDCtx(w->zstd, w->raw, BLOCK, b->bytes, b->len) != b->raw;
    if (damaged) {
        fprintf(stderr, "bare: block %zu is not what it was\n", number);
        exit(1);
    }
    w->at = number;
}

size_t packed_look(packed_window *w, uint64_t at, const uint8_t **bytes)
{
    size_t number = (size_t)(at / BLOCK), offset = (size_t)(at % BLOCK);

    if (number != w->at)
        decode(w, number);
    *bytes = w->raw + offset;
    return w->from->block[number].raw - offset;
}
