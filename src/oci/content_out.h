/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of a container's files as a stream of bytes, holes as zeros. Ranges of one file that
 * rise cost no more than the whole file does. */
#ifndef BFCI_OCI_CONTENT_OUT_H
#define BFCI_OCI_CONTENT_OUT_H

#include "codec/flow.h"
#include "container/reader.h"

typedef struct bfci_content_out bfci_content_out;
/* All is borrowed until it is freed. Hooks: only the cancel flag is looked at. */
int bfci_content_out_new(bfc_reader *r, const bfc_hooks *hooks, bfci_write_fn *write, void *ctx,
                         bfci_content_out **out, bfc_err *err);
void bfci_content_out_free(bfci_content_out *c); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_content_out, bfci_content_out_free)

/* The file's size. BFC_E_CORRUPT if there is no such file. */
int bfci_content_out_size(bfci_content_out *c, uint64_t ino, uint64_t *size, bfc_err *err);
/* BFC_E_CORRUPT if that is not within the file. */
int bfci_content_out_write(bfci_content_out *c, uint64_t ino, uint64_t offset, uint64_t len,
                           bfc_err *err);
/* Zeros, with the same look at the cancel flag. */
int bfci_content_out_zeros(bfci_content_out *c, uint64_t len, bfc_err *err);

#endif
