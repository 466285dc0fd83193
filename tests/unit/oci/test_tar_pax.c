/* SPDX-License-Identifier: Apache-2.0 */
/* Extended headers: what they say of an entry, of all entries, and what no record is. */
#include "tar_made.h"

static void test_tar_pax__all_keys(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "path=a/name", "uid=4000000000", "gid=4000000001", "mtime=-1.25", "size=5",
                "comment=nothing", "VENDOR.key=x", "path=b/name", "atime=odd", NULL);
    (void)add_header(m, '0', "short", 1);
    add_padded(m, "hello", 5);
    (void)add_header(m, '0', "next", 0);
    read_made(m);
    seen *s = &m->entry[0];
    assert_string_equal(s->path, "b/name");
    assert_true(s->e.uid == 4000000000 && s->e.gid == 4000000001);
    assert_int_equal(s->e.mtime, -2);
    assert_int_equal(s->e.mtime_ns, 750000000);
    assert_int_equal(s->e.size, 5);
    assert_int_equal(s->e.offset, 1024);
    s++; /* they were of one entry */
    assert_string_equal(s->path, "next");
    assert_int_equal(s->e.uid, 1000);
    assert_int_equal(s->e.mtime_ns, 0);
}

static void test_tar_pax__link(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "linkpath=far/away", "size=100", NULL);
    (void)add_header(m, '1', "name", 0); /* a link has no content, by any size */
    add_records(m, 'X', "linkpath=from/solaris", NULL);
    (void)add_header(m, '2', "name", 0);
    read_made(m);
    assert_string_equal(m->entry[0].link, "far/away");
    assert_int_equal(m->entry[0].e.size, 0);
    assert_string_equal(m->entry[1].link, "from/solaris");
}

static void test_tar_pax__later_header_replaces(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "path=first", "uid=5", "SCHILY.xattr.user.a=1", NULL);
    add_records(m, 'x', "gid=6", NULL);
    (void)add_header(m, '0', "name", 0);
    read_made(m);
    assert_string_equal(m->entry[0].path, "name");
    assert_int_equal(m->entry[0].e.uid, 1000);
    assert_int_equal(m->entry[0].e.gid, 6);
    assert_int_equal(m->entry[0].e.xattr_count, 0);
}

static void test_tar_pax__xattrs(void **state)
{
    static const char raw[] = "23 SCHILY.xattr.b=\0\n=x\n";
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "SCHILY.xattr.user.z=last", "SCHILY.xattr.user.a=old",
                "SCHILY.xattr.user.a=new", "LIBARCHIVE.xattr.user.a=b2xkZXI",
                "LIBARCHIVE.xattr.user.b%3Dc=eWVz", "SCHILY.xattr.user.empty=", NULL);
    (void)add_header(m, '0', "name", 0);
    add_body(m, 'x', "x", raw, sizeof raw - 1);
    (void)add_header(m, '0', "raw", 0);
    read_made(m);
    assert_string_equal(m->entry[0].xattrs, "user.a=new;user.b=c=yes;user.empty=;user.z=last;");
    assert_int_equal(m->entry[1].e.xattr_count, 1);
}

static void test_tar_pax__globals(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'g', "mtime=5.5", "uid=7", "SCHILY.xattr.user.a=all", "SCHILY.xattr.user.b=all",
                NULL);
    (void)add_header(m, '0', "1", 0);
    add_records(m, 'x', "uid=8", "mtime=", "LIBARCHIVE.xattr.user.b=b25l", NULL);
    (void)add_header(m, '0', "2", 0);
    add_records(m, 'g', "gid=9", "uid=", "SCHILY.xattr.user.b=more", NULL);
    (void)add_header(m, '0', "3", 0);
    read_made(m);
    assert_int_equal(m->entry[0].e.mtime, 5);
    assert_int_equal(m->entry[0].e.uid, 7);
    assert_string_equal(m->entry[0].xattrs, "user.a=all;user.b=all;");
    assert_int_equal(m->entry[1].e.uid, 8);
    assert_int_equal(m->entry[1].e.mtime, 1700000000); /* unset: what the header block says */
    assert_string_equal(m->entry[1].xattrs, "user.a=all;user.b=one;");
    assert_int_equal(m->entry[2].e.mtime_ns, 500000000);
    assert_int_equal(m->entry[2].e.uid, 1000);
    assert_int_equal(m->entry[2].e.gid, 9);
    assert_string_equal(m->entry[2].xattrs, "user.a=all;user.b=more;");
}

static void test_tar_pax__globals_are_few(void **state)
{
    AUTO_FREE char *pair = NULL;
    made *m = *state;
    start_made(m);
    assert_int_equal(bfci_alloc_zero(50000, 1, &pair, NULL), 0);
    memset(pair, 'v', 49999);
    memcpy(pair, "comment=", 8);
    for (int i = 0; i < 4; i++)
        add_records(m, 'g', pair, NULL); /* of no meaning: not kept */
    memcpy(pair, "SCHILY.xattr.a=", 15);
    add_records(m, 'g', pair, NULL);
    add_records(m, 'g', pair, NULL); /* the same again */
    (void)add_header(m, '0', "name", 0);
    assert_int_equal(read_in(m, 1 << 20), 0);
    pair[13] = 'b';
    add_records(m, 'g', pair, NULL);
    refuse_made(m, BFC_E_LIMIT, "the global headers hold");
    start_made(m);
    add_records(m, 'x', "uid=1", NULL);
    add_records(m, 'g', "uid=1", NULL);
    refuse_made(m, BFC_E_CORRUPT, "a global header between an extended header and its entry");
}

static void test_tar_pax__no_records(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"12 path=name\n", "does not end where its length says"}, /* 13 */
        {"14 path=name\n", "does not end where its length says"},
        {"13path=name\n", "does not end where its length says"},
        {"-13 path=name\n", "does not end where its length says"},
        {"99999999999999999999 path=name\n", "does not end where its length says"},
        {"000000000000000000013 path=name\n", "does not end where its length says"},
        {"3 \n", "is no key=value: ''"},
        {"2 a=b\n", "does not end where its length says"},
        {"0 a=b\n", "does not end where its length says"},
        {" a=b\n", "does not end where its length says"},
        {"6 path\nx", "does not end where its length says"},
        {"8 path\n\n", "is no key=value: 'path\\x0a'"},
        {"7 =abc\n", "is no key=value: '=abc'"},
        {"13 path=name\n\n", "does not end where its length says"},
        {"10 uid=-1\n", "'uid' in the extended header is '-1', expected a number from 0"},
        {"28 size=9223372036854775808\n", "'size' in the extended header is '9223372036854775808'"},
        {"10 mtime=x\n", "does not end where its length says"},
        {"11 mtime=x\n", "'mtime' in the extended header is no time: 'x'"},
        {"17 SCHILY.xattr.=", "does not end where its length says"},
        {"18 SCHILY.xattr.=\n", "an extended attribute without a name"},
        {"24 LIBARCHIVE.xattr.%g=\n", "key 'LIBARCHIVE.xattr.%g' is coded wrongly"},
        {"24 LIBARCHIVE.xattr.a=!\n", "the value of 'LIBARCHIVE.xattr.a' is no base64"},
    };
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        start_made(m);
        add_body(m, 'x', "x", bad[i].text, strlen(bad[i].text));
        (void)add_header(m, '0', "name", 0);
        refuse_made(m, BFC_E_CORRUPT, bad[i].message);
    }
}

/* The bytes of the extended header before must not make up for what is missing. */
static void test_tar_pax__stale_bytes(void **state)
{
    made *m = *state;
    start_made(m);
    add_records(m, 'x', "comment=\n\n\n\n\n\n\n\n\n\n\n", NULL);
    (void)add_header(m, '0', "name", 0);
    add_body(m, 'x', "x", "14 path=name\n", 13);
    (void)add_header(m, '0', "name", 0);
    refuse_made(m, BFC_E_CORRUPT, "does not end where its length says");
}

static void test_tar_pax__nuls(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {{"12 path=a\0b\n", 12}, {"16 linkpath=a\0b\n", 16}, {"12 pa\0h=abc\n", 12}};
    made *m = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        start_made(m);
        add_body(m, 'x', "x", bad[i].text, bad[i].len);
        (void)add_header(m, '0', "name", 0);
        refuse_made(m, BFC_E_CORRUPT, i < 2 ? "has a NUL in it" : "no key=value");
        assert_int_equal(m->count, 0);
    }
}

static void test_tar_pax__too_many_xattrs(void **state)
{
    AUTO_FREE char *pair = NULL;
    made *m = *state;
    size_t len = TAR_XATTRS_SIZE_MAX / 2;
    start_made(m);
    assert_int_equal(bfci_alloc_zero(len + 16, 1, &pair, NULL), 0);
    memset(pair, 'v', len + 14);
    memcpy(pair, "SCHILY.xattr.a=", 15); /* a name of one byte, a value of all but one */
    AUTO_FREE char *other = NULL;
    assert_int_equal(bfci_strdup(pair, &other, NULL), 0);
    other[13] = 'b';
    add_records(m, 'x', pair, other, NULL);
    (void)add_header(m, '0', "name", 0);
    assert_int_equal(read_in(m, 1 << 20), 0);
    start_made(m);
    add_records(m, 'x', pair, other, "SCHILY.xattr.c=", NULL);
    (void)add_header(m, '0', "name", 0);
    assert_int_equal(read_in(m, 1 << 20), BFC_E_LIMIT);
    assert_non_null(strstr(m->err.msg, "extended attributes of 'name' have more than 2097152"));
}

static void test_tar_pax__lengths_that_count_themselves(void **state)
{
    AUTO_FREE char *value = NULL;
    (void)state;
    assert_int_equal(bfci_alloc_zero(10100, 1, &value, NULL), 0);
    for (size_t len = 0; len < 10100; len++) {
        AUTO_BUF buf out = BUF_INIT;
        bfci_tar_pax_put(&out, "k", value, len);
        assert_int_equal(strtoul((const char *)out.data, NULL, 10), out.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_pax__all_keys),
        cmocka_unit_test(test_tar_pax__link),
        cmocka_unit_test(test_tar_pax__later_header_replaces),
        cmocka_unit_test(test_tar_pax__xattrs),
        cmocka_unit_test(test_tar_pax__globals),
        cmocka_unit_test(test_tar_pax__globals_are_few),
        cmocka_unit_test(test_tar_pax__no_records),
        cmocka_unit_test(test_tar_pax__stale_bytes),
        cmocka_unit_test(test_tar_pax__nuls),
        cmocka_unit_test(test_tar_pax__too_many_xattrs),
        cmocka_unit_test(test_tar_pax__lengths_that_count_themselves),
    };
    return cmocka_run_group_tests(tests, setup_made, teardown_made);
}
