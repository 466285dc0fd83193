/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata pages before compression; docs/format.md, section 6. */
#ifndef BFCI_FORMAT_PAGE_H
#define BFCI_FORMAT_PAGE_H

#include "format/frame.h"

typedef struct bfci_span {
    const uint8_t *p;
    size_t len;
} bfci_span;

static inline int bfci_span_compare(bfci_span a, bfci_span b)
{
    int c = memcmp(a.p, b.p, MIN(a.len, b.len));
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Small: a look-up by path spreads several pages out, and fresh memory is what most of its time
 * goes to. */
typedef struct bfci_page_entry {
    uint32_t key_at, value_at; /* in the page's keys and raw bytes */
    uint16_t key_len, value_len;
} bfci_page_entry;

/* A page with its entries spread out. Everything in it lives as long as it does. */
typedef struct bfci_page {
    uint8_t table, level;
    uint32_t count;
    bfci_page_entry *entry; /* owned; the keys are behind the entries */
    uint8_t *raw;           /* owned */
    const uint8_t *keys;
} bfci_page;

static inline bfci_span bfci_page_key(const bfci_page *p, uint32_t i)
{
    return (bfci_span){p->keys + p->entry[i].key_at, p->entry[i].key_len};
}

static inline bfci_span bfci_page_value(const bfci_page *p, uint32_t i)
{
    return (bfci_span){p->raw + p->entry[i].value_at, p->entry[i].value_len};
}

/* Takes `raw` over on success only. Checks header, count, key order, lengths, no bytes left over.
 */
int bfci_page_decode(uint8_t *raw, size_t len, uint64_t offset, bfci_page *out, bfc_err *err);
void bfci_page_release(bfci_page *p);
/* Index of the last entry whose key is <= key, or -1. */
int32_t bfci_page_find(const bfci_page *p, bfci_span key);

/* Building one: add entries in rising order as long as they fit. */
typedef struct bfci_page_writer {
    buf bytes;
    uint32_t count;
    uint8_t last_key[KEY_MAX];
    size_t last_key_len;
    size_t size_max;
} bfci_page_writer;

void bfci_page_start(bfci_page_writer *w, uint8_t table, uint8_t level, size_t size_max);
/* false: it is full (the entry was not added), finish it first. */
bool bfci_page_add(bfci_page_writer *w, bfci_span key, bfci_span value);
/* Puts the count in place; the bytes are w->bytes. */
void bfci_page_finish(bfci_page_writer *w);

void bfci_page_ref_encode(const bfci_ref *ref, uint8_t out[PAGE_REF_SIZE]);
int bfci_page_ref_decode(bfci_span value, bfci_ref *out, bfc_err *err);

#endif
