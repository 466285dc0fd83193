/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in files with logins, as Docker and containers/image have written it over the years.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/auth_file.h"

#define A "dTpw"             /* u:p */
#define B "bmFtZTphOmI6Yw==" /* name:a:b:c */

static int parse(const char *json, bool is_old, bfci_auth_file *out, bfc_err *err)
{
    return bfci_auth_file_parse((const uint8_t *)json, strlen(json), "auth.json", is_old, out, err);
}

/* "name password token" */
static void expect_in(const char *json, bool is_old, const char *name, const char *want)
{
    AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;
    char got[256] = "none";
    bfc_err err = BFC_ERR_INIT;

    if (parse(json, is_old, &f, &err) < 0 || bfci_auth_file_find(&f, name, &c, &found, &err) < 0)
        fail_msg("%s", err.msg);
    if (found)
        (void)snprintf(got, sizeof got, "%s %s %s", c.username ? c.username : "-",
                       c.password ? c.password : "-", c.identity_token ? c.identity_token : "-");
    assert_string_equal(got, want);
}

static void expect(const char *auths, const char *name, const char *want)
{
    char json[1024];
    (void)snprintf(json, sizeof json, "{\"auths\":{%s}}", auths);
    expect_in(json, false, name, want);
}

static void test_auth_file__lookup(void **state)
{
    (void)state;
    static const char paths[] = "\"q.io\":{\"auth\":\"" A "\"},\"q.io/a/b\":{\"auth\":\"" B "\"},"
                                "\"q.io:5000\":{\"auth\":\"eDp5\"}";
    expect(paths, "q.io", "u p -");
    expect(paths, "q.io/a", "u p -");
    expect(paths, "q.io/a/b", "name a:b:c -");
    expect(paths, "q.io/a/b/c", "name a:b:c -");
    expect(paths, "q.io/a/bc", "u p -");
    expect(paths, "q.io:5000/a/b", "x y -");
    expect(paths, "q.io:500", "none");
    expect(paths, "q.iox", "none");
    expect(paths, "xq.io", "none");
    expect("\"q.io/a/b\":{\"auth\":\"" B "\"},\"q.io\":{\"auth\":\"" A "\"}", "q.io/a/b/c",
           "name a:b:c -");
    expect("", "q.io", "none");
    expect_in("", false, "q.io", "none");
    expect_in("{}", false, "q.io", "none");
    expect_in("{\"auths\":{\"q.io\":{}}}", false, "q.io", "none");
    expect_in("{\"auths\":{\"q.io\":{\"auth\":\"\"}}}", false, "q.io", "none");
}

static void test_auth_file__old_keys(void **state)
{
    (void)state;
    static const char *const hub[] = {
        "https://index.docker.io/v1/", "index.docker.io",   "docker.io",
        "registry-1.docker.io",        "https://docker.io", "http://docker.io/x"};
    char auths[128];

    for (size_t i = 0; i < ARRAY_LEN(hub); i++) {
        (void)snprintf(auths, sizeof auths, "\"%s\":{\"auth\":\"" A "\"}", hub[i]);
        expect(auths, "docker.io/library/alpine", "u p -");
        expect(auths, "docker.io", "u p -");
        expect(auths, "q.io", "none");
    }
    expect("\"https://q.io/v2/\":{\"auth\":\"" A "\"}", "q.io/a", "u p -");
    expect("\"Q.io\":{\"auth\":\"" A "\"}", "q.io", "u p -");
    expect("\"https://q.io\":{\"auth\":\"" A "\"},\"q.io\":{\"auth\":\"" B "\"}", "q.io",
           "name a:b:c -");
    expect_in("{\"q.io/v1/\":{\"auth\":\"" A "\",\"email\":\"x\"}}", true, "q.io/a", "u p -");
    expect_in("{\"https://index.docker.io/v1/\":{\"auth\":\"" A "\"}}", true, "docker.io", "u p -");
}

static void test_auth_file__forms(void **state)
{
    (void)state;
    expect("\"q.io\":{\"auth\":\"dTpwAAA=\"}", "q.io", "u p -"); /* padded with NUL */
    expect("\"q.io\":{\"auth\":\"dTo=\"}", "q.io", "u  -");
    expect("\"q.io\":{\"auth\":\"" A "\",\"identitytoken\":\"t.o.k\"}", "q.io", "u p t.o.k");
    expect("\"q.io\":{\"identitytoken\":\"t\"}", "q.io", "- - t");
    expect("\"q.io\":{\"auth\":null,\"x\":1}", "q.io", "none");
}

static void test_auth_file__wrong(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]",
                                      "1",
                                      "{",
                                      "{\"auths\":[]}",
                                      "{\"credHelpers\":[]}",
                                      "x",
                                      "{\"a\":\"secret\"",
                                      "{\"a\":\"\\u0000\"}",
                                      "\"secret\""};
    static const char *const entries[] = {"1",
                                          "[]",
                                          "{\"auth\":1}",
                                          "{\"auth\":\"secret\"}",
                                          "{\"auth\":\"c2VjcmV0\"}", /* no colon */
                                          "{\"auth\":\"dTpw=\"}",
                                          "{\"auth\":\"dToAcA==\"}",
                                          "{\"identitytoken\":{}}"};
    char json[256];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
        bfc_err err = BFC_ERR_INIT;
        if (parse(bad[i], false, &f, &err) != BFC_E_INVALID)
            fail_msg("%s", bad[i]);
        assert_non_null(strstr(err.msg, "auth.json"));
        assert_null(strstr(err.msg, "secret"));
    }
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
        AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
        bool found = false;
        bfc_err err = BFC_ERR_INIT;
        (void)snprintf(json, sizeof json, "{\"auths\":{\"q.io\":%s}}", entries[i]);
        assert_int_equal(parse(json, false, &f, &err), 0);
        if (bfci_auth_file_find(&f, "q.io", &c, &found, &err) != BFC_E_INVALID)
            fail_msg("%s", entries[i]);
        assert_non_null(strstr(err.msg, "q.io"));
        assert_null(strstr(err.msg, "c2Vj"));
        assert_null(strstr(err.msg, "secret"));
        assert_null(c.username);
    }
}

static void expect_helper(const char *json, const char *name, const char *helper,
                          const char *server)
{
    AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
    const char *got = NULL, *at = NULL;

    assert_int_equal(parse(json, false, &f, NULL), 0);
    assert_int_equal(bfci_auth_file_helper(&f, name, &got, &at, NULL), 0);
    if (!helper) {
        assert_null(got);
        return;
    }
    assert_string_equal(got, helper);
    assert_string_equal(at, server);
}

static void test_auth_file__helpers(void **state)
{
    (void)state;
    static const char json[] = "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"hub\","
                               "\"https://q.io/\":\"url\",\"q.io\":\"exact\",\"z.io\":\"\"},"
                               "\"credsStore\":\"all\"}";
    AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
    const char *store = NULL;

    expect_helper(json, "q.io/a/b", "exact", "q.io");
    expect_helper(json, "docker.io/library/x", "hub", "https://index.docker.io/v1/");
    expect_helper(json, "z.io", NULL, NULL);
    expect_helper(json, "y.io", NULL, NULL);
    assert_int_equal(parse(json, false, &f, NULL), 0);
    assert_int_equal(bfci_auth_file_store(&f, &store, NULL), 0);
    assert_string_equal(store, "all");
    bfci_auth_file_release(&f);
    assert_int_equal(parse("{\"credsStore\":1}", false, &f, NULL), 0);
    assert_int_equal(bfci_auth_file_store(&f, &store, NULL), BFC_E_INVALID);
}

static void expect_text(const bfci_auth_file *f, const char *want)
{
    AUTO_SECRET uint8_t *text = NULL;
    AUTO_FREE char *compact = NULL;
    AUTO(json_t) json_t *root = NULL;
    size_t len = 0;

    assert_int_equal(bfci_auth_file_text(f, &text, &len, NULL), 0);
    assert_int_equal(text[len - 1], '\n');
    root = json_loadb((const char *)text, len, 0, NULL);
    assert_non_null(root);
    compact = json_dumps(root, JSON_COMPACT);
    assert_string_equal(compact, want);
}

static void test_auth_file__changes(void **state)
{
    (void)state;
    AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;

    assert_int_equal(parse("{\"x\":[1,{\"y\":2.5}],\"auths\":{\"q.io\":{\"auth\":\"" A
                           "\",\"identitytoken\":\"t\"},\"https://docker.io/\":{},\"docker.io\":{},"
                           "\"docker.io/a\":{}},\"HttpHeaders\":{\"a\":\"b\"}}",
                           false, &f, NULL),
                     0);
    assert_int_equal(bfci_auth_file_set(&f, "q.io", "name", "a:b:c", NULL), 0);
    assert_int_equal(bfci_auth_file_set(&f, "new.io/a", "u", "p", NULL), 0);
    expect_text(&f, "{\"x\":[1,{\"y\":2.5}],\"auths\":{\"q.io\":{\"auth\":\"" B
                    "\"},\"https://docker.io/\":{},\"docker.io\":{},\"docker.io/a\":{},"
                    "\"new.io/a\":{\"auth\":\"" A "\"}},\"HttpHeaders\":{\"a\":\"b\"}}");
    assert_true(bfci_auth_file_remove(&f, "docker.io"));
    assert_false(bfci_auth_file_remove(&f, "docker.io"));
    assert_false(bfci_auth_file_remove(&f, "new.io"));
    assert_true(bfci_auth_file_remove(&f, "new.io/a"));
    expect_text(&f, "{\"x\":[1,{\"y\":2.5}],\"auths\":{\"q.io\":{\"auth\":\"" B
                    "\"},\"docker.io/a\":{}},\"HttpHeaders\":{\"a\":\"b\"}}");
    bfci_auth_file_release(&f);
    assert_int_equal(parse("", false, &f, NULL), 0);
    assert_int_equal(bfci_auth_file_set(&f, "q.io", "a:b", "p", NULL), BFC_E_INVALID);
    assert_int_equal(bfci_auth_file_set(&f, "q.io", "u", "", NULL), 0);
    expect_text(&f, "{\"auths\":{\"q.io\":{\"auth\":\"dTo=\"}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_file__lookup),  cmocka_unit_test(test_auth_file__old_keys),
        cmocka_unit_test(test_auth_file__forms),   cmocka_unit_test(test_auth_file__wrong),
        cmocka_unit_test(test_auth_file__helpers), cmocka_unit_test(test_auth_file__changes),
    };
    return cmocka_run_group_tests_name("net auth_file", tests, NULL, NULL);
}
