/* SPDX-License-Identifier: Apache-2.0 */
/* zstd (RFC 8878) as a stream. The number that a frame begins with is looked at here, since libzstd
 * also knows older formats, which no image has. */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/cursor.h"
#include "codec/flow_coder.h"

enum {
    WINDOW_LOG_MAX = 27,
    LEVEL_DEFAULT = 3,
    LEVEL_MAX = 19, /* above it readers need so much memory that some refuse */
    OUT_SIZE = 128 << 10
};

/* ── Decoding ── */

typedef struct zstd_in {
    bfci_inflow base;
    ZSTD_DCtx *zstd;
    uint8_t magic[4];
    size_t magic_len;
    uint64_t frame_at; /* where it begins */
    bool in_frame, had_frame;
    bool holds; /* `out` was filled: there may be more to come without input */
} zstd_in;

/* How far libzstd got is not known exactly: the frame is told. */
static int fail_frame(zstd_in *z, size_t rc, bfc_err *err)
{
    switch ((int)ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return bfci_fail_nomem(err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return bfci_fail_at(err, BFC_E_CORRUPT, z->frame_at,
                            "the window of a zstd frame is larger than %d MiB",
                            1 << (WINDOW_LOG_MAX - 20));
    case ZSTD_error_checksum_wrong:
        return bfci_fail_at(err, BFC_E_CORRUPT, z->frame_at,
                            "a zstd frame does not give the bytes whose checksum it has");
    default:
        return bfci_fail_at(err, BFC_E_CORRUPT, z->frame_at, "damaged zstd frame: %s",
                            ZSTD_getErrorName(rc));
    }
}

static int decompress(zstd_in *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in, bfc_err *err)
{
    size_t rc = ZSTD_decompressStream(z->zstd, out, in);

    if (ZSTD_isError(rc))
        return fail_frame(z, rc, err);
    z->in_frame = rc != 0;
    return 0;
}

static int begin_frame(zstd_in *z, flow_io *io, bfc_err *err)
{
    size_t n = MIN(io->in_len, sizeof z->magic - z->magic_len);
    ZSTD_inBuffer in = {z->magic, sizeof z->magic, 0};
    ZSTD_outBuffer none = {io->out, 0, 0};

    if (z->magic_len == 0)
        z->frame_at = z->base.at;
    memcpy(z->magic + z->magic_len, io->in, n);
    z->magic_len += n;
    flow_take(&z->base, io, n);
    if (z->magic_len < sizeof z->magic)
        return 0;
    if (bfci_coding_sniff(z->magic, sizeof z->magic) != CODING_ZSTD)
        return bfci_fail_at(err, BFC_E_CORRUPT, z->frame_at,
                            z->had_frame ? "what follows a zstd frame is no other one"
                                         : "not a zstd stream");
    BFC_TRY(decompress(z, &none, &in, err));
    z->magic_len = 0;
    z->had_frame = true;
    z->in_frame = true;
    return 0;
}

static int decompress_piece(zstd_in *z, flow_io *io, bfc_err *err)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->cap, io->got};

    BFC_TRY(decompress(z, &out, &in, err));
    flow_take(&z->base, io, in.pos);
    io->got = out.pos;
    z->holds = z->in_frame && out.pos == out.size;
    return 0;
}

static int run(bfci_inflow *f, flow_io *io, bfc_err *err)
{
    zstd_in *z = (zstd_in *)f;

    while (io->in_len > 0 || z->holds) {
        if (!z->in_frame)
            BFC_TRY(begin_frame(z, io, err));
        else if (io->got < io->cap)
            BFC_TRY(decompress_piece(z, io, err));
        else
            break;
    }
    return 0;
}

static int end(bfci_inflow *f, bfc_err *err)
{
    zstd_in *z = (zstd_in *)f;

    if (f->at == 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, 0,
                            "a zstd stream has at least one frame, here is none");
    if (z->in_frame || z->magic_len > 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, f->at, "zstd frame at byte %llu: it is cut off",
                            (unsigned long long)z->frame_at);
    return 0;
}

static void inflow_free(bfci_inflow *f)
{
    zstd_in *z = (zstd_in *)f;

    ZSTD_freeDCtx(z->zstd);
    free(z);
}

int bfci_zstd_inflow_new(bfci_inflow **out, bfc_err *err)
{
    zstd_in *z = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *z, &z, err));
    z->base = (bfci_inflow){.run = run, .end = end, .free = inflow_free};
    AUTO(bfci_inflow) bfci_inflow *f = &z->base;
    z->zstd = ZSTD_createDCtx();
    if (!z->zstd)
        return bfci_fail_nomem(err);
    size_t rc = ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    if (ZSTD_isError(rc))
        return bfci_fail(err, BFC_E_UNSUPPORTED, "zstd: %s", ZSTD_getErrorName(rc));
    *out = bfci_steal(&f);
    return 0;
}

/* ── Encoding ── */

typedef struct zstd_out {
    bfci_outflow base;
    ZSTD_CCtx *zstd;
    uint8_t out[OUT_SIZE];
} zstd_out;

/* Until all of `in` was taken, and with ZSTD_e_end all was given. */
static int compress(zstd_out *z, ZSTD_inBuffer *in, ZSTD_EndDirective how, bfc_err *err)
{
    size_t left = 0;

    do {
        ZSTD_outBuffer out = {z->out, OUT_SIZE, 0};
        left = ZSTD_compressStream2(z->zstd, &out, in, how);
        if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
            return bfci_fail_nomem(err);
        if (ZSTD_isError(left))
            return bfci_fail(err, BFC_E_INVALID, "zstd cannot compress: %s",
                             ZSTD_getErrorName(left));
        if (out.pos > 0)
            BFC_TRY(z->base.write(z->base.ctx, z->out, out.pos, err));
    } while (in->pos < in->size || (how == ZSTD_e_end && left > 0));
    return 0;
}

static int put(bfci_outflow *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    ZSTD_inBuffer in = {bytes, len, 0};

    return compress((zstd_out *)f, &in, ZSTD_e_continue, err);
}

static int finish(bfci_outflow *f, bfc_err *err)
{
    ZSTD_inBuffer none = {"", 0, 0};

    return compress((zstd_out *)f, &none, ZSTD_e_end, err);
}

static void outflow_free(bfci_outflow *f)
{
    zstd_out *z = (zstd_out *)f;

    ZSTD_freeCCtx(z->zstd);
    free(z);
}

static int set_parameter(zstd_out *z, ZSTD_cParameter which, int value, bfc_err *err)
{
    size_t rc = ZSTD_CCtx_setParameter(z->zstd, which, value);

    if (ZSTD_isError(rc))
        return bfci_fail(err, BFC_E_INVALID, "zstd does not take %d as parameter %d: %s", value,
                         (int)which, ZSTD_getErrorName(rc));
    return 0;
}

int bfci_zstd_outflow_new(int level, bfci_outflow **out, bfc_err *err)
{
    zstd_out *z = NULL;

    if (level < 0 || level > LEVEL_MAX)
        return bfci_fail(err, BFC_E_INVALID, "zstd compression level %d: use 1 to %d", level,
                         LEVEL_MAX);
    BFC_TRY(bfci_alloc_zero(1, sizeof *z, &z, err));
    z->base = (bfci_outflow){.put = put, .finish = finish, .free = outflow_free};
    AUTO(bfci_outflow) bfci_outflow *f = &z->base;
    z->zstd = ZSTD_createCCtx();
    if (!z->zstd)
        return bfci_fail_nomem(err);
    BFC_TRY(set_parameter(z, ZSTD_c_compressionLevel, level == 0 ? LEVEL_DEFAULT : level, err));
    BFC_TRY(set_parameter(z, ZSTD_c_checksumFlag, 1, err));
    *out = bfci_steal(&f);
    return 0;
}
