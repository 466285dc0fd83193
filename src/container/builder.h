/* SPDX-License-Identifier: Apache-2.0 */
/* Building a table from entries that come in rising order of their keys; pages that did not change
 * are taken over whole. */
#ifndef BFCI_CONTAINER_BUILDER_H
#define BFCI_CONTAINER_BUILDER_H

#include "container/page_sink.h"
#include "container/table.h"

typedef struct bfci_builder bfci_builder;
/* `sink` is borrowed; no other builder uses it at the same time. */
int bfci_builder_new(bfci_page_sink *sink, enum bfci_table table, bfci_builder **out, bfc_err *err);
void bfci_builder_free(bfci_builder *b); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_builder, bfci_builder_free)
int bfci_builder_add(bfci_builder *b, bfci_span key, bfci_span value, bfc_err *err);
/* Takes over a subtree of the old table as it is: `level` of its top page, `count` of its leaf
 * entries is not known here, so the caller sets the table's count with bfci_builder_finish(). */
int bfci_builder_add_page(bfci_builder *b, uint8_t level, bfci_span first_key, const bfci_ref *ref,
                          bfc_err *err);
/* The whole table is in the segment when this returns. `count`: entries of the table. */
int bfci_builder_finish(bfci_builder *b, uint64_t count, bfci_table_ref *out, bfc_err *err);

#endif
