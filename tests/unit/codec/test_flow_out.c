/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are written: gzip(1), zstd(1) and our own reader take them, and the same bytes give
 * the same stream however they come. */
#include "flow_fixture.h"

enum {
    LARGE = 1500000
};

static const struct kind {
    enum bfci_coding coding;
    int level_max;
    const char *const check[5];
} kinds[] = {
    {CODING_PLAIN, 0, {"cat", NULL}},
    {CODING_GZIP, 2, {"gzip", "-d", "-c", NULL}},
    {CODING_ZSTD, 19, {"zstd", "-d", "-q", "-c", NULL}},
};

static void test_flow_out__there_and_back(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (int level = 0; level <= kinds[k].level_max; level += 1 + level / 3) {
            for (size_t len = 0; len <= LARGE; len = 11 * len + 1) {
                AUTO_BUF buf in = BUF_INIT;
                AUTO_BUF buf packed = BUF_INIT;
                AUTO_BUF buf out = BUF_INIT;
                put_sample(&in, len, (uint32_t)level);
                pack(kinds[k].coding, level, in.data, len, 100000, &packed);
                assert_int_equal(unpack_all(kinds[k].coding, packed.data, packed.len, &out), 0);
                assert_same(&in, &out);
            }
        }
    }
}

static void test_flow_out__programs_read_it(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t len = 0; len <= LARGE; len = 100 * len + 1) {
            AUTO_BUF buf in = BUF_INIT;
            AUTO_BUF buf packed = BUF_INIT;
            AUTO_BUF buf out = BUF_INIT;
            put_sample(&in, len, 9);
            pack(kinds[k].coding, 0, in.data, len, 1000, &packed);
            through_or_skip(kinds[k].check, &packed, &out);
            assert_same(&in, &out);
        }
    }
}

static void test_flow_out__same_however_it_comes(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 1000, 65536, 65537, 131072, 1000000};
    AUTO_BUF buf in = BUF_INIT;
    put_sample(&in, LARGE, 11);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (int level = 0; level <= MIN(kinds[k].level_max, 3); level++) {
            AUTO_BUF buf want = BUF_INIT;
            pack(kinds[k].coding, level, in.data, in.len, in.len, &want);
            for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                AUTO_BUF buf packed = BUF_INIT;
                pack(kinds[k].coding, level, in.data, in.len, steps[i], &packed);
                assert_same(&want, &packed);
            }
        }
    }
}

static void test_flow_out__defaults_and_headers(void **state)
{
    (void)state;
    static const uint8_t gzip_head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    AUTO_BUF buf in = BUF_INIT;
    put_sample(&in, LARGE, 13);
    for (size_t k = 1; k < ARRAY_LEN(kinds); k++) {
        AUTO_BUF buf by_default = BUF_INIT;
        AUTO_BUF buf by_level = BUF_INIT;
        pack(kinds[k].coding, 0, in.data, in.len, in.len, &by_default);
        pack(kinds[k].coding, kinds[k].coding == CODING_GZIP ? 2 : 3, in.data, in.len, in.len,
             &by_level);
        assert_same(&by_default, &by_level);
        assert_true(by_default.len < in.len / 5 * 3);
        if (kinds[k].coding == CODING_GZIP)
            assert_memory_equal(by_default.data, gzip_head, sizeof gzip_head);
        else
            assert_true(by_default.data[4] & 4); /* it has a checksum */
    }
}

/* What cannot be made smaller hardly grows. */
static void test_flow_out__noise(void **state)
{
    (void)state;
    AUTO_BUF buf in = BUF_INIT;
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < LARGE / 8; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        buf_u64(&in, random);
    }
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        AUTO_BUF buf packed = BUF_INIT;
        AUTO_BUF buf out = BUF_INIT;
        pack(kinds[k].coding, 0, in.data, in.len, 4096, &packed);
        assert_true(packed.len < in.len + in.len / 500 + 100);
        assert_int_equal(unpack_all(kinds[k].coding, packed.data, packed.len, &out), 0);
        assert_same(&in, &out);
    }
}

static int refuse(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    (void)bytes;
    size_t *room = (size_t *)ctx;
    if (len > *room)
        return bfci_fail(err, BFC_E_NOSPC, "full");
    *room -= len;
    return 0;
}

static void test_flow_out__failing_writes(void **state)
{
    (void)state;
    AUTO_BUF buf in = BUF_INIT;
    put_sample(&in, LARGE, 15);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t room = 0; room < 400000; room = 20 * room + 5) {
            AUTO(bfci_outflow) bfci_outflow *f = NULL;
            bfc_err err = BFC_ERR_INIT;
            size_t left = room;
            assert_int_equal(bfci_outflow_new(kinds[k].coding, 0, refuse, &left, &f, NULL), 0);
            int rc = bfci_outflow_put(f, in.data, in.len, &err);
            if (rc == 0)
                rc = bfci_outflow_finish(f, &err);
            assert_int_equal(rc, BFC_E_NOSPC);
            assert_string_equal(err.msg, "full");
            assert_int_equal(bfci_outflow_put(f, "x", 1, NULL), BFC_E_INVALID);
            assert_int_equal(bfci_outflow_finish(f, NULL), BFC_E_INVALID);
        }
    }
}

static void test_flow_out__levels(void **state)
{
    (void)state;
    bfci_outflow *f = NULL;
    bfc_err err = BFC_ERR_INIT;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        assert_int_equal(
            bfci_outflow_new(kinds[k].coding, kinds[k].level_max + 1, refuse, NULL, &f, &err),
            BFC_E_INVALID);
        assert_int_equal(bfci_outflow_new(kinds[k].coding, -1, refuse, NULL, &f, NULL),
                         BFC_E_INVALID);
    }
    assert_string_equal(err.msg, "zstd compression level 20: use 1 to 19");
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow_out__there_and_back),
        cmocka_unit_test(test_flow_out__programs_read_it),
        cmocka_unit_test(test_flow_out__same_however_it_comes),
        cmocka_unit_test(test_flow_out__defaults_and_headers),
        cmocka_unit_test(test_flow_out__noise),
        cmocka_unit_test(test_flow_out__failing_writes),
        cmocka_unit_test(test_flow_out__levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
