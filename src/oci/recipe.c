/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of operations that a layer's tar is put together by. The writer makes the same parts
 * whatever the portions in which bytes come to it, so that equal tars give equal containers. The
 * reader believes nothing: each operation is checked in itself; whether the whole gives the tar is
 * for its taker to check by length and digest. */
#include "oci/recipe.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "format/limits.h"

enum {
    HEADER_SIZE = 512,
    ZEROS_MIN = 4,             /* fewer zeros within other bytes are kept among them */
    GAP_MAX = 2,               /* two runs of a header with less between them are one */
    LITERAL_MAX = 64 << 10,    /* bytes of one operation, so that the writer's memory is bounded */
    PART_NUMBER_MAX = 99999999 /* eight digits */
};

void bfci_recipe_name(const bfci_digest *diff_id, uint32_t part, char out[RECIPE_NAME_SIZE])
{
    char hex[2 * BFC_DIGEST_SIZE + 1];

    bfci_hex(diff_id->bytes, sizeof diff_id->bytes, hex);
    (void)snprintf(out, RECIPE_NAME_SIZE, "recipe/%s/%08" PRIu32, hex,
                   part % (PART_NUMBER_MAX + 1));
}

/* ── Writing ── */

struct bfci_recipe_writer {
    bfci_recipe_part_fn *fn;
    void *ctx;
    buf part, op, literal;
    uint64_t zeros; /* come after `literal`, and are not in it */
    uint64_t ino;   /* of the last content */
    uint32_t parts;
    uint8_t header[HEADER_SIZE];
};

int bfci_recipe_writer_new(bfci_recipe_part_fn *fn, void *ctx, bfci_recipe_writer **out,
                           bfc_err *err)
{
    bfci_recipe_writer *w = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *w, &w, err));
    w->fn = fn;
    w->ctx = ctx;
    *out = w;
    return 0;
}

void bfci_recipe_writer_free(bfci_recipe_writer *w)
{
    if (!w)
        return;
    bfci_buf_free(&w->part);
    bfci_buf_free(&w->op);
    bfci_buf_free(&w->literal);
    free(w);
}

static int hand_out_part(bfci_recipe_writer *w, bfc_err *err)
{
    if (w->part.len == 0)
        return 0;
    if (w->parts > PART_NUMBER_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the recipe of a layer has more than %d parts",
                         PART_NUMBER_MAX + 1);
    BFC_TRY(w->fn(w->ctx, w->parts, w->part.data, w->part.len, err));
    w->parts++;
    buf_clear(&w->part);
    return 0;
}

/* Moves the operation that stands in `op` to the part, or to the next one where it does not fit. */
static int put_op(bfci_recipe_writer *w, bfc_err *err)
{
    BFC_TRY(buf_check(&w->op, err));
    if (w->part.len + w->op.len > RECIPE_PART_MAX)
        BFC_TRY(hand_out_part(w, err));
    bfci_buf_put(&w->part, w->op.data, w->op.len);
    return buf_check(&w->part, err);
}

static void start_op(bfci_recipe_writer *w, enum bfci_recipe_op op)
{
    buf_clear(&w->op);
    buf_u8(&w->op, (uint8_t)op);
}

static int put_literal(bfci_recipe_writer *w, bfc_err *err)
{
    BFC_TRY(buf_check(&w->literal, err));
    if (w->literal.len == 0)
        return 0;
    start_op(w, RECIPE_LITERAL);
    bfci_buf_varint(&w->op, w->literal.len);
    bfci_buf_put(&w->op, w->literal.data, w->literal.len);
    buf_clear(&w->literal);
    return put_op(w, err);
}

static int put_zeros(bfci_recipe_writer *w, bfc_err *err)
{
    if (w->zeros == 0)
        return 0;
    start_op(w, RECIPE_ZEROS);
    bfci_buf_varint(&w->op, w->zeros);
    w->zeros = 0;
    return put_op(w, err);
}

static int put_pending(bfci_recipe_writer *w, bfc_err *err)
{
    BFC_TRY(put_literal(w, err));
    return put_zeros(w, err);
}

/* Other bytes than zeros follow: few zeros before them go with them. */
static int close_zeros(bfci_recipe_writer *w, bfc_err *err)
{
    static const uint8_t few[ZEROS_MIN];

    if (w->literal.len == 0 || w->zeros >= ZEROS_MIN)
        return put_pending(w, err);
    bfci_buf_put(&w->literal, few, (size_t)w->zeros);
    w->zeros = 0;
    return 0;
}

static size_t leading_zeros(const uint8_t *bytes, size_t len)
{
    size_t n = 0;

    while (n < len && bytes[n] == 0)
        n++;
    return n;
}

static size_t leading_others(const uint8_t *bytes, size_t len)
{
    const uint8_t *zero = memchr(bytes, 0, len);

    return zero ? (size_t)(zero - bytes) : len;
}

static int put_others(bfci_recipe_writer *w, const uint8_t *bytes, size_t len, bfc_err *err)
{
    while (len > 0) {
        if (w->literal.len >= LITERAL_MAX)
            BFC_TRY(put_literal(w, err));
        size_t n = MIN(len, (size_t)LITERAL_MAX - w->literal.len);
        bfci_buf_put(&w->literal, bytes, n);
        BFC_TRY(buf_check(&w->literal, err));
        bytes += n;
        len -= n;
    }
    return 0;
}

int bfci_recipe_bytes(bfci_recipe_writer *w, const uint8_t *bytes, size_t len, bfc_err *err)
{
    while (len > 0) {
        size_t zeros = leading_zeros(bytes, len);
        w->zeros += zeros;
        bytes += zeros;
        len -= zeros;
        size_t others = leading_others(bytes, len);
        if (others == 0)
            continue;
        if (w->zeros > 0)
            BFC_TRY(close_zeros(w, err));
        BFC_TRY(put_others(w, bytes, others, err));
        bytes += others;
        len -= others;
    }
    return 0;
}

/* The next run of bytes that differ, from *at on; *len is 0 at the end. */
static void next_run(const uint8_t *old, const uint8_t *fresh, size_t *at, size_t *len)
{
    size_t start = *at, end, last;

    while (start <= HEADER_SIZE - 8 && memcmp(old + start, fresh + start, 8) == 0)
        start += 8; /* most of it, in few steps */
    while (start < HEADER_SIZE && old[start] == fresh[start])
        start++;
    for (end = last = start; end < HEADER_SIZE && end - last <= GAP_MAX; end++)
        if (old[end] != fresh[end])
            last = end;
    *at = start;
    *len = start < HEADER_SIZE ? last + 1 - start : 0;
}

int bfci_recipe_header(bfci_recipe_writer *w, const uint8_t block[512], bfc_err *err)
{
    size_t at = 0, len = 0, count = 0, end = 0;

    if (leading_zeros(block, HEADER_SIZE) == HEADER_SIZE)
        return bfci_recipe_bytes(w, block, HEADER_SIZE, err);
    BFC_TRY(put_pending(w, err));
    for (next_run(w->header, block, &at, &len); len; next_run(w->header, block, &at, &len)) {
        count++;
        at += len;
    }
    start_op(w, RECIPE_HEADER);
    bfci_buf_varint(&w->op, count);
    at = 0;
    for (next_run(w->header, block, &at, &len); len; next_run(w->header, block, &at, &len)) {
        bfci_buf_varint(&w->op, at - end);
        bfci_buf_varint(&w->op, len);
        bfci_buf_put(&w->op, block + at, len);
        end = at += len;
    }
    memcpy(w->header, block, HEADER_SIZE);
    return put_op(w, err);
}

static void put_ino(bfci_recipe_writer *w, uint64_t ino)
{
    buf_svarint(&w->op, (int64_t)(ino - w->ino));
    w->ino = ino;
}

int bfci_recipe_content(bfci_recipe_writer *w, uint64_t ino, uint64_t offset, uint64_t len,
                        bfc_err *err)
{
    if (len == 0)
        return 0;
    BFC_TRY(put_pending(w, err));
    start_op(w, RECIPE_CONTENT);
    put_ino(w, ino);
    bfci_buf_varint(&w->op, offset);
    bfci_buf_varint(&w->op, len);
    return put_op(w, err);
}

int bfci_recipe_whole(bfci_recipe_writer *w, uint64_t ino, bfc_err *err)
{
    BFC_TRY(put_pending(w, err));
    start_op(w, RECIPE_WHOLE);
    put_ino(w, ino);
    return put_op(w, err);
}

int bfci_recipe_finish(bfci_recipe_writer *w, uint64_t tar_size, const bfci_digest *diff_id,
                       uint32_t *parts, bfc_err *err)
{
    BFC_TRY(put_pending(w, err));
    start_op(w, RECIPE_END);
    bfci_buf_varint(&w->op, tar_size);
    bfci_buf_put(&w->op, diff_id->bytes, sizeof diff_id->bytes);
    BFC_TRY(put_op(w, err));
    BFC_TRY(hand_out_part(w, err));
    *parts = w->parts;
    return 0;
}

/* ── Reading ── */

void bfci_recipe_reader_init(bfci_recipe_reader *r)
{
    *r = (bfci_recipe_reader){.in = rd_over("", 0)};
}

void bfci_recipe_reader_part(bfci_recipe_reader *r, const uint8_t *bytes, size_t len)
{
    r->in = rd_over(bytes, len);
}

/* A length that gives something: an operation without effect has no place in a recipe. */
static uint64_t read_len(rd *in)
{
    uint64_t len = rd_varint_max(in, FILE_SIZE_MAX);

    if (len == 0)
        in->bad = true;
    return len;
}

static void read_literal(rd *in, bfci_recipe_step *out)
{
    out->len = read_len(in);
    if (out->len > rd_left(in))
        in->bad = true;
    out->bytes = rd_take(in, (size_t)out->len);
}

static void read_header(bfci_recipe_reader *r, bfci_recipe_step *out)
{
    enum {
        RUN_MIN = 3 /* bytes of the smallest run */
    };
    rd *in = &r->in;
    size_t at = 0;

    for (uint64_t left = rd_count(in, RUN_MIN); left > 0 && rd_ok(in); left--) {
        at += (size_t)rd_varint_max(in, HEADER_SIZE - at);
        size_t len = (size_t)rd_varint_max(in, HEADER_SIZE - at);
        const uint8_t *bytes = rd_take(in, len);
        if (len == 0)
            in->bad = true;
        if (bytes && len > 0)
            memcpy(r->header + at, bytes, len);
        at += len;
    }
    out->bytes = r->header;
    out->len = HEADER_SIZE;
}

static void read_ino(bfci_recipe_reader *r, bfci_recipe_step *out)
{
    int64_t delta = rd_svarint(&r->in);

    if (bfci_add_overflows(r->ino, delta, &out->ino) || out->ino == 0)
        r->in.bad = true;
    r->ino = out->ino;
}

static void read_content(bfci_recipe_reader *r, bfci_recipe_step *out)
{
    read_ino(r, out);
    out->offset = rd_varint_max(&r->in, FILE_SIZE_MAX);
    out->len = read_len(&r->in);
    if (out->len > FILE_SIZE_MAX - out->offset)
        r->in.bad = true;
}

static void read_end(bfci_recipe_reader *r, bfci_recipe_step *out)
{
    out->len = rd_varint_max(&r->in, FILE_SIZE_MAX);
    const uint8_t *digest = rd_take(&r->in, sizeof out->diff_id.bytes);
    if (digest)
        memcpy(out->diff_id.bytes, digest, sizeof out->diff_id.bytes);
    r->ended = true;
}

int bfci_recipe_next(bfci_recipe_reader *r, bfci_recipe_step *out, bool *got, bfc_err *err)
{
    bfci_recipe_step step = {0};

    *got = false;
    if (rd_finished(&r->in))
        return 0;
    if (r->ended)
        return bfci_fail(err, BFC_E_CORRUPT, "an operation of a recipe follows its end");
    uint8_t op = rd_u8(&r->in);
    step.op = (enum bfci_recipe_op)op;
    if (op == RECIPE_LITERAL)
        read_literal(&r->in, &step);
    else if (op == RECIPE_ZEROS)
        step.len = read_len(&r->in);
    else if (op == RECIPE_HEADER)
        read_header(r, &step);
    else if (op == RECIPE_CONTENT)
        read_content(r, &step);
    else if (op == RECIPE_WHOLE)
        read_ino(r, &step);
    else if (op == RECIPE_END)
        read_end(r, &step);
    else
        r->in.bad = true;
    if (!rd_ok(&r->in))
        return bfci_fail(err, BFC_E_CORRUPT, "an operation of a recipe (kind %u) is malformed", op);
    *out = step;
    *got = true;
    return 0;
}
