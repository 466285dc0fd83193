/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of bytes that goes on in another thread: who makes bytes and who takes them work at the
 * same time, a few buffers apart. */
#ifndef BFCI_OCI_RELAY_H
#define BFCI_OCI_RELAY_H

#include "codec/flow.h"

typedef struct bfci_relay bfci_relay;
/* `write` is called in the relay's thread, in order. `ctx` is borrowed until the relay is freed. */
int bfci_relay_new(bfci_write_fn *write, void *ctx, bfci_relay **out, bfc_err *err);
/* A bfci_write_fn whose ctx is the relay. What `write` failed with comes back from here or from
 * finish; it is not called again after that. */
int bfci_relay_put(void *relay, const void *bytes, size_t len, bfc_err *err);
/* Waits until all was written. Nothing can be put after that. */
int bfci_relay_finish(bfci_relay *relay, bfc_err *err);
/* Without finish: what was not written yet is dropped. NULL is allowed. */
void bfci_relay_free(bfci_relay *relay);
BFCI_DEFINE_AUTO(bfci_relay, bfci_relay_free)

#endif
