/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is opened to be changed: nobody else changes it meanwhile. */
#ifndef BFCI_CONTAINER_LOCKED_H
#define BFCI_CONTAINER_LOCKED_H

#include "container/source.h"

/* Opens for reading and writing, and locks until the source is released. BFC_E_BUSY if somebody
 * holds the lock, or put another file in its place just now. */
int bfci_source_open_locked(const char *path, bfci_source *out, bfc_err *err);
/* BFC_E_UNSUPPORTED where it has features that only a reader may not know. */
int bfci_source_check_writable(const bfci_source *s, bfc_err *err);
/* Cuts off what an append that was not finished left, and tells hooks. */
int bfci_source_cut_tail(bfci_source *s, const bfc_hooks *hooks, bfc_err *err);
/* What a new commit says of the last one: seq, previous, previous_digest. */
int bfci_source_chain(const bfci_source *s, bfci_commit *c, bfc_err *err);

#endif
