/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952). Headers are read here, byte by byte, so that a name of any length needs no
 * memory; deflate, CRC32 and length are ISA-L's. */
#include <isa-l.h>

#include "codec/flow_coder.h"

enum {
    HEAD_SIZE = 10,
    METHOD_DEFLATE = 8,
    FLAG_HCRC = 2,
    FLAG_EXTRA = 4,
    FLAG_NAME = 8,
    FLAG_COMMENT = 16,
    FLAGS_RESERVED = 0xe0,
    PIECE_MAX = 1 << 30 /* ISA-L counts in 32 bits */
};

enum stage {
    STAGE_HEAD,
    STAGE_EXTRA_LEN,
    STAGE_EXTRA,
    STAGE_TEXT,
    STAGE_HCRC,
    STAGE_BODY,
    STAGE_PADDING
};

typedef struct gzip_in {
    bfci_inflow base;
    enum stage stage;
    uint8_t flags;      /* fields of the header that are still to come */
    uint32_t count;     /* bytes of the field that were seen */
    uint32_t value;     /* of the field; of STAGE_EXTRA: bytes left */
    uint32_t crc;       /* of the header */
    uint64_t member_at; /* where it begins */
    bool had_member;
    struct inflate_state deflate;
} gzip_in;

static int fail_member(gzip_in *g, bfc_err *err, const char *why)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, g->base.at, "gzip member at byte %llu: %s",
                        (unsigned long long)g->member_at, why);
}

/* ── Headers ── */

static void begin_body(gzip_in *g)
{
    isal_inflate_reset(&g->deflate);
    g->deflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
    g->stage = STAGE_BODY;
}

static void next_field(gzip_in *g)
{
    g->count = 0;
    g->value = 0;
    if (g->flags & FLAG_EXTRA) {
        g->flags &= (uint8_t)~FLAG_EXTRA;
        g->stage = STAGE_EXTRA_LEN;
    } else if (g->flags & FLAG_NAME) {
        g->flags &= (uint8_t)~FLAG_NAME;
        g->stage = STAGE_TEXT;
    } else if (g->flags & FLAG_COMMENT) {
        g->flags &= (uint8_t)~FLAG_COMMENT;
        g->stage = STAGE_TEXT;
    } else if (g->flags & FLAG_HCRC) {
        g->flags &= (uint8_t)~FLAG_HCRC;
        g->stage = STAGE_HCRC;
    } else {
        begin_body(g);
    }
}

static int fail_magic(gzip_in *g, bfc_err *err)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, g->member_at,
                        g->had_member
                            ? "what follows a gzip member is neither another one nor zero padding"
                            : "not a gzip stream");
}

static int head_byte(gzip_in *g, uint8_t byte, bfc_err *err)
{
    static const uint8_t magic[] = {0x1f, 0x8b};
    uint32_t place = g->count++;

    if (place == 0) {
        g->member_at = g->base.at;
        if (byte == 0 && g->had_member) {
            g->stage = STAGE_PADDING;
            return 0;
        }
    }
    if (place < sizeof magic && byte != magic[place])
        return fail_magic(g, err);
    if (place == 2 && byte != METHOD_DEFLATE)
        return fail_member(g, err, "its method is not deflate (8)");
    if (place == 3 && (byte & FLAGS_RESERVED))
        return fail_member(g, err, "reserved flags are set in its header");
    if (place == 3)
        g->flags = byte;
    if (place == HEAD_SIZE - 1)
        next_field(g);
    return 0;
}

static int extra_len_byte(gzip_in *g, uint8_t byte)
{
    g->value |= (uint32_t)byte << 8 * g->count;
    if (++g->count == 2) {
        g->stage = STAGE_EXTRA;
        if (g->value == 0)
            next_field(g);
    }
    return 0;
}

static int hcrc_byte(gzip_in *g, uint8_t byte, bfc_err *err)
{
    g->value |= (uint32_t)byte << 8 * g->count;
    if (++g->count < 2)
        return 0;
    if (g->value != (g->crc & 0xffff))
        return fail_member(g, err, "its header does not have the checksum that it tells");
    begin_body(g);
    return 0;
}

static int header_byte(gzip_in *g, uint8_t byte, bfc_err *err)
{
    if (g->stage != STAGE_HCRC)
        g->crc = crc32_gzip_refl(g->stage == STAGE_HEAD && g->count == 0 ? 0 : g->crc, &byte, 1);
    switch (g->stage) {
    case STAGE_HEAD:
        return head_byte(g, byte, err);
    case STAGE_EXTRA_LEN:
        return extra_len_byte(g, byte);
    case STAGE_EXTRA:
        if (--g->value == 0)
            next_field(g);
        return 0;
    case STAGE_TEXT:
        if (byte == 0)
            next_field(g);
        return 0;
    case STAGE_HCRC:
        return hcrc_byte(g, byte, err);
    case STAGE_PADDING:
        return byte == 0 ? 0 : fail_magic(g, err);
    case STAGE_BODY:
        break;
    }
    return 0;
}

/* ── Bodies ── */

static const char *inflate_error(int rc)
{
    switch (rc) {
    case ISAL_INVALID_BLOCK:
        return "a deflate block begins in a way that is not defined";
    case ISAL_INVALID_SYMBOL:
        return "a code in it is not defined";
    case ISAL_INVALID_LOOKBACK:
        return "it repeats bytes from before its beginning";
    case ISAL_INCORRECT_CHECKSUM:
        return "its bytes do not have the CRC32 and the length it tells";
    default:
        return "it cannot be inflated";
    }
}

/* *more: there is something to do at once. */
static int inflate_piece(gzip_in *g, flow_io *io, bool *more, bfc_err *err)
{
    struct inflate_state *d = &g->deflate;
    uint32_t len = (uint32_t)MIN(io->in_len, (size_t)PIECE_MAX);
    uint32_t room = (uint32_t)MIN(io->cap - io->got, (size_t)PIECE_MAX);

    d->next_in = (uint8_t *)(uintptr_t)io->in; /* ISA-L does not write */
    d->avail_in = len;
    d->next_out = io->out + io->got;
    d->avail_out = room;
    int rc = isal_inflate(d);
    flow_take(&g->base, io, len - d->avail_in);
    io->got += room - d->avail_out;
    if (rc != ISAL_DECOMP_OK)
        return fail_member(g, err, inflate_error(rc));
    if (d->block_state == ISAL_BLOCK_FINISH) {
        g->stage = STAGE_HEAD;
        g->count = 0;
        g->had_member = true;
        *more = true;
        return 0;
    }
    *more = io->in_len > 0 && io->got < io->cap;
    if (*more && d->avail_in == len && d->avail_out == room)
        return fail_member(g, err, "it cannot be inflated further");
    return 0;
}

static int run(bfci_inflow *f, flow_io *io, bfc_err *err)
{
    gzip_in *g = (gzip_in *)f;
    bool more = true;

    while (more) {
        if (g->stage == STAGE_BODY) {
            if (io->got == io->cap)
                return 0;
            BFC_TRY(inflate_piece(g, io, &more, err));
        } else if (io->in_len > 0) {
            BFC_TRY(header_byte(g, *io->in, err));
            flow_take(f, io, 1);
        } else {
            more = false;
        }
    }
    return 0;
}

static int end(bfci_inflow *f, bfc_err *err)
{
    gzip_in *g = (gzip_in *)f;

    if (g->stage == STAGE_PADDING || (g->stage == STAGE_HEAD && g->count == 0 && g->had_member))
        return 0;
    if (f->at == 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, 0,
                            "a gzip stream has at least one member, here is none");
    return fail_member(g, err, "it is cut off");
}

static void inflow_free(bfci_inflow *f)
{
    free(f);
}

int bfci_gzip_inflow_new(bfci_inflow **out, bfc_err *err)
{
    AUTO_FREE gzip_in *g = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *g, &g, err));
    g->base = (bfci_inflow){.run = run, .end = end, .free = inflow_free};
    isal_inflate_init(&g->deflate);
    *out = &bfci_steal(&g)->base;
    return 0;
}
