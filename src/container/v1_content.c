/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of version 1 containers. A content is one piece, however large, with one checksum over
 * all of it: it is read from start to end, and its last bytes are handed out when the checksum
 * fits. */
#include "container/v1_sealed.h"

#include "codec/digest.h"
#include "codec/flow.h"
#include "sys/file.h"

enum {
    IN_SIZE = 128 << 10,
    OBJECT_HEAD_ROOM = 512 /* most headers fit */
};

struct bfci_v1_stream {
    const bfci_v1 *v;
    const bfci_v1_entry *e;
    uint64_t at, left; /* stored bytes that were not read yet; of an encrypted content those that
                          come out */
    uint64_t done;     /* bytes that were handed out */
    uint32_t crc;
    bool ended; /* size and checksum were compared */
    bfci_inflow *inflow;
    bfci_v1_sealed *sealed;
    const uint8_t *in; /* what was read and not used, in `room` */
    size_t in_len;
    uint8_t *room; /* where there is an inflow, or it is encrypted */
};

int bfci_v1_object(const bfci_v1 *v, const bfci_v1_entry *e, uint64_t *at, uint64_t *stored,
                   bfc_err *err)
{
    uint8_t small[OBJECT_HEAD_ROOM];
    AUTO_FREE uint8_t *large = NULL;
    uint8_t *raw = small;
    size_t head = (size_t)bfci_v1_object_head(e->path_len);

    if (head > sizeof small) {
        BFC_TRY(bfci_alloc(head, 1, &large, err));
        raw = large;
    }
    BFC_TRY(bfci_pread_exact(v->fd, raw, head, e->offset, err));
    BFC_TRY(bfci_v1_object_check(raw, e, stored, err));
    *at = e->offset + head;
    return 0;
}

static int fail(const bfci_v1_stream *s, const char *what, bfc_err *err)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, s->e->offset, "%s", what);
}

int bfci_v1_link(const bfci_v1 *v, const bfci_v1_entry *e, char *out, bfc_err *err)
{
    const size_t len = (size_t)e->raw;
    uint64_t at = 0, stored = 0;

    BFC_TRY(bfci_v1_object(v, e, &at, &stored, err));
    BFC_TRY(bfci_pread_exact(v->fd, out, len, at, err));
    out[len] = '\0';
    if (bfci_crc32c(out, len) != e->crc)
        return bfci_fail_at(err, BFC_E_CORRUPT, e->offset,
                            "checksum mismatch in the link's target");
    if (memchr(out, '\0', len))
        return bfci_fail_at(err, BFC_E_CORRUPT, e->offset, "a zero byte in the link's target");
    return 0;
}

/* ── Streams ── */

void bfci_v1_stream_free(bfci_v1_stream *s)
{
    if (!s)
        return;
    bfci_inflow_free(s->inflow);
    bfci_v1_sealed_free(s->sealed);
    free(s->room);
    free(s);
}

static size_t room_size(const bfci_v1_stream *s)
{
    return s->sealed ? V1_PIECE_SIZE : IN_SIZE;
}

static int open_sealed(bfci_v1_stream *s, bfc_err *err)
{
    bool fits = false;

    if (!s->v->key)
        return bfci_fail(err, BFC_E_DENIED, "it is encrypted, and there is no key");
    BFC_TRY(bfci_v1_sealed_open(s->v, s->e, s->v->key, &fits, &s->sealed, err));
    if (!fits)
        return fail(s, "its encrypted content is damaged or was changed: its tag does not fit",
                    err);
    s->left = bfci_v1_sealed_size(s->sealed);
    return 0;
}

int bfci_v1_stream_open(const bfci_v1 *v, const bfci_v1_entry *e, bfci_v1_stream **out,
                        bfc_err *err)
{
    AUTO(bfci_v1_stream) bfci_v1_stream *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->v = v;
    s->e = e;
    BFC_TRY(bfci_v1_object(v, e, &s->at, &s->left, err));
    if (e->sealed)
        BFC_TRY(open_sealed(s, err));
    if (e->comp == COMP_ZSTD)
        BFC_TRY(bfci_inflow_new(CODING_ZSTD, &s->inflow, err));
    if (s->sealed || s->inflow)
        BFC_TRY(bfci_alloc((size_t)MIN(s->left + 1, (uint64_t)room_size(s)), 1, &s->room, err));
    *out = bfci_steal(&s);
    return 0;
}

uint64_t bfci_v1_stream_at(const bfci_v1_stream *s)
{
    return s->done;
}

/* The next stored bytes; there are that many. */
static int read_stored(bfci_v1_stream *s, uint8_t *out, size_t len, bfc_err *err)
{
    BFC_TRY(bfci_pread_exact(s->v->fd, out, len, s->at, err));
    s->at += len;
    s->left -= len;
    return 0;
}

/* There are some left. */
static int refill(bfci_v1_stream *s, bfc_err *err)
{
    s->in = s->room;
    if (!s->sealed) {
        s->in_len = (size_t)MIN(s->left, (uint64_t)IN_SIZE);
        return read_stored(s, s->room, s->in_len, err);
    }
    BFC_TRY(bfci_v1_sealed_next(s->sealed, s->room, &s->in_len, err));
    s->left -= s->in_len;
    return 0;
}

/* A content that is not compressed; there are that many bytes of it. */
static int take(bfci_v1_stream *s, uint8_t *out, size_t len, bfc_err *err)
{
    if (!s->sealed)
        return read_stored(s, out, len, err);
    while (len > 0) {
        if (s->in_len == 0)
            BFC_TRY(refill(s, err));
        size_t n = MIN(len, s->in_len);
        memcpy(out, s->in, n);
        s->in += n;
        s->in_len -= n;
        out += n;
        len -= n;
    }
    return 0;
}

/* Inflates at most `len` bytes; *got is less at the end of the stored bytes. */
static int inflate(bfci_v1_stream *s, uint8_t *out, size_t len, size_t *got, bfc_err *err)
{
    size_t done = 0;

    while (done < len) {
        size_t n = 0;
        if (s->in_len == 0 && s->left > 0)
            BFC_TRY(refill(s, err));
        int rc = bfci_inflow_run(s->inflow, &s->in, &s->in_len, out + done, len - done, &n, err);
        if (rc < 0) { /* its offset is one of the compressed stream */
            if (err)
                err->offset = s->e->offset;
            return rc;
        }
        done += n;
        if (n == 0 && s->in_len == 0 && s->left == 0)
            break;
    }
    *got = done;
    return 0;
}

static int end_inflow(bfci_v1_stream *s, bfc_err *err)
{
    uint8_t more[64];
    size_t got = 0;

    BFC_TRY(inflate(s, more, sizeof more, &got, err));
    if (got > 0)
        return fail(s, "more comes out of its zstd frame than the index says", err);
    return bfci_inflow_end(s->inflow, err);
}

static int end(bfci_v1_stream *s, bfc_err *err)
{
    if (s->inflow)
        BFC_TRY(end_inflow(s, err));
    if (s->crc != s->e->crc)
        return fail(s, "checksum mismatch in its content", err);
    s->ended = true;
    return 0;
}

int bfci_v1_stream_read(bfci_v1_stream *s, uint8_t *out, size_t len, size_t *got, bfc_err *err)
{
    const size_t want = (size_t)MIN((uint64_t)len, s->e->raw - s->done);
    size_t have = want;

    BFC_TRY(s->inflow ? inflate(s, out, want, &have, err) : take(s, out, want, err));
    if (have < want)
        return fail(s, "less comes out of its zstd frame than the index says", err);
    s->crc = bfci_crc32c_more(s->crc, out, want);
    s->done += want;
    if (s->done == s->e->raw && !s->ended)
        BFC_TRY(end(s, err));
    *got = want;
    return 0;
}
