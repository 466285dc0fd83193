/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an object of a version 1 container. It repeats what the index says, and nothing but
 * the size of the stored content is new: so all else must agree, and two entries cannot lead to one
 * object. */
#include "format/v1.h"

#define MODE_BITS 07777u
#define NS_PER_SECOND UINT64_C(1000000000)

struct header {
    uint8_t type, comp, enc;
    uint16_t name_len;
    uint32_t mode, crc;
    uint64_t mtime, raw, stored;
    const uint8_t *name;
};

static int fail(const bfci_v1_entry *e, const char *what, bfc_err *err)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, e->offset, "the header of the object: %s", what);
}

static bool agrees(const struct header *h, const bfci_v1_entry *e)
{
    static const uint32_t type_bits[] = {0, 0100000, 0040000, 0120000};
    uint64_t mtime = (uint64_t)e->mtime * NS_PER_SECOND + e->mtime_ns;

    return h->type == e->type && h->comp == e->comp && h->enc == e->sealed &&
           h->mode == (type_bits[e->type] | e->mode) && h->mtime == mtime && h->raw == e->raw &&
           bfci_v1_crc_usual(h->crc, e->raw) == e->crc;
}

int bfci_v1_object_check(const uint8_t *raw, const bfci_v1_entry *e, uint64_t *stored, bfc_err *err)
{
    const uint64_t head = bfci_v1_object_head(e->path_len);
    struct header h;
    rd r = rd_over(raw, (size_t)head);

    h.type = rd_u8(&r);
    h.comp = rd_u8(&r);
    h.enc = rd_u8(&r);
    (void)rd_u8(&r); /* reserved, and padding: the format does not say what stands there */
    h.name_len = rd_u16(&r);
    (void)rd_u16(&r);
    h.mode = rd_u32(&r);
    h.mtime = rd_u64(&r);
    h.raw = rd_u64(&r);
    h.stored = rd_u64(&r);
    h.crc = rd_u32(&r);
    h.name = rd_take(&r, e->path_len);
    bool padding = rd_zeros(&r, rd_left(&r));
    if (h.name_len != e->path_len || !h.name || memcmp(h.name, e->path, e->path_len) != 0)
        return fail(e, "it has another name than the index", err);
    if (!agrees(&h, e))
        return fail(e, "it is not what the index says", err);
    if (!padding)
        return fail(e, "the padding behind its name is not zero", err);
    if (h.stored > e->size - head || e->size - head - h.stored >= V1_OBJECT_ALIGN)
        return fail(e, "its content is not as long as the index says", err);
    if (e->comp == COMP_NONE && h.stored != e->raw + (e->sealed ? V1_NONCE_SIZE + V1_TAG_SIZE : 0))
        return fail(e, "its sizes contradict each other", err);
    if (e->sealed && h.stored < V1_NONCE_SIZE + V1_TAG_SIZE)
        return fail(e, "too short for an encrypted content", err);
    *stored = h.stored;
    return 0;
}
