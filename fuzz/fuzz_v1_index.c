/* SPDX-License-Identifier: Apache-2.0 */
/* Header, footer, index and objects of version 1, as decoders see them. Bytes 0 and 1: how long the
 * index is that follows; then come headers of objects, one an entry. What was accepted holds what
 * the format promises. */
#include "fuzz.h"

#include "format/v1.h"

#define HIGH (UINT64_C(1) << 40)

static void check_entry(const bfci_v1_entry *e)
{
    FUZZ_CHECK(e->path_len >= 1 && e->path_len <= V1_PATH_MAX);
    FUZZ_CHECK(e->path[0] != '/' && e->path[e->path_len - 1] != '/');
    FUZZ_CHECK(!memchr(e->path, '\0', e->path_len));
    FUZZ_CHECK(e->type >= BFC_TYPE_FILE && e->type <= BFC_TYPE_SYMLINK && e->mode <= 07777);
    FUZZ_CHECK(e->mtime_ns < 1000000000 && e->raw <= FILE_SIZE_MAX);
    FUZZ_CHECK(e->offset >= V1_HEADER_SIZE && e->size <= HIGH - e->offset);
    FUZZ_CHECK(e->size >= bfci_v1_object_head(e->path_len));
    FUZZ_CHECK(e->comp != COMP_NONE || e->raw <= e->size);
    FUZZ_CHECK(bfci_v1_compare_paths(e->path, e->path_len, e->path, e->path_len) == 0);
}

static void check_object(const bfci_v1_entry *e, const uint8_t *rest, size_t rest_len)
{
    size_t head = (size_t)bfci_v1_object_head(e->path_len);
    uint64_t stored = 0;
    bfc_err err = BFC_ERR_INIT;

    if (rest_len < head)
        return;
    uint8_t *raw = fuzz_copy(rest, head);
    if (bfci_v1_object_check(raw, e, &stored, &err) == 0)
        FUZZ_CHECK(stored <= e->size - head && (e->comp != COMP_NONE || stored >= e->raw));
    else
        FUZZ_CHECK(err.code == BFC_E_CORRUPT && err.msg[0]);
    free(raw);
}

static void read_index(const uint8_t *index, size_t len, const uint8_t *rest, size_t rest_len)
{
    rd r = rd_over(index, len);
    uint32_t count = 0;
    bfci_v1_entry e;

    if (bfci_v1_index_begin(&r, &count, NULL) < 0)
        return;
    FUZZ_CHECK(count <= len / (V1_INDEX_ENTRY_FIXED + 1));
    for (uint32_t i = 0; i < count; i++) {
        if (bfci_v1_index_next(&r, V1_HEADER_SIZE, HIGH, &e, NULL) < 0)
            return;
        check_entry(&e);
        check_object(&e, rest, rest_len);
        size_t step = MIN(rest_len, (size_t)bfci_v1_object_head(e.path_len));
        rest += step;
        rest_len -= step;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bfci_v1_footer footer;

    if (size < 2)
        return 0;
    size_t len = MIN((size_t)get_u16le(data), size - 2);
    uint8_t *index = fuzz_copy(data + 2, len);
    read_index(index, len, data + 2 + len, size - 2 - len);
    free(index);
    if (size >= V1_FOOTER_SIZE &&
        bfci_v1_footer_decode(data + size - V1_FOOTER_SIZE, 2 * HIGH, &footer, NULL) == 0)
        FUZZ_CHECK(footer.index_offset >= V1_HEADER_SIZE && footer.index_size <= V1_INDEX_MAX &&
                   footer.index_offset + footer.index_size <= 2 * HIGH - V1_FOOTER_SIZE);
    return 0;
}
