/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes of a file belong that an archive has, and the holes between them. */
#ifndef BFCI_OCI_TAR_CONTENT_H
#define BFCI_OCI_TAR_CONTENT_H

#include "oci/tar.h"

typedef struct bfci_tar_content {
    uint64_t size, data_size; /* of the file, and what of it is in the archive */
    uint64_t at;              /* in the file */
    bool sparse;              /* it has a hole */
    bfci_tar_range *range;
    size_t range_count, range_cap, range_at;
} bfci_tar_content;

typedef struct bfci_tar_content_sink {
    void *ctx;
    int (*data)(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err);
    int (*hole)(void *ctx, uint64_t len, bfc_err *err);
} bfci_tar_content_sink;

/* A TAR_FILE; its map is copied. `c` may have held another one, or be zero. */
int bfci_tar_content_begin(bfci_tar_content *c, const bfci_tar_entry *e, bfc_err *err);
/* What the reader of the tar gives as data. */
int bfci_tar_content_data(bfci_tar_content *c, const bfci_tar_content_sink *sink,
                          const uint8_t *bytes, size_t len, bfc_err *err);
/* The hole at the end, if there is one. */
int bfci_tar_content_end(bfci_tar_content *c, const bfci_tar_content_sink *sink, bfc_err *err);
void bfci_tar_content_release(bfci_tar_content *c);

#endif
