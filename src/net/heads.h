/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry calls many names by now: asked ahead, some at a time, and taken in order. */
#ifndef BFCI_NET_HEADS_H
#define BFCI_NET_HEADS_H

#include "net/registry.h"
#include "oci/digest.h"

enum {
    HEADS_AT_ONCE = 8
};

typedef struct bfci_heads bfci_heads;
/* `names` are those of manifests ("latest"); they and `r` are borrowed. `parallel`: 0:
 * HEADS_AT_ONCE. */
int bfci_heads_new(bfci_registry *r, const char *const *names, size_t count, unsigned parallel,
                   bfci_heads **out, bfc_err *err);
/* Waits for what is under way. NULL is allowed. */
void bfci_heads_free(bfci_heads *h);
BFCI_DEFINE_AUTO(bfci_heads, bfci_heads_free)
/* The digest that the registry told of the next name, valid until the next call; NULL: it told
 * none, and whoever wants to know why asks once more. */
const bfci_digest *bfci_heads_next(bfci_heads *h);

#endif
