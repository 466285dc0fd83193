/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to a table in any order, coming out in the order of their keys. What does not fit the
 * memory budget goes to an unnamed temporary file beside the container. */
#ifndef BFCI_CONTAINER_SORTER_H
#define BFCI_CONTAINER_SORTER_H

#include "format/page.h"
#include "sys/pool.h"

typedef struct bfci_sorter bfci_sorter;

/* `beside`: path of the container, borrowed for the sorter's life; `sealed`: it is. `budget`:
 * bytes.
 */
int bfci_sorter_new(const char *beside, bool sealed, size_t budget, bfci_sorter **out,
                    bfc_err *err);
void bfci_sorter_free(bfci_sorter *s); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_sorter, bfci_sorter_free)

/* The last change to a key is the one that counts. */
int bfci_sorter_put(bfci_sorter *s, bfci_span key, bfci_span value, bfc_err *err);
int bfci_sorter_delete(bfci_sorter *s, bfci_span key, bfc_err *err);
/* As if the key had never been put: no change of it comes out. */
int bfci_sorter_forget(bfci_sorter *s, bfci_span key, bfc_err *err);
/* Nothing was put; what was forgotten was. */
bool bfci_sorter_is_empty(const bfci_sorter *s);

typedef struct bfci_change {
    bfci_span key, value;
    bool deleted;
} bfci_change;

/* Ends adding: a worker begins to sort, if there is enough to sort. */
void bfci_sorter_sort_ahead(bfci_sorter *s, bfci_pool *pool);
/* Ends adding. Then peek and step go through the changes, one for each key. */
int bfci_sorter_rewind(bfci_sorter *s, bfc_err *err);
/* NULL at the end; valid until the next step. */
const bfci_change *bfci_sorter_peek(const bfci_sorter *s);
int bfci_sorter_step(bfci_sorter *s, bfc_err *err);

#endif
