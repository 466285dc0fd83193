/* SPDX-License-Identifier: Apache-2.0 */
/* What takes how much: what the backend tells of its images, what prune would free, what is left.
 */
#include <bfc/image.h>

#include "store/backend.h"

static int count_all(bfc_store *store, bfc_store_usage *sum, bfc_err *err)
{
    bfc_prune_report leftovers = {0, 0};

    BFC_TRY(store->backend->usage(store, sum, err));
    BFC_TRY(store->backend->leftovers(store, true, NULL, NULL, &leftovers, err));
    sum->leftover_bytes = leftovers.bytes;
    return store->backend->free_space(store, &sum->free_bytes, err);
}

int bfc_image_df(bfc_store *store, bfc_store_usage *out, bfc_err *err)
{
    bfc_store_usage sum = {0};

    int rc = count_all(store, &sum, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "store '%s'", BFCI_QUOTE_STR(store->uri));
    *out = sum;
    return 0;
}
