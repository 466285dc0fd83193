/* SPDX-License-Identifier: Apache-2.0 */
/* The tar reader on archives made by hand: dialects, kinds, what is passed on, ends, damage. */
#include "tar_made.h"

static void test_tar__plain(void **state)
{
    made *m = *state;
    start_made(m);
    add_file(m, "a", "hello");
    add_body(m, '0', "empty", "", 0);
    (void)add_header(m, '5', "d/", 0);
    add_zeros(m, 1024);
    read_made(m);
    assert_int_equal(m->count, 3);
    assert_int_equal(m->headers, 5);
    seen *s = &m->entry[0];
    assert_int_equal(s->kind, TAR_FILE);
    assert_string_equal(s->path, "a");
    assert_int_equal(s->e.mode, 0644);
    assert_int_equal(s->e.uid, 1000);
    assert_int_equal(s->e.gid, 100);
    assert_int_equal(s->e.mtime, 1700000000);
    assert_int_equal(s->e.size, 5);
    assert_memory_equal(s->content.data, "hello", 5);
    assert_int_equal(m->entry[1].e.offset, 1024);
    assert_int_equal(m->entry[1].e.data_size, 0);
    assert_int_equal(m->entry[2].kind, TAR_DIR);
    assert_string_equal(m->entry[2].path, "d/");
}

static void test_tar__kinds(void **state)
{
    static const struct {
        char flag;
        enum bfci_tar_kind kind;
        bool content;
    } kind[] = {{'0', TAR_FILE, true},          {'\0', TAR_FILE, true},    {'7', TAR_FILE, true},
                {'1', TAR_HARDLINK, false},     {'2', TAR_SYMLINK, false}, {'3', TAR_CHAR, false},
                {'4', TAR_BLOCK_DEVICE, false}, {'5', TAR_DIR, false},     {'6', TAR_FIFO, false},
                {'D', TAR_OTHER, true},         {'V', TAR_OTHER, true},    {'M', TAR_OTHER, true},
                {'A', TAR_OTHER, true},         {'z', TAR_FILE, true},     {'9', TAR_FILE, true},
                {'\xc1', TAR_FILE, true}};
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(kind); i++) {
        start_made(m);
        /* Those without content have none, whatever the size says. */
        uint8_t *block = add_header(m, kind[i].flag, "name", 600);
        memcpy(block + TAR_AT_LINKNAME, "target", 6);
        set_number(block, TAR_AT_MAJOR, 8, 5);
        set_number(block, TAR_AT_MINOR, 8, 7);
        if (kind[i].content)
            add_zeros(m, 1024);
        add_file(m, "next", "x");
        read_made(m);
        assert_int_equal(m->count, 2);
        seen *s = &m->entry[0];
        bool device = kind[i].flag == '3' || kind[i].flag == '4';
        assert_int_equal(s->kind, kind[i].kind);
        assert_int_equal(s->e.typeflag, kind[i].flag);
        assert_int_equal(s->e.size, kind[i].content ? 600 : 0);
        assert_string_equal(s->link, kind[i].flag == '1' || kind[i].flag == '2' ? "target" : "");
        assert_int_equal(s->e.major, device ? 5 : 0);
        assert_int_equal(s->e.minor, device ? 7 : 0);
        assert_int_equal(s->content.len, kind[i].kind == TAR_FILE ? 600 : 0);
    }
}

static void test_tar__dialects(void **state)
{
    static const struct {
        const char *magic, *trailer, *path;
    } dialect[] = {{"ustar\00000", "", "pre/fix/name"},
                   {"ustar\0\0\0", "", "pre/fix/name"},
                   {"ustar  ", "", "name"},
                   {"\0\0\0\0\0\0\0", "", "name"},
                   {"ustar\00000", "tar", "pre/fix/name"}};
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(dialect); i++) {
        start_made(m);
        uint8_t *block = add_header(m, '0', "name", 0);
        memcpy(block + TAR_AT_MAGIC, dialect[i].magic, 8);
        memcpy(block + TAR_AT_PREFIX, i == 2 ? "00000000000" : "pre/fix", i == 2 ? 11 : 7);
        memcpy(block + TAR_AT_STAR_TRAILER, dialect[i].trailer, strlen(dialect[i].trailer));
        sum_header(block);
        read_made(m);
        assert_string_equal(m->entry[0].path, dialect[i].path);
    }
}

static void test_tar__full_fields(void **state)
{
    made *m = *state;
    char expected[300];
    for (int star = 0; star < 2; star++) {
        size_t prefix = star ? 131 : 155;
        start_made(m);
        uint8_t *block = add_header(m, '2', "", 0);
        memset(block, 'n', 100);
        memset(block + TAR_AT_LINKNAME, 'l', 100);
        memset(block + TAR_AT_PREFIX, 'p', prefix);
        if (star)
            memcpy(block + TAR_AT_STAR_TRAILER, "tar", 4);
        sum_header(block);
        read_made(m);
        memset(expected, 'p', prefix);
        expected[prefix] = '/';
        memset(expected + prefix + 1, 'n', 100);
        expected[prefix + 101] = '\0';
        assert_string_equal(m->entry[0].path, expected);
        assert_int_equal(strspn(m->entry[0].link, "l"), 100);
        assert_int_equal(strlen(m->entry[0].link), 100);
    }
}

/* A prefix under GNU's magic, as Go wrote it once. */
static void test_tar__gnu_with_prefix(void **state)
{
    made *m = *state;
    start_made(m);
    uint8_t *block = add_header(m, '0', "name", 0);
    memcpy(block + TAR_AT_MAGIC, "ustar  ", 8);
    memcpy(block + TAR_AT_PREFIX, "usr/share", 9);
    sum_header(block);
    block = add_header(m, '0', "name", 0);
    memcpy(block + TAR_AT_MAGIC, "ustar  ", 8);
    memcpy(block + TAR_AT_PREFIX, "\xc3\xa4", 2);
    sum_header(block);
    read_made(m);
    assert_string_equal(m->entry[0].path, "usr/share/name");
    assert_string_equal(m->entry[1].path, "name");
}

static void test_tar__old_folder(void **state)
{
    made *m = *state;
    start_made(m);
    (void)add_header(m, '\0', "old/", 0);
    (void)add_header(m, '\0', "old", 0);
    (void)add_header(m, '0', "new/", 0);
    read_made(m);
    assert_int_equal(m->entry[0].kind, TAR_DIR);
    assert_int_equal(m->entry[1].kind, TAR_FILE);
    assert_int_equal(m->entry[2].kind, TAR_FILE);
}

static void test_tar__long_names(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "path=from/pax", "linkpath=from/pax", NULL);
    add_body(m, 'L', "././@LongLink", "long/name\0rest", 14);
    add_body(m, 'K', "././@LongLink", "long/target", 12);
    (void)add_header(m, '2', "short", 0);
    (void)add_header(m, '2', "next", 0);
    add_body(m, 'L', "././@LongLink", "", 0); /* says nothing */
    (void)add_header(m, '0', "third", 0);
    read_made(m);
    assert_string_equal(m->entry[0].path, "long/name");
    assert_string_equal(m->entry[0].link, "long/target");
    assert_string_equal(m->entry[1].path, "next");
    assert_string_equal(m->entry[1].link, "");
    assert_string_equal(m->entry[2].path, "third");
}

static void test_tar__signed_checksum(void **state)
{
    made *m = *state;
    start_made(m);
    uint8_t *block = add_header(m, '0', "\xff\xfe", 0);
    char text[16];
    (void)snprintf(text, sizeof text, "%06o", bfci_tar_checksum(block) - 512);
    memcpy(block + TAR_AT_CHECKSUM, text, 7);
    read_made(m);
    assert_string_equal(m->entry[0].path, "\xff\xfe");
    block[TAR_AT_CHECKSUM + 5] ^= 1;
    refuse_made(m, BFC_E_CORRUPT, "at byte 0 of the tar: no tar header, or a damaged one");
}

/* ── Ends ── */

static void test_tar__ends(void **state)
{
    static const size_t zeros[] = {0, 512, 1024, 1536, 10240};
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
        start_made(m);
        add_file(m, "a", "hello");
        add_zeros(m, zeros[i]);
        read_made(m);
        assert_int_equal(m->count, 1);
    }
    start_made(m);
    read_made(m); /* nothing at all */
    add_zeros(m, 1024);
    add_file(m, "a", "after the end");
    bfci_buf_put(&m->archive, "rest", 4);
    read_made(m);
    assert_int_equal(m->count, 0);
}

static void test_tar__no_padding_at_the_end(void **state)
{
    made *m = *state;
    start_made(m);
    add_file(m, "a", "hello");
    for (m->archive.len = 512 + 5; m->archive.len <= 1024; m->archive.len += 100)
        read_made(m);
    m->archive.len = 512 + 4;
    refuse_made(m, BFC_E_CORRUPT,
                "at byte 516 of the tar: the archive ends, and 1 bytes of 'a' are missing");
    m->archive.len = 511;
    refuse_made(m, BFC_E_CORRUPT, "at byte 511 of the tar: the archive ends within a header");
}

static void test_tar__lone_zero_block(void **state)
{
    made *m = *state;
    start_made(m);
    add_file(m, "a", "hello");
    add_zeros(m, 512);
    add_file(m, "b", "hello");
    refuse_made(m, BFC_E_CORRUPT,
                "at byte 1536 of the tar: a header after a single block of zeros");
    m->archive.len = 1024 + 512 + 100;
    refuse_made(m, BFC_E_CORRUPT, "the archive ends within a header");
}

static void test_tar__header_of_nothing(void **state)
{
    static const char flag[] = "xLK";
    made *m = *state;
    for (size_t i = 0; i < strlen(flag); i++) {
        start_made(m);
        add_body(m, flag[i], "x", "12 path=abc\n", 12);
        refuse_made(m, BFC_E_CORRUPT, "after an extended header, without its entry");
        add_zeros(m, 1024);
        refuse_made(m, BFC_E_CORRUPT, "after an extended header, without its entry");
        m->archive.len = 520;
        refuse_made(m, BFC_E_CORRUPT, "4 bytes of 'an extended header' are missing");
    }
}

/* ── Damage ── */

static void test_tar__each_bit_of_a_header(void **state)
{
    made *m = *state;
    start_made(m);
    (void)add_header(m, '0', "name", 0);
    for (size_t bit = 0; bit < 8 * TAR_BLOCK; bit++) {
        bool in_sum = bit / 8 >= TAR_AT_CHECKSUM && bit / 8 < TAR_AT_TYPEFLAG;
        m->archive.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int rc = read_in(m, 1 << 20);
        /* A zero before the number may become a blank. */
        assert_true(rc == BFC_E_CORRUPT || (in_sum && rc == 0));
        assert_int_equal(m->count, rc == 0);
        m->archive.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    memset(m->archive.data + TAR_AT_CHECKSUM, 0, 8);
    refuse_made(m, BFC_E_CORRUPT, "and it says 0");
    memcpy(m->archive.data + TAR_AT_CHECKSUM, "12x4", 4);
    refuse_made(m, BFC_E_CORRUPT, "its checksum is no octal number");
}

static void test_tar__numbers(void **state)
{
    static const struct {
        size_t at, len;
        const char *bytes, *message;
    } bad[] = {
        {TAR_AT_SIZE, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
         "header's size is -1"},
        {TAR_AT_SIZE, 12, "\x80\0\0\0\x80\0\0\0\0\0\0\0", "header's size is no number"},
        {TAR_AT_SIZE, 12, "0000000009\0\0", "header's size is no number"},
        {TAR_AT_UID, 8, "\xff\xff\xff\xff\xff\xff\xff\xfe", "header's uid is -2"},
        {TAR_AT_GID, 8, "nobody\0\0", "header's gid is no number"},
        {TAR_AT_MODE, 8, "rw-r--r-", "header's mode is no number"},
        {TAR_AT_MTIME, 12, "\x80\1\0\0\0\0\0\0\0\0\0\0", "header's mtime is no number"},
        {TAR_AT_MAJOR, 8, "\x80\0\0\1\0\0\0\0", "header's devmajor is 4294967296, expected 0 to"},
    };
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        start_made(m);
        add_file(m, "before", "x");
        uint8_t *block = add_header(m, '3', "name", 0);
        memcpy(block + bad[i].at, bad[i].bytes, bad[i].len);
        sum_header(block);
        refuse_made(m, BFC_E_CORRUPT, bad[i].message);
        assert_non_null(strstr(m->err.msg, "at byte 1024 of the tar: the header's"));
    }
}

static void test_tar__large_numbers(void **state)
{
    made *m = *state;
    start_made(m);
    uint8_t *block = add_header(m, '0', "huge", 0);
    memcpy(block + TAR_AT_UID, "\x80\0\0\0\xff\xff\xff\xff", 8);
    memcpy(block + TAR_AT_MTIME, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfd", 12);
    memcpy(block + TAR_AT_SIZE, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    sum_header(block);
    refuse_made(m, BFC_E_CORRUPT, "9223372036854775807 bytes of 'huge' are missing");
    assert_true(m->entry[0].e.size == INT64_MAX);
    assert_true(m->entry[0].e.uid == UINT32_MAX);
    assert_true(m->entry[0].e.mtime == -3);
}

static void test_tar__names_missing_or_long(void **state)
{
    AUTO_FREE char *name = NULL;
    made *m = *state;
    start_made(m);
    (void)add_header(m, '0', "", 0);
    refuse_made(m, BFC_E_CORRUPT, "an entry without a name");
    assert_int_equal(bfci_alloc(TAR_PATH_MAX + 2, 1, &name, NULL), 0);
    memset(name, 'n', TAR_PATH_MAX + 2);
    start_made(m);
    add_body(m, 'L', "x", name, TAR_PATH_MAX);
    (void)add_header(m, '0', "short", 0);
    assert_int_equal(read_in(m, 1 << 20), 0);
    start_made(m);
    add_body(m, 'L', "x", name, TAR_PATH_MAX + 1);
    (void)add_header(m, '0', "short", 0);
    refuse_made(m, BFC_E_LIMIT, "the name has 65537 bytes, more than 65536");
    start_made(m);
    add_body(m, 'K', "x", name, TAR_PATH_MAX + 2);
    refuse_made(m, BFC_E_LIMIT, "header of type 'K' has a body of 65538 bytes, more than 65537");
    start_made(m);
    (void)add_header(m, 'x', "x", TAR_PAX_MAX + 1);
    refuse_made(m, BFC_E_LIMIT, "header of type 'x' has a body of 4194305 bytes");
}

/* ── What the callers do ── */

static void test_tar__skip(void **state)
{
    made *m = *state;
    start_made(m);
    add_file(m, "a", "0123456789");
    add_body(m, 'V', "label", "0123456789", 10);
    add_file(m, "b", "last");
    forget(m);
    AUTO(bfci_tar) bfci_tar *t = open_made(m);
    assert_int_equal(bfci_tar_skippable(t), 0);
    assert_int_equal(bfci_tar_feed(t, m->archive.data, 514, NULL), 0);
    assert_int_equal(bfci_tar_skippable(t), 8);
    bfci_tar_skip(t, 3);
    assert_int_equal(bfci_tar_skippable(t), 5);
    assert_false(m->entry[0].ended);
    bfci_tar_skip(t, 5);
    assert_int_equal(bfci_tar_skippable(t), 0);
    m->entry[0].e.data_size = 2; /* of what data() was given */
    assert_int_equal(bfci_tar_feed(t, m->archive.data + 522, 502 + 512 + 5, NULL), 0);
    assert_true(m->entry[0].ended);
    assert_int_equal(bfci_tar_skippable(t), 0); /* content of no file is no content */
    assert_int_equal(bfci_tar_feed(t, m->archive.data + 1541, 507 + 512, NULL), 0);
    assert_int_equal(bfci_tar_skippable(t), 4);
    assert_int_equal(m->entry[2].e.offset, 2048);
    bfci_tar_skip(t, 100); /* no more than there is */
    m->entry[2].e.data_size = 0;
    assert_int_equal(bfci_tar_finish(t, NULL), 0);
    assert_true(m->entry[2].ended);
}

static void test_tar__stopped_by_the_sink(void **state)
{
    made *m = *state;
    start_made(m);
    add_file(m, "a", "x");
    add_file(m, "b", "x");
    m->stop_at = 2;
    assert_int_equal(read_in(m, 1 << 20), BFC_E_CANCELLED);
    assert_string_equal(m->err.msg, "stopped");
    m->stop_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar__plain),
        cmocka_unit_test(test_tar__kinds),
        cmocka_unit_test(test_tar__dialects),
        cmocka_unit_test(test_tar__full_fields),
        cmocka_unit_test(test_tar__gnu_with_prefix),
        cmocka_unit_test(test_tar__old_folder),
        cmocka_unit_test(test_tar__long_names),
        cmocka_unit_test(test_tar__signed_checksum),
        cmocka_unit_test(test_tar__ends),
        cmocka_unit_test(test_tar__no_padding_at_the_end),
        cmocka_unit_test(test_tar__lone_zero_block),
        cmocka_unit_test(test_tar__header_of_nothing),
        cmocka_unit_test(test_tar__each_bit_of_a_header),
        cmocka_unit_test(test_tar__numbers),
        cmocka_unit_test(test_tar__large_numbers),
        cmocka_unit_test(test_tar__names_missing_or_long),
        cmocka_unit_test(test_tar__skip),
        cmocka_unit_test(test_tar__stopped_by_the_sink),
    };
    return cmocka_run_group_tests(tests, setup_made, teardown_made);
}
