/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the walk puts off: their contents are read when all names are known, in the order of
 * likeness. A file takes a few dozen bytes in a sorter, which goes to disk beyond its budget, and a
 * folder with files in it a few dozen in memory; none of them stays open. */
#ifndef BFCI_CONTAINER_SCAN_LATER_H
#define BFCI_CONTAINER_SCAN_LATER_H

#include "container/scan_batch.h"

/* `beside`, `sealed`: as a sorter's. */
int bfci_later_new(const char *beside, bool sealed, bfci_later **out, bfc_err *err);
void bfci_later_free(bfci_later *l); /* NULL is allowed */

/* A regular file in the folder that the walk is in. Of the `item` what stat told, its number and
 * what is known of the commit before are kept. `source`: borrowed from the plan; NULL: on disk. */
int bfci_later_put(bfci_scan *s, const char *name, const bfci_item *item, const char *source,
                   bfc_err *err);
/* After the walk: hands out all of them, in batches. */
int bfci_later_hand_out(bfci_scan *s, bfc_err *err);

#endif
