/* SPDX-License-Identifier: Apache-2.0 */
/* Block compression by libzstd: contexts are made once a thread and reused. */
#ifndef BFCI_CODEC_ZSTD_H
#define BFCI_CODEC_ZSTD_H

#include "base/base.h"

typedef struct bfci_compressor bfci_compressor;
int bfci_compressor_new(int level, bfci_compressor **out, bfc_err *err);
/* For blocks of several MiB and whoever wants them small: it finds what is far behind, and at the
 * levels that do not do so anyway takes twice the time. */
int bfci_compressor_search_more(bfci_compressor *c, bfc_err *err);
void bfci_compressor_free(bfci_compressor *c); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_compressor, bfci_compressor_free)

/* Compresses src into dst. *out_len is 0 when the result would not fit into dst_cap: store it
 * plain. */
int bfci_compress(bfci_compressor *c, const void *src, size_t len, void *dst, size_t dst_cap,
                  size_t *out_len, bfc_err *err);

typedef struct bfci_decompressor bfci_decompressor;
int bfci_decompressor_new(bfci_decompressor **out, bfc_err *err);
void bfci_decompressor_free(bfci_decompressor *d); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_decompressor, bfci_decompressor_free)

/* Decompresses one frame that must give exactly raw_len bytes, no more and no less, into dst, which
 * holds raw_len bytes. BFC_E_CORRUPT otherwise. Never writes beyond dst. */
int bfci_decompress(bfci_decompressor *d, const void *src, size_t len, void *dst, size_t raw_len,
                    bfc_err *err);
/* As much of it as is needed for the first *got bytes; then *got tells how many are there, not
 * fewer. What is behind the part that is decoded is not looked at. `src` is changed meanwhile. */
int bfci_decompress_start(bfci_decompressor *d, uint8_t *src, size_t len, void *dst, size_t raw_len,
                          size_t *got, bfc_err *err);

#endif
