/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted contents of version 1 containers, for v1_content.c and v1_lock.c. */
#ifndef BFCI_CONTAINER_V1_SEALED_H
#define BFCI_CONTAINER_V1_SEALED_H

#include "codec/aead.h"
#include "container/v1.h"

enum {
    V1_PIECE_SIZE = 1 << 20
};

typedef struct bfci_v1_sealed bfci_v1_sealed;
/* Reads and authenticates all of the content; *fits is false, and there is no object, if the tag is
 * not that of `key`. `v` and `e` are borrowed. */
int bfci_v1_sealed_open(const bfci_v1 *v, const bfci_v1_entry *e, const uint8_t key[V1_KEY_SIZE],
                        bool *fits, bfci_v1_sealed **out, bfc_err *err);
void bfci_v1_sealed_free(bfci_v1_sealed *s); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_v1_sealed, bfci_v1_sealed_free)
/* Bytes that come out in all. */
uint64_t bfci_v1_sealed_size(const bfci_v1_sealed *s);
/* The next ones, at most V1_PIECE_SIZE, of which each was authenticated; there are some left. */
int bfci_v1_sealed_next(bfci_v1_sealed *s, uint8_t *out, size_t *len, bfc_err *err);

#endif
