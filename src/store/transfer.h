/* SPDX-License-Identifier: Apache-2.0 */
/* What a sent image looks like: `bfc image send` writes it, `bfc image receive` reads it.
 *
 *     "BFCSEND1"
 *     for each image:   u32 length, and a JSON document that says which image it is
 *                       u32 length, and so many bytes of what `zfs send` wrote; again and again
 *                       u32 0: its end
 *     u32 0             the end
 *
 * Numbers are little-endian. A length of 0xffffffff says that the sender failed. */
#ifndef BFCI_STORE_TRANSFER_H
#define BFCI_STORE_TRANSFER_H

#include "store/backend.h"

enum {
    TRANSFER_HEADER_MAX = 4096, /* of the JSON document */
    TRANSFER_PIECE_MAX = 1 << 20
};

/* One image that is sent. */
typedef struct bfci_transfer {
    bfci_reference ref;
    uint8_t root_digest[BFC_DIGEST_SIZE];
    bool has_base; /* the stream holds what differs from another version, or from another image */
    bfci_reference base;
    uint8_t base_digest[BFC_DIGEST_SIZE];
} bfci_transfer;

/* The JSON document; free(). */
int bfci_transfer_encode(const bfci_transfer *t, char **json, bfc_err *err);
int bfci_transfer_decode(const uint8_t *json, size_t len, bfci_transfer *out, bfc_err *err);

/* ── Writing ── */

int bfci_transfer_begin(int fd, const bfc_hooks *hooks, bfc_err *err);
int bfci_transfer_put_header(int fd, const bfci_transfer *t, const bfc_hooks *hooks, bfc_err *err);
/* Everything that comes out of `from` until its end, in pieces that are full but for the last. */
int bfci_transfer_put_stream(int fd, int from, const bfc_hooks *hooks, uint64_t *done,
                             bfc_err *err);
/* The end of an image's stream, or of all. */
int bfci_transfer_put_end(int fd, const bfc_hooks *hooks, bfc_err *err);
/* Tells the receiver that this is all there will be, and not whole. */
void bfci_transfer_put_failure(int fd, const bfc_hooks *hooks);

/* ── Reading ── */

int bfci_transfer_expect(int fd, const bfc_hooks *hooks, bfc_err *err);
/* *more is false at the end. */
int bfci_transfer_get_header(int fd, const bfc_hooks *hooks, bfci_transfer *out, bool *more,
                             bfc_err *err);
typedef int bfci_transfer_sink(void *ctx, const uint8_t *piece, size_t len, bfc_err *err);
/* An image's stream, piece by piece, to its end; without a sink it is passed over. */
int bfci_transfer_get_stream(int fd, bfci_transfer_sink *sink, void *ctx, const bfc_hooks *hooks,
                             uint64_t *done, bfc_err *err);

#endif
