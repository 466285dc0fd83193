/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata pages to frames. Leaf pages, which are nearly all, are packed by workers, some together,
 * and written in the order in which they came: what stands where does not depend on the workers. */
#ifndef BFCI_CONTAINER_PAGE_SINK_H
#define BFCI_CONTAINER_PAGE_SINK_H

#include "container/segment.h"
#include "format/page.h"
#include "sys/pool.h"

/* One for all tables of a commit; one thread uses it. */
typedef struct bfci_page_sink bfci_page_sink;
/* `level`: of zstd; 0: pages are not compressed. `segment` is borrowed, and so is `pool`; NULL: the
 * caller does it all. */
int bfci_page_sink_new(bfci_segment *segment, bfci_pool *pool, int level, bfci_page_sink **out,
                       bfc_err *err);
void bfci_page_sink_free(bfci_page_sink *s); /* waits for workers; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_page_sink, bfci_page_sink_free)

/* Bytes, at most, of a page of the container. */
size_t bfci_page_sink_page_size(const bfci_page_sink *s);
/* Writes a page at once. */
int bfci_page_sink_put(bfci_page_sink *s, uint8_t table, uint8_t level, const buf *page,
                       bfci_ref *out, bfc_err *err);

/* Takes the bytes of a leaf page, which is written when it is taken back; not while it is full. */
int bfci_page_sink_queue(bfci_page_sink *s, uint8_t table, const buf *page, bfci_span first_key,
                         bfc_err *err);
bool bfci_page_sink_is_full(const bfci_page_sink *s);

typedef struct bfci_leaf {
    bfci_ref ref;
    uint8_t first_key[KEY_MAX];
    size_t first_key_len;
} bfci_leaf;
/* Writes the oldest page of the queue. *out is valid until the next call, and NULL if there is
 * none. */
int bfci_page_sink_take(bfci_page_sink *s, const bfci_leaf **out, bfc_err *err);

#endif
