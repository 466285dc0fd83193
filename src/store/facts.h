/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's container says about the image. */
#ifndef BFCI_STORE_FACTS_H
#define BFCI_STORE_FACTS_H

#include "store/backend.h"

#define BFCI_FACTS_BLOB "bfc/image.json"

/* The blob's text for an image from a directory; free(). */
int bfci_facts_encode(const char *platform, char **json, bfc_err *err);
/* Takes the platform out of the blob's text; hostile text is BFC_E_CORRUPT. */
int bfci_facts_decode(const uint8_t *json, size_t len, char **platform, bfc_err *err);

/* Opens the container at `path` and reads the facts of the image called `name`. */
int bfci_facts_read(const char *path, const char *name, const bfc_hooks *hooks,
                    bfc_image_info **out, bfc_err *err);

#endif
