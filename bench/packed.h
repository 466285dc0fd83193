/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PACKED_H
#define BENCH_PACKED_H
/* Bytes in memory as a container has them: one stream, cut into blocks of 128 KiB, each compressed
 * with zstd and with a CRC32C. It is filled by one thread, then read by several. A failure ends the
 * program. */
#include <stddef.h>
#include <stdint.h>

typedef struct packed packed;
typedef struct packed_window packed_window; /* the decoded block that a thread looks at */

packed *packed_new(int level);
uint64_t packed_add(packed *p, const uint8_t *bytes, size_t len); /* where they are in the stream */
void packed_end(packed *p);

packed_window *packed_window_new(const packed *p);
void packed_window_free(packed_window *w);

/* The bytes from `at` to the end of its block, valid until the next call; how many. */
size_t packed_look(packed_window *w, uint64_t at, const uint8_t **bytes);

#endif
