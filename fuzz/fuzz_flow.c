/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: a byte that picks the coding and the sizes of pieces, then the stream. However it is
 * cut, it must give the same; and what is encoded must come back. */
#include "fuzz.h"

#include "codec/flow.h"

enum {
    OUT_MAX = 1 << 20,
    TOO_LARGE = 1
};

static int run_piece(bfci_inflow *f, uint8_t *in, size_t len, size_t cap, buf *out)
{
    const uint8_t *p = in;
    size_t got = 0;

    do {
        uint8_t *room = malloc(cap);
        FUZZ_CHECK(room);
        int rc = bfci_inflow_run(f, &p, &len, room, cap, &got, NULL);
        FUZZ_CHECK(rc == 0 || rc == BFC_E_CORRUPT);
        if (rc == 0)
            bfci_buf_put(out, room, got);
        free(room);
        if (rc < 0)
            return rc;
        if (out->len > OUT_MAX)
            return TOO_LARGE;
    } while (len > 0 || got == cap);
    return 0;
}

static int decode(enum bfci_coding coding, const uint8_t *data, size_t size, size_t step,
                  size_t cap, buf *out)
{
    AUTO(bfci_inflow) bfci_inflow *f = NULL;

    FUZZ_CHECK(bfci_inflow_new(coding, &f, NULL) == 0);
    for (size_t at = 0; at < size; at += step) {
        size_t len = MIN(step, size - at);
        uint8_t *in = fuzz_copy(data + at, len);
        int rc = run_piece(f, in, len, cap, out);
        free(in);
        if (rc != 0)
            return rc;
    }
    return bfci_inflow_end(f, NULL);
}

static int put_into_buf(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    (void)err;
    bfci_buf_put((buf *)ctx, bytes, len);
    return 0;
}

static void there_and_back(enum bfci_coding coding, const uint8_t *data, size_t size, size_t step)
{
    AUTO_BUF buf packed = BUF_INIT;
    AUTO_BUF buf back = BUF_INIT;
    AUTO(bfci_outflow) bfci_outflow *f = NULL;

    FUZZ_CHECK(bfci_outflow_new(coding, 0, put_into_buf, &packed, &f, NULL) == 0);
    for (size_t at = 0; at < size; at += step)
        FUZZ_CHECK(bfci_outflow_put(f, data + at, MIN(step, size - at), NULL) == 0);
    FUZZ_CHECK(bfci_outflow_finish(f, NULL) == 0);
    FUZZ_CHECK(decode(coding, packed.data, packed.len, 1 << 20, OUT_MAX, &back) == 0);
    fuzz_same(&back, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 7, 100, 5000};
    AUTO_BUF buf one = BUF_INIT;
    AUTO_BUF buf two = BUF_INIT;

    if (size < 1)
        return 0;
    enum bfci_coding coding = (enum bfci_coding)(data[0] % 3);
    size_t step = steps[data[0] >> 2 & 3], cap = steps[data[0] >> 4 & 3];
    int whole = decode(coding, data + 1, size - 1, size, OUT_MAX / 4, &one);
    int cut = decode(coding, data + 1, size - 1, step, cap, &two);
    FUZZ_CHECK(whole == cut);
    if (whole == 0)
        fuzz_same(&two, one.data, one.len);
    there_and_back(coding, data + 1, size - 1, step);
    return 0;
}
