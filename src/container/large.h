/* SPDX-License-Identifier: Apache-2.0 */
/* Large files of the scan, open and being read: some of them ahead of the one that is taken, since
 * the bytes of one file are hashed in order, by one thread. */
#ifndef BFCI_CONTAINER_LARGE_H
#define BFCI_CONTAINER_LARGE_H

#include "container/scan.h"
#include "container/stream.h"

enum {
    LARGE_AHEAD_MAX = 16
};

typedef struct bfci_large {
    const bfci_item *item; /* borrowed */
    int fd;
    uint64_t size;
    bool sparse;
    bfci_stream *stream; /* that was begun; NULL: none */
} bfci_large;

/* Opens the file and begins to read it. Into one that was never opened, or was released. */
int bfci_large_open(bfci_pool *pool, const bfci_item *item, bool noatime, bfci_large *out,
                    bfc_err *err);
void bfci_large_release(bfci_large *l);

/* Those that are read ahead, in the order in which they will be taken. */
typedef struct bfci_ahead {
    bfci_large file[LARGE_AHEAD_MAX];
    unsigned count;
    size_t looked; /* items of the batch that were looked at */
} bfci_ahead;

/* Begins with the next large files of the batch until `most` are read. What cannot be opened is
 * left to whoever takes it. */
void bfci_ahead_fill(bfci_ahead *a, bfci_pool *pool, bfci_batch *b, bool noatime, unsigned most);
/* Hands the item's file over, if it is there. */
bool bfci_ahead_take(bfci_ahead *a, const bfci_item *item, bfci_large *out);
void bfci_ahead_release(bfci_ahead *a);

#endif
