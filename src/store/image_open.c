/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_open.h"

int bfci_image_open(const char *path, bfci_opening with, bfc_reader **out, bfc_err *err)
{
    bfc_reader_options reading = BFC_READER_OPTIONS_INIT;

    reading.hooks = with.hooks;
    reading.keys = with.keys;
    reading.trust = with.trust;
    return bfci_reader_open(path, &reading, out, err);
}

int bfci_image_open_to_extract(const char *path, const bfc_extract_options *options,
                               bfc_reader **out, bfc_err *err)
{
    return bfci_image_open(path, (bfci_opening){options->hooks, options->keys, options->trust}, out,
                           err);
}
