/* SPDX-License-Identifier: Apache-2.0 */
/* A container's tree into a ZFS dataset, whatever store it comes from. */
#ifndef BFCI_STORE_DATASET_H
#define BFCI_STORE_DATASET_H

#include <bfc/image.h>

#include "store/zfs_tool.h"

/* Extracts the container at `path` into a dataset that is made for it, or is there and empty, or is
 * to be extracted over. */
int bfci_dataset_extract(const bfc_hooks *hooks, const char *path, const char *dataset,
                         const bfc_extract_options *options, bfc_extract_report *report,
                         bfc_err *err);

/* The parts of it, and of clones: */

/* *there: the dataset exists. Otherwise the one above it does, or the options want it made. Nothing
 * is made yet. */
int bfci_dataset_check(const bfci_zfs_tool *tool, const char *dataset,
                       const bfc_dataset_options *options, bool *there, bfc_err *err);
/* Makes those above it that are missing, if the options want them: when all else that can be known
 * before is known. */
int bfci_dataset_make_parents(const bfci_zfs_tool *tool, const char *dataset,
                              const bfc_dataset_options *options, bfc_err *err);
/* Into one that exists. */
int bfci_dataset_fill(const bfci_zfs_tool *tool, const char *path, const char *dataset,
                      const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err);
/* Makes `work`, with what is above it if the options want that, and extracts into it. On failure it
 * is gone. */
int bfci_dataset_make(const bfci_zfs_tool *tool, const char *path, const char *work,
                      const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err);
/* Gives `work` its name and its mount point, makes what is above it likewise, and mounts it. On
 * failure `work` is gone. */
int bfci_dataset_settle(const bfci_zfs_tool *tool, const char *work, const char *dataset,
                        const bfc_dataset_options *options, bfc_err *err);
/* A name for a report. */
void bfci_dataset_put_name(char out[BFC_DATASET_NAME_SIZE], const char *name);
/* Adds what a dataset needs that is to hold a tree (ACLs, where this zfs has them, and attributes),
 * and the options' properties. */
void bfci_dataset_properties(bfci_zfs_call *call, const bfc_dataset_options *options, bool acls);

#endif
