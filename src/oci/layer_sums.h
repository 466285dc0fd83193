/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of the contents in a layer's tar (docs/format.md, section 7), made by a thread of the
 * layer's stream, so that whoever takes its entries need not hash. */
#ifndef BFCI_OCI_LAYER_SUMS_H
#define BFCI_OCI_LAYER_SUMS_H

#include "codec/digest.h"

typedef struct bfci_layer_sums bfci_layer_sums;
int bfci_layer_sums_new(bfci_layer_sums **out, bfc_err *err);
void bfci_layer_sums_free(bfci_layer_sums *s); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_layer_sums, bfci_layer_sums_free)

/* The next bytes of the tar; one thread. Where it is no tar the sums end, without an error: who
 * takes the entries finds that out at the same place. */
int bfci_layer_sums_feed(bfci_layer_sums *s, const uint8_t *bytes, size_t len, bfc_err *err);
/* Those of the file whose header stands at `offset` of the tar, and all of whose bytes were fed.
 * Files come in the order of the tar, some may be left out. One thread, also another one. */
int bfci_layer_sums_take(bfci_layer_sums *s, uint64_t offset, uint32_t *crc,
                         uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err);

#endif
