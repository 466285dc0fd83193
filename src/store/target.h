/* SPDX-License-Identifier: Apache-2.0 */
/* Directories outside a store: those that images are made from and extracted to. */
#ifndef BFCI_STORE_TARGET_H
#define BFCI_STORE_TARGET_H

#include "store/backend.h"

/* Splits a path into what is there, with links resolved, and the rest that is not; both to be
 * freed. */
int bfci_target_resolve(const char *path, char **there, char **rest, bfc_err *err);

/* What is left of `path` below `outer`, without a leading '/'; "" if they are the same; NULL if it
 * is not below. Both are resolved. */
const char *bfci_target_below(const char *outer, const char *path);

/* Resolved as far as it is there, and the rest behind it; to be freed. */
int bfci_target_whole(const char *path, char **out, bfc_err *err);

/* Fails if what is written to `target` would stand among the images of the store. */
int bfci_target_check_outside(const bfc_store *store, const char *target, bfc_err *err);

/* Fails unless `target` is outside the store, and is missing, an empty folder or, with replace, any
 * folder. */
int bfci_target_check(const bfc_store *store, const char *target, bool replace, bfc_err *err);

/* Extracts into a directory outside the store that is missing, empty, or to be replaced in. */
int bfci_target_extract(bfc_store *store, const char *path, const char *target,
                        const bfc_extract_options *options, bfc_extract_report *report,
                        bfc_err *err);

/* Fails unless `dir` is a directory outside the store. Where the store lies in it, *below is set to
 * where, from `dir` on. */
int bfci_target_check_source(const bfc_store *store, const char *dir, char **below, bfc_err *err);

#endif
