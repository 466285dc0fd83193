/* SPDX-License-Identifier: Apache-2.0 */
/* Merging changes into a table: the old tree is gone through from the left; pages in whose range no
 * change falls are not even read, the others are written anew. The recursion is as deep as the tree
 * is high, 8 at the most. */
#include "container/merge.h"

typedef struct merge {
    bfci_tables *old;
    uint8_t table;
    bfci_sorter *changes;
    bfci_builder *builder;
    uint64_t added, removed; /* entries */
} merge;

/* True if the next change lies before `bound` (len 0: no bound). */
static bool change_before(const merge *m, bfci_span bound)
{
    const bfci_change *c = bfci_sorter_peek(m->changes);
    return c && (!bound.len || bfci_span_compare(c->key, bound) < 0);
}

static int apply_change(merge *m, bool replaces, bfc_err *err)
{
    const bfci_change *c = bfci_sorter_peek(m->changes);

    if (!c->deleted) {
        BFC_TRY(bfci_builder_add(m->builder, c->key, c->value, err));
        m->added += !replaces;
    } else {
        m->removed += replaces;
    }
    return bfci_sorter_step(m->changes, err);
}

static int merge_leaf(merge *m, const bfci_page *page, bfci_span bound, bfc_err *err)
{
    for (uint32_t i = 0; i < page->count; i++) {
        const bfci_span key = bfci_page_key(page, i);
        while (change_before(m, key))
            BFC_TRY(apply_change(m, false, err));
        const bfci_change *c = bfci_sorter_peek(m->changes);
        if (c && bfci_span_compare(c->key, key) == 0)
            BFC_TRY(apply_change(m, true, err));
        else
            BFC_TRY(bfci_builder_add(m->builder, key, bfci_page_value(page, i), err));
    }
    while (change_before(m, bound))
        BFC_TRY(apply_change(m, false, err));
    return 0;
}

static int merge_page(merge *m, const bfci_ref *ref, uint8_t level, bfci_span first,
                      bfci_span bound, bfc_err *err);

static int merge_inner(merge *m, const bfci_page *page, bfci_span bound, bfc_err *err)
{
    for (uint32_t i = 0; i < page->count; i++) {
        bfci_span child_bound = i + 1 < page->count ? bfci_page_key(page, i + 1) : bound;
        bfci_ref ref;
        BFC_TRY(bfci_page_ref_decode(bfci_page_value(page, i), &ref, err));
        BFC_TRY(merge_page(m, &ref, (uint8_t)(page->level - 1), bfci_page_key(page, i), child_bound,
                           err));
    }
    return 0;
}

static int merge_page(merge *m, const bfci_ref *ref, uint8_t level, bfci_span first,
                      bfci_span bound, bfc_err *err)
{
    if (first.len && !change_before(m, bound))
        return bfci_builder_add_page(m->builder, level, first, ref, err);

    AUTO(bfci_held) bfci_held *held = NULL;
    BFC_TRY(bfci_tables_hold(m->old, ref, m->table, level, &held, err));
    const bfci_page *page = bfci_held_page(held);
    bfci_span last = bfci_page_key(page, page->count - 1);
    if ((first.len && bfci_span_compare(bfci_page_key(page, 0), first) != 0) ||
        (bound.len && bfci_span_compare(last, bound) >= 0))
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset,
                            "metadata page does not belong where it is referred to");
    return level == 0 ? merge_leaf(m, page, bound, err) : merge_inner(m, page, bound, err);
}

int bfci_table_merge(bfci_tables *old, const bfci_table_ref *old_ref, bfci_sorter *changes,
                     bfci_page_sink *sink, enum bfci_table table, bfci_table_ref *out, bfc_err *err)
{
    const bfci_span none = {NULL, 0};
    AUTO(bfci_builder) bfci_builder *builder = NULL;

    if (bfci_sorter_is_empty(changes)) {
        *out = *old_ref;
        return 0;
    }
    BFC_TRY(bfci_sorter_rewind(changes, err));
    if (!bfci_sorter_peek(changes)) { /* all was forgotten */
        *out = *old_ref;
        return 0;
    }
    BFC_TRY(bfci_builder_new(sink, table, &builder, err));
    merge m = {.old = old, .table = (uint8_t)table, .changes = changes, .builder = builder};
    if (old_ref->root.offset)
        BFC_TRY(merge_page(&m, &old_ref->root, old_ref->level, none, none, err));
    while (bfci_sorter_peek(changes))
        BFC_TRY(apply_change(&m, false, err));
    return bfci_builder_finish(builder, old_ref->count + m.added - m.removed, out, err);
}
