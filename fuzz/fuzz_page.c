/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata pages. What decodes is found again key by key, and written again into an equal page. */
#include "fuzz.h"

static void find_all(const bfci_page *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        FUZZ_CHECK(bfci_page_find(p, bfci_page_key(p, i)) == (int32_t)i);
        FUZZ_CHECK(i == 0 || bfci_span_compare(bfci_page_key(p, i - 1), bfci_page_key(p, i)) < 0);
    }
    FUZZ_CHECK(bfci_page_find(p, (bfci_span){(const uint8_t *)"", 0}) == -1);
}

static void write_again(const bfci_page *p)
{
    bfci_page_writer w = {0};
    bfci_page again;

    bfci_page_start(&w, p->table, p->level, PAGE_SIZE_MAX);
    for (uint32_t i = 0; i < p->count; i++)
        FUZZ_CHECK(bfci_page_add(&w, bfci_page_key(p, i), bfci_page_value(p, i)));
    bfci_page_finish(&w);
    uint8_t *raw = fuzz_copy(w.bytes.data, w.bytes.len);
    FUZZ_CHECK(bfci_page_decode(raw, w.bytes.len, 0, &again, NULL) == 0);
    FUZZ_CHECK(again.count == p->count);
    for (uint32_t i = 0; i < p->count; i++)
        FUZZ_CHECK(bfci_span_compare(bfci_page_key(&again, i), bfci_page_key(p, i)) == 0 &&
                   bfci_span_compare(bfci_page_value(&again, i), bfci_page_value(p, i)) == 0);
    bfci_page_release(&again);
    bfci_buf_free(&w.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bfci_page page;
    uint8_t *raw = fuzz_copy(data, size);

    if (bfci_page_decode(raw, size, 0, &page, NULL) < 0) {
        free(raw);
        return 0;
    }
    find_all(&page);
    write_again(&page);
    bfci_page_release(&page);
    return 0;
}
