/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary file that is written from front to back and read anywhere: what does not fit into
 * memory while a container is made. It is unnamed, beside the container. Where the container is
 * sealed it is encrypted too, since its bytes stay on the disk after it is gone. */
#ifndef BFCI_CONTAINER_SPILL_H
#define BFCI_CONTAINER_SPILL_H

#include "base/buf.h"

typedef struct bfci_spill bfci_spill;

/* `beside`: path of the container, read during this call. */
int bfci_spill_new(const char *beside, bool sealed, bfci_spill **out, bfc_err *err);
void bfci_spill_free(bfci_spill *s); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_spill, bfci_spill_free)

uint64_t bfci_spill_size(const bfci_spill *s);                           /* bytes that were put */
int bfci_spill_room(const bfci_spill *s, uint64_t *bytes, bfc_err *err); /* of the file system */
int bfci_spill_put(bfci_spill *s, const uint8_t *bytes, size_t len, bfc_err *err);
int bfci_spill_read(bfci_spill *s, uint64_t at, uint8_t *out, size_t len, bfc_err *err);

#endif
