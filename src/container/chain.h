/* SPDX-License-Identifier: Apache-2.0 */
/* Commit records as they follow each other, from the last back to the first. */
#ifndef BFCI_CONTAINER_CHAIN_H
#define BFCI_CONTAINER_CHAIN_H

#include "format/commit.h"

/* The commit before `c`, and its record as it stands in the file; BFC_E_NOT_FOUND if `c` is the
 * first. That it is the one that `c` follows is checked by its digest. */
int bfci_chain_previous(int fd, const bfci_super *super, const bfci_commit *c,
                        uint8_t record[COMMIT_SIZE], bfci_commit *out, bfc_err *err);

#endif
