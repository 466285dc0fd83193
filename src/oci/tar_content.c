/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/tar_content.h"

#include "base/buf.h"

void bfci_tar_content_release(bfci_tar_content *c)
{
    free(c->range);
    *c = (bfci_tar_content){0};
}

int bfci_tar_content_begin(bfci_tar_content *c, const bfci_tar_entry *e, bfc_err *err)
{
    c->size = e->size;
    c->data_size = e->data_size;
    c->at = 0;
    c->sparse = e->data_size < e->size;
    c->range_count = c->range_at = 0;
    if (!c->sparse || e->range_count == 0)
        return 0;
    BFC_TRY(bfci_reserve(&c->range, &c->range_cap, e->range_count, sizeof *c->range, err));
    memcpy(c->range, e->range, e->range_count * sizeof *c->range);
    c->range_count = e->range_count;
    return 0;
}

static int skip_to(bfci_tar_content *c, const bfci_tar_content_sink *sink, uint64_t offset,
                   bfc_err *err)
{
    if (c->at >= offset)
        return 0;
    BFC_TRY(sink->hole(sink->ctx, offset - c->at, err));
    c->at = offset;
    return 0;
}

static int put_ranges(bfci_tar_content *c, const bfci_tar_content_sink *sink, const uint8_t *bytes,
                      size_t len, bfc_err *err)
{
    while (len > 0 && c->range_at < c->range_count) {
        const bfci_tar_range *r = &c->range[c->range_at];
        BFC_TRY(skip_to(c, sink, r->offset, err));
        size_t n = (size_t)MIN((uint64_t)len, r->offset + r->len - c->at);
        BFC_TRY(sink->data(sink->ctx, bytes, n, err));
        c->at += n;
        bytes += n;
        len -= n;
        c->range_at += c->at == r->offset + r->len;
    }
    return 0;
}

int bfci_tar_content_data(bfci_tar_content *c, const bfci_tar_content_sink *sink,
                          const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (c->sparse)
        return put_ranges(c, sink, bytes, len, err);
    BFC_TRY(sink->data(sink->ctx, bytes, len, err));
    c->at += len;
    return 0;
}

int bfci_tar_content_end(bfci_tar_content *c, const bfci_tar_content_sink *sink, bfc_err *err)
{
    return c->sparse ? skip_to(c, sink, c->size, err) : 0;
}
