/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one segment: frames one after the other, then the commit record with its two syncs. The
 * only code that writes to a container. After a failed write or sync it is poisoned: every later
 * call returns the first error. */
#ifndef BFCI_CONTAINER_SEGMENT_H
#define BFCI_CONTAINER_SEGMENT_H

#include "container/seal.h"

typedef struct bfci_segment {
    int fd; /* borrowed */
    bfci_super super;
    uint64_t start;      /* of the segment */
    uint64_t at;         /* where the next frame's header may start */
    uint64_t pages;      /* metadata pages written so far */
    bfci_sealer *sealer; /* of a sealed container, borrowed; its payloads come sealed */
    bool recorded;       /* the commit record was written, perhaps not whole */
    bfc_err failed;      /* the first failure of a write or sync */
} bfci_segment;

/* `start`: 4096 in a new container, else the end of the last whole commit; what is behind it must
 * have been cut off. */
void bfci_segment_init(bfci_segment *s, int fd, const bfci_super *super, uint64_t start);

/* Writes header and payload. `ref` comes with stored, raw, comp, crc and digest filled in; offset
 * is set here. */
int bfci_segment_put_data(bfci_segment *s, uint64_t number, const uint8_t *payload, bfci_ref *ref,
                          bfc_err *err);
/* Goes back to `at`, where a frame of this segment began: what was put from there on is dropped. */
int bfci_segment_rewind(bfci_segment *s, uint64_t at, bfc_err *err);
int bfci_segment_put_page(bfci_segment *s, uint8_t table, uint8_t level, const uint8_t *payload,
                          bfci_ref *ref, bfc_err *err);

/* Pads, syncs, writes the commit record, syncs. The caller filled in seq, previous,
 * previous_digest, time, counters and tables; uuid, offset, segment, root_digest and what only a
 * sealed container has are set here.
 * In a reproducible first commit (`derive_uuid`) the UUID is derived and the superblock, which must
 * not have been written yet, is written before the first sync; else the superblock is written here
 * too if `start` is 4096. */
int bfci_segment_commit(bfci_segment *s, bfci_commit *commit, bool derive_uuid, bfc_err *err);

#endif
