/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of compressed bytes: which coding it is, and the plain one. A stream that failed stays
 * failed: its coder is not asked again. */
#include "codec/flow.h"

#include "base/cursor.h"
#include "codec/flow_coder.h"

#define ZSTD_FRAME 0xfd2fb528u
#define ZSTD_SKIPPABLE 0x184d2a50u /* and the 15 numbers after it */
#define ZSTD_SKIPPABLE_MASK 0xfffffff0u

enum bfci_coding bfci_coding_sniff(const void *bytes, size_t len)
{
    static const uint8_t gzip[] = {0x1f, 0x8b, 8};

    if (len >= sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0)
        return CODING_GZIP;
    if (len >= 4) {
        uint32_t magic = get_u32le((const uint8_t *)bytes);
        if (magic == ZSTD_FRAME || (magic & ZSTD_SKIPPABLE_MASK) == ZSTD_SKIPPABLE)
            return CODING_ZSTD;
    }
    return CODING_PLAIN;
}

int bfci_coding_parse(const char *text, enum bfci_coding *out, bfc_err *err)
{
    static const struct {
        const char *name;
        enum bfci_coding coding;
    } names[] = {{"none", CODING_PLAIN}, {"gzip", CODING_GZIP}, {"zstd", CODING_ZSTD}};

    if (!text)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].coding;
            return 0;
        }
    }
    return bfci_fail(err, BFC_E_INVALID, "compression '%s': it is gzip, zstd or none",
                     BFCI_QUOTE_STR(text));
}

/* ── Decoding ── */

static int plain_run(bfci_inflow *f, flow_io *io, bfc_err *err)
{
    (void)err;
    size_t len = MIN(io->in_len, io->cap);

    if (len > 0)
        memcpy(io->out, io->in, len);
    io->got = len;
    flow_take(f, io, len);
    return 0;
}

static int plain_end(bfci_inflow *f, bfc_err *err)
{
    (void)f;
    (void)err;
    return 0;
}

static void plain_free(bfci_inflow *f)
{
    free(f);
}

static int plain_inflow_new(bfci_inflow **out, bfc_err *err)
{
    AUTO_FREE bfci_inflow *f = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *f, &f, err));
    *f = (bfci_inflow){.run = plain_run, .end = plain_end, .free = plain_free};
    *out = bfci_steal(&f);
    return 0;
}

int bfci_inflow_new(enum bfci_coding coding, bfci_inflow **out, bfc_err *err)
{
    switch (coding) {
    case CODING_PLAIN:
        return plain_inflow_new(out, err);
    case CODING_GZIP:
        return bfci_gzip_inflow_new(out, err);
    case CODING_ZSTD:
        return bfci_zstd_inflow_new(out, err);
    }
    return bfci_fail(err, BFC_E_INVALID, "%d is no coding", (int)coding);
}

void bfci_inflow_free(bfci_inflow *f)
{
    if (f)
        f->free(f);
}

static int fail_dead(bfc_err *err)
{
    return bfci_fail(err, BFC_E_INVALID, "the stream has failed or ended before");
}

int bfci_inflow_run(bfci_inflow *f, const uint8_t **in, size_t *in_len, uint8_t *out, size_t cap,
                    size_t *got, bfc_err *err)
{
    flow_io io = {.in = *in, .in_len = *in_len, .out = out, .cap = cap};

    if (f->dead)
        return fail_dead(err);
    int rc = f->run(f, &io, err);
    if (rc < 0) {
        f->dead = true;
        return rc;
    }
    *in = io.in;
    *in_len = io.in_len;
    *got = io.got;
    return 0;
}

int bfci_inflow_end(bfci_inflow *f, bfc_err *err)
{
    return f->dead ? fail_dead(err) : f->end(f, err);
}

/* ── Encoding ── */

static int plain_put(bfci_outflow *f, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return f->write(f->ctx, bytes, len, err);
}

static int plain_finish(bfci_outflow *f, bfc_err *err)
{
    (void)f;
    (void)err;
    return 0;
}

static void plain_outflow_free(bfci_outflow *f)
{
    free(f);
}

static int plain_outflow_new(int level, bfci_outflow **out, bfc_err *err)
{
    AUTO_FREE bfci_outflow *f = NULL;

    if (level != 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "compression level %d: without compression there is none", level);
    BFC_TRY(bfci_alloc_zero(1, sizeof *f, &f, err));
    *f = (bfci_outflow){.put = plain_put, .finish = plain_finish, .free = plain_outflow_free};
    *out = bfci_steal(&f);
    return 0;
}

static int coder_new(enum bfci_coding coding, int level, bfci_outflow **out, bfc_err *err)
{
    switch (coding) {
    case CODING_PLAIN:
        return plain_outflow_new(level, out, err);
    case CODING_GZIP:
        return bfci_gzip_outflow_new(level, out, err);
    case CODING_ZSTD:
        return bfci_zstd_outflow_new(level, out, err);
    }
    return bfci_fail(err, BFC_E_INVALID, "%d is no coding", (int)coding);
}

int bfci_outflow_new(enum bfci_coding coding, int level, bfci_write_fn *write, void *ctx,
                     bfci_outflow **out, bfc_err *err)
{
    bfci_outflow *f = NULL;

    BFC_TRY(coder_new(coding, level, &f, err));
    f->write = write;
    f->ctx = ctx;
    *out = f;
    return 0;
}

void bfci_outflow_free(bfci_outflow *f)
{
    if (f)
        f->free(f);
}

int bfci_outflow_put(bfci_outflow *f, const void *bytes, size_t len, bfc_err *err)
{
    if (f->dead)
        return fail_dead(err);
    if (len == 0)
        return 0;
    int rc = f->put(f, (const uint8_t *)bytes, len, err);
    f->dead = rc < 0;
    return rc;
}

int bfci_outflow_finish(bfci_outflow *f, bfc_err *err)
{
    if (f->dead)
        return fail_dead(err);
    f->dead = true;
    return f->finish(f, err);
}
