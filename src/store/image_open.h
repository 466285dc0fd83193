/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the container of an image, with what a caller gave to open it with. */
#ifndef BFCI_STORE_IMAGE_OPEN_H
#define BFCI_STORE_IMAGE_OPEN_H

#include <bfc/image.h>

#include "container/reader.h"

BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)

/* All are borrowed until the reader is closed, and may be NULL. */
typedef struct bfci_opening {
    const bfc_hooks *hooks;
    const bfc_keys *keys;
    const struct bfc_trust *trust;
} bfci_opening;

int bfci_image_open(const char *path, bfci_opening with, bfc_reader **out, bfc_err *err);
/* With what an extract was given. */
int bfci_image_open_to_extract(const char *path, const bfc_extract_options *options,
                               bfc_reader **out, bfc_err *err);

#endif
