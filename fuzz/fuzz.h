/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. A target defines LLVMFuzzerTestOneInput(); libFuzzer calls it, or,
 * in an ordinary build, standalone.c over the files of the corpus. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bfc/keys.h>

#include "base/buf.h"
#include "format/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never compiled out. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy of exactly this size on the heap, so that reading beyond it is seen. Never NULL. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* What was decoded and encoded again must be what it was: the format has one form for each value.
 */
static inline void fuzz_same(const buf *b, const uint8_t *data, size_t size)
{
    FUZZ_CHECK(!b->bad && b->len == size && (size == 0 || memcmp(b->data, data, size) == 0));
}

/* Opens, lists, stats, reads, extracts into a folder in memory, and verifies, each within bounds;
 * with `keys`, where it is sealed, and then also verifies without them. */
void fuzz_exercise(int fd, const bfc_keys *keys);

/* Builds a container of the input's items, sealed for `keys` unless that is NULL, and exercises it.
 */
void fuzz_items(const uint8_t *data, size_t size, const bfc_keys *keys);

#endif
