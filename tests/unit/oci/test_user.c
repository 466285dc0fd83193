/* SPDX-License-Identifier: Apache-2.0 */
/* Users of an image: each form of "user[:group]", files with lines that are none, and files that
 * are made to mislead. For entries that are whole, umoci 0.4.7 gives the same ids and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oci/user.h"

#define PASSWD                                                                                     \
    "root:x:0:0:root:/root:/bin/sh\n"                                                              \
    "\n"                                                                                           \
    "torn:x\n"                                                                                     \
    "torn:x:12\n"                                                                                  \
    "empty:x:::::\n"                                                                               \
    "word:x:zero:0::/:/bin/sh\n"                                                                   \
    "minus:x:-1:-1::/:/bin/sh\n"                                                                   \
    "plus:x:+7:7::/:/bin/sh\n"                                                                     \
    "huge:x:4294967295:0::/:/bin/sh\n"                                                             \
    "huger:x:99999999999999999999:0::/:/bin/sh\n"                                                  \
    ":x:77:77::/:/bin/sh\n"                                                                        \
    "+::::::\n"                                                                                    \
    "  www:x:33:34:w w w:/var/www:/bin/sh \r\n"                                                    \
    "www:x:1:1::/other:/bin/sh\n"                                                                  \
    "short:x:50:51\n"                                                                              \
    "12:x:500:501::/twelve:/bin/sh\n"                                                              \
    "top:x:4294967294:4294967294::home:/bin/sh\n"                                                  \
    "last:x:60:61::/la st:/bin/sh"

#define GROUP                                                                                      \
    "root:x:0:\n"                                                                                  \
    "torn:x\n"                                                                                     \
    "word:x:zero:www\n"                                                                            \
    "adm:x:4:syslog,www,short\n"                                                                   \
    "own:x:34:www\n"                                                                               \
    "again:x:4:www\n"                                                                              \
    "near:x:5:wwww,ww,w\n"                                                                         \
    "bare:x:6\n"                                                                                   \
    ":x:9:www\n"                                                                                   \
    "wheel:x:10:root\n"                                                                            \
    "7:x:70:\n"                                                                                    \
    "tail:x:4294967294:last,www"

static const bfci_user_files files = {PASSWD, GROUP, sizeof PASSWD - 1, sizeof GROUP - 1};

struct expected {
    const char *spec;
    uint32_t uid, gid;
    const char *home;
    size_t group_count;
    uint32_t groups[4];
};

static void expect_user(const struct expected *want, const bfci_user_files *from)
{
    AUTO_USER bfci_user user = BFCI_USER_INIT;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_user_resolve(want->spec, from, &user, &err) != 0)
        fail_msg("%s: %s", want->spec, err.msg);
    if (user.uid != want->uid || user.gid != want->gid || user.group_count != want->group_count)
        fail_msg("%s: uid %u, gid %u, %zu groups", want->spec, user.uid, user.gid,
                 user.group_count);
    for (size_t i = 0; i < user.group_count; i++)
        assert_int_equal(user.groups[i], want->groups[i]);
    if (want->home)
        assert_string_equal(user.home, want->home);
    else
        assert_null(user.home);
}

static void test_user__every_form(void **state)
{
    (void)state;
    static const struct expected want[] = {
        {NULL, 0, 0, "/root", 1, {10}},
        {"", 0, 0, "/root", 1, {10}},
        {":", 0, 0, "/root", 1, {10}},
        {"root", 0, 0, "/root", 1, {10}},
        {"0", 0, 0, "/root", 1, {10}},
        {"root:", 0, 0, "/root", 1, {10}},
        {"root:root", 0, 0, "/root", 0, {0}},
        {":adm", 0, 4, "/root", 0, {0}},
        {"www", 33, 34, "/var/www", 3, {4, 34, 4294967294}},
        {"33", 33, 34, "/var/www", 3, {4, 34, 4294967294}},
        {"033", 33, 34, "/var/www", 3, {4, 34, 4294967294}},
        {"www:adm", 33, 4, "/var/www", 0, {0}},
        {"www:4", 33, 4, "/var/www", 0, {0}},
        {"www:999", 33, 999, "/var/www", 0, {0}},
        {"www:bare", 33, 6, "/var/www", 0, {0}},
        {"33:34", 33, 34, "/var/www", 0, {0}},
        {"998:adm", 998, 4, NULL, 0, {0}},
        {"998", 998, 0, NULL, 0, {0}},
        {"77", 77, 0, NULL, 0, {0}}, /* its line has no name */
        {"998:999", 998, 999, NULL, 0, {0}},
        {"4294967294:4294967294", 4294967294, 4294967294, NULL, 0, {0}},
        {"short", 50, 51, NULL, 1, {4}},
        {"last", 60, 61, "/la st", 1, {4294967294}},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        expect_user(&want[i], &files);
}

/* Digits are an id, also where they are somebody's name. */
static void test_user__digits_are_never_a_name(void **state)
{
    (void)state;
    expect_user(&(struct expected){"12", 12, 0, NULL, 0, {0}}, &files);
    expect_user(&(struct expected){"33:7", 33, 7, "/var/www", 0, {0}}, &files);
}

static void test_user__homes_that_are_no_path_are_dropped(void **state)
{
    (void)state;
    static const char *const homes[] = {"relative", "", "/a\x1b[2J", "/a\xff", "/it's"};
    expect_user(&(struct expected){"top", 4294967294, 4294967294, NULL, 0, {0}}, &files);
    for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
        AUTO_FREE char *passwd = NULL;
        assert_int_equal(bfci_asprintf(&passwd, NULL, "a:x:1:2::%s:/bin/sh\n", homes[i]), 0);
        const bfci_user_files some = {passwd, NULL, strlen(passwd), 0};
        expect_user(&(struct expected){"a", 1, 2, NULL, 0, {0}}, &some);
    }
}

static void test_user__files_that_are_not_there(void **state)
{
    (void)state;
    static const bfci_user_files none = {NULL, NULL, 0, 0}, empty = {"", "", 0, 0};
    static const struct expected want[] = {
        {"", 0, 0, NULL, 0, {0}},
        {"33", 33, 0, NULL, 0, {0}},
        {"33:34", 33, 34, NULL, 0, {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        expect_user(&want[i], &none);
        expect_user(&want[i], &empty);
    }
}

static void expect_failure(const char *spec, const bfci_user_files *from, enum bfc_code code,
                           const char *message)
{
    bfci_user user = BFCI_USER_INIT;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_user_resolve(spec, from, &user, &err) != (int)code)
        fail_msg("%.80s: code %d: %s", spec, err.code, err.msg);
    if (!strstr(err.msg, message))
        fail_msg("%.80s: '%s' is not in: %s", spec, message, err.msg);
    assert_null(user.groups);
    assert_null(user.home);
}

static void test_user__what_is_not_there_is_named(void **state)
{
    (void)state;
    static const bfci_user_files none = {NULL, NULL, 0, 0};
    static const struct {
        const char *spec;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"nobody", BFC_E_NOT_FOUND, "user 'nobody' is not in its /etc/passwd"},
        {"nobody:adm", BFC_E_NOT_FOUND, "user 'nobody'"},
        {"ww", BFC_E_NOT_FOUND, "user 'ww'"},
        {"wwww", BFC_E_NOT_FOUND, "user 'wwww'"},
        {"www ", BFC_E_NOT_FOUND, "user 'www '"},
        {"-1", BFC_E_NOT_FOUND, "user '-1'"},
        {"+33", BFC_E_NOT_FOUND, "user '+33'"},
        {"www:none", BFC_E_NOT_FOUND, "group 'none' is not in its /etc/group"},
        {"33:none", BFC_E_NOT_FOUND, "group 'none'"},
        {"a\nb", BFC_E_NOT_FOUND, "user 'a\\x0ab'"},
        {"a:b:c", BFC_E_UNSUPPORTED, "'a:b:c' is not 'user[:group]'"},
        {"33:34:", BFC_E_UNSUPPORTED, "is not 'user[:group]'"},
        {"4294967295", BFC_E_UNSUPPORTED, "4294967294"},
        {"0:4294967295", BFC_E_UNSUPPORTED, "4294967294"},
        {"18446744073709551616", BFC_E_UNSUPPORTED, "4294967294"},
        /* Lines that are no entry. */
        {"torn", BFC_E_NOT_FOUND, "user 'torn'"},
        {"empty", BFC_E_NOT_FOUND, "user 'empty'"},
        {"word", BFC_E_NOT_FOUND, "user 'word'"},
        {"minus", BFC_E_NOT_FOUND, "user 'minus'"},
        {"plus", BFC_E_NOT_FOUND, "user 'plus'"},
        {"huge", BFC_E_NOT_FOUND, "user 'huge'"},
        {"huger", BFC_E_NOT_FOUND, "user 'huger'"},
        {"+", BFC_E_NOT_FOUND, "user '+'"},
        {"www:torn", BFC_E_NOT_FOUND, "group 'torn'"},
        {"www:word", BFC_E_NOT_FOUND, "group 'word'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_failure(bad[i].spec, &files, bad[i].code, bad[i].message);
    expect_failure("www", &none, BFC_E_NOT_FOUND, "/etc/passwd, which is missing");
    expect_failure("1:adm", &none, BFC_E_NOT_FOUND, "/etc/group, which is missing");
}

static void test_user__bounds(void **state)
{
    (void)state;
    AUTO_FREE char *big = NULL;
    size_t len = 0;

    assert_int_equal(bfci_alloc_zero(USER_FILE_MAX + 1, 1, &big, NULL), 0);
    memset(big, ':', USER_FILE_MAX + 1);
    expect_failure("0", &(bfci_user_files){big, "", USER_FILE_MAX + 1, 0}, BFC_E_LIMIT,
                   "/etc/passwd");
    expect_failure("0", &(bfci_user_files){"", big, 0, USER_FILE_MAX + 1}, BFC_E_LIMIT,
                   "/etc/group");
    expect_failure("x", &(bfci_user_files){big, big, USER_FILE_MAX, USER_FILE_MAX}, BFC_E_NOT_FOUND,
                   "user 'x'");
    for (uint32_t gid = 0; gid <= USER_GROUPS_MAX; gid++)
        len += (size_t)snprintf(big + len, 32, "g::%u:u\n", gid);
    static const char passwd[] = "u:x:1:1";
    expect_failure("u", &(bfci_user_files){passwd, big, sizeof passwd - 1, len}, BFC_E_LIMIT,
                   "more than 65536 groups");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user__every_form),
        cmocka_unit_test(test_user__digits_are_never_a_name),
        cmocka_unit_test(test_user__homes_that_are_no_path_are_dropped),
        cmocka_unit_test(test_user__files_that_are_not_there),
        cmocka_unit_test(test_user__what_is_not_there_is_named),
        cmocka_unit_test(test_user__bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
