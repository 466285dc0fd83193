/* SPDX-License-Identifier: Apache-2.0 */
/* What takes how much. A file that has several names takes its room once: files are told apart by
 * device and inode. So do blocks that several files have, since one began as a copy of the other:
 * they are told apart by where they lie. */
#include <bfc/image.h>

#include "base/map.h"
#include "store/facts.h"

/* Bounds memory and time. What lies in more pieces is taken for the image's own. */
#define PIECES_MAX (UINT32_C(1) << 20)

struct blocks {
    uint64_t device, start, end;
};

struct tally {
    bfc_store *store;
    bfci_map seen; /* (device, inode) */
    uint64_t device;
    struct blocks *blocks; /* that are shared, by whomever */
    size_t block_count, block_cap;
    size_t pieces_left;
    bfc_store_usage sum;
};

static void tally_release(struct tally *t)
{
    bfci_map_release(&t->seen);
    free(t->blocks);
}

/* What a damaged image takes is counted; what would be in it cannot be. */
static int count_content(struct tally *t, const bfci_found *found, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    int rc = t->store->backend->facts(t->store, found, NULL, &info, err);
    if (rc == BFC_E_NOMEM)
        return rc;
    if (rc == 0)
        t->sum.content_bytes += info->content_bytes;
    return 0;
}

static int note_blocks(void *ctx, uint64_t start, uint64_t len, bfc_err *err)
{
    struct tally *t = ctx;
    uint64_t end;

    if (bfci_add_overflows(start, len, &end))
        return 0;
    BFC_TRY(bfci_reserve(&t->blocks, &t->block_cap, t->block_count + 1, sizeof *t->blocks, err));
    t->blocks[t->block_count++] = (struct blocks){t->device, start, end};
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct blocks *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return 0;
}

/* Bytes that were met before. What is shared with files outside of the store is met once only. */
static uint64_t met_again(struct tally *t)
{
    uint64_t sum = 0, end = 0, device = 0;

    if (t->block_count > 0)
        qsort(t->blocks, t->block_count, sizeof *t->blocks, by_place);
    for (size_t i = 0; i < t->block_count; i++) {
        const struct blocks *b = &t->blocks[i];
        if (b->device != device)
            end = 0;
        device = b->device;
        if (b->start < end)
            sum += MIN(b->end, end) - b->start;
        end = MAX(end, b->end);
    }
    return sum;
}

static int count_one(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct tally *t = ctx;

    t->sum.images++;
    t->sum.image_bytes += found->size;
    if (bfci_map_get(&t->seen, found->device, found->inode)) {
        t->sum.shared_bytes += found->size;
        return 0;
    }
    BFC_TRY(bfci_map_put(&t->seen, found->device, found->inode, 0, err));
    t->sum.disk_bytes += found->disk_bytes;
    t->device = found->device;
    BFC_TRY(t->store->backend->shared(t->store, found, &t->pieces_left, note_blocks, t, err));
    return count_content(t, found, err);
}

static int count_all(struct tally *t, bfc_err *err)
{
    const bfci_backend *backend = t->store->backend;
    bfc_prune_report leftovers = {0, 0};

    BFC_TRY(backend->scan(t->store, count_one, t, err));
    uint64_t again = met_again(t);
    t->sum.disk_bytes -= MIN(again, t->sum.disk_bytes);
    t->sum.shared_bytes += again;
    BFC_TRY(backend->leftovers(t->store, true, NULL, NULL, &leftovers, err));
    t->sum.leftover_bytes = leftovers.bytes;
    return backend->free_space(t->store, &t->sum.free_bytes, err);
}

int bfc_image_df(bfc_store *store, bfc_store_usage *out, bfc_err *err)
{
    __attribute__((cleanup(tally_release))) struct tally t = {
        .store = store, .seen = BFCI_MAP_INIT, .pieces_left = PIECES_MAX};

    int rc = count_all(&t, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "store '%s'", BFCI_QUOTE_STR(store->uri));
    *out = t.sum;
    return 0;
}
