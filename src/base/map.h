/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from two 64-bit keys to one 64-bit value, and a set of dense 64-bit numbers. */
#ifndef BFCI_BASE_MAP_H
#define BFCI_BASE_MAP_H

#include "base/base.h"

typedef struct bfci_map {
    struct bfci_map_slot *slot;
    size_t cap, used; /* cap is 0 or a power of two */
} bfci_map;

#define BFCI_MAP_INIT                                                                              \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void bfci_map_release(bfci_map *m);
/* Borrowed pointer to the value, or NULL; valid until the next put or remove. */
uint64_t *bfci_map_get(const bfci_map *m, uint64_t key_a, uint64_t key_b);
/* Adds or overwrites. */
int bfci_map_put(bfci_map *m, uint64_t key_a, uint64_t key_b, uint64_t value, bfc_err *err);
void bfci_map_remove(bfci_map *m, uint64_t key_a, uint64_t key_b);
/* Steps through all: *at starts at 0; false at the end. Order is not defined: sort what must be. */
bool bfci_map_next(const bfci_map *m, size_t *at, uint64_t *key_a, uint64_t *key_b,
                   uint64_t *value);

/* Numbers that lie close together take a bit each. */
typedef struct bfci_set {
    struct bfci_set_slot *slot;
    size_t cap, used;
} bfci_set;

#define BFCI_SET_INIT                                                                              \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void bfci_set_release(bfci_set *s);
/* *added tells whether it was new. */
int bfci_set_add(bfci_set *s, uint64_t number, bool *added, bfc_err *err);
bool bfci_set_has(const bfci_set *s, uint64_t number);

#endif
