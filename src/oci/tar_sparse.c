/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of sparse files, in each of the forms that archives have them. The ranges rise and lie
 * apart; a map that says otherwise is refused: of an overlap it would not be clear which bytes
 * win. */
#include "oci/tar_parts.h"

#include <inttypes.h>

enum {
    PAIR_SIZE = 24, /* offset and length, 12 bytes each */
    HEAD_PAIRS = 4,
    EXTENSION_PAIRS = 21,
    AT_EXTENSION_EXTENDED = 504
};

void bfci_tar_map_release(bfci_tar_map *m)
{
    free(m->range);
    *m = (bfci_tar_map){0};
}

void bfci_tar_map_clear(bfci_tar_map *m)
{
    *m = (bfci_tar_map){.range = m->range, .cap = m->cap};
}

int bfci_tar_map_add(bfci_tar_map *m, int64_t offset, int64_t len, bfc_err *err)
{
    int64_t end;

    if (offset < 0 || len < 0 || bfci_add_overflows(offset, len, &end))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the sparse map has %" PRId64 " bytes at %" PRId64
                         ", which is outside of any file",
                         len, offset);
    if ((uint64_t)offset < m->end)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the sparse map has a range at %" PRId64
                         " after one that ends at %" PRIu64,
                         offset, m->end);
    bool touches = m->count > 0 && (uint64_t)offset == m->end;
    m->end = (uint64_t)end;
    if (len == 0)
        return 0;
    m->held += (uint64_t)len;
    bfci_tar_range *last = m->count ? &m->range[m->count - 1] : NULL;
    if (touches && last->offset + last->len == (uint64_t)offset) {
        last->len += (uint64_t)len;
        return 0;
    }
    if (m->count == TAR_RANGES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the sparse map has more than %d ranges",
                         TAR_RANGES_MAX);
    BFC_TRY(bfci_reserve(&m->range, &m->cap, m->count + 1, sizeof *m->range, err));
    m->range[m->count++] = (bfci_tar_range){(uint64_t)offset, (uint64_t)len};
    return 0;
}

int bfci_tar_map_check(const bfci_tar_map *m, uint64_t size, uint64_t data_size, bfc_err *err)
{
    if (m->end > size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the sparse map goes up to byte %" PRIu64
                         ", and the file ends at %" PRIu64,
                         m->end, size);
    if (m->held != data_size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the sparse map holds %" PRIu64 " bytes, and the archive has %" PRIu64
                         " of the file",
                         m->held, data_size);
    return 0;
}

/* ── Old GNU: pairs of numbers in blocks ── */

static int add_pairs(bfci_tar_map *m, const uint8_t *pair, size_t count, bfc_err *err)
{
    int64_t offset, len;

    for (; count > 0 && pair[0] != 0; count--, pair += PAIR_SIZE) {
        if (!bfci_tar_number(pair, PAIR_SIZE / 2, &offset) ||
            !bfci_tar_number(pair + PAIR_SIZE / 2, PAIR_SIZE / 2, &len))
            return bfci_fail(err, BFC_E_CORRUPT, "the sparse map has what is no number");
        BFC_TRY(bfci_tar_map_add(m, offset, len, err));
    }
    return 0;
}

int bfci_tar_map_head(bfci_tar_map *m, const uint8_t block[TAR_BLOCK], bool *more, bfc_err *err)
{
    BFC_TRY(add_pairs(m, block + TAR_AT_GNU_SPARSE, HEAD_PAIRS, err));
    *more = block[TAR_AT_GNU_EXTENDED] != 0;
    return 0;
}

int bfci_tar_map_extension(bfci_tar_map *m, const uint8_t block[TAR_BLOCK], bool *more,
                           bfc_err *err)
{
    BFC_TRY(add_pairs(m, block, EXTENSION_PAIRS, err));
    *more = block[AT_EXTENSION_EXTENDED] != 0;
    return 0;
}

/* ── GNU.sparse 0.1: a list in an extended header ── */

static bool next_of_list(const char **text, const char *end, int64_t *out)
{
    const char *comma = memchr(*text, ',', (size_t)(end - *text));
    const char *stop = comma ? comma : end;

    if (!bfci_tar_decimal(*text, (size_t)(stop - *text), out))
        return false;
    *text = comma ? comma + 1 : end;
    return true;
}

int bfci_tar_map_list(bfci_tar_map *m, const char *text, size_t len, size_t *pairs, bfc_err *err)
{
    const char *end = text + len;
    size_t count = 0;

    for (; text < end; count++) {
        int64_t offset, size;
        if (!next_of_list(&text, end, &offset) || !next_of_list(&text, end, &size))
            return bfci_fail(err, BFC_E_CORRUPT,
                             "GNU.sparse.map is no list of pairs of numbers, parted by commas");
        BFC_TRY(bfci_tar_map_add(m, offset, size, err));
    }
    *pairs = count;
    return 0;
}

/* ── GNU.sparse 1.0: lines before the content ── */

static int take_number(bfci_tar_map_text *t, bfci_tar_map *m, bfc_err *err)
{
    int64_t number = t->number;

    t->number = 0;
    t->digits = false;
    if (!t->counted) {
        if (number > TAR_RANGES_MAX)
            return bfci_fail(err, BFC_E_LIMIT,
                             "the sparse map has %" PRId64 " ranges, more than %d", number,
                             TAR_RANGES_MAX);
        t->counted = true;
        t->ranges_left = (uint64_t)number;
        return 0;
    }
    t->half = !t->half;
    if (t->half) {
        t->offset = number;
        return 0;
    }
    t->ranges_left--;
    return bfci_tar_map_add(m, t->offset, number, err);
}

int bfci_tar_map_text_feed(bfci_tar_map_text *t, bfci_tar_map *m, const uint8_t *bytes, size_t len,
                           size_t *took, bool *done, bfc_err *err)
{
    *done = false;
    for (*took = 0; *took < len && !*done; ++*took) {
        uint8_t c = bytes[*took];
        if (c == '\n' && t->digits) {
            BFC_TRY(take_number(t, m, err));
            *done = t->ranges_left == 0;
        } else if (c < '0' || c > '9' || bfci_mul_overflows(t->number, 10, &t->number) ||
                   bfci_add_overflows(t->number, c - '0', &t->number)) {
            return bfci_fail(err, BFC_E_CORRUPT,
                             "the sparse map before the content is no list of numbers, one a line");
        } else {
            t->digits = true;
        }
    }
    return 0;
}
