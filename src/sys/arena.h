/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for large buffers that live until an operation ends, in pages of 2 MiB where the system
 * has them (madvise(2), MADV_HUGEPAGE). Fresh memory costs a fault a page, and on some virtual
 * machines that takes longer than to compress what goes into it. */
#ifndef BFCI_SYS_ARENA_H
#define BFCI_SYS_ARENA_H

#include "base/base.h"

typedef struct bfci_arena bfci_arena;
int bfci_arena_new(bfci_arena **out, bfc_err *err);
void bfci_arena_free(bfci_arena *a); /* with all that was taken; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_arena, bfci_arena_free)

/* `size` bytes, not cleared, that begin at a cache line and live as long as the arena. Any thread.
 */
int bfci_arena_take(bfci_arena *a, size_t size, void *out, bfc_err *err);
/* Room for `size` bytes in a buffer that is used again and again: the one that `buffer` points to,
 * which has *cap, or one of the next power of two. What stood in it is lost. */
int bfci_arena_fit(bfci_arena *a, size_t size, void *buffer, size_t *cap, bfc_err *err);

#endif
