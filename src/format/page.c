/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata pages: decoding one into an array of entries, and filling one. Keys are stored with the
 * part that they share with the key before left out; decoding spreads them out into an arena of
 * their own, so that a look-up is a plain binary search. */
#include "format/page.h"

void bfci_page_release(bfci_page *p)
{
    free(p->entry);
    free(p->raw);
    *p = (bfci_page){0};
}

/* One entry's varints and bytes. The key's length is known only now, its bytes are not put
 * together. */
typedef struct raw_entry {
    size_t shared, rest, value_len;
    const uint8_t *rest_bytes, *value;
} raw_entry;

static bool entry_take(rd *r, size_t last_key_len, raw_entry *out)
{
    out->shared = (size_t)rd_varint_max(r, last_key_len);
    out->rest = (size_t)rd_varint_max(r, KEY_MAX);
    out->rest_bytes = rd_take(r, out->rest);
    out->value_len = (size_t)rd_varint_max(r, VALUE_MAX);
    out->value = rd_take(r, out->value_len);
    return rd_ok(r) && out->rest > 0 && out->shared + out->rest <= KEY_MAX;
}

/* First pass: is every entry there, and how much room do the whole keys take? */
static bool measure(const uint8_t *raw, size_t len, uint32_t count, size_t *keys_len)
{
    rd r = rd_over(raw + PAGE_HEADER_SIZE, len - PAGE_HEADER_SIZE);
    size_t last = 0, total = 0;

    for (uint32_t i = 0; i < count; i++) {
        raw_entry e;
        if (!entry_take(&r, last, &e))
            return false;
        last = e.shared + e.rest;
        total += last;
    }
    *keys_len = total;
    return rd_finished(&r);
}

/* Second pass over bytes that the first found whole. False if keys do not rise. */
static bool spread(bfci_page *p, uint8_t *keys, size_t len)
{
    rd r = rd_over(p->raw + PAGE_HEADER_SIZE, len - PAGE_HEADER_SIZE);
    uint8_t *at = keys;
    bfci_span last = {keys, 0};

    for (uint32_t i = 0; i < p->count; i++) {
        raw_entry e;
        if (!entry_take(&r, last.len, &e))
            return false;
        memmove(at, last.p, e.shared);
        memcpy(at + e.shared, e.rest_bytes, e.rest);
        bfci_span key = {at, e.shared + e.rest};
        if (i > 0 && bfci_span_compare(last, key) >= 0)
            return false;
        p->entry[i] = (bfci_page_entry){.key_at = (uint32_t)(at - keys),
                                        .value_at = (uint32_t)(e.value - p->raw),
                                        .key_len = (uint16_t)key.len,
                                        .value_len = (uint16_t)e.value_len};
        at += key.len;
        last = key;
    }
    return true;
}

int bfci_page_decode(uint8_t *raw, size_t len, uint64_t offset, bfci_page *out, bfc_err *err)
{
    size_t keys_len = 0, size = 0;

    if (len <= PAGE_HEADER_SIZE || len > PAGE_SIZE_MAX)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "metadata page with an illegal size");
    bfci_page p = {.table = raw[0], .level = raw[1], .count = get_u16le(raw + 2)};
    if (p.table < TABLE_TREES || p.table >= TABLE_COUNT || p.level > LEVEL_MAX || p.count == 0 ||
        !measure(raw, len, p.count, &keys_len))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "malformed metadata page");

    AUTO_FREE bfci_page_entry *entry = NULL;
    if (bfci_add_overflows(p.count * sizeof *entry, keys_len, &size))
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_alloc(size, 1, &entry, err));
    uint8_t *keys = (uint8_t *)(entry + p.count);
    p.entry = entry;
    p.keys = keys;
    p.raw = raw;
    if (!spread(&p, keys, len))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "keys of a metadata page do not rise");
    (void)bfci_steal(&entry);
    *out = p;
    return 0;
}

int32_t bfci_page_find(const bfci_page *p, bfci_span key)
{
    uint32_t low = 0, high = p->count; /* entries before low are <= key, from high on > key */

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bfci_span_compare(bfci_page_key(p, middle), key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low - 1;
}

/* ── Building ── */

void bfci_page_start(bfci_page_writer *w, uint8_t table, uint8_t level, size_t size_max)
{
    buf_clear(&w->bytes);
    w->count = 0;
    w->last_key_len = 0;
    w->size_max = size_max;
    const uint8_t header[PAGE_HEADER_SIZE] = {table, level, 0, 0};
    bfci_buf_put(&w->bytes, header, sizeof header);
}

static size_t varint_len(size_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

bool bfci_page_add(bfci_page_writer *w, bfci_span key, bfci_span value)
{
    size_t shared = 0;
    while (shared < MIN(key.len, w->last_key_len) && key.p[shared] == w->last_key[shared])
        shared++;

    size_t rest = key.len - shared;
    size_t size = varint_len(shared) + varint_len(rest) + rest + varint_len(value.len) + value.len;
    if (w->bytes.len + size > w->size_max || w->count == UINT16_MAX)
        return false;
    bfci_buf_varint(&w->bytes, shared);
    bfci_buf_varint(&w->bytes, rest);
    bfci_buf_put(&w->bytes, key.p + shared, rest);
    bfci_buf_varint(&w->bytes, value.len);
    bfci_buf_put(&w->bytes, value.p, value.len);
    memcpy(w->last_key + shared, key.p + shared, rest);
    w->last_key_len = key.len;
    w->count++;
    return true;
}

void bfci_page_finish(bfci_page_writer *w)
{
    if (!w->bytes.bad)
        put_u16le(w->bytes.data + 2, (uint16_t)w->count);
}

/* ── References in inner pages ── */

enum {
    PAGE_REF_AT_RESERVED = 21,
    PAGE_REF_AT_DIGEST = 24
};

void bfci_page_ref_encode(const bfci_ref *ref, uint8_t out[PAGE_REF_SIZE])
{
    memset(out, 0, PAGE_REF_SIZE);
    put_u64le(out, ref->offset);
    put_u32le(out + 8, ref->stored);
    put_u32le(out + 12, ref->raw);
    put_u32le(out + 16, ref->crc);
    out[20] = ref->comp;
    memcpy(out + PAGE_REF_AT_DIGEST, ref->digest, BFC_DIGEST_SIZE);
}

int bfci_page_ref_decode(bfci_span value, bfci_ref *out, bfc_err *err)
{
    if (value.len != PAGE_REF_SIZE || value.p[PAGE_REF_AT_RESERVED] ||
        value.p[PAGE_REF_AT_RESERVED + 1] || value.p[PAGE_REF_AT_RESERVED + 2])
        return bfci_fail(err, BFC_E_CORRUPT, "malformed page reference");
    *out = (bfci_ref){.offset = get_u64le(value.p),
                      .stored = get_u32le(value.p + 8),
                      .raw = get_u32le(value.p + 12),
                      .crc = get_u32le(value.p + 16),
                      .comp = value.p[20]};
    memcpy(out->digest, value.p + PAGE_REF_AT_DIGEST, BFC_DIGEST_SIZE);
    if (out->comp > COMP_ZSTD)
        return bfci_fail(err, BFC_E_CORRUPT, "a page that is compressed as no page can be");
    return 0;
}
