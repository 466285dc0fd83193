/* SPDX-License-Identifier: Apache-2.0 */
/* Extents: which bytes of which blocks make up a file. In a decoded list the extents rise, do not
 * overlap, lie within the file, and obey the rule of shifts; whether the blocks exist and are long
 * enough is for those to check who look at the block table. */
#include "format/record.h"

enum {
    EXTENT_ENCODED_MIN = 5 /* four varints and the shift */
};

void bfci_extents_encode(buf *b, const bfci_extent *extents, size_t count, uint64_t from)
{
    for (size_t i = 0; i < count; i++) {
        const bfci_extent *e = &extents[i];
        bfci_buf_varint(b, e->start - from);
        bfci_buf_varint(b, e->len);
        bfci_buf_varint(b, e->block);
        bfci_buf_varint(b, e->offset);
        buf_u8(b, e->shift);
        from = e->start + e->len;
    }
}

bool bfci_extent_is_legal(const bfci_extent *e)
{
    if (e->len == 0)
        return false;
    if (e->shift == 0)
        return e->len <= BLOCK_SIZE_MAX && e->offset <= BLOCK_SIZE_MAX - e->len;
    uint64_t last_block;
    return e->shift >= BLOCK_SHIFT_MIN && e->shift <= BLOCK_SHIFT_MAX && e->offset == 0 &&
           e->len > UINT64_C(1) << e->shift &&
           !bfci_add_overflows(e->block, e->len >> e->shift, &last_block);
}

void bfci_extents_decode(rd *r, bfci_extent *out, size_t count, uint64_t from, uint64_t size)
{
    for (size_t i = 0; i < count && rd_ok(r); i++) {
        uint64_t gap = rd_varint_max(r, size - from);
        bfci_extent e = {.start = from + gap};
        e.len = rd_varint_max(r, size - e.start);
        e.block = rd_varint(r);
        e.offset = (uint32_t)rd_varint_max(r, BLOCK_SIZE_MAX);
        e.shift = rd_u8(r);
        if (!bfci_extent_is_legal(&e)) {
            r->bad = true;
            return;
        }
        from = e.start + e.len;
        out[i] = e;
    }
}

uint64_t bfci_extent_blocks(const bfci_extent *e)
{
    return e->shift ? ((e->len - 1) >> e->shift) + 1 : 1;
}

int bfci_extents_entry_decode(bfci_span value, uint64_t from, uint64_t size, bfci_extent *out,
                              size_t *count, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    uint64_t n = rd_count(&r, EXTENT_ENCODED_MIN);

    if (n == 0 || n > EXTENTS_ENTRY_MAX || from >= size)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed entry of the extents table");
    bfci_extents_decode(&r, out, (size_t)n, from, size);
    if (!rd_finished(&r) || out[0].start != from)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed entry of the extents table");
    *count = (size_t)n;
    return 0;
}

void bfci_extents_entry_encode(buf *b, const bfci_extent *extents, size_t count)
{
    bfci_buf_varint(b, count);
    bfci_extents_encode(b, extents, count, extents[0].start);
}

/* ── Xattr sets and blobs: bytes in the table or in data blocks ── */

enum {
    STORED_INLINE = 0,
    STORED_IN_BLOCKS = 1
};

void bfci_stored_encode(buf *b, const bfci_stored *s)
{
    buf_u8(b, s->is_inline ? STORED_INLINE : STORED_IN_BLOCKS);
    if (s->is_inline) {
        bfci_buf_put(b, s->bytes.p, s->bytes.len);
        return;
    }
    bfci_buf_varint(b, s->size);
    if (s->has_sums) {
        buf_u32(b, s->crc);
        bfci_buf_put(b, s->digest, sizeof s->digest);
    }
    bfci_buf_varint(b, s->extent_count);
    bfci_extents_encode(b, s->extent, s->extent_count, 0);
}

/* Bytes in blocks have no holes. */
static bool covers_all(const bfci_stored *s)
{
    uint64_t end = 0;
    for (size_t i = 0; i < s->extent_count; i++) {
        if (s->extent[i].start != end)
            return false;
        end += s->extent[i].len;
    }
    return end == s->size;
}

int bfci_stored_decode(bfci_span value, bool with_sums, uint64_t size_max, bfci_stored *out,
                       bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    uint8_t kind = rd_u8(&r);

    *out = (bfci_stored){0};
    if (rd_ok(&r) && kind == STORED_INLINE && rd_left(&r) <= INLINE_MAX) {
        out->is_inline = true;
        out->bytes = (bfci_span){r.p, rd_left(&r)};
        out->size = out->bytes.len;
        return 0;
    }
    out->size = rd_varint_max(&r, size_max);
    out->has_sums = with_sums;
    if (with_sums) {
        out->crc = rd_u32(&r);
        const uint8_t *digest = rd_take(&r, BFC_DIGEST_SIZE);
        if (digest)
            memcpy(out->digest, digest, BFC_DIGEST_SIZE);
    }
    uint64_t count = rd_count(&r, EXTENT_ENCODED_MIN);
    if (kind == STORED_IN_BLOCKS && count <= EXTENTS_INLINE_MAX) {
        out->extent_count = (size_t)count;
        bfci_extents_decode(&r, out->extent, out->extent_count, 0, out->size);
        if (rd_finished(&r) && covers_all(out))
            return 0;
    }
    return bfci_fail(err, BFC_E_CORRUPT, "malformed reference to stored bytes");
}
