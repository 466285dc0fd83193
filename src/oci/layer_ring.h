/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar on its way from thread to thread, in buffers of 1 MiB: the producer fills them, two
 * readers go through all of them, the taker has each after the second reader. A buffer is filled
 * anew when all are done with it.
 *
 * Until the taker comes, what was read can be put aside into a temporary file: so the producer runs
 * further ahead than the buffers hold. */
#ifndef BFCI_OCI_LAYER_RING_H
#define BFCI_OCI_LAYER_RING_H

#include "container/spill.h"
#include "sys/arena.h"

enum bfci_ring_reader {
    RING_DIFF_ID, /* beside the taker */
    RING_CONTENTS,
    RING_READERS
};

typedef struct bfci_layer_ring bfci_layer_ring;

/* The buffers are in `arena`, which is borrowed. `contents`: there is such a reader. `spill`, which
 * is taken over, gets at most `spill_max` bytes; NULL: nothing is put aside. That needs `contents`.
 */
int bfci_layer_ring_new(bfci_arena *arena, bool contents, bfci_spill *spill, uint64_t spill_max,
                        bfci_layer_ring **out, bfc_err *err);
/* The threads have ended. NULL is allowed. */
void bfci_layer_ring_free(bfci_layer_ring *r);
BFCI_DEFINE_AUTO(bfci_layer_ring, bfci_layer_ring_free)

/* Ends what waits: of the producer with BFC_E_CANCELLED. Any thread, as the next. */
void bfci_layer_ring_stop(bfci_layer_ring *r);
bool bfci_layer_ring_is_stopped(const bfci_layer_ring *r);

/* ── The producer ── */

/* Room of at least one byte; waits for it. */
int bfci_layer_ring_room(bfci_layer_ring *r, uint8_t **bytes, size_t *room, bfc_err *err);
/* So many bytes were put there. */
void bfci_layer_ring_filled(bfci_layer_ring *r, size_t len);
/* The last call. `why` of `rc` is what the taker is told. */
void bfci_layer_ring_end(bfci_layer_ring *r, int rc, const bfc_err *why);

/* ── A reader ── */

/* The next bytes, until the next call; false: there are none to come. */
bool bfci_layer_ring_read(bfci_layer_ring *r, enum bfci_ring_reader who, const uint8_t **bytes,
                          size_t *len);
/* The last call, also of one that stopped early because of a failure. */
void bfci_layer_ring_read_end(bfci_layer_ring *r, int rc, const bfc_err *why);

/* ── The taker ── */

/* The next bytes, until the next call; *len is 0 when all was taken and both readers have ended. A
 * failure comes as soon as it is known, before buffers that are ready. */
int bfci_layer_ring_take(bfci_layer_ring *r, const uint8_t **bytes, size_t *len, bfc_err *err);

#endif
