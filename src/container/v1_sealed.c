/* SPDX-License-Identifier: Apache-2.0 */
/* A content of version 1 is encrypted as one message, however large, and its tag stands at its end:
 * no byte may be handed out before all were read. So that memory does not grow with a file, it is
 * read twice: first to authenticate it, then to hand it out. Somebody may change the file in
 * between; the digest of each piece, kept from the first time, tells. */
#include "container/v1_sealed.h"

#include "codec/digest.h"
#include "sys/file.h"

typedef uint8_t piece_digest[BFC_DIGEST_SIZE];

struct bfci_v1_sealed {
    const bfci_v1 *v;
    const bfci_v1_entry *e;
    bfci_aead *aead;
    uint8_t nonce[V1_NONCE_SIZE];
    uint64_t start, size; /* of the ciphertext */
    uint64_t done;
    piece_digest *digest;
};

void bfci_v1_sealed_free(bfci_v1_sealed *s)
{
    if (!s)
        return;
    bfci_aead_free(s->aead);
    free(s->digest);
    free(s);
}

uint64_t bfci_v1_sealed_size(const bfci_v1_sealed *s)
{
    return s->size;
}

/* The next piece of ciphertext and its digest. */
static int read_piece(bfci_v1_sealed *s, uint8_t *out, size_t *len, piece_digest digest,
                      bfc_err *err)
{
    *len = (size_t)MIN(s->size - s->done, (uint64_t)V1_PIECE_SIZE);
    BFC_TRY(bfci_pread_exact(s->v->fd, out, *len, s->start + s->done, err));
    return bfci_sha256(out, *len, digest, err);
}

static int begin(bfci_v1_sealed *s, bfc_err *err)
{
    s->done = 0;
    return bfci_aead_open_begin(s->aead, s->nonce, s->e->path, s->e->path_len, err);
}

static int authenticate(bfci_v1_sealed *s, bool *fits, bfc_err *err)
{
    AUTO_FREE uint8_t *piece = NULL;
    uint8_t tag[V1_TAG_SIZE];
    const uint64_t pieces = s->size / V1_PIECE_SIZE + 1;

    BFC_TRY(bfci_alloc((size_t)MIN(s->size + 1, (uint64_t)V1_PIECE_SIZE), 1, &piece, err));
    BFC_TRY(bfci_alloc((size_t)pieces, sizeof *s->digest, &s->digest, err));
    BFC_TRY(bfci_pread_exact(s->v->fd, tag, sizeof tag, s->start + s->size, err));
    BFC_TRY(begin(s, err));
    while (s->done < s->size) {
        size_t len = 0;
        BFC_TRY(read_piece(s, piece, &len, s->digest[s->done / V1_PIECE_SIZE], err));
        BFC_TRY(bfci_aead_open_more(s->aead, piece, len, piece, err));
        s->done += len;
    }
    BFC_TRY(bfci_aead_open_end(s->aead, tag, fits, err));
    return *fits ? begin(s, err) : 0;
}

int bfci_v1_sealed_open(const bfci_v1 *v, const bfci_v1_entry *e, const uint8_t key[V1_KEY_SIZE],
                        bool *fits, bfci_v1_sealed **out, bfc_err *err)
{
    AUTO(bfci_v1_sealed) bfci_v1_sealed *s = NULL;
    uint64_t at = 0, stored = 0;

    BFC_TRY(bfci_v1_object(v, e, &at, &stored, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->v = v;
    s->e = e;
    s->start = at + V1_NONCE_SIZE;
    s->size = stored - V1_NONCE_SIZE - V1_TAG_SIZE;
    BFC_TRY(bfci_pread_exact(v->fd, s->nonce, sizeof s->nonce, at, err));
    BFC_TRY(bfci_aead_new(&s->aead, err));
    BFC_TRY(bfci_aead_set_key(s->aead, key, err));
    BFC_TRY(authenticate(s, fits, err));
    if (*fits)
        *out = bfci_steal(&s);
    return 0;
}

int bfci_v1_sealed_next(bfci_v1_sealed *s, uint8_t *out, size_t *len, bfc_err *err)
{
    piece_digest digest;
    size_t n = 0;

    BFC_TRY(read_piece(s, out, &n, digest, err));
    if (memcmp(digest, s->digest[s->done / V1_PIECE_SIZE], sizeof digest) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, s->start + s->done,
                            "the file was changed while it was read");
    BFC_TRY(bfci_aead_open_more(s->aead, out, n, out, err));
    s->done += n;
    *len = n;
    return 0;
}
