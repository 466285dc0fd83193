/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a scanned item: its content goes to the packer, its facts to the stage. */
#ifndef BFCI_CONTAINER_INTAKE_H
#define BFCI_CONTAINER_INTAKE_H

#include "container/dedup.h"
#include "container/pack.h"
#include "container/scan.h"
#include "container/stage.h"

typedef struct bfci_intake {
    /* borrowed: */
    bfci_pool *pool;
    bfci_packer *packer;
    bfci_stage *stage;
    bfci_dedup *dedup;
    const bfc_hooks *hooks;
    uint32_t block_size;
    bool noatime;

    bfc_progress progress;
    bfci_set vanished;   /* inode numbers of files that were gone when they were to be read */
    bfci_extent *extent; /* of the file at hand */
    size_t extent_count, extent_cap;
    bfci_inode inode;
} bfci_intake;

int bfci_intake_item(bfci_intake *in, bfci_item *item, bfc_err *err);
int bfci_intake_blob(bfci_intake *in, const char *name, const uint8_t *bytes, size_t len,
                     bfc_err *err);
void bfci_intake_release(bfci_intake *in);

#endif
