/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse files in their four forms, and maps that make no sense. */
#include "tar_made.h"

static void put_pair(uint8_t *at, uint64_t offset, uint64_t len)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%011lo", (unsigned long)offset);
    memcpy(at, text, 12);
    (void)snprintf(text, sizeof text, "%011lo", (unsigned long)len);
    memcpy(at + 12, text, 12);
}

/* A header with ranges of one byte at the multiples of 1000, as many as are there. */
static uint8_t *add_old(made *m, uint64_t size, size_t ranges)
{
    uint8_t *block = add_header(m, 'S', "sparse", ranges);
    memcpy(block + TAR_AT_MAGIC, "ustar  ", 8);
    memset(block + TAR_AT_GNU_ATIME, 0, 24);
    for (size_t i = 0; i < MIN(ranges, (size_t)4); i++)
        put_pair(block + TAR_AT_GNU_SPARSE + 24 * i, 1000 * i, 1);
    set_number(block, TAR_AT_GNU_REALSIZE, 12, size);
    block[TAR_AT_GNU_EXTENDED] = ranges > 4;
    sum_header(block);
    return block;
}

static void add_extension(made *m, size_t from, size_t to, bool more)
{
    uint8_t *block = bfci_buf_room(&m->archive, TAR_BLOCK);
    memset(block, 0, TAR_BLOCK);
    for (size_t i = from; i < to; i++)
        put_pair(block + 24 * (i - from), 1000 * i, 1);
    block[504] = more;
    m->archive.len += TAR_BLOCK;
}

static void sparse_is(const made *m, uint64_t size, const char *content, size_t ranges)
{
    const seen *s = &m->entry[0];
    assert_int_equal(s->kind, TAR_FILE);
    assert_true(s->e.sparse);
    assert_int_equal(s->e.size, size);
    assert_int_equal(s->e.data_size, strlen(content));
    assert_int_equal(s->e.range_count, ranges);
    assert_memory_equal(s->content.data ? s->content.data : (const uint8_t *)"", content,
                        strlen(content));
}

static void test_tar_sparse__old(void **state)
{
    made *m = *state;
    start_made(m);
    (void)add_old(m, 50000, 3);
    add_padded(m, "abc", 3);
    add_file(m, "next", "x");
    read_made(m);
    assert_int_equal(m->count, 2);
    sparse_is(m, 50000, "abc", 3);
    assert_int_equal(m->entry[0].range[2].offset, 2000);
    assert_int_equal(m->entry[0].e.typeflag, 'S');
}

static void test_tar_sparse__old_with_extensions(void **state)
{
    made *m = *state;
    start_made(m);
    (void)add_old(m, 50000, 30);
    add_extension(m, 4, 25, true);
    add_extension(m, 25, 25, true); /* an empty one */
    add_extension(m, 25, 30, false);
    add_padded(m, "abcdefghijklmnopqrstuvwxyz0123", 30);
    read_made(m);
    sparse_is(m, 50000, "abcdefghijklmnopqrstuvwxyz0123", 30);
    assert_int_equal(m->headers, 1);
    m->archive.len = 3 * 512 + 100;
    refuse_made(m, BFC_E_CORRUPT, "the archive ends within a header");
    m->archive.len = 3 * 512;
    refuse_made(m, BFC_E_CORRUPT, "the archive ends within a header");
}

static void test_tar_sparse__old_bad(void **state)
{
    made *m = *state;
    start_made(m);
    (void)add_old(m, 2000, 3); /* the third ends at 2001 */
    refuse_made(m, BFC_E_CORRUPT, "goes up to byte 2001, and the file ends at 2000");
    start_made(m);
    set_number(add_old(m, 50000, 3), TAR_AT_SIZE, 12, 4);
    refuse_made(m, BFC_E_CORRUPT, "holds 3 bytes, and the archive has 4");
    start_made(m);
    uint8_t *block = add_old(m, 50000, 3);
    put_pair(block + TAR_AT_GNU_SPARSE + 24, 0, 1);
    sum_header(block);
    refuse_made(m, BFC_E_CORRUPT, "a range at 0 after one that ends at 1");
    memcpy(block + TAR_AT_GNU_SPARSE + 24, "a", 1);
    sum_header(block);
    refuse_made(m, BFC_E_CORRUPT, "the sparse map has what is no number");
    memcpy(block + TAR_AT_GNU_SPARSE + 24, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    sum_header(block);
    refuse_made(m, BFC_E_CORRUPT, "has 1 bytes at -1, which is outside of any file");
    start_made(m);
    block = add_old(m, 50000, 3);
    memset(block + TAR_AT_GNU_REALSIZE, 0xff, 12);
    sum_header(block);
    refuse_made(m, BFC_E_CORRUPT, "the sparse file's real size is no number");
    start_made(m);
    block = add_old(m, 50000, 0);
    memcpy(block + TAR_AT_MAGIC, "ustar\00000", 8);
    sum_header(block);
    refuse_made(m, BFC_E_UNSUPPORTED, "without GNU's magic");
}

static void test_tar_sparse__records_0_0(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "GNU.sparse.size=9000", "GNU.sparse.numblocks=3", "GNU.sparse.offset=10",
                "GNU.sparse.numbytes=2", "GNU.sparse.offset=12", "GNU.sparse.numbytes=1",
                "GNU.sparse.offset=9000", "GNU.sparse.numbytes=0", NULL);
    add_file(m, "sparse", "abc");
    add_file(m, "plain", "abc");
    read_made(m);
    sparse_is(m, 9000, "abc", 1); /* two that touch are one, and one is empty */
    assert_int_equal(m->entry[0].range[0].len, 3);
    assert_false(m->entry[1].e.sparse);
}

static void test_tar_sparse__records_0_1(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "GNU.sparse.size=9000", "GNU.sparse.numblocks=3",
                "GNU.sparse.name=the/name", "GNU.sparse.map=10,1,20,2,9000,0", NULL);
    add_file(m, "GNUSparseFile.1/name", "abc");
    read_made(m);
    sparse_is(m, 9000, "abc", 2);
    assert_string_equal(m->entry[0].path, "the/name");
    assert_int_equal(m->entry[0].range[1].offset, 20);
}

static void records_refused(made *m, const char *a, const char *b, const char *c,
                            const char *message)
{
    start_made(m);
    add_records(m, 'x', "GNU.sparse.size=100", a, b, c, NULL);
    add_file(m, "name", "abc");
    refuse_made(m, BFC_E_CORRUPT, message);
}

static void test_tar_sparse__records_bad(void **state)
{
    made *m = *state;
    const char *one = "GNU.sparse.numblocks=1", *no_list = "GNU.sparse.map is no list of pairs";
    records_refused(m, one, "GNU.sparse.map=98,3", NULL,
                    "up to byte 101, and the file ends at 100");
    records_refused(m, one, "GNU.sparse.map=9,2", NULL, "holds 2 bytes, and the archive has 3");
    records_refused(m, one, "GNU.sparse.map=9", NULL, no_list);
    records_refused(m, one, "GNU.sparse.map=9,", NULL, no_list);
    records_refused(m, one, "GNU.sparse.map=,3", NULL, no_list);
    records_refused(m, one, "GNU.sparse.map=9,3x", NULL, no_list);
    records_refused(m, one, "GNU.sparse.map=9,-3", NULL, no_list);
    records_refused(m, one, "GNU.sparse.map=9223372036854775807,3", NULL, "outside of any file");
    records_refused(m, one, "GNU.sparse.map=5,2,6,1", NULL, "at 6 after one that ends at 7");
    records_refused(m, "GNU.sparse.numblocks=2", "GNU.sparse.map=9,3", NULL, "numblocks is '2'");
    records_refused(m, "GNU.sparse.map=9,3", NULL, NULL, "numblocks is ''");
    records_refused(m, one, "GNU.sparse.numbytes=3", NULL, "do not come in turns");
    records_refused(m, "GNU.sparse.offset=3", "GNU.sparse.offset=3", NULL, "do not come in turns");
    records_refused(m, one, "GNU.sparse.offset=3", NULL, "the last GNU.sparse.offset has no");
    records_refused(m, one, "GNU.sparse.offset=x", NULL, "'GNU.sparse.offset' in the extended");
    records_refused(m, "GNU.sparse.size=x", "GNU.sparse.map=9,3", one, "'GNU.sparse.size' in the");
}

/* A file of version 1.0 whose content begins with the map given. */
static void add_in_content(made *m, const char *size, const char *map, const char *content)
{
    AUTO_BUF buf body = BUF_INIT;
    start_made(m);
    add_records(m, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=the/name",
                size, NULL);
    bfci_buf_put(&body, map, strlen(map));
    while (body.len % TAR_BLOCK)
        buf_u8(&body, 0);
    bfci_buf_put(&body, content, strlen(content));
    add_body(m, '0', "GNUSparseFile.1/name", (const char *)body.data, body.len);
    add_file(m, "next", "x");
}

static void test_tar_sparse__in_content(void **state)
{
    AUTO_BUF buf map = BUF_INIT;
    made *m = *state;
    add_in_content(m, "GNU.sparse.realsize=9000", "3\n10\n1\n20\n2\n9000\n0\n", "abc");
    read_made(m);
    sparse_is(m, 9000, "abc", 2);
    assert_string_equal(m->entry[0].path, "the/name");
    assert_string_equal(m->entry[1].path, "next");
    add_in_content(m, "GNU.sparse.realsize=9000", "0\n", "");
    read_made(m);
    sparse_is(m, 9000, "", 0);
    bfci_buf_printf(&map, "200\n"); /* of some blocks */
    for (int i = 0; i < 200; i++)
        bfci_buf_printf(&map, "%d\n%d\n", i * 100, i == 7 ? 3 : 0);
    buf_u8(&map, 0);
    add_in_content(m, "GNU.sparse.realsize=1000000", (const char *)map.data, "abc");
    read_made(m);
    sparse_is(m, 1000000, "abc", 1);
    assert_int_equal(m->entry[0].range[0].offset, 700);
}

/* The map fills its last block to the last byte. */
static void test_tar_sparse__in_content_without_rest(void **state)
{
    AUTO_BUF buf map = BUF_INIT;
    made *m = *state;
    bfci_buf_printf(&map, "1\n%0505d\n3\n", 10);
    assert_int_equal(map.len, 510);
    buf_clear(&map);
    bfci_buf_printf(&map, "1\n%0507d\n3\n", 10);
    buf_u8(&map, 0);
    add_in_content(m, "GNU.sparse.realsize=100", (const char *)map.data, "abc");
    read_made(m);
    sparse_is(m, 100, "abc", 1);
}

static void in_content_refused(made *m, const char *map, const char *message)
{
    add_in_content(m, "GNU.sparse.realsize=100", map, "abc");
    refuse_made(m, BFC_E_CORRUPT, message);
}

static void test_tar_sparse__in_content_bad(void **state)
{
    made *m = *state;
    const char *no_list = "is no list of numbers, one a line";
    in_content_refused(m, "x\n", no_list);
    in_content_refused(m, "\n", no_list);
    in_content_refused(m, "1\n-5\n3\n", no_list);
    in_content_refused(m, "1\n5\n\n3\n", no_list);
    in_content_refused(m, "1\n5\n3 \n", no_list);
    in_content_refused(m, "2\n5\n3\n", no_list); /* meets the zeros that fill the block */
    in_content_refused(m, "99999999999999999999\n", no_list);
    in_content_refused(m, "1\n98\n3\n", "up to byte 101, and the file ends at 100");
    in_content_refused(m, "1\n5\n4\n", "holds 4 bytes, and the archive has 3");
    in_content_refused(m, "2\n5\n2\n6\n1\n", "at 6 after one that ends at 7");
    add_in_content(m, "GNU.sparse.realsize=100", "1048577\n", "");
    refuse_made(m, BFC_E_LIMIT, "the sparse map has 1048577 ranges, more than 1048576");
    start_made(m);
    add_records(m, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", NULL);
    add_file(m, "name", "1\n5\n3\n");
    refuse_made(m, BFC_E_CORRUPT, "at byte 1024 of the tar: the file ends within the last block");
    start_made(m);
    add_records(m, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", NULL);
    add_file(m, "name", "3\n5\n3\n");
    refuse_made(m, BFC_E_CORRUPT, "the file ends within its sparse map");
    start_made(m);
    add_records(m, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", NULL);
    add_file(m, "name", "");
    refuse_made(m, BFC_E_CORRUPT, "the file ends within its sparse map");
}

static void test_tar_sparse__of_files_only(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=x", NULL);
    (void)add_header(m, '5', "folder/", 0);
    add_records(m, 'x', "GNU.sparse.major=2", "GNU.sparse.minor=0", "GNU.sparse.name=x", NULL);
    add_file(m, "later", "as it is");
    read_made(m);
    assert_string_equal(m->entry[0].path, "folder/");
    assert_false(m->entry[0].e.sparse);
    assert_false(m->entry[1].e.sparse);
    assert_string_equal(m->entry[1].path, "later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_sparse__old),
        cmocka_unit_test(test_tar_sparse__old_with_extensions),
        cmocka_unit_test(test_tar_sparse__old_bad),
        cmocka_unit_test(test_tar_sparse__records_0_0),
        cmocka_unit_test(test_tar_sparse__records_0_1),
        cmocka_unit_test(test_tar_sparse__records_bad),
        cmocka_unit_test(test_tar_sparse__in_content),
        cmocka_unit_test(test_tar_sparse__in_content_without_rest),
        cmocka_unit_test(test_tar_sparse__in_content_bad),
        cmocka_unit_test(test_tar_sparse__of_files_only),
    };
    return cmocka_run_group_tests(tests, setup_made, teardown_made);
}
