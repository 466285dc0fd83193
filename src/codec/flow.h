/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of compressed bytes, decoded and encoded as they come: gzip (RFC 1952; ISA-L) and zstd
 * (RFC 8878; libzstd). Memory is bounded whatever the stream's length. */
#ifndef BFCI_CODEC_FLOW_H
#define BFCI_CODEC_FLOW_H

#include "base/base.h"

enum bfci_coding {
    CODING_PLAIN = 0,
    CODING_GZIP = 1,
    CODING_ZSTD = 2
};

/* What a stream that begins with these bytes is. A skippable frame is zstd. */
enum bfci_coding bfci_coding_sniff(const void *bytes, size_t len);

/* "none", "gzip", "zstd"; NULL leaves *out as it is. BFC_E_INVALID. */
int bfci_coding_parse(const char *text, enum bfci_coding *out, bfc_err *err);

/* ── Decoding: any number of gzip members, of zstd frames and skippable frames, in a row ── */

typedef struct bfci_inflow bfci_inflow;
int bfci_inflow_new(enum bfci_coding coding, bfci_inflow **out, bfc_err *err);
void bfci_inflow_free(bfci_inflow *f); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_inflow, bfci_inflow_free)

/* Takes from *in (moving it and *in_len on) and writes at most `cap` bytes to out. Call it again
 * while *got is `cap` or *in_len is not 0. BFC_E_CORRUPT says what is wrong with the stream (bad
 * checksum, bad header after a member, a window above 128 MiB…), with the byte of the compressed
 * stream as its offset. */
int bfci_inflow_run(bfci_inflow *f, const uint8_t **in, size_t *in_len, uint8_t *out, size_t cap,
                    size_t *got, bfc_err *err);
/* All input was given and all output taken: BFC_E_CORRUPT if the stream is cut off. */
int bfci_inflow_end(bfci_inflow *f, bfc_err *err);

/* ── Encoding: the same bytes, coding and level always give the same stream ── */

typedef int bfci_write_fn(void *ctx, const void *bytes, size_t len, bfc_err *err);

typedef struct bfci_outflow bfci_outflow;
/* `level` 0: the default of the coding. `write` gets what is ready; ctx is borrowed. */
int bfci_outflow_new(enum bfci_coding coding, int level, bfci_write_fn *write, void *ctx,
                     bfci_outflow **out, bfc_err *err);
void bfci_outflow_free(bfci_outflow *f); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_outflow, bfci_outflow_free)
int bfci_outflow_put(bfci_outflow *f, const void *bytes, size_t len, bfc_err *err);
int bfci_outflow_finish(bfci_outflow *f, bfc_err *err);

#endif
