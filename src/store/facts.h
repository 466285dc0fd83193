/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's container says about the image. */
#ifndef BFCI_STORE_FACTS_H
#define BFCI_STORE_FACTS_H

#include "store/backend.h"

/* Opens the container at `path` and reads the facts of the image called `name`. Without keys those
 * of an encrypted image are the ones that everybody may see: what stores keep beside containers is
 * made of these. */
int bfci_facts_read(const char *path, const char *name, const bfc_hooks *hooks,
                    const bfc_keys *keys, bfc_image_info **out, bfc_err *err);

#endif
