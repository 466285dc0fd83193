/* SPDX-License-Identifier: Apache-2.0 */
/* What a content is like. Contents of one kind stand in the same blocks. */
#ifndef BFCI_CONTAINER_KIND_H
#define BFCI_CONTAINER_KIND_H

#include "base/base.h"

typedef struct bfci_kind {
    uint32_t likeness; /* any number: equal ones are packed together */
    bool code;         /* a program or a library */
    bool branches;     /* of x86 */
} bfci_kind;

bfci_kind bfci_kind_of(const char *name);
/* Tells by the first bytes of a content, 64 or all, whether it is code. */
void bfci_kind_look(bfci_kind *kind, const uint8_t *head, size_t len);

#endif
