/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one large file: the pool reads and hashes it chunk by chunk, ahead of the writer who
 * takes the chunks in order. */
#ifndef BFCI_CONTAINER_STREAM_H
#define BFCI_CONTAINER_STREAM_H

#include "container/hasher.h"
#include "sys/pool.h"

typedef struct bfci_chunk {
    uint64_t offset; /* in the file */
    uint64_t len;
    const uint8_t *data; /* NULL: a hole */
    bfci_buffer *buffer; /* holds the data; take a reference to keep it beyond the next call */
} bfci_chunk;

typedef struct bfci_stream bfci_stream;
/* `fd` is borrowed; reads `size` bytes, or less if the file ends before. */
int bfci_stream_new(bfci_pool *pool, int fd, uint64_t size, bool sparse, bfci_stream **out,
                    bfc_err *err);
/* *out is NULL at the end; a chunk is valid until the next call. In a sparse file chunks of data
 * hold no hole: they are cut at the hole grain. */
int bfci_stream_next(bfci_stream *s, const bfci_chunk **out, bfc_err *err);
/* After the end. `size`: bytes that were read, holes included. */
int bfci_stream_sums(bfci_stream *s, uint64_t *size, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE],
                     bfc_err *err);
void bfci_stream_free(bfci_stream *s); /* NULL is allowed; waits for reads */
BFCI_DEFINE_AUTO(bfci_stream, bfci_stream_free)

#endif
