/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a scanned item: its content goes to the packer, its facts to the stage. */
#ifndef BFCI_CONTAINER_INTAKE_H
#define BFCI_CONTAINER_INTAKE_H

#include "container/dedup.h"
#include "container/large.h"
#include "container/pack.h"
#include "container/stage.h"

typedef struct bfci_intake {
    /* borrowed: */
    bfci_pool *pool;
    bfci_packer *packer;
    bfci_stage *stage;
    bfci_dedup *dedup;
    const bfc_hooks *hooks;
    bool noatime;
    unsigned streams; /* large files that are read at a time */

    bfc_progress progress;
    bfci_set vanished;   /* inode numbers of files that were gone when they were to be read */
    bfci_extent *extent; /* of the file at hand */
    size_t extent_count, extent_cap;
    bfci_inode inode;
    bfci_ahead ahead;
} bfci_intake;

int bfci_intake_batch(bfci_intake *in, bfci_batch *b, bfc_err *err);
int bfci_intake_item(bfci_intake *in, bfci_item *item, bfc_err *err);
int bfci_intake_blob(bfci_intake *in, const char *name, const uint8_t *bytes, size_t len,
                     bfc_err *err);
void bfci_intake_release(bfci_intake *in);

/* ── Its parts, for entries that come from elsewhere than a scan (feed.c) ── */

/* All that stat and readlink told. */
int bfci_intake_fill_inode(bfci_inode *n, const bfci_item *item, bfc_err *err);
int bfci_intake_extent(bfci_intake *in, const bfci_extent *e, bfc_err *err);
/* A run of data that is all there. */
int bfci_intake_piece(bfci_intake *in, bfci_kind kind, uint64_t start, const uint8_t *bytes,
                      size_t len, bfc_err *err);
/* A content that may be stored already: then it becomes the file's one extent. */
int bfci_intake_known(bfci_intake *in, const uint8_t *digest, uint64_t size, bool *found,
                      bfc_err *err);
/* The file's content is stored: others may refer to it. */
int bfci_intake_remember(bfci_intake *in, uint64_t ino, const bfci_inode *n, bfc_err *err);
int bfci_intake_xattrs(bfci_intake *in, const uint8_t *set, size_t len,
                       const uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err);
int bfci_intake_store_blob(bfci_intake *in, const uint8_t *bytes, size_t len, bfci_stored *out,
                           bfc_err *err);

#endif
