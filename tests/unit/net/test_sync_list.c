/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of tags, and lists of images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/glob.h"
#include "net/sync_list.h"

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ── Patterns ── */

static void patterns_match(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool does;
    } cases[] = {
        {"*", "", true},
        {"*", "1.25", true},
        {"1.*", "1.", true},
        {"1.*", "1", false},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"*-slim", "12-slim", true},
        {"*-slim", "12-slim-1", false},
        {"*a*b*c", "xaybzcc", true},
        {"*a*b*c", "xaybzcd", false},
        {"**", "x", true},
        {"1[12]", "12", true},
        {"1[12]", "13", false},
        {"1[!12]", "13", true},
        {"1[^12]", "12", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[c-a]x", "bx", false},
        {"[-a]", "-", true},
        {"[a-]", "-", true},
        {"[]x]", "]", true},
        {"[!]x]", "]", false},
        {"[!]x]", "y", true},
        {"[*]", "*", true},
        {"[*]", "a", false},
        {"v[0-9]*.[0-9]", "v12.3", true},
        {"v[0-9]*.[0-9]", "vx.3", false},
        {"a", "", false},
        {"", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(bfci_glob_ok(cases[i].pattern));
        if (bfci_glob_match(cases[i].pattern, cases[i].text) != cases[i].does)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
    }
}

static void patterns_are_refused(void **state)
{
    static const char *const bad[] = {"[", "a[b", "[]", "[!]", "\\*", "*[a-"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bfci_glob_ok(bad[i]));
}

/* Stars alone must not take time beyond the product of the lengths. */
static void many_stars_end(void **state)
{
    char pattern[SYNC_PATTERN_MAX + 1], text[129];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof pattern; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof pattern - 1] = '\0';
    memset(text, 'a', sizeof text);
    text[127] = 'b';
    text[128] = '\0';
    assert_false(bfci_glob_match(pattern, text));
}

/* ── Lists ── */

static void parse(const char *text, bfci_sync_list *out)
{
    bfc_err err = BFC_ERR_INIT;

    if (bfci_sync_list_parse((const uint8_t *)text, strlen(text), "l", out, &err) < 0)
        fail_msg("%s", err.msg);
}

static void assert_named(const bfci_sync_entry *e, const char *tag, const char *name)
{
    bfci_reference ref;

    assert_int_equal(bfci_sync_entry_name(e, tag, &ref, NULL), 0);
    assert_string_equal(ref.text, name);
}

static void lines_mean(void **state)
{
    AUTO_SYNC_LIST bfci_sync_list l = {0};

    (void)state;
    parse("# a comment\n\ndebian\n"
          "docker://q.io/a/b:1 as=x.io:5000/y \r\n"
          "[::1]:5000/app:1 as=app:one platform=linux/arm/v7 all-platforms artifact # more\n"
          "q.io/c" DIGEST "\n"
          "q.io/c:t" DIGEST "\n"
          "localhost:5000/d:1.* not=*-rc[0-9] not=*-debug as=d # x",
          &l);
    assert_int_equal(l.count, 6);
    assert_int_equal(l.entry[0].line, 3);
    assert_string_equal(l.entry[0].reference, "debian");
    assert_string_equal(l.entry[0].repository, "debian");
    assert_named(&l.entry[0], NULL, "debian:latest");
    assert_string_equal(l.entry[1].reference, "q.io/a/b:1");
    assert_string_equal(l.entry[1].repository, "q.io/a/b");
    assert_named(&l.entry[1], NULL, "x.io:5000/y:1");
    assert_named(&l.entry[2], NULL, "app:one");
    assert_string_equal(l.entry[2].platform, "linux/arm/v7");
    assert_true(l.entry[2].all_platforms && l.entry[2].artifact);
    assert_named(&l.entry[3], NULL,
                 "q.io/c:sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_named(&l.entry[4], NULL, "q.io/c:t");
    assert_null(l.entry[5].reference);
    assert_string_equal(l.entry[5].repository, "localhost:5000/d");
    assert_string_equal(l.entry[5].pattern, "1.*");
    assert_int_equal(l.entry[5].line, 8);
    assert_true(bfci_sync_entry_wants(&l.entry[5], "1.2"));
    assert_false(bfci_sync_entry_wants(&l.entry[5], "1.2-rc1"));
    assert_false(bfci_sync_entry_wants(&l.entry[5], "1.2-debug"));
    assert_false(bfci_sync_entry_wants(&l.entry[5], "2"));
    assert_named(&l.entry[5], "1.2", "d:1.2");
}

static void lists_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a:1 b:2", "l:1: 'b:2' is no option of a line"},
        {"\n\nUpper/x\n", "l:3: 'Upper/x' is no name of an image"},
        {"a:[x", "l:1: '[x' is no pattern"},
        {"a:1\\*", "l:1: '1\\x5c*' is no pattern"},
        {"A/b:*", "l:1: 'A/b' is no name of an image"},
        {"a:1 as=b as=c", "l:1: 'as=' stands there twice"},
        {"a:* as=b:1", "l:1: 'as=b:1': the images of a pattern keep their tags"},
        {"a:1 as=../x", "l:1: "},
        {"a:1 as=", "l:1: "},
        {"a:1 not=x", "l:1: 'not=' goes with a pattern"},
        {"a:* not=", "l:1: 'not=' needs a pattern"},
        {"a:* not=[", "l:1: '[' is no pattern"},
        {"a:1 platform=linux", "l:1: 'platform=linux' is no platform"},
        {"a:1 platform=linux/arm64 platform=linux/arm64", "l:1: 'platform=' stands there twice"},
        {"a:* " DIGEST, "l:1: '@sha256"},
        {"a:*" DIGEST, "l:1: 'a:*@sha256"},
        {"a:1\x1b[2J", "l:1: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_SYNC_LIST bfci_sync_list l = {0};
        bfc_err err = BFC_ERR_INIT;
        int rc = bfci_sync_list_parse((const uint8_t *)cases[i].text, strlen(cases[i].text), "l",
                                      &l, &err);
        if (rc != BFC_E_INVALID ||
            strncmp(err.msg, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("'%s': %d, %s", cases[i].text, rc, err.msg);
        assert_null(strchr(err.msg, '\x1b'));
    }
}

static void assert_too_much(const char *text, size_t len, const char *message)
{
    AUTO_SYNC_LIST bfci_sync_list l = {0};
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_sync_list_parse((const uint8_t *)text, len, "l", &l, &err), BFC_E_LIMIT);
    if (!strstr(err.msg, message))
        fail_msg("%s", err.msg);
}

static void lists_are_bounded(void **state)
{
    AUTO_FREE char *text = malloc(SYNC_LIST_SIZE_MAX + 1);
    AUTO_SYNC_LIST bfci_sync_list l = {0};
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', SYNC_LIST_SIZE_MAX + 1);
    assert_too_much(text, SYNC_LIST_SIZE_MAX + 1, "'l' has 1048577 bytes");
    text[9] = '\n';
    assert_too_much(text, 10 + SYNC_LINE_MAX + 1, "l:2: the line has 4097 bytes");
    for (int i = 0; i <= SYNC_ENTRIES_MAX; i++)
        memcpy(text + 4 * i, "a:1\n", 4);
    assert_too_much(text, 4 * (SYNC_ENTRIES_MAX + 1), "l:4097: more than 4096");
    assert_int_equal(bfci_sync_list_parse((const uint8_t *)"a\nb\0c\n", 6, "l", &l, &err),
                     BFC_E_INVALID);
    assert_string_equal(err.msg, "l:2: there is a byte of zero in the line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match),    cmocka_unit_test(patterns_are_refused),
        cmocka_unit_test(many_stars_end),    cmocka_unit_test(lines_mean),
        cmocka_unit_test(lists_are_refused), cmocka_unit_test(lists_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
