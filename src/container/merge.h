/* SPDX-License-Identifier: Apache-2.0 */
/* A table of a new commit from the table of the old one and sorted changes. */
#ifndef BFCI_CONTAINER_MERGE_H
#define BFCI_CONTAINER_MERGE_H

#include "container/builder.h"
#include "container/sorter.h"

/* `old`: tables of the commit before; NULL in a new container. `changes` is consumed. Without
 * changes the old table is referred to as it is, and so is each page of it that no change falls
 * into. */
int bfci_table_merge(bfci_tables *old, const bfci_table_ref *old_ref, bfci_sorter *changes,
                     bfci_page_sink *sink, enum bfci_table table, bfci_table_ref *out,
                     bfc_err *err);

#endif
