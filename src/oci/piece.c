/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a part of an open file: whole, hashed, or as a stream. All by pread, so that many streams
 * share one descriptor. */
#include "oci/files.h"
#include "sys/file.h"

enum {
    CHUNK_SIZE = 256 << 10,
    RATIO_MAX = 1024 /* of what is inflated here to what it is inflated from */
};
#define INFLATED_FREE ((uint64_t)1 << 30) /* up to here any ratio is right */

void bfci_piece_close(bfci_piece *p)
{
    if (p->owns_fd)
        bfci_fd_close(&p->fd);
    *p = (bfci_piece)BFCI_PIECE_INIT;
}

int bfci_piece_read(const bfci_piece *p, size_t max, uint8_t **bytes, size_t *len, bfc_err *err)
{
    AUTO_FREE uint8_t *data = NULL;

    if (p->size > max)
        return bfci_fail(err, BFC_E_LIMIT, "it has %llu bytes, %zu are allowed",
                         (unsigned long long)p->size, max);
    BFC_TRY(bfci_alloc((size_t)p->size + 1, 1, &data, err)); /* one more: never of no bytes */
    BFC_TRY(bfci_pread_exact(p->fd, data, (size_t)p->size, p->offset, err));
    data[p->size] = '\0';
    *bytes = bfci_steal(&data);
    *len = (size_t)p->size;
    return 0;
}

int bfci_piece_coding(const bfci_piece *p, enum bfci_coding *out, bfc_err *err)
{
    uint8_t start[16];
    size_t got = 0;

    BFC_TRY(bfci_pread(p->fd, start, (size_t)MIN(p->size, sizeof start), p->offset, &got, err));
    *out = bfci_coding_sniff(start, got);
    return 0;
}

/* ── Hashing ── */

static int hash_plain(const bfci_piece *p, uint8_t *chunk, bfci_digest *out, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sum = NULL;

    BFC_TRY(bfci_sha256_new(&sum, err));
    BFC_TRY(bfci_sha256_start(sum, err));
    for (uint64_t at = 0; at < p->size;) {
        size_t len = (size_t)MIN(p->size - at, CHUNK_SIZE);
        BFC_TRY(bfci_pread_exact(p->fd, chunk, len, p->offset + at, err));
        BFC_TRY(bfci_sha256_update(sum, chunk, len, err));
        at += len;
    }
    return bfci_sha256_finish(sum, out->bytes, err);
}

struct inflating {
    bfci_inflow *flow;
    bfci_sha256_ctx *sum;
    uint8_t *out;
    uint64_t left; /* bytes that may still come: hours could be spent on a bomb */
};

static int hash_inflated(struct inflating *i, const uint8_t *in, size_t in_len, bfc_err *err)
{
    size_t got = 0;

    do {
        BFC_TRY(bfci_inflow_run(i->flow, &in, &in_len, i->out, CHUNK_SIZE, &got, err));
        if (got > i->left)
            return bfci_fail(err, BFC_E_LIMIT,
                             "it inflates to more than 1 GiB and %d times its size", RATIO_MAX);
        i->left -= got;
        BFC_TRY(bfci_sha256_update(i->sum, i->out, got, err));
    } while (in_len > 0 || got == CHUNK_SIZE);
    return 0;
}

static int hash_coded(const bfci_piece *p, enum bfci_coding coding, uint8_t *chunk,
                      bfci_digest *out, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sum = NULL;
    AUTO(bfci_inflow) bfci_inflow *flow = NULL;
    AUTO_FREE uint8_t *inflated = NULL;

    BFC_TRY(bfci_inflow_new(coding, &flow, err));
    BFC_TRY(bfci_alloc(CHUNK_SIZE, 1, &inflated, err));
    BFC_TRY(bfci_sha256_new(&sum, err));
    BFC_TRY(bfci_sha256_start(sum, err));
    struct inflating i = {flow, sum, inflated,
                          MAX(INFLATED_FREE, MIN(p->size, UINT64_MAX / RATIO_MAX) * RATIO_MAX)};
    for (uint64_t at = 0; at < p->size;) {
        size_t len = (size_t)MIN(p->size - at, CHUNK_SIZE);
        BFC_TRY(bfci_pread_exact(p->fd, chunk, len, p->offset + at, err));
        BFC_TRY(hash_inflated(&i, chunk, len, err));
        at += len;
    }
    BFC_TRY(bfci_inflow_end(flow, err));
    return bfci_sha256_finish(sum, out->bytes, err);
}

int bfci_piece_digest(const bfci_piece *p, bfci_digest *stored, bfci_digest *plain, bfc_err *err)
{
    AUTO_FREE uint8_t *chunk = NULL;
    enum bfci_coding coding = CODING_PLAIN;
    bfci_digest sum;

    BFC_TRY(bfci_alloc(CHUNK_SIZE, 1, &chunk, err));
    BFC_TRY(bfci_piece_coding(p, &coding, err));
    if (stored || coding == CODING_PLAIN)
        BFC_TRY(hash_plain(p, chunk, &sum, err));
    if (stored)
        *stored = sum;
    if (plain && coding == CODING_PLAIN)
        *plain = sum;
    else if (plain)
        BFC_TRY(hash_coded(p, coding, chunk, plain, err));
    return 0;
}

/* ── Streams ── */

struct stream {
    bfci_piece piece;
    uint64_t at;
};

static int stream_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    struct stream *s = ctx;
    size_t len = (size_t)MIN(s->piece.size - s->at, cap);

    BFC_TRY(bfci_pread_exact(s->piece.fd, bytes, len, s->piece.offset + s->at, err));
    s->at += len;
    *got = len;
    return 0;
}

static void stream_close(void *ctx)
{
    struct stream *s = ctx;

    bfci_piece_close(&s->piece);
    free(s);
}

int bfci_piece_stream(bfci_piece *p, bfci_bytes *out, bfc_err *err)
{
    struct stream *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->piece = *p;
    *p = (bfci_piece)BFCI_PIECE_INIT;
    *out = (bfci_bytes){.ctx = s, .read = stream_read, .close = stream_close};
    return 0;
}
