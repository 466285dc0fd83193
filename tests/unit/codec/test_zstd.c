/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks by zstd: there and back, and frames that were made to mislead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zstd.h>

#include "codec/zstd.h"

enum {
    RAW = 100000,
    CAP = 2 * RAW,
    GUARD = 0x5a
};

struct fixture {
    bfci_compressor *c;
    bfci_decompressor *d;
    uint8_t raw[RAW], packed[CAP], back[RAW + 16];
    size_t packed_len;
};

static int setup(void **state)
{
    struct fixture *f = NULL;
    assert_int_equal(bfci_alloc_zero(1, sizeof *f, &f, NULL), 0);
    assert_int_equal(bfci_compressor_new(3, &f->c, NULL), 0);
    assert_int_equal(bfci_decompressor_new(&f->d, NULL), 0);
    for (size_t i = 0; i < RAW; i++)
        f->raw[i] = (uint8_t)(i * i / 1000 % 50);
    assert_int_equal(bfci_compress(f->c, f->raw, RAW, f->packed, CAP, &f->packed_len, NULL), 0);
    assert_true(f->packed_len > 0 && f->packed_len < RAW);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bfci_compressor_free(f->c);
    bfci_decompressor_free(f->d);
    free(f);
    return 0;
}

/* Starts of frames of several pieces, and of frames that have only one. */
static void test_zstd__decodes_no_more_than_is_needed(void **state)
{
    struct fixture *f = *state;
    const size_t piece = 128 << 10, size[] = {1000, piece, piece + 1000, 8 * piece + 5000};
    const size_t most = 8 * piece + 5000, room = 2 * most;
    AUTO_FREE uint8_t *raw = NULL, *packed = NULL, *kept = NULL, *back = NULL;

    assert_int_equal(bfci_alloc(most, 1, &raw, NULL), 0);
    assert_int_equal(bfci_alloc(room, 1, &packed, NULL), 0);
    assert_int_equal(bfci_alloc(room, 1, &kept, NULL), 0);
    assert_int_equal(bfci_alloc(most, 1, &back, NULL), 0);
    for (size_t i = 0; i < most; i++)
        raw[i] = i / piece == 1 ? 7 : (uint8_t)(i * i / 1000 % 50);
    for (size_t s = 0; s < ARRAY_LEN(size); s++) {
        size_t len = 0, got;
        assert_int_equal(bfci_compress(f->c, raw, size[s], kept, room, &len, NULL), 0);
        memcpy(packed, kept, len);
        for (size_t want = 0; want < size[s]; want += 1 + want / 3) {
            memset(back, 0, size[s]);
            got = want;
            assert_int_equal(bfci_decompress_start(f->d, packed, len, back, size[s], &got, NULL),
                             0);
            size_t pieces = (want + piece - 1) / piece * piece;
            assert_int_equal(got, want ? MIN(pieces, size[s]) : size[s]);
            assert_memory_equal(back, raw, got);
            assert_memory_equal(packed, kept, len);
        }
        for (size_t cut = 0; cut < len; cut += 1 + len / 50) {
            got = size[s] - 1;
            assert_int_equal(bfci_decompress_start(f->d, packed, cut, back, size[s], &got, NULL),
                             BFC_E_CORRUPT);
        }
        for (size_t at = 0; at < len; at += 1 + len / 50) { /* whatever comes of it */
            packed[at] ^= 0x55;
            got = 1;
            if (bfci_decompress_start(f->d, packed, len, back, size[s], &got, NULL) == 0)
                assert_true(got >= 1 && got <= size[s]);
            memcpy(packed, kept, len);
        }
    }
}

/* Decompresses from an exact copy; whatever comes of it, nothing is written beyond raw_len. */
static int unpack(struct fixture *f, const void *bytes, size_t len, size_t raw_len)
{
    AUTO_FREE uint8_t *flush = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_alloc(len, 1, &flush, NULL), 0);
    memcpy(flush, bytes, len);
    memset(f->back, GUARD, sizeof f->back);
    int rc = bfci_decompress(f->d, flush, len, f->back, raw_len, &err);
    for (size_t i = raw_len; i < sizeof f->back; i++)
        assert_int_equal(f->back[i], GUARD);
    assert_int_equal(err.code, rc);
    return rc;
}

static void test_zstd__there_and_back(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 0; len <= RAW; len = 3 * len + 1) {
        assert_int_equal(bfci_compress(f->c, f->raw, len, f->packed, CAP, &f->packed_len, NULL), 0);
        assert_int_equal(unpack(f, f->packed, f->packed_len, len), 0);
        assert_memory_equal(f->back, f->raw, len);
    }
}

static void test_zstd__levels(void **state)
{
    struct fixture *f = *state;
    bfc_err err = BFC_ERR_INIT;
    bfci_compressor *c = NULL;
    assert_int_equal(bfci_compressor_new(0, &c, &err), BFC_E_INVALID);
    assert_int_equal(bfci_compressor_new(1000, &c, &err), BFC_E_INVALID);
    assert_null(c);
    for (int level = 1; level <= 19; level += 9) {
        assert_int_equal(bfci_compressor_new(level, &c, NULL), 0);
        assert_int_equal(bfci_compress(c, f->raw, RAW, f->packed, CAP, &f->packed_len, NULL), 0);
        assert_int_equal(unpack(f, f->packed, f->packed_len, RAW), 0);
        bfci_compressor_free(c);
        c = NULL;
    }
}

static void test_zstd__frames_are_plain(void **state)
{
    struct fixture *f = *state;
    assert_true(ZSTD_getFrameContentSize(f->packed, f->packed_len) == RAW);
    assert_int_equal(f->packed[4] & 0x04, 0); /* no checksum */
    assert_int_equal(f->packed[4] & 0x03, 0); /* no dictionary */
}

static void test_zstd__what_does_not_fit_is_told(void **state)
{
    struct fixture *f = *state;
    size_t len = 7;
    assert_int_equal(bfci_compress(f->c, f->raw, RAW, f->back, f->packed_len - 1, &len, NULL), 0);
    assert_int_equal(len, 0);
    assert_int_equal(bfci_compress(f->c, f->raw, RAW, f->back, RAW, &len, NULL), 0);
    assert_int_equal(len, f->packed_len);
}

static void test_zstd__wrong_size(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unpack(f, f->packed, f->packed_len, RAW - 1), BFC_E_CORRUPT);
    assert_int_equal(unpack(f, f->packed, f->packed_len, RAW + 1), BFC_E_CORRUPT);
    assert_int_equal(unpack(f, f->packed, f->packed_len, 0), BFC_E_CORRUPT);
}

static void test_zstd__cut_and_longer(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 0; len < f->packed_len; len += 1 + len / 8)
        assert_int_equal(unpack(f, f->packed, len, RAW), BFC_E_CORRUPT);
    assert_int_equal(unpack(f, f->packed, f->packed_len - 1, RAW), BFC_E_CORRUPT);
    f->packed[f->packed_len] = 0;
    assert_int_equal(unpack(f, f->packed, f->packed_len + 1, RAW), BFC_E_CORRUPT);
}

static void test_zstd__other_frames(void **state)
{
    struct fixture *f = *state;
    /* A skippable frame is no block, nor may one stand before it. */
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    assert_int_equal(unpack(f, skippable, sizeof skippable, 0), BFC_E_CORRUPT);
    memcpy(f->back, f->packed, f->packed_len);
    memcpy(f->packed, skippable, sizeof skippable);
    memcpy(f->packed + sizeof skippable, f->back, f->packed_len);
    assert_int_equal(unpack(f, f->packed, f->packed_len + sizeof skippable, RAW), BFC_E_CORRUPT);
    /* Nor one that does not tell its size. */
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0)));
    size_t len = ZSTD_compress2(zstd, f->packed, CAP, f->raw, RAW);
    ZSTD_freeCCtx(zstd);
    assert_false(ZSTD_isError(len));
    assert_int_equal(unpack(f, f->packed, len, RAW), BFC_E_CORRUPT);
}

static void test_zstd__flipped_bits(void **state)
{
    struct fixture *f = *state;
    for (size_t at = 0; at < f->packed_len; at += 1 + at / 64) {
        for (int bit = 0; bit < 8; bit++) {
            f->packed[at] ^= (uint8_t)(1 << bit);
            int rc = unpack(f, f->packed, f->packed_len, RAW);
            assert_true(rc == 0 || rc == BFC_E_CORRUPT); /* there is no checksum in the frame */
            f->packed[at] ^= (uint8_t)(1 << bit);
        }
    }
    assert_int_equal(unpack(f, f->packed, f->packed_len, RAW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_zstd__decodes_no_more_than_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__frames_are_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__what_does_not_fit_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__wrong_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__cut_and_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__other_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zstd__flipped_bits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
