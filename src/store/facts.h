/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's container says about the image. */
#ifndef BFCI_STORE_FACTS_H
#define BFCI_STORE_FACTS_H

#include "store/backend.h"

/* Opens the container at `path` and reads the facts of the image called `name`. */
int bfci_facts_read(const char *path, const char *name, const bfc_hooks *hooks,
                    bfc_image_info **out, bfc_err *err);

#endif
