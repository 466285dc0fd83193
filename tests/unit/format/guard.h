/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of decoders: bytes that end where a page begins that nobody may touch, so that
 * reading one byte too many ends the test. */
#ifndef TESTS_UNIT_FORMAT_GUARD_H
#define TESTS_UNIT_FORMAT_GUARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "format/record.h"

enum {
    GUARD_ROOM = 1 << 17
};

/* One area for the whole program; what was placed before is gone. */
static inline uint8_t *guard_put(const void *bytes, size_t len)
{
    static uint8_t *area;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    assert_true(len <= GUARD_ROOM);
    if (!area) {
        void *p = mmap(NULL, GUARD_ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        assert_true(p != MAP_FAILED);
        area = p;
        assert_int_equal(mprotect(area + GUARD_ROOM, page, PROT_NONE), 0);
    }
    uint8_t *at = area + GUARD_ROOM - len;
    if (len)
        memcpy(at, bytes, len);
    return at;
}

static inline bfci_span guard_span(const void *bytes, size_t len)
{
    return (bfci_span){guard_put(bytes, len), len};
}

static inline bfci_span guard_buf(const buf *b)
{
    assert_false(b->bad);
    return guard_span(b->data, b->len);
}

/* A decoder of a record, and what it gives is thrown away. */
typedef int guard_decode_fn(bfci_span value, bfc_err *err);

/* Every proper prefix of a record must be refused, and every longer one. */
static inline void guard_refuses_other_lengths(const buf *b, guard_decode_fn *decode)
{
    bfc_err err = BFC_ERR_INIT;
    uint8_t longer[8192];

    for (size_t len = 0; len < b->len; len++)
        assert_int_equal(decode(guard_span(b->data, len), &err), BFC_E_CORRUPT);
    assert_true(b->len < sizeof longer);
    memcpy(longer, b->data, b->len);
    longer[b->len] = 0;
    assert_int_equal(decode(guard_span(longer, b->len + 1), &err), BFC_E_CORRUPT);
    assert_int_equal(decode(guard_span(b->data, b->len), &err), 0);
}

#endif
