/* SPDX-License-Identifier: Apache-2.0 */
/* One zstd frame a block. Frames are made without checksum and dictionary, always with their
 * content size; a frame from a stranger is measured before a byte of it is decompressed. */
#include "codec/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "base/cursor.h"

enum {
    DEFAULT_LEVEL = 3,
    MATCH_LEAST = 5, /* at the default level, in blocks of any size */
    WIDE_WINDOW_LOG = 22,
    WIDE_TABLE_LOG = 20,
    WIDE_LEVEL_MAX = 4,   /* the levels above have tables of their own that are as large */
    BLOCK_SPLITTER = 1010 /* an experimental parameter, by its number: no header tells it */
};

/* How zstd searches in a block at the default level: tables that stay in a processor's own cache
 * take 10 to 15 % less time than zstd's own, and one percent more room. */
typedef struct search {
    size_t most; /* bytes of the block */
    int hash_log, chain_log;
} search;

static const search searches[] = {
    {256 << 10, 14, 14},
    {1 << 20, 16, 14},
    {SIZE_MAX, 17, 17},
};

struct bfci_compressor {
    ZSTD_CCtx *zstd;
    int level;
    const search *search; /* that is set; NULL: zstd's own */
    bool wide;            /* it stays as it is */
};

struct bfci_decompressor {
    ZSTD_DCtx *zstd;
};

void bfci_compressor_free(bfci_compressor *c)
{
    if (!c)
        return;
    ZSTD_freeCCtx(c->zstd);
    free(c);
}

static int set_parameter(bfci_compressor *c, ZSTD_cParameter which, int value, bfc_err *err)
{
    size_t rc = ZSTD_CCtx_setParameter(c->zstd, which, value);
    if (ZSTD_isError(rc))
        return bfci_fail(err, BFC_E_INVALID, "zstd does not take %d as parameter %d: %s", value,
                         (int)which, ZSTD_getErrorName(rc));
    return 0;
}

int bfci_compressor_new(int level, bfci_compressor **out, bfc_err *err)
{
    AUTO(bfci_compressor) bfci_compressor *c = NULL;
    if (level < 1 || level > ZSTD_maxCLevel())
        return bfci_fail(err, BFC_E_INVALID, "compression level %d: use 1 to %d", level,
                         ZSTD_maxCLevel());
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->zstd = ZSTD_createCCtx();
    if (!c->zstd)
        return bfci_fail_nomem(err);
    BFC_TRY(set_parameter(c, ZSTD_c_compressionLevel, level, err));
    BFC_TRY(set_parameter(c, ZSTD_c_contentSizeFlag, 1, err));
    BFC_TRY(set_parameter(c, ZSTD_c_checksumFlag, 0, err));
    BFC_TRY(set_parameter(c, ZSTD_c_dictIDFlag, 0, err));
    if (level == DEFAULT_LEVEL)
        BFC_TRY(set_parameter(c, ZSTD_c_minMatch, MATCH_LEAST, err));
    c->level = level;
    *out = bfci_steal(&c);
    return 0;
}

static int fit_search(bfci_compressor *c, size_t len, bfc_err *err)
{
    const search *fit = searches;

    while (len > fit->most)
        fit++;
    if (c->level != DEFAULT_LEVEL || c->wide || c->search == fit)
        return 0;
    BFC_TRY(set_parameter(c, ZSTD_c_hashLog, fit->hash_log, err));
    BFC_TRY(set_parameter(c, ZSTD_c_chainLog, fit->chain_log, err));
    c->search = fit;
    return 0;
}

int bfci_compressor_search_more(bfci_compressor *c, bfc_err *err)
{
    c->wide = true;
    BFC_TRY(set_parameter(c, ZSTD_c_windowLog, WIDE_WINDOW_LOG, err));
    if (c->level > WIDE_LEVEL_MAX)
        return 0;
    BFC_TRY(set_parameter(c, ZSTD_c_hashLog, WIDE_TABLE_LOG, err));
    BFC_TRY(set_parameter(c, ZSTD_c_chainLog, WIDE_TABLE_LOG, err));
    /* A library that does not know it goes on without. */
    (void)ZSTD_CCtx_setParameter(c->zstd, (ZSTD_cParameter)BLOCK_SPLITTER, 1);
    return 0;
}

int bfci_compress(bfci_compressor *c, const void *src, size_t len, void *dst, size_t dst_cap,
                  size_t *out_len, bfc_err *err)
{
    BFC_TRY(fit_search(c, len, err));
    size_t rc = ZSTD_compress2(c->zstd, dst, dst_cap, src, len);
    if (!ZSTD_isError(rc)) {
        *out_len = rc;
        return 0;
    }
    ZSTD_ErrorCode why = ZSTD_getErrorCode(rc);
    if (why == ZSTD_error_dstSize_tooSmall) {
        *out_len = 0;
        return 0;
    }
    if (why == ZSTD_error_memory_allocation)
        return bfci_fail_nomem(err);
    return bfci_fail(err, BFC_E_INVALID, "zstd cannot compress %zu bytes: %s", len,
                     ZSTD_getErrorName(rc));
}

void bfci_decompressor_free(bfci_decompressor *d)
{
    if (!d)
        return;
    ZSTD_freeDCtx(d->zstd);
    free(d);
}

int bfci_decompressor_new(bfci_decompressor **out, bfc_err *err)
{
    AUTO(bfci_decompressor) bfci_decompressor *d = NULL;
    BFC_TRY(bfci_alloc_zero(1, sizeof *d, &d, err));
    d->zstd = ZSTD_createDCtx();
    if (!d->zstd)
        return bfci_fail_nomem(err);
    /* 0 is libzstd's own bound; no frame of ours is near it. */
    size_t rc = ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, 0);
    if (ZSTD_isError(rc))
        return bfci_fail(err, BFC_E_UNSUPPORTED, "zstd: %s", ZSTD_getErrorName(rc));
    *out = bfci_steal(&d);
    return 0;
}

/* One whole frame, no skippable one, nothing behind it, and the size that it says is the one
 * wanted. */
static int check_frame(const void *src, size_t len, size_t raw_len, bfc_err *err)
{
    if (len < 4 || get_u32le((const uint8_t *)src) != ZSTD_MAGICNUMBER)
        return bfci_fail(err, BFC_E_CORRUPT, "not a zstd frame");
    unsigned long long told = ZSTD_getFrameContentSize(src, len);
    if (told == ZSTD_CONTENTSIZE_UNKNOWN || told == ZSTD_CONTENTSIZE_ERROR)
        return bfci_fail(err, BFC_E_CORRUPT, "zstd frame without a content size");
    if (told != raw_len)
        return bfci_fail(err, BFC_E_CORRUPT, "zstd frame of %llu bytes where %zu should be", told,
                         raw_len);
    size_t span = ZSTD_findFrameCompressedSize(src, len);
    if (ZSTD_isError(span))
        return bfci_fail(err, BFC_E_CORRUPT, "damaged zstd frame: %s", ZSTD_getErrorName(span));
    if (span != len)
        return bfci_fail(err, BFC_E_CORRUPT, "%zu bytes behind a zstd frame", len - span);
    return 0;
}

static int fail_frame(size_t rc, bfc_err *err)
{
    if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
        return bfci_fail_nomem(err);
    return bfci_fail(err, BFC_E_CORRUPT, "damaged zstd frame: %s", ZSTD_getErrorName(rc));
}

int bfci_decompress(bfci_decompressor *d, const void *src, size_t len, void *dst, size_t raw_len,
                    bfc_err *err)
{
    BFC_TRY(check_frame(src, len, raw_len, err));
    size_t rc = ZSTD_decompressDCtx(d->zstd, dst, raw_len, src, len);
    if (ZSTD_isError(rc))
        return fail_frame(rc, err);
    if (rc != raw_len)
        return bfci_fail(err, BFC_E_CORRUPT, "zstd frame gave %zu bytes where %zu should be", rc,
                         raw_len);
    return 0;
}

/* ── The start of a frame ── */

/* RFC 8878, section 3.1.1: a header, and blocks of at most 128 KiB that are decoded one by one. */
enum {
    PIECE = 128 << 10,
    HEADER_SHORTEST = 6, /* magic, descriptor, and a byte for window or size */
    PLAIN_WINDOW = 0x60, /* 4 MiB, as much as a block of ours may have */
};

/* Length of the frame's header; 0 where there is a dictionary or a checksum. */
static size_t header_len(const uint8_t *frame)
{
    const uint8_t descriptor = frame[4];
    const bool single = descriptor & 0x20;
    const unsigned size_flag = descriptor >> 6;

    if (descriptor & 0x07)
        return 0;
    return 5u + (single ? 0u : 1u) + (size_flag ? (size_t)1 << size_flag : single);
}

/* Where the header of the frame's block number `count` - 1 is, and where that block ends. False if
 * it is the last, or there are not that many. */
static bool find_block(const uint8_t *frame, size_t len, size_t count, size_t *mark, size_t *end)
{
    size_t at = header_len(frame);

    for (size_t i = 0; i < count; i++) {
        if (at == 0 || at > len || len - at < 3)
            return false;
        uint32_t header = get_u16le(frame + at) | (uint32_t)frame[at + 2] << 16;
        bool last = header & 1, repeated = (header >> 1 & 3) == 1;
        size_t size = 3 + (repeated ? 1 : header >> 3);
        if (last || len - at < size)
            return false;
        *mark = at;
        at += size;
    }
    *end = at;
    return true;
}

/* A frame of its own is made of the blocks that are enough: it gets a header that tells no size,
 * and its last block is marked as such. Streaming would need no such thing, but buffers. */
static size_t decode_start(bfci_decompressor *d, uint8_t *frame, size_t mark, size_t end, void *dst,
                           size_t raw_len)
{
    uint8_t *start = frame + header_len(frame) - HEADER_SHORTEST;
    uint8_t kept[HEADER_SHORTEST];

    memcpy(kept, start, sizeof kept);
    put_u32le(start, ZSTD_MAGICNUMBER);
    start[4] = 0;
    start[5] = PLAIN_WINDOW;
    frame[mark] |= 1;
    size_t rc = ZSTD_decompressDCtx(d->zstd, dst, raw_len, start, (size_t)(frame + end - start));
    frame[mark] &= 0xfe;
    memcpy(start, kept, sizeof kept);
    return rc;
}

int bfci_decompress_start(bfci_decompressor *d, uint8_t *src, size_t len, void *dst, size_t raw_len,
                          size_t *got, bfc_err *err)
{
    size_t mark = 0, end = 0;

    BFC_TRY(check_frame(src, len, raw_len, err));
    if (*got > 0 && find_block(src, len, *got / PIECE + (*got % PIECE != 0), &mark, &end)) {
        size_t rc = decode_start(d, src, mark, end, dst, raw_len);
        if (ZSTD_isError(rc))
            return fail_frame(rc, err);
        if (rc >= *got) {
            *got = rc;
            return 0;
        }
    }
    *got = raw_len;
    return bfci_decompress(d, src, len, dst, raw_len, err);
}
