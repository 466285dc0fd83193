/* SPDX-License-Identifier: Apache-2.0 */
/* Version 1 as its decoders see it: bytes that end early, the order of paths, times before 1970,
 * sizes that cannot be. */
#include "guard.h"

#include "format/v1.h"

#define HIGH (UINT64_C(1) << 40)

struct record {
    const char *path;
    uint64_t offset, size;
    uint32_t mode, comp, enc;
    int64_t mtime;
    uint64_t raw;
};

static const struct record good = {"a/b", 4096, 48 + 6, 0100640, 0, 0, 1500000000, 6};

static void put_entry(buf *b, const struct record *r)
{
    buf_u32(b, (uint32_t)strlen(r->path));
    bfci_buf_put(b, r->path, strlen(r->path));
    buf_u64(b, r->offset);
    buf_u64(b, r->size);
    buf_u32(b, r->mode);
    buf_u64(b, (uint64_t)r->mtime);
    buf_u32(b, r->comp);
    buf_u32(b, r->enc);
    buf_u64(b, r->raw);
    buf_u32(b, 0);
}

static int decode(const struct record *r, bfci_v1_entry *out)
{
    AUTO_BUF buf b = BUF_INIT;
    static char path[256];

    put_entry(&b, r);
    rd in = rd_over(guard_put(b.data, b.len), b.len);
    int rc = bfci_v1_index_next(&in, V1_HEADER_SIZE, HIGH, out, NULL);
    if (rc == 0) { /* the guard's area is used again */
        memcpy(path, out->path, out->path_len);
        out->path = path;
        assert_true(rd_finished(&in));
    }
    return rc;
}

static void test_v1__an_entry(void **state)
{
    bfci_v1_entry e;
    struct record r = good;

    (void)state;
    assert_int_equal(decode(&r, &e), 0);
    assert_true(e.path_len == 3 && e.type == BFC_TYPE_FILE && e.mode == 0640 && !e.sealed);
    assert_true(e.mtime == 1 && e.mtime_ns == 500000000 && e.raw == 6 && e.size == 54);
    r.mtime = -1;
    assert_int_equal(decode(&r, &e), 0);
    assert_true(e.mtime == -1 && e.mtime_ns == 999999999);
    r.mtime = INT64_MIN;
    assert_int_equal(decode(&r, &e), 0);
    assert_true(e.mtime == -9223372037 && e.mtime_ns == 145224192);
}

static void test_v1__ends_early(void **state)
{
    AUTO_BUF buf b = BUF_INIT;
    bfci_v1_entry e;

    (void)state;
    put_entry(&b, &good);
    for (size_t len = 0; len < b.len; len++) {
        rd in = rd_over(guard_put(b.data, len), len);
        assert_int_equal(bfci_v1_index_next(&in, V1_HEADER_SIZE, HIGH, &e, NULL), BFC_E_CORRUPT);
    }
}

static void test_v1__sizes(void **state)
{
    static const struct {
        uint32_t comp, enc;
        uint64_t size, raw;
        bool legal;
    } cases[] = {
        {0, 0, 48 + 6, 6, true},        {0, 0, 48 + 6 + 15, 6, true},
        {0, 0, 48 + 6 + 16, 6, false},  {0, 0, 48 + 5, 6, false},
        {0, 1, 48 + 6 + 28, 6, true},   {0, 1, 48 + 6 + 27, 6, false},
        {0, 1, 48 + 27, 0, false},      {1, 0, 48 + 8, 0, false},
        {1, 0, 48 + 9, 0, true},        {1, 0, 48 + 12, 524287, true},
        {1, 0, 48 + 12, 524288, false}, {0, 0, 47, 0, false},
        {0, 0, UINT64_MAX, 6, false},   {1, 0, 1000, UINT64_MAX, false},
    };
    bfci_v1_entry e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct record r = good;
        r.comp = cases[i].comp;
        r.enc = cases[i].enc;
        r.size = cases[i].size;
        r.raw = cases[i].raw;
        assert_int_equal(decode(&r, &e), cases[i].legal ? 0 : BFC_E_CORRUPT);
    }
}

static void test_v1__counts(void **state)
{
    AUTO_BUF buf b = BUF_INIT;
    uint32_t count = 0;

    (void)state;
    buf_u32(&b, V1_VERSION);
    buf_u32(&b, 2);
    for (size_t i = 0; i < 2 * (V1_INDEX_ENTRY_FIXED + 1); i++)
        buf_u8(&b, 0);
    rd in = rd_over(guard_put(b.data, b.len), b.len);
    assert_int_equal(bfci_v1_index_begin(&in, &count, NULL), 0);
    assert_int_equal(count, 2);
    in = rd_over(guard_put(b.data, b.len - 1), b.len - 1);
    assert_int_equal(bfci_v1_index_begin(&in, &count, NULL), BFC_E_CORRUPT);
    for (size_t len = 0; len < 8; len++) {
        in = rd_over(guard_put(b.data, len), len);
        assert_int_equal(bfci_v1_index_begin(&in, &count, NULL), BFC_E_CORRUPT);
    }
}

static void test_v1__order(void **state)
{
    static const char *const sorted[] = {"a", "a/b", "a/b/c", "a/c", "a!", "a-b", "ab", "\xff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
        for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
            int order =
                bfci_v1_compare_paths(sorted[i], strlen(sorted[i]), sorted[k], strlen(sorted[k]));
            assert_int_equal(order, (i > k) - (i < k));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1__an_entry), cmocka_unit_test(test_v1__ends_early),
        cmocka_unit_test(test_v1__sizes),    cmocka_unit_test(test_v1__counts),
        cmocka_unit_test(test_v1__order),
    };
    return cmocka_run_group_tests_name("v1", tests, NULL, NULL);
}
