/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of streams share: bytes to compress, whole streams in one call, and gzip(1) and
 * zstd(1) as counterparts. */
#ifndef TEST_CODEC_FLOW_FIXTURE_H
#define TEST_CODEC_FLOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/flow.h"

/* Text with repeats near and far, and some noise. */
static inline void put_sample(buf *b, size_t len, uint32_t seed)
{
    size_t end = b->len + len;
    uint32_t random = seed;

    while (b->len < end) {
        random = random * 1664525 + 1013904223;
        size_t back = random >> 12 & 0xffff, n = MIN(end - b->len, (size_t)(random >> 28) + 3);
        if (back + n < b->len && (random & 3)) {
            assert_non_null(bfci_buf_room(b, n));
            memcpy(b->data + b->len, b->data + b->len - back - n, n);
            b->len += n;
        } else {
            buf_u8(b, (uint8_t)(random >> 24));
        }
    }
    assert_false(b->bad);
}

static inline void assert_same(const buf *a, const buf *b)
{
    assert_int_equal(a->len, b->len);
    if (a->len > 0)
        assert_memory_equal(a->data, b->data, a->len);
}

/* Decodes in pieces of these sizes, each copied to a place of its own. */
static inline int unpack(enum bfci_coding coding, const void *bytes, size_t len, size_t in_step,
                         size_t out_step, buf *out, bfc_err *err)
{
    AUTO(bfci_inflow) bfci_inflow *f = NULL;
    AUTO_FREE uint8_t *in = NULL;
    AUTO_FREE uint8_t *room = NULL;

    buf_clear(out);
    BFC_TRY(bfci_alloc(in_step, 1, &in, err));
    BFC_TRY(bfci_alloc(out_step, 1, &room, err));
    BFC_TRY(bfci_inflow_new(coding, &f, err));
    for (size_t at = 0; at < len; at += in_step) {
        const uint8_t *p = in;
        size_t left = MIN(in_step, len - at), got;
        memcpy(in, (const uint8_t *)bytes + at, left);
        do {
            BFC_TRY(bfci_inflow_run(f, &p, &left, room, out_step, &got, err));
            assert_true(got <= out_step);
            bfci_buf_put(out, room, got);
        } while (left > 0 || got == out_step);
    }
    return bfci_inflow_end(f, err);
}

static inline int unpack_all(enum bfci_coding coding, const void *bytes, size_t len, buf *out)
{
    return unpack(coding, bytes, len, MAX(len, (size_t)1), 1 << 20, out, NULL);
}

static inline int put_into_buf(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    buf *b = (buf *)ctx;

    bfci_buf_put(b, bytes, len);
    return buf_check(b, err);
}

/* Encodes in pieces of `step` bytes, at the end of `out`. */
static inline void pack(enum bfci_coding coding, int level, const void *bytes, size_t len,
                        size_t step, buf *out)
{
    AUTO(bfci_outflow) bfci_outflow *f = NULL;

    assert_int_equal(bfci_outflow_new(coding, level, put_into_buf, out, &f, NULL), 0);
    for (size_t at = 0; at < len; at += step)
        assert_int_equal(
            bfci_outflow_put(f, (const uint8_t *)bytes + at, MIN(step, len - at), NULL), 0);
    assert_int_equal(bfci_outflow_finish(f, NULL), 0);
}

/* Runs a program with these bytes as its input; what it writes goes to the end of `out`. Returns
 * its exit code; 127: there is no such program. */
static inline int through(const char *const argv[], const void *bytes, size_t len, buf *out)
{
    int in = memfd_create("in", MFD_CLOEXEC), result = memfd_create("out", MFD_CLOEXEC), status;

    assert_true(in >= 0 && result >= 0);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(in, (const uint8_t *)bytes + at, len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(in, 0) == 0 && dup2(result, 1) == 1)
            execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    off_t size = lseek(result, 0, SEEK_END);
    assert_true(size >= 0);
    uint8_t *room = bfci_buf_room(out, (size_t)size + 1);
    assert_non_null(room);
    assert_int_equal(pread(result, room, (size_t)size, 0), size);
    out->len += (size_t)size;
    close(in);
    close(result);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same; skips the test where the program is missing. */
static inline void through_or_skip(const char *const argv[], const buf *in, buf *out)
{
    int code = through(argv, in->data, in->len, out);

    if (code == 127) {
        print_message("%s is not installed\n", argv[0]);
        skip();
    }
    assert_int_equal(code, 0);
}

#endif
