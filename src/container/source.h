/* SPDX-License-Identifier: Apache-2.0 */
/* A container file seen as of one commit: finding the commit, reading payloads. It is not changed
 * after it was opened, so that threads may share it. */
#ifndef BFCI_CONTAINER_SOURCE_H
#define BFCI_CONTAINER_SOURCE_H

#include "codec/zstd.h"
#include "format/commit.h"
#include "format/superblock.h"

typedef struct bfci_source {
    int fd;
    uint64_t file_size;
    uint64_t end; /* of the last whole commit; what is behind it is torn */
    bfci_super super;
    bfci_commit commit; /* the one that is looked at */
    uint64_t last_seq;
    bool check_digests; /* SHA-256 of every payload that is read */
} bfci_source;

#define BFCI_SOURCE_INIT                                                                           \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Reads the superblock and finds the last whole commit. The descriptor stays the caller's on
 * failure and becomes the source's on success. */
int bfci_source_open_fd(int fd, bfci_source *out, bfc_err *err);
/* Goes back to the commit that `at` names (bfc_reader_options.at). */
int bfci_source_select(bfci_source *s, const char *at, bfc_err *err);
/* The commit before `c`; BFC_E_NOT_FOUND if it is the first. Checks the chain. */
int bfci_source_previous(const bfci_source *s, const bfci_commit *c, bfci_commit *out,
                         bfc_err *err);
void bfci_source_release(bfci_source *s);

/* Reads a payload as stored into `stored` (ref->stored bytes) and checks it against the reference.
 */
int bfci_source_read_stored(const bfci_source *s, const bfci_ref *ref, uint8_t *stored,
                            bfc_err *err);
/* The same, decompressed into `raw` (ref->raw bytes). `scratch` grows as needed and is kept by the
 * caller. */
int bfci_source_read(const bfci_source *s, const bfci_ref *ref, bfci_decompressor *d, buf *scratch,
                     uint8_t *raw, bfc_err *err);

#endif
