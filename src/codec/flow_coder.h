/* SPDX-License-Identifier: Apache-2.0 */
/* Between flow.c and the codings: what a coder gives and gets. A coder's struct begins with the one
 * here. */
#ifndef BFCI_CODEC_FLOW_CODER_H
#define BFCI_CODEC_FLOW_CODER_H

#include "codec/flow.h"

/* One call of bfci_inflow_run(). */
typedef struct flow_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t cap, got;
} flow_io;

struct bfci_inflow {
    /* Goes on until there is no input left and nothing held back, or `out` is full. */
    int (*run)(bfci_inflow *f, flow_io *io, bfc_err *err);
    int (*end)(bfci_inflow *f, bfc_err *err);
    void (*free)(bfci_inflow *f);
    uint64_t at; /* bytes of the stream that were taken */
    bool dead;   /* it failed */
};

static inline void flow_take(bfci_inflow *f, flow_io *io, size_t len)
{
    io->in += len;
    io->in_len -= len;
    f->at += len;
}

struct bfci_outflow {
    int (*put)(bfci_outflow *f, const uint8_t *bytes, size_t len, bfc_err *err);
    int (*finish)(bfci_outflow *f, bfc_err *err);
    void (*free)(bfci_outflow *f);
    bfci_write_fn *write;
    void *ctx;
    bool dead; /* it failed, or was finished */
};

int bfci_gzip_inflow_new(bfci_inflow **out, bfc_err *err);
int bfci_zstd_inflow_new(bfci_inflow **out, bfc_err *err);
/* `write` and `ctx` are set by the caller. */
int bfci_gzip_outflow_new(int level, bfci_outflow **out, bfc_err *err);
int bfci_zstd_outflow_new(int level, bfci_outflow **out, bfc_err *err);

#endif
