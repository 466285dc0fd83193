/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are read: members and frames of gzip(1) and zstd(1) and ones made by hand; cut,
 * flipped, and made to mislead. */
#include "flow_fixture.h"

enum {
    SMALL = 300,
    LARGE = 3 << 20
};

/* ── gzip by hand: one stored block ── */

enum {
    FHCRC = 2,
    FEXTRA = 4,
    FNAME = 8,
    FCOMMENT = 16
};

static uint32_t crc32_by_bits(const uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void put_u16(buf *b, size_t v)
{
    buf_u8(b, (uint8_t)v);
    buf_u8(b, (uint8_t)(v >> 8));
}

static void put_header(buf *b, uint8_t flags, size_t extra)
{
    const uint8_t head[] = {0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3};
    size_t start = b->len;
    bfci_buf_put(b, head, sizeof head);
    if (flags & FEXTRA) {
        put_u16(b, extra);
        for (size_t i = 0; i < extra; i++)
            buf_u8(b, (uint8_t)i);
    }
    if (flags & FNAME)
        bfci_buf_put(b, "a name", 7);
    if (flags & FCOMMENT)
        bfci_buf_put(b, "", 1);
    if (flags & FHCRC)
        put_u16(b, crc32_by_bits(b->data + start, b->len - start) & 0xffff);
}

static void put_body(buf *b, const char *text)
{
    size_t len = strlen(text);
    buf_u8(b, 1);
    put_u16(b, len);
    put_u16(b, ~len);
    bfci_buf_put(b, text, len);
    buf_u32(b, crc32_by_bits((const uint8_t *)text, len));
    buf_u32(b, (uint32_t)len);
}

static void put_member(buf *b, uint8_t flags, const char *text)
{
    put_header(b, flags, 700);
    put_body(b, text);
}

static void expect(enum bfci_coding coding, const buf *stream, const char *text)
{
    AUTO_BUF buf out = BUF_INIT;
    for (size_t step = 1; step < stream->len; step = 3 * step + 1) {
        bfc_err err = BFC_ERR_INIT;
        int rc = unpack(coding, stream->data, stream->len, step, 1 + step / 2, &out, &err);
        assert_string_equal(err.msg, "");
        assert_int_equal(rc, 0);
        assert_int_equal(out.len, strlen(text));
        assert_memory_equal(out.data ? (char *)out.data : "", text, out.len);
    }
}

static void expect_fail(enum bfci_coding coding, const buf *stream, const char *message,
                        uint64_t offset)
{
    AUTO_BUF buf out = BUF_INIT;
    static const size_t steps[] = {1, 7, 100000};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(unpack(coding, stream->data, stream->len, steps[i], 100, &out, &err),
                         BFC_E_CORRUPT);
        assert_string_equal(err.msg, message);
        assert_int_equal(err.offset, offset);
    }
}

static void test_flow__sniff(void **state)
{
    (void)state;
    assert_int_equal(bfci_coding_sniff("", 0), CODING_PLAIN);
    assert_int_equal(bfci_coding_sniff("\x1f\x8b\x08", 3), CODING_GZIP);
    assert_int_equal(bfci_coding_sniff("\x1f\x8b", 2), CODING_PLAIN);
    assert_int_equal(bfci_coding_sniff("\x1f\x8b\x07", 3), CODING_PLAIN);
    assert_int_equal(bfci_coding_sniff("\x28\xb5\x2f\xfd", 4), CODING_ZSTD);
    assert_int_equal(bfci_coding_sniff("\x28\xb5\x2f", 3), CODING_PLAIN);
    assert_int_equal(bfci_coding_sniff("\x50\x2a\x4d\x18", 4), CODING_ZSTD);
    assert_int_equal(bfci_coding_sniff("\x5f\x2a\x4d\x18", 4), CODING_ZSTD);
    assert_int_equal(bfci_coding_sniff("\x60\x2a\x4d\x18", 4), CODING_PLAIN);
    assert_int_equal(bfci_coding_sniff("etc/passwd", 10), CODING_PLAIN);
}

static void test_flow__plain(void **state)
{
    (void)state;
    AUTO_BUF buf in = BUF_INIT;
    AUTO_BUF buf out = BUF_INIT;
    put_sample(&in, 10000, 1);
    for (size_t step = 1; step < 20000; step *= 5) {
        assert_int_equal(unpack(CODING_PLAIN, in.data, in.len, step, 777, &out, NULL), 0);
        assert_same(&in, &out);
    }
    assert_int_equal(unpack_all(CODING_PLAIN, "", 0, &out), 0);
    assert_int_equal(out.len, 0);
}

static void test_flow__gzip_header_fields(void **state)
{
    (void)state;
    for (uint8_t flags = 0; flags < 32; flags++) { /* bit 0 says that it is text */
        AUTO_BUF buf stream = BUF_INIT;
        put_member(&stream, flags, "some text");
        expect(CODING_GZIP, &stream, "some text");
    }
    AUTO_BUF buf stream = BUF_INIT;
    put_header(&stream, FEXTRA | FHCRC, 0);
    put_body(&stream, "x");
    put_header(&stream, FEXTRA | FNAME, 65535);
    put_body(&stream, "y");
    expect(CODING_GZIP, &stream, "xy");
}

static void test_flow__gzip_members_and_padding(void **state)
{
    (void)state;
    AUTO_BUF buf stream = BUF_INIT;
    put_member(&stream, 0, "one ");
    put_member(&stream, FNAME, "");
    put_member(&stream, FHCRC | FEXTRA, "two");
    expect(CODING_GZIP, &stream, "one two");
    size_t end = stream.len;
    for (int i = 0; i < 600; i++)
        buf_u8(&stream, 0);
    expect(CODING_GZIP, &stream, "one two");
    AUTO_FREE char *message = NULL;
    assert_int_equal(bfci_asprintf(&message, NULL,
                                   "what follows a gzip member is neither another one nor zero "
                                   "padding (byte %zu)",
                                   end),
                     0);
    put_member(&stream, 0, "three"); /* behind padding it is garbage, too */
    expect_fail(CODING_GZIP, &stream, message, end);
    stream.data[end] = 'x';
    stream.len = end + 1;
    expect_fail(CODING_GZIP, &stream, message, end);
    stream.data[end] = 0x1f;
    stream.data[end + 1] = 0x8c;
    stream.len = end + 2;
    expect_fail(CODING_GZIP, &stream, message, end);
}

static void test_flow__gzip_bad_headers(void **state)
{
    (void)state;
    AUTO_BUF buf stream = BUF_INIT;
    expect_fail(CODING_GZIP, &stream,
                "a gzip stream has at least one member, here is none (byte 0)", 0);
    put_member(&stream, FHCRC, "text");
    stream.data[10] ^= 1;
    expect_fail(
        CODING_GZIP, &stream,
        "gzip member at byte 0: its header does not have the checksum that it tells (byte 11)", 11);
    stream.data[2] = 7;
    expect_fail(CODING_GZIP, &stream,
                "gzip member at byte 0: its method is not deflate (8) (byte 2)", 2);
    stream.data[2] = 8;
    for (uint8_t flag = 32; flag; flag = (uint8_t)(flag << 1)) {
        stream.data[3] = flag;
        expect_fail(CODING_GZIP, &stream,
                    "gzip member at byte 0: reserved flags are set in its header (byte 3)", 3);
    }
    stream.data[0] = 0;
    expect_fail(CODING_GZIP, &stream, "not a gzip stream (byte 0)", 0);
}

static void test_flow__gzip_bad_sums(void **state)
{
    (void)state;
    AUTO_BUF buf good = BUF_INIT;
    put_member(&good, 0, "first");
    size_t first = good.len;
    put_member(&good, 0, "second");
    AUTO_FREE char *message = NULL;
    assert_int_equal(bfci_asprintf(&message, NULL,
                                   "gzip member at byte %zu: its bytes do not have the CRC32 and "
                                   "the length it tells (byte %zu)",
                                   first, good.len),
                     0);
    for (size_t back = 1; back <= 8; back++) {
        good.data[good.len - back] ^= 0x10;
        expect_fail(CODING_GZIP, &good, message, good.len);
        good.data[good.len - back] ^= 0x10;
    }
    expect(CODING_GZIP, &good, "firstsecond");
}

/* ── Against the programs ── */

static void check_program(enum bfci_coding coding, const char *const argv[], size_t len)
{
    static const size_t steps[][2] = {
        {1 << 30, 1 << 20}, {4096, 65536}, {70001, 1009}, {257, 32768}};
    AUTO_BUF buf in = BUF_INIT;
    AUTO_BUF buf packed = BUF_INIT;
    AUTO_BUF buf out = BUF_INIT;
    put_sample(&in, len, 7);
    through_or_skip(argv, &in, &packed);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bfc_err err = BFC_ERR_INIT;
        (void)unpack(coding, packed.data, packed.len, MIN(steps[i][0], packed.len), steps[i][1],
                     &out, &err);
        assert_string_equal(err.msg, "");
        assert_same(&in, &out);
    }
}

static void test_flow__reads_gzip(void **state)
{
    (void)state;
    static const char *const levels[] = {"-1", "-6", "-9"};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        const char *const argv[] = {"gzip", levels[i], "-c", NULL};
        check_program(CODING_GZIP, argv, 0);
        check_program(CODING_GZIP, argv, 1);
        check_program(CODING_GZIP, argv, 70000);
        check_program(CODING_GZIP, argv, LARGE);
    }
}

static void test_flow__reads_zstd(void **state)
{
    (void)state;
    static const char *const options[] = {"-1", "-19", "--long=27", "--no-check", "--fast=5"};
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const char *const argv[] = {"zstd", options[i], "-q", "-c", NULL};
        check_program(CODING_ZSTD, argv, 0);
        check_program(CODING_ZSTD, argv, 1);
        check_program(CODING_ZSTD, argv, 70000);
        check_program(CODING_ZSTD, argv, LARGE);
    }
}

/* As pigz --independent and the chunked kinds of layers have it: a member for each piece. */
static void test_flow__many_members(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 5, 700, 32768, 100000, 3, 0, 200000};
    static const enum bfci_coding codings[] = {CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf in = BUF_INIT;
        AUTO_BUF buf packed = BUF_INIT;
        AUTO_BUF buf out = BUF_INIT;
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            size_t start = in.len;
            put_sample(&in, sizes[i], (uint32_t)i);
            pack(codings[c], 1, in.data ? in.data + start : NULL, sizes[i], 50000, &packed);
        }
        for (size_t step = 1; step < 1000000; step = 7 * step + 3) {
            assert_int_equal(
                unpack(codings[c], packed.data, packed.len, step, 1 + step * 2, &out, NULL), 0);
            assert_same(&in, &out);
        }
    }
}

/* ── zstd by hand ── */

static void put_skippable(buf *b, uint8_t kind, uint32_t len)
{
    buf_u32(b, 0x184d2a50u + kind);
    buf_u32(b, len);
    for (uint32_t i = 0; i < len; i++)
        buf_u8(b, 0xfd);
}

/* Without content size: one raw block of one byte. */
static void put_frame(buf *b, uint8_t window_log, char byte)
{
    const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd,         0, (uint8_t)((window_log - 10) << 3),
                             9,    0,    0,    (uint8_t)byte};
    bfci_buf_put(b, frame, sizeof frame);
}

static void test_flow__zstd_frames(void **state)
{
    (void)state;
    AUTO_BUF buf stream = BUF_INIT;
    put_skippable(&stream, 0, 0);
    put_skippable(&stream, 15, 5);
    expect(CODING_ZSTD, &stream, "");
    put_frame(&stream, 10, 'a');
    expect(CODING_ZSTD, &stream, "a");
    put_skippable(&stream, 3, 300000);
    put_frame(&stream, 27, 'b');
    put_frame(&stream, 20, 'c');
    put_skippable(&stream, 7, 1);
    put_skippable(&stream, 8, 0);
    expect(CODING_ZSTD, &stream, "abc");
}

/* What can be given is given, though the rest of the stream is late. */
static void test_flow__zstd_gives_what_is_there(void **state)
{
    (void)state;
    static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0x40, 0x1f, 0}; /* 1000 bytes */
    AUTO(bfci_inflow) bfci_inflow *f = NULL;
    AUTO_BUF buf stream = BUF_INIT;
    uint8_t room[300];
    size_t got, sum = 0;
    bfci_buf_put(&stream, head, sizeof head);
    put_sample(&stream, 1000, 17);
    const uint8_t *in = stream.data;
    size_t len = stream.len;
    assert_int_equal(bfci_inflow_new(CODING_ZSTD, &f, NULL), 0);
    do {
        assert_int_equal(bfci_inflow_run(f, &in, &len, room, sizeof room, &got, NULL), 0);
        assert_memory_equal(room, stream.data + sizeof head + sum, got);
        sum += got;
    } while (len > 0 || got == sizeof room);
    assert_int_equal(sum, 1000);
    assert_int_equal(bfci_inflow_end(f, NULL), BFC_E_CORRUPT);
}

static void test_flow__zstd_refused(void **state)
{
    (void)state;
    AUTO_BUF buf stream = BUF_INIT;
    expect_fail(CODING_ZSTD, &stream, "a zstd stream has at least one frame, here is none (byte 0)",
                0);
    put_frame(&stream, 20, 'a');
    put_frame(&stream, 28, 'b');
    expect_fail(CODING_ZSTD, &stream, "the window of a zstd frame is larger than 128 MiB (byte 10)",
                10);
    stream.data[10] = 0x25; /* format 0.5 */
    expect_fail(CODING_ZSTD, &stream, "what follows a zstd frame is no other one (byte 10)", 10);
    stream.data[0] = 0x27;
    expect_fail(CODING_ZSTD, &stream, "not a zstd stream (byte 0)", 0);
    stream.data[0] = 0x28;
    memset(stream.data + 10, 0, 10); /* no padding here: zstd(1) takes none */
    expect_fail(CODING_ZSTD, &stream, "what follows a zstd frame is no other one (byte 10)", 10);
}

static void test_flow__zstd_bad_checksum(void **state)
{
    (void)state;
    AUTO_BUF buf in = BUF_INIT;
    AUTO_BUF buf packed = BUF_INIT;
    put_sample(&in, SMALL, 3);
    pack(CODING_ZSTD, 3, in.data, in.len, in.len, &packed);
    packed.data[packed.len - 1] ^= 1;
    expect_fail(CODING_ZSTD, &packed,
                "a zstd frame does not give the bytes whose checksum it has (byte 0)", 0);
}

/* ── Damage ── */

static void make_small(enum bfci_coding coding, buf *in, buf *packed, size_t *first)
{
    put_sample(in, SMALL, 5);
    if (coding == CODING_GZIP)
        put_header(packed, FEXTRA | FNAME | FCOMMENT | FHCRC, 20);
    else
        put_skippable(packed, 1, 9);
    *first = packed->len;
    if (coding == CODING_GZIP) {
        put_body(packed, "");
        *first = packed->len;
    }
    pack(coding, 2, in->data, in->len, in->len, packed);
}

static void test_flow__cut_at_every_byte(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf in = BUF_INIT;
        AUTO_BUF buf packed = BUF_INIT;
        AUTO_BUF buf out = BUF_INIT;
        size_t first;
        make_small(codings[c], &in, &packed, &first);
        for (size_t len = 0; len <= packed.len; len++) {
            bool whole = len == first || len == packed.len;
            for (size_t step = 1; step < 1000; step *= 31) {
                bfc_err err = BFC_ERR_INIT;
                int rc = unpack(codings[c], packed.data, len, step, 50, &out, &err);
                assert_int_equal(rc, whole ? 0 : BFC_E_CORRUPT);
                if (!whole && len > 0)
                    assert_non_null(strstr(err.msg, "it is cut off"));
                if (!whole)
                    assert_int_equal(err.offset, len);
            }
        }
        assert_same(&in, &out);
    }
}

static void test_flow__flipped_bits(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_GZIP, CODING_ZSTD};
    for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
        AUTO_BUF buf in = BUF_INIT;
        AUTO_BUF buf packed = BUF_INIT;
        AUTO_BUF buf out = BUF_INIT;
        size_t first, refused = 0;
        make_small(codings[c], &in, &packed, &first);
        for (size_t bit = 0; bit < 8 * packed.len; bit++) {
            packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            int rc = unpack(codings[c], packed.data, packed.len, 100, 100, &out, NULL);
            packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_true(rc == 0 || rc == BFC_E_CORRUPT);
            if (rc == 0) /* it was a name, a time, or what is skipped */
                assert_same(&in, &out);
            refused += rc != 0;
        }
        assert_true(refused > 8 * (packed.len - first) - 100);
    }
}

static void test_flow__noise(void **state)
{
    (void)state;
    static const enum bfci_coding codings[] = {CODING_GZIP, CODING_ZSTD};
    for (uint32_t seed = 0; seed < 2000; seed++) {
        for (size_t c = 0; c < ARRAY_LEN(codings); c++) {
            AUTO_BUF buf stream = BUF_INIT;
            AUTO_BUF buf out = BUF_INIT;
            if (codings[c] == CODING_GZIP)
                put_header(&stream, 0, 0);
            else
                buf_u32(&stream, 0xfd2fb528u);
            put_sample(&stream, 500, seed);
            assert_int_equal(
                unpack(codings[c], stream.data, stream.len, 50 + seed, 1000, &out, NULL),
                BFC_E_CORRUPT);
        }
    }
}

static void test_flow__dead_after_failure(void **state)
{
    (void)state;
    AUTO(bfci_inflow) bfci_inflow *f = NULL;
    const uint8_t *in = (const uint8_t *)"no gzip";
    uint8_t room[10];
    size_t len = 7, got = 77;
    assert_int_equal(bfci_inflow_new(CODING_GZIP, &f, NULL), 0);
    assert_int_equal(bfci_inflow_run(f, &in, &len, room, sizeof room, &got, NULL), BFC_E_CORRUPT);
    assert_int_equal(got, 77);
    assert_int_equal(len, 7);
    assert_int_equal(bfci_inflow_run(f, &in, &len, room, sizeof room, &got, NULL), BFC_E_INVALID);
    assert_int_equal(bfci_inflow_end(f, NULL), BFC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow__sniff),
        cmocka_unit_test(test_flow__plain),
        cmocka_unit_test(test_flow__gzip_header_fields),
        cmocka_unit_test(test_flow__gzip_members_and_padding),
        cmocka_unit_test(test_flow__gzip_bad_headers),
        cmocka_unit_test(test_flow__gzip_bad_sums),
        cmocka_unit_test(test_flow__reads_gzip),
        cmocka_unit_test(test_flow__reads_zstd),
        cmocka_unit_test(test_flow__many_members),
        cmocka_unit_test(test_flow__zstd_frames),
        cmocka_unit_test(test_flow__zstd_gives_what_is_there),
        cmocka_unit_test(test_flow__zstd_refused),
        cmocka_unit_test(test_flow__zstd_bad_checksum),
        cmocka_unit_test(test_flow__cut_at_every_byte),
        cmocka_unit_test(test_flow__flipped_bits),
        cmocka_unit_test(test_flow__noise),
        cmocka_unit_test(test_flow__dead_after_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
