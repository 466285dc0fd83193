/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of content. Holes count as zeros for the CRC, and as their places for the digest, so that a
 * file of a terabyte with a few bytes in it costs a few bytes. */
#include "container/hasher.h"

#include "base/cursor.h"
#include "format/limits.h"

int bfci_hasher_start(bfci_hasher *h, bfci_sha256_ctx *sha, bool sparse, bfc_err *err)
{
    *h = (bfci_hasher){.sha = sha, .sparse = sparse};
    return bfci_sha256_start(sha, err);
}

static int put_number(bfci_hasher *h, uint64_t number, bfc_err *err)
{
    uint8_t raw[8];

    put_u64le(raw, number);
    return bfci_sha256_update(h->sha, raw, sizeof raw, err);
}

static int end_run(bfci_hasher *h, bfc_err *err)
{
    if (!h->in_run || !h->sparse)
        return 0;
    h->in_run = false;
    BFC_TRY(put_number(h, h->run_start, err));
    return put_number(h, h->at - h->run_start, err);
}

int bfci_hasher_data(bfci_hasher *h, const void *bytes, size_t len, bfc_err *err)
{
    if (len == 0)
        return 0;
    if (!h->in_run) {
        h->in_run = true;
        h->run_start = h->at;
    }
    h->crc = bfci_crc32c_more(h->crc, bytes, len);
    h->at += len;
    return bfci_sha256_update(h->sha, bytes, len, err);
}

int bfci_hasher_hole(bfci_hasher *h, uint64_t len, bfc_err *err)
{
    if (len == 0)
        return 0;
    BFC_TRY(end_run(h, err));
    h->crc = bfci_crc32c_zeros(h->crc, len);
    h->at += len;
    return 0;
}

int bfci_hasher_finish(bfci_hasher *h, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    BFC_TRY(end_run(h, err));
    if (h->sparse)
        BFC_TRY(put_number(h, h->at, err));
    *crc = h->crc;
    return bfci_sha256_finish(h->sha, digest, err);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

size_t bfci_next_piece(const uint8_t *bytes, size_t len, bool *hole)
{
    size_t at = MIN(len, (size_t)HOLE_GRAIN);

    *hole = is_zero(bytes, at);
    while (at < len) {
        size_t n = MIN(len - at, (size_t)HOLE_GRAIN);
        if (is_zero(bytes + at, n) != *hole)
            break;
        at += n;
    }
    return at;
}
