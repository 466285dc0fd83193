/* SPDX-License-Identifier: Apache-2.0 */
/* Taking away: images by name, and what interrupted work left. */
#include <bfc/image.h>

#include "store/backend.h"

int bfc_image_delete(bfc_store *store, const char *name, bfc_err *err)
{
    return bfc_image_delete_with(store, name, NULL, err);
}

int bfc_image_delete_with(bfc_store *store, const char *name,
                          const bfc_image_delete_options *options, bfc_err *err)
{
    static const bfc_image_delete_options defaults = BFC_IMAGE_DELETE_OPTIONS_INIT;
    bfci_reference ref;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_DELETE_OPTIONS_INIT, err));
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    int rc = store->backend->remove(store, &ref, options, err);
    if (rc == 0 || rc == BFC_E_NOT_FOUND || rc == BFC_E_BUSY)
        return rc;
    return bfci_wrap(err, rc, "delete image '%s'", ref.text);
}

int bfc_image_prune(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                    bfc_prune_report *report, bfc_err *err)
{
    bfc_prune_report sum = {0, 0};

    int rc = store->backend->leftovers(store, dry_run, fn, ctx, &sum, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "prune the store '%s'", BFCI_QUOTE_STR(store->uri));
    if (report)
        *report = sum;
    return 0;
}
