/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where: frames and commit records do not overlap, and what fills the segment up to its
 * commit record is zero. */
#include <inttypes.h>

#include "container/verify.h"
#include "sys/file.h"

int bfci_verify_take(bfci_verify *v, uint64_t begin, uint64_t end, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&v->range, &v->range_cap, v->range_count + 1, sizeof *v->range, err));
    v->range[v->range_count++] = (bfci_verify_range){begin, end};
    return 0;
}

static int compare(const void *a, const void *b)
{
    const bfci_verify_range *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* From the end of the last frame up to the record. */
static void check_padding(bfci_verify *v, uint64_t from)
{
    const bfci_commit *c = &v->source.commit;
    uint8_t bytes[COMMIT_ALIGN];
    bfc_err why = BFC_ERR_INIT;
    size_t len = (size_t)(c->offset - from);

    if (c->offset - from >= COMMIT_ALIGN) {
        bfci_verify_problem(v, from, "%" PRIu64 " bytes before the commit record belong to nothing",
                            c->offset - from);
        return;
    }
    if (bfci_pread_exact(v->source.fd, bytes, len, from, &why) < 0) {
        bfci_verify_problem(v, from, "%s", why.msg);
        return;
    }
    for (size_t i = 0; i < len; i++)
        if (bytes[i]) {
            bfci_verify_problem(v, from + i, "padding before the commit record that is not zero");
            return;
        }
}

int bfci_verify_ranges(bfci_verify *v, bfc_err *err)
{
    bool all_known = true;
    uint64_t end = SUPER_SIZE;

    (void)err;
    if (v->range_count)
        qsort(v->range, v->range_count, sizeof *v->range, compare);
    for (size_t i = 0; i < v->range_count; i++) {
        const bfci_verify_range *r = &v->range[i];
        if (r->begin < end)
            bfci_verify_problem(
                v, r->begin, "a frame begins here, before the one before it ends at byte %" PRIu64,
                end);
        end = MAX(end, r->end);
    }
    for (unsigned i = 1; i < TABLE_COUNT; i++)
        all_known = all_known && !v->damaged[i];
    if (all_known && end >= v->source.commit.segment)
        check_padding(v, end);
    free(bfci_steal(&v->range)); /* room for the blocks of the deep check */
    v->range_count = v->range_cap = 0;
    return 0;
}
