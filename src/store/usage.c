/* SPDX-License-Identifier: Apache-2.0 */
/* What takes how much. A file that has several names takes its room once: files are told apart by
 * device and inode. */
#include <bfc/image.h>

#include "base/map.h"
#include "store/facts.h"

struct tally {
    bfc_store *store;
    bfci_map seen; /* (device, inode) */
    bfc_store_usage sum;
};

static void tally_release(struct tally *t)
{
    bfci_map_release(&t->seen);
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
    return count_content(t, found, err);
}

static int count_all(struct tally *t, bfc_err *err)
{
    const bfci_backend *backend = t->store->backend;
    bfc_prune_report leftovers = {0, 0};

    BFC_TRY(backend->scan(t->store, count_one, t, err));
    BFC_TRY(backend->leftovers(t->store, true, NULL, NULL, &leftovers, err));
    t->sum.leftover_bytes = leftovers.bytes;
    return backend->free_space(t->store, &t->sum.free_bytes, err);
}

int bfc_image_df(bfc_store *store, bfc_store_usage *out, bfc_err *err)
{
    __attribute__((cleanup(tally_release))) struct tally t = {.store = store,
                                                              .seen = BFCI_MAP_INIT};

    int rc = count_all(&t, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "store '%s'", BFCI_QUOTE_STR(store->uri));
    *out = t.sum;
    return 0;
}
