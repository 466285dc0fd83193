/* SPDX-License-Identifier: Apache-2.0 */
/* The small records: dirents, block references, numbers, trees, sets of extended attributes. */
#include "format/record.h"

void bfci_dirent_encode(buf *b, const bfci_dirent *d)
{
    buf_u8(b, d->type);
    bfci_buf_varint(b, d->ino);
}

int bfci_dirent_decode(bfci_span value, bfci_dirent *out, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    bfci_dirent d = {.type = rd_u8(&r)};

    d.ino = rd_varint(&r);
    if (!rd_finished(&r) || d.type < BFC_TYPE_FILE || d.type > BFC_TYPE_SOCKET || d.ino == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed directory entry");
    *out = d;
    return 0;
}

int bfci_dirent_key_decode(bfci_span key, uint64_t *dir, bfci_span *name, bfc_err *err)
{
    if (key.len < 9 || !bfci_name_ok((const char *)key.p + 8, key.len - 8))
        return bfci_fail(err, BFC_E_CORRUPT, "directory entry with an illegal name '%s'",
                         key.len < 9 ? "" : BFCI_QUOTE((const char *)key.p + 8, key.len - 8));
    *dir = get_u64be(key.p);
    *name = (bfci_span){key.p + 8, key.len - 8};
    return 0;
}

void bfci_block_encode(buf *b, const bfci_ref *ref)
{
    bfci_buf_varint(b, ref->offset);
    bfci_buf_varint(b, ref->stored);
    bfci_buf_varint(b, ref->raw);
    buf_u8(b, ref->comp);
    buf_u32(b, ref->crc);
    bfci_buf_put(b, ref->digest, sizeof ref->digest);
}

int bfci_block_decode(bfci_span value, bfci_ref *out, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    bfci_ref ref = {.offset = rd_varint(&r)};

    ref.stored = (uint32_t)rd_varint_max(&r, SEALED_BLOCK_MAX);
    ref.raw = (uint32_t)rd_varint_max(&r, BLOCK_SIZE_MAX);
    ref.comp = rd_u8(&r);
    ref.crc = rd_u32(&r);
    const uint8_t *digest = rd_take(&r, BFC_DIGEST_SIZE);
    if (!rd_finished(&r) || !digest)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed entry of the block table");
    memcpy(ref.digest, digest, BFC_DIGEST_SIZE);
    *out = ref;
    return 0;
}

void bfci_number_encode(buf *b, uint64_t number)
{
    bfci_buf_varint(b, number);
}

int bfci_number_decode(bfci_span value, uint64_t *out, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    uint64_t number = rd_varint(&r);

    if (!rd_finished(&r))
        return bfci_fail(err, BFC_E_CORRUPT, "malformed number in a table");
    *out = number;
    return 0;
}

void bfci_tree_encode(buf *b, const bfci_tree *t)
{
    buf_u8(b, t->kind);
    bfci_buf_varint(b, t->root);
    bfci_buf_varint(b, t->label.len);
    bfci_buf_put(b, t->label.p, t->label.len);
}

int bfci_tree_decode(bfci_span value, bfci_tree *out, bfc_err *err)
{
    rd r = rd_over(value.p, value.len);
    bfci_tree t = {.kind = rd_u8(&r)};

    t.root = rd_varint(&r);
    t.label.len = (size_t)rd_varint_max(&r, TREE_LABEL_MAX);
    t.label.p = rd_take(&r, t.label.len);
    if (!rd_finished(&r) || t.kind > TREE_KEPT || t.root == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "malformed entry of the table of trees");
    *out = t;
    return 0;
}

/* ── Sets of extended attributes ── */

void bfci_xattr_set_encode(buf *b, const bfci_xattr_item *items, size_t count)
{
    bfci_buf_varint(b, count);
    for (size_t i = 0; i < count; i++) {
        bfci_buf_varint(b, items[i].name.len);
        bfci_buf_put(b, items[i].name.p, items[i].name.len);
        bfci_buf_varint(b, items[i].value.len);
        bfci_buf_put(b, items[i].value.p, items[i].value.len);
    }
}

static bool item_take(rd *r, bfci_xattr_item *item)
{
    item->name.len = (size_t)rd_varint_max(r, XATTR_NAME_MAX_LEN);
    item->name.p = rd_take(r, item->name.len);
    item->value.len = (size_t)rd_varint_max(r, XATTR_VALUE_MAX_LEN);
    item->value.p = rd_take(r, item->value.len);
    return rd_ok(r) && item->name.len > 0 && !memchr(item->name.p, 0, item->name.len);
}

static bool set_is_legal(bfci_span set, uint64_t *count)
{
    rd r = rd_over(set.p, set.len);
    bfci_span last = {set.p, 0};

    *count = rd_count(&r, 3);
    for (uint64_t i = 0; i < *count; i++) {
        bfci_xattr_item item;
        if (!item_take(&r, &item) || (i > 0 && bfci_span_compare(last, item.name) >= 0))
            return false;
        last = item.name;
    }
    return rd_finished(&r) && *count > 0 && set.len <= XATTR_SET_MAX;
}

int bfci_xattr_set_each(bfci_span set, bfci_xattr_fn *fn, void *ctx, size_t *count, bfc_err *err)
{
    uint64_t n;

    if (!set_is_legal(set, &n))
        return bfci_fail(err, BFC_E_CORRUPT, "malformed set of extended attributes");
    if (count)
        *count = (size_t)n;
    rd r = rd_over(set.p, set.len);
    (void)rd_varint(&r);
    for (uint64_t i = 0; i < n && fn; i++) {
        bfci_xattr_item item;
        (void)item_take(&r, &item);
        BFC_TRY(fn(ctx, &item, err));
    }
    return 0;
}
