/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's blob as a stream of tar bytes: threads of its own read, hash what came (digest),
 * inflate, hash what comes out (diffID), and hash the contents in it, a few buffers ahead of the
 * taker; until there is one, as far ahead as a temporary file may hold. */
#ifndef BFCI_OCI_LAYER_STREAM_H
#define BFCI_OCI_LAYER_STREAM_H

#include "container/spill.h"
#include "oci/origin.h"

typedef struct bfci_layer_stream bfci_layer_stream;

typedef struct bfci_layer_stream_options {
    const bfci_descriptor *promised; /* read during the call */
    uint64_t size_max;               /* more uncompressed bytes are BFC_E_LIMIT */
    bool sums;                       /* of contents are asked for */
    bfci_spill *spill; /* with `sums`: may hold what comes before the first call of next; taken over
                          also on failure; NULL: a few buffers do */
    uint64_t spill_max; /* bytes of that */
} bfci_layer_stream_options;

/* Reads `in`, which it takes over also on failure. What it is coded in is seen from its first
 * bytes, whatever the media type says. */
int bfci_layer_stream_open(bfci_bytes *in, const bfci_layer_stream_options *o,
                           bfci_layer_stream **out, bfc_err *err);
/* The tar comes from a function that writes it, run in the stream's thread: for layers that are
 * made here. Nothing is promised, and sums of contents are made. */
typedef int bfci_layer_produce_fn(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err);
int bfci_layer_stream_produce(bfci_layer_produce_fn *fn, void *ctx, bfci_layer_stream **out,
                              bfc_err *err);
/* The next bytes, valid until the next call; *len is 0 at the end. There size and digest of the
 * blob have been compared with what was promised: BFC_E_CORRUPT names both. A failure comes as soon
 * as it is known, before buffers that are ready. */
int bfci_layer_stream_next(bfci_layer_stream *s, const uint8_t **bytes, size_t *len, bfc_err *err);
/* CRC32C and content digest (docs/format.md, section 7) of the file whose header stands at `offset`
 * of the tar, when all its bytes were taken; in the order of the tar. */
int bfci_layer_stream_content(bfci_layer_stream *s, uint64_t offset, uint32_t *crc,
                              uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err);
/* After the end. */
void bfci_layer_stream_sums(const bfci_layer_stream *s, bfci_digest *diff_id, uint64_t *tar_size,
                            bfci_digest *digest, uint64_t *size);
/* Compressed bytes read so far; any thread. */
uint64_t bfci_layer_stream_done(const bfci_layer_stream *s);
void bfci_layer_stream_free(bfci_layer_stream *s); /* NULL is allowed; waits for a read under way */
BFCI_DEFINE_AUTO(bfci_layer_stream, bfci_layer_stream_free)

#endif
