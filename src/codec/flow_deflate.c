/* SPDX-License-Identifier: Apache-2.0 */
/* gzip's other direction, by ISA-L: a header without time and name, one member.
 *
 * What ISA-L makes depends on how its input is cut and on the size of its buffers: it always gets
 * full buffers of one size here. Its level 3 is not used, because there each kind of processor
 * makes other bytes; those of the levels 1 and 2 are the same with SSE4, AVX2 and AVX-512. */
#include <isa-l.h>

#include "codec/flow_coder.h"

enum {
    LEVEL_DEFAULT = 2,
    LEVEL_MAX = 2,
    IN_SIZE = 64 << 10,
    OUT_SIZE = 2 * IN_SIZE, /* more than a full buffer can become */
    /* Room for 16 Ki symbols a block: more are faster by a few percent, and 1 % larger. */
    LEVEL_MEMORY = ISAL_DEF_LVL2_SMALL
};
_Static_assert((int)ISAL_DEF_LVL2_SMALL >= (int)ISAL_DEF_LVL1_SMALL, "one size is enough for both");

typedef struct gzip_out {
    bfci_outflow base;
    size_t in_len;
    struct isal_zstream deflate;
    uint8_t in[IN_SIZE], out[OUT_SIZE];
    uint8_t level_memory[LEVEL_MEMORY];
} gzip_out;

static int deflate_buffer(gzip_out *g, bool last, bfc_err *err)
{
    struct isal_zstream *d = &g->deflate;

    d->next_in = g->in;
    d->avail_in = (uint32_t)g->in_len;
    d->end_of_stream = last;
    do {
        d->next_out = g->out;
        d->avail_out = OUT_SIZE;
        int rc = isal_deflate(d);
        if (rc != COMP_OK)
            return bfci_fail(err, BFC_E_INVALID, "deflate failed with code %d", rc);
        if (d->avail_out < OUT_SIZE)
            BFC_TRY(g->base.write(g->base.ctx, g->out, OUT_SIZE - d->avail_out, err));
    } while (d->avail_out == 0 || d->avail_in > 0);
    g->in_len = 0;
    return 0;
}

static int put(bfci_outflow *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    gzip_out *g = (gzip_out *)f;

    while (len > 0) {
        size_t n = MIN(len, IN_SIZE - g->in_len);
        memcpy(g->in + g->in_len, bytes, n);
        g->in_len += n;
        bytes += n;
        len -= n;
        if (g->in_len == IN_SIZE)
            BFC_TRY(deflate_buffer(g, false, err));
    }
    return 0;
}

static int finish(bfci_outflow *f, bfc_err *err)
{
    gzip_out *g = (gzip_out *)f;

    BFC_TRY(deflate_buffer(g, true, err));
    if (g->deflate.internal_state.state != ZSTATE_END)
        return bfci_fail(err, BFC_E_INVALID, "deflate did not come to its end");
    return 0;
}

static void outflow_free(bfci_outflow *f)
{
    free(f);
}

int bfci_gzip_outflow_new(int level, bfci_outflow **out, bfc_err *err)
{
    AUTO_FREE gzip_out *g = NULL;

    if (level < 0 || level > LEVEL_MAX)
        return bfci_fail(err, BFC_E_INVALID, "gzip compression level %d: use 1 to %d", level,
                         LEVEL_MAX);
    BFC_TRY(bfci_alloc_zero(1, sizeof *g, &g, err));
    g->base = (bfci_outflow){.put = put, .finish = finish, .free = outflow_free};
    isal_deflate_init(&g->deflate);
    g->deflate.level = level == 0 ? LEVEL_DEFAULT : (uint32_t)level;
    g->deflate.level_buf = g->level_memory;
    g->deflate.level_buf_size = LEVEL_MEMORY;
    g->deflate.gzip_flag = IGZIP_GZIP;
    *out = &bfci_steal(&g)->base;
    return 0;
}
