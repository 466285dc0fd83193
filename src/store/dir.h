/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the directory backend, shared by its parts. Layout below the root:
 *
 *     <name>/<last part>.bfc           an image: library/nginx:1.25/nginx:1.25.bfc
 *     .bfc-lock/<escaped name>         who is changing that name; gone when nobody is
 *     .bfc-tmp/<escaped name>/         work on that name, only ever touched under its lock
 *     .bfc-tmp/downloads/              blobs that are being fetched: no name is escaped to that
 *     .bfc-sync/                       what lists have brought: sync_record.h
 */
#ifndef BFCI_STORE_DIR_H
#define BFCI_STORE_DIR_H

#include "store/backend.h"
#include "store/name_lock.h"
#include "sys/dir.h"

#define AUTO_DIR_LIST __attribute__((cleanup(bfci_dir_list_release)))
#define BFCI_DIRSTORE_SUFFIX ".bfc"

typedef struct bfci_dirstore {
    char *root;  /* absolute */
    char *locks; /* root/.bfc-lock */
    char *works; /* root/.bfc-tmp */
} bfci_dirstore;

static inline const bfci_dirstore *bfci_dirstore_of(const bfc_store *store)
{
    return store->state;
}

/* ── dir.c ── */
int bfci_dirstore_folder_of(const bfci_dirstore *dir, const bfci_reference *ref, char **out,
                            bfc_err *err);
int bfci_dirstore_file_of(const bfci_dirstore *dir, const bfci_reference *ref, char **out,
                          bfc_err *err);
int bfci_dirstore_find(bfc_store *store, const bfci_reference *ref, char **path, bfc_err *err);

/* ── dir_lock.c ── */
/* The folder of locks must be there. BFC_E_BUSY tells which process holds the lock. */
int bfci_dirstore_lock_take(const bfci_dirstore *dir, const bfci_reference *ref,
                            bfci_name_lock *lock, bfc_err *err);
/* The same without a second try: for prune, which goes on to the next where one is held. */
int bfci_dirstore_lock_try(const bfci_dirstore *dir, const bfci_reference *ref,
                           bfci_name_lock *lock, bfc_err *err);
/* Whether somebody holds it. Changes nothing, and needs no right to write. */
int bfci_dirstore_lock_probe(const bfci_dirstore *dir, const bfci_reference *ref, bool *held,
                             bfc_err *err);

/* ── dir_work.c ── */
int bfci_dirstore_work_begin(bfc_store *store, const bfci_reference *ref, const bfci_work_how *how,
                             bfci_work *out, bfc_err *err);
int bfci_dirstore_work_share(bfci_work *work, const char *source, bfc_err *err);
int bfci_dirstore_work_copy(bfci_work *work, const char *source, bfc_err *err);
int bfci_dirstore_work_publish(bfci_work *work, const bfc_image_info *info, char **path,
                               bfc_err *err);
void bfci_dirstore_work_end(bfci_work *work);
int bfci_dirstore_downloads(bfc_store *store, bool make, char **path, bfc_err *err);
int bfci_dirstore_records(bfc_store *store, bool make, char **path, bfc_err *err);
int bfci_dirstore_remove(bfc_store *store, const bfci_reference *ref,
                         const bfc_image_delete_options *options, bfc_err *err);

/* ── dir_scan.c ── */
/* Opens `name` in the folder whose path below the root is `path` ("": the root) if it can be part
 * of an image's path: a folder with such a name, no link. *fd stays -1 if it is something else or
 * has vanished. *below is its path. */
int bfci_dirstore_enter(int folder, const char *path, const char *name, int *fd, char **below,
                        bfc_err *err);
int bfci_dirstore_scan(bfc_store *store, bfci_found_fn *fn, void *ctx, bfc_err *err);

/* ── dir_usage.c ── */
int bfci_dirstore_usage(bfc_store *store, bfc_store_usage *sum, bfc_err *err);

/* ── dir_prune.c ── */
int bfci_dirstore_leftovers(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                            bfc_prune_report *report, bfc_err *err);

#endif
