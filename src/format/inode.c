/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes: all that is known of a file but its names. */
#include "format/record.h"

static bool is_dense(const bfci_inode *n)
{
    return n->type == BFC_TYPE_FILE && !(n->flags & INODE_SPILLED) && n->extent_count == 1 &&
           n->extent[0].start == 0 && n->extent[0].len == n->size;
}

static void extents_encode(buf *b, const bfci_inode *n)
{
    if (n->flags & INODE_SPILLED)
        return;
    if (is_dense(n)) {
        bfci_buf_varint(b, n->extent[0].block);
        bfci_buf_varint(b, n->extent[0].offset);
        buf_u8(b, n->extent[0].shift);
        return;
    }
    bfci_buf_varint(b, n->extent_count);
    bfci_extents_encode(b, n->extent, n->extent_count, 0);
}

void bfci_inode_encode(buf *b, const bfci_inode *n)
{
    buf_u8(b, n->type);
    buf_u8(b, (uint8_t)((n->flags & ~INODE_DENSE) | (is_dense(n) ? INODE_DENSE : 0)));
    bfci_buf_varint(b, n->mode);
    bfci_buf_varint(b, n->uid);
    bfci_buf_varint(b, n->gid);
    buf_svarint(b, n->mtime);
    bfci_buf_varint(b, n->mtime_ns);
    if (n->flags & INODE_XATTRS)
        bfci_buf_put(b, n->xattrs, sizeof n->xattrs);

    switch (n->type) {
    case BFC_TYPE_FILE:
        bfci_buf_varint(b, n->size);
        if (n->size == 0)
            break;
        buf_u32(b, n->crc);
        bfci_buf_put(b, n->digest, sizeof n->digest);
        extents_encode(b, n);
        break;
    case BFC_TYPE_SYMLINK:
        bfci_buf_varint(b, n->link_len);
        bfci_buf_put(b, n->link, n->link_len);
        break;
    case BFC_TYPE_CHAR:
    case BFC_TYPE_BLOCK:
        bfci_buf_varint(b, n->major);
        bfci_buf_varint(b, n->minor);
        break;
    default:
        break;
    }
}

static void digest_take(rd *r, uint8_t out[BFC_DIGEST_SIZE])
{
    const uint8_t *digest = rd_take(r, BFC_DIGEST_SIZE);
    if (digest)
        memcpy(out, digest, BFC_DIGEST_SIZE);
}

/* The one extent of a file without holes. */
static void dense_decode(rd *r, bfci_inode *out)
{
    bfci_extent e = {.len = out->size};

    e.block = rd_varint(r);
    e.offset = (uint32_t)rd_varint_max(r, BLOCK_SIZE_MAX);
    e.shift = rd_u8(r);
    if (!bfci_extent_is_legal(&e))
        r->bad = true;
    out->extent[0] = e;
    out->extent_count = 1;
}

static void file_decode(rd *r, bfci_inode *out)
{
    bool spilled = out->flags & INODE_SPILLED, dense = out->flags & INODE_DENSE;

    out->size = rd_varint_max(r, FILE_SIZE_MAX);
    if (out->size == 0 || (spilled && dense)) {
        r->bad = r->bad || spilled || dense;
        return;
    }
    out->crc = rd_u32(r);
    digest_take(r, out->digest);
    if (dense) {
        dense_decode(r, out);
    } else if (!spilled) {
        out->extent_count = (size_t)rd_varint_max(r, EXTENTS_INLINE_MAX);
        bfci_extents_decode(r, out->extent, out->extent_count, 0, out->size);
        if (rd_ok(r) && is_dense(out))
            r->bad = true; /* there is a shorter form */
    }
}

static void link_decode(rd *r, bfci_inode *out)
{
    out->link_len = (size_t)rd_varint_max(r, LINK_MAX_LEN);
    const uint8_t *link = rd_take(r, out->link_len);
    if (!link || out->link_len == 0 || memchr(link, 0, out->link_len)) {
        r->bad = true;
        return;
    }
    memcpy(out->link, link, out->link_len);
    out->link[out->link_len] = '\0';
}

/* Fields that do not belong to the type stay as they were in `out`, but for those that are named
 * here: an inode is large, and clearing all of it for each file would cost more than decoding it.
 */
static void inode_reset(bfci_inode *out)
{
    out->size = 0;
    out->crc = 0;
    out->extent_count = 0;
    out->major = out->minor = 0;
    out->link_len = 0;
    out->link[0] = '\0';
    memset(out->digest, 0, sizeof out->digest);
    memset(out->xattrs, 0, sizeof out->xattrs);
}

int bfci_inode_decode(bfci_span value, bfci_inode *out, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);

    inode_reset(out);
    out->type = rd_u8(&r);
    out->flags = rd_u8(&r);
    out->mode = (uint16_t)rd_varint_max(&r, 07777);
    out->uid = (uint32_t)rd_varint_max(&r, ID_MAX);
    out->gid = (uint32_t)rd_varint_max(&r, ID_MAX);
    out->mtime = rd_svarint(&r);
    out->mtime_ns = (uint32_t)rd_varint_max(&r, 999999999);
    if (out->flags & INODE_XATTRS)
        digest_take(&r, out->xattrs);

    switch (out->type) {
    case BFC_TYPE_FILE:
        file_decode(&r, out);
        break;
    case BFC_TYPE_SYMLINK:
        link_decode(&r, out);
        break;
    case BFC_TYPE_CHAR:
    case BFC_TYPE_BLOCK:
        out->major = (uint32_t)rd_varint_max(&r, DEVICE_MAJOR_MAX);
        out->minor = (uint32_t)rd_varint_max(&r, DEVICE_MINOR_MAX);
        break;
    case BFC_TYPE_DIR:
    case BFC_TYPE_FIFO:
    case BFC_TYPE_SOCKET:
        break;
    default:
        r.bad = true;
    }
    bool flags_ok = !(out->flags & ~INODE_FLAGS) &&
                    (!(out->flags & (INODE_SPILLED | INODE_DENSE)) || out->type == BFC_TYPE_FILE) &&
                    (!(out->flags & INODE_SYNTHETIC) || out->type == BFC_TYPE_DIR);
    if (!rd_finished(&r) || !flags_ok)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed inode");
    return 0;
}
