/* SPDX-License-Identifier: Apache-2.0 */
/* Images from one store to another of the same kind, as streams. */
#include <bfc/image.h>

#include "codec/digest.h"
#include "store/backend.h"

static int check_have(const char *const *have, bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];

    for (size_t i = 0; have && have[i]; i++)
        if (!bfci_unhex(have[i], digest, sizeof digest))
            return bfci_fail(
                err, BFC_E_INVALID,
                "'%s' is no root digest: it is %d digits of 0-9 and a-f, as 'bfc image "
                "history --json' has them",
                BFCI_QUOTE_STR(have[i]), 2 * BFC_DIGEST_SIZE);
    return 0;
}

static int tell_unsupported(const bfc_store *store, const char *instead, bfc_err *err)
{
    return bfci_fail(err, BFC_E_UNSUPPORTED, "the store '%s' is a folder and has no streams: %s",
                     BFCI_QUOTE_STR(store->uri), instead);
}

int bfc_image_send(bfc_store *store, const char *name, int fd,
                   const bfc_image_send_options *options, bfc_err *err)
{
    static const bfc_image_send_options defaults = BFC_IMAGE_SEND_OPTIONS_INIT;
    bfci_reference ref;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_SEND_OPTIONS_INIT, err));
    if (name)
        BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(check_have(options->have, err));
    if (!store->backend->send)
        return tell_unsupported(store, "'bfc image export NAME bfc:FILE' writes an image", err);
    return store->backend->send(store, name ? &ref : NULL, fd, options->have, options->hooks, err);
}

int bfc_image_receive(bfc_store *store, int fd, const bfc_image_receive_options *options,
                      bfc_err *err)
{
    static const bfc_image_receive_options defaults = BFC_IMAGE_RECEIVE_OPTIONS_INIT;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_RECEIVE_OPTIONS_INIT, err));
    if (!store->backend->receive)
        return tell_unsupported(store, "'bfc image create NAME bfc:FILE' takes an image", err);
    return store->backend->receive(store, fd, options, err);
}
