/* SPDX-License-Identifier: Apache-2.0 */
/* Which images a list has brought into a store, so that what it names no longer can go again
 * without any other image being touched. A file of the store for each list, which one process at a
 * time may change:
 *
 *     bfc.sync/1 /etc/bfc/images.list
 *     + ROOTDIGEST docker.io/library/debian:12
 *     - docker.io/library/debian:11
 *
 * Lines are only added while a list is worked through; the last one of a name counts. A line that a
 * crash cut off is no line. The root digest is that of the container that was brought: a name that
 * has another content by now was given it by somebody else. */
#ifndef BFCI_STORE_SYNC_RECORD_H
#define BFCI_STORE_SYNC_RECORD_H

#include "oci/digest.h"
#include "store/backend.h"

enum {
    SYNC_RECORD_SIZE_MAX = 128 << 20
};

typedef struct bfci_recorded {
    char *name; /* canonical */
    bfci_digest root;
} bfci_recorded;

typedef struct bfci_sync_record bfci_sync_record;

/* `list` is what the list is called. read_only: nothing is locked, made or changed. BFC_E_BUSY:
 * another process works through the same list. BFC_E_CORRUPT: the file is no such record. */
int bfci_sync_record_open(bfc_store *store, const char *list, bool read_only,
                          bfci_sync_record **out, bfc_err *err);
/* Writes it anew without what is of no use any more, if that is worth it; a record of nothing is
 * removed. NULL is allowed. */
void bfci_sync_record_close(bfci_sync_record *r);
BFCI_DEFINE_AUTO(bfci_sync_record, bfci_sync_record_close)

/* Sorted by name. */
size_t bfci_sync_record_count(const bfci_sync_record *r);
const bfci_recorded *bfci_sync_record_item(const bfci_sync_record *r, size_t at);
const bfci_recorded *bfci_sync_record_find(const bfci_sync_record *r, const char *name);

/* Each is in the file, for good, when it returns. Items move. */
int bfci_sync_record_put(bfci_sync_record *r, const char *name, const bfci_digest *root,
                         bfc_err *err);
int bfci_sync_record_drop(bfci_sync_record *r, const char *name, bfc_err *err);

#endif
