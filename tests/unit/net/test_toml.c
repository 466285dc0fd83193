/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0: what it means, and what it forbids. Many more documents are compared with Python's
 * reader by tests/e2e/net/test_toml.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/toml.h"

static void expect(const char *text, const char *json)
{
    AUTO_TOML bfci_toml doc;
    AUTO_FREE char *got = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_toml_parse((const uint8_t *)text, strlen(text), "f", &doc, &err) < 0)
        fail_msg("%s\n%s", text, err.msg);
    assert_int_equal(bfci_json_dump(doc.root, &got, NULL), 0);
    assert_string_equal(got, json);
}

static void refused_with(const char *text, size_t len, int code, const char *start)
{
    AUTO_TOML bfci_toml doc;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_toml_parse((const uint8_t *)text, len, "f", &doc, &err) != code)
        fail_msg("%s: %s", text, err.msg);
    if (strncmp(err.msg, start, strlen(start)) != 0)
        fail_msg("not '%s': %s", start, err.msg);
}

static void refused(const char *text, const char *start)
{
    refused_with(text, strlen(text), BFC_E_INVALID, start);
}

static void test_toml__values(void **state)
{
    (void)state;
    expect("", "{}");
    expect("# only a comment", "{}");
    expect("\xEF\xBB\xBF"
           "a=1",
           "{\"a\":1}");
    expect("a = true\nb=false # c\r\nc = \"x\"", "{\"a\":true,\"b\":false,\"c\":\"x\"}");
    expect("a=0\nb=-0\nc=+1_000\nd=0xDEAD_beef\ne=0o17\nf=0b1_0",
           "{\"a\":0,\"b\":0,\"c\":1000,\"d\":3735928559,\"e\":15,\"f\":2}");
    expect("a=9223372036854775807\nb=-9223372036854775808",
           "{\"a\":9223372036854775807,\"b\":-9223372036854775808}");
    expect("a=[1.5,-2e10,6.6e-3_4,inf,+nan,-0.0]", "{\"a\":[null,null,null,null,null,null]}");
    expect("a=[1979-05-27,07:32:00,07:32:00.99,1979-05-27T07:32:00Z,1979-05-27 07:32:00-07:00,"
           "2000-02-29t00:00:00.5]",
           "{\"a\":[null,null,null,null,null,null]}");
    expect("a=[ 1, # x\n 2,\n]\nb=[]\nc=[[],['x']]", "{\"a\":[1,2],\"b\":[],\"c\":[[],[\"x\"]]}");
    expect("a={b=1, c.d={}}\n", "{\"a\":{\"b\":1,\"c\":{\"d\":{}}}}");
}

static void test_toml__strings(void **state)
{
    (void)state;
    expect("a=\"\\b\\t\\n\\f\\r\\\"\\\\\\u00e4\\U0001F600\"",
           "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\xc3\xa4\xf0\x9f\x98\x80\"}");
    expect("a='C:\\x\"'", "{\"a\":\"C:\\\\x\\\"\"}");
    expect("a=\"\"\"\nx\ny\"\"\"", "{\"a\":\"x\\ny\"}");
    expect("a=\"\"\"\r\nx\r\ny\"\"\"", "{\"a\":\"x\\ny\"}");
    expect("a=\"\"\"x \\\n\n   y\\  \n\"\"\"", "{\"a\":\"x y\"}");
    expect("a=\"\"\"\"\"two\"\"\"\"\"", "{\"a\":\"\\\"\\\"two\\\"\\\"\"}");
    expect("a='''''x'''''", "{\"a\":\"''x''\"}");
    expect("a=\"\"\"\"\"\"\nb=''''''\nc=\"\"\nd=''",
           "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\"}");
    expect("a='''\\x\n#'''", "{\"a\":\"\\\\x\\n#\"}");
    expect("a=\"\\u0080\\u07ff\\u0800\\uffff\\U00010000\\U0010ffff\"",
           "{\"a\":\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}");
}

static void test_toml__tables(void **state)
{
    (void)state;
    expect("[a.b]\nc=1\n[a]\nd=2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}");
    expect("[[r]]\nx=1\n[[r.m]]\ny=2\n[[r.m]]\n[[r]]\n[r.t]\nz=3",
           "{\"r\":[{\"x\":1,\"m\":[{\"y\":2},{}]},{\"t\":{\"z\":3}}]}");
    expect("a.b.c=1\na.b.d=2\n[a.e]\n\"x.y\"=1\n'' = 2",
           "{\"a\":{\"b\":{\"c\":1,\"d\":2},\"e\":{\"x.y\":1,\"\":2}}}");
    expect(" [ a . \"b\" ] # x\n 1 . 2 = 3", "{\"a\":{\"b\":{\"1\":{\"2\":3}}}}");
    expect("[a]\nb.c=1\n[a.b.d]\ne=2", "{\"a\":{\"b\":{\"c\":1,\"d\":{\"e\":2}}}}");
}

static void test_toml__twice(void **state)
{
    (void)state;
    refused("a=1\na=2", "f:2: 'a' is there already");
    refused("a=1\n[a]", "f:2: 'a' is there already");
    refused("[a]\n[a]", "f:2: 'a' is there already");
    refused("[a]\nb=1\n[a.b]", "f:3: 'b' is there already");
    refused("[a]\nb=1\n[a.b.c]", "f:3: 'b' is no table");
    refused("a.b=1\na.b.c=2", "f:2: 'b' is no table");
    refused("a.b=1\n[a]", "f:2: 'a' is there already");
    refused("[a.b]\n[a]\nb.c=1", "f:3: 'b' is no table");
    refused("[a.b.c]\n[a]\nb.c.d=1", "f:3: 'c' is no table");
    refused("a={}\n[a.b]", "f:2: 'a' is no table");
    refused("a={}\na.b=1", "f:2: 'a' is no table");
    refused("a={b={}}\na.b.c=1", "f:2: 'a' is no table");
    refused("a={b=1,b=2}", "f:1: 'b' is there already");
    refused("a=[]\n[[a]]", "f:2: 'a' is there already");
    refused("a=[{}]\n[a.b]", "f:2: 'a' is no table");
    refused("[[a]]\n[a]", "f:2: 'a' is there already");
    refused("[a]\n[[a]]", "f:2: 'a' is there already");
    refused("[a.b]\n[[a]]", "f:2: 'a' is there already");
    refused("[[a]]\na=1\n[[a.a]]", "f:3: 'a' is there already");
}

static void test_toml__refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a",
        "a=",
        "=1",
        "a=1 b=2",
        "a==1",
        "a=01",
        "a=1_",
        "a=_1",
        "a=1__0",
        "a=+0x1",
        "a=0x",
        "a=0xg",
        "a=0b2",
        "a=1.",
        "a=.1",
        "a=1e",
        "a=1.e1",
        "a=True",
        "a=yes",
        "a=truex",
        "a=\"",
        "a='",
        "a=\"\\q\"",
        "a=\"\\u12\"",
        "a=\"\\ud800\"",
        "a=\"\\U00110000\"",
        "a=\"\\u0000\"",
        "a=\"x\ny\"",
        "a='x\ny'",
        "a='''x",
        "a=\"\"\"x",
        "a=\"\"\"x\"\"",
        "a=[",
        "a=[1",
        "a=[1,,2]",
        "a=[,]",
        "a=[1 2]",
        "a={",
        "a={b=1,}",
        "a={b=1 c=2}",
        "a={b=1\n}",
        "a={,}",
        "[",
        "[]",
        "[a",
        "[a]]",
        "[[a]",
        "[ [a]]",
        "[[a] ]",
        "[a] x",
        "[a]b=1",
        "[a.]",
        "[.a]",
        "a..b=1",
        "a.=1",
        "a b=1",
        "\xc3\xa4=1",
        "a=\xff",
        "# \xff",
        "a=1\rb=2",
        "a=1\r",
        "# \x01",
        "a=\"\x7f\"",
        "\"\"\"a\"\"\"=1",
        "a=1979-13-01",
        "a=1979-02-30",
        "a=2001-02-29",
        "a=24:00:00",
        "a=07:60:00",
        "a=07:32",
        "a=1979-05-27T",
        "a=1979-05-27T07:32:00+",
        "a=07:32:00.",
        "a=07:32:00Z",
        "a=9223372036854775808",
        "a=-9223372036854775809",
        "a=0x8000000000000000",
        "a=--1",
        "a=1-",
        "a=infx",
        "\\",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(bad[i], "f:");
    refused_with("a=\"\0\"", 5, BFC_E_INVALID, "f:1: the control byte 0x00");
    refused("a=1\n\nb=\"\"\"\n\n\n", "f:3: the string that begins here does not end");
    refused("a=1\n\n\tb=[\n\n1\nx", "f:6: ',' or ']'");
    refused("\n\n\xff", "f:3: this line is not UTF-8");
}

static void repeat(char *text, const char *part, size_t count)
{
    size_t len = strlen(part);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, part, len);
    text[count * len] = '\0';
}

static void test_toml__limits(void **state)
{
    (void)state;
    AUTO_FREE char *text = calloc(1, TOML_SIZE_MAX + 64);
    assert_non_null(text);

    memset(text, '\n', TOML_SIZE_MAX + 1);
    refused_with(text, TOML_SIZE_MAX + 1, BFC_E_LIMIT, "f has more than");
    repeat(text, "[[a]]\n", 70000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:");
    memcpy(text, "a=", 2);
    repeat(text + 2, "[", 1000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:1: values lie more than");
    repeat(text + 2, "{a=", 1000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:1: values lie more than");
    memcpy(text, "[a", 2);
    repeat(text + 2, ".a", 100000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:1: the key has more than");
    repeat(text, "a.", 100000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:1: the key has more than");
    memcpy(text, "a=[", 3);
    repeat(text + 3, "1,", 70000);
    refused_with(text, strlen(text), BFC_E_LIMIT, "f:1: there are more than");
}

static void test_toml__asking(void **state)
{
    (void)state;
    static const char text[] = "[t]\ns = 'x'\nb = true\n\na = [1]\nd = 1979-05-27\n";
    AUTO_TOML bfci_toml doc;
    const char *s = "unset";
    bool b = false;
    json_t *a = NULL, *t = NULL;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_toml_parse((const uint8_t *)text, strlen(text), "dir/it's", &doc, &err),
                     0);
    assert_int_equal(bfci_toml_may_table(&doc, doc.root, "t", &t, &err), 0);
    assert_int_equal(bfci_toml_may_text(&doc, t, "none", &s, &err), 0);
    assert_int_equal(bfci_toml_may_text(&doc, t, "d", &s, &err), 0);
    assert_string_equal(s, "unset");
    assert_int_equal(bfci_toml_may_text(&doc, t, "s", &s, &err), 0);
    assert_string_equal(s, "x");
    assert_int_equal(bfci_toml_may_bool(&doc, t, "b", &b, &err), 0);
    assert_true(b);
    assert_int_equal(bfci_toml_may_array(&doc, t, "a", &a, &err), 0);
    assert_int_equal(json_array_size(a), 1);
    assert_int_equal(bfci_toml_may_bool(&doc, t, "s", &b, &err), BFC_E_INVALID);
    assert_string_equal(err.msg, "dir/it\\x27s:2: 's' is to be true or false");
    assert_int_equal(bfci_toml_may_text(&doc, t, "b", &s, &err), BFC_E_INVALID);
    assert_string_equal(err.msg, "dir/it\\x27s:1: 'b' is to be a string"); /* of the table */
    assert_int_equal(bfci_toml_may_table(&doc, t, "a", &a, &err), BFC_E_INVALID);
    assert_string_equal(err.msg, "dir/it\\x27s:5: 'a' is to be a table");
    assert_int_equal(bfci_toml_may_array(&doc, doc.root, "t", &a, &err), BFC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toml__values),  cmocka_unit_test(test_toml__strings),
        cmocka_unit_test(test_toml__tables),  cmocka_unit_test(test_toml__twice),
        cmocka_unit_test(test_toml__refused), cmocka_unit_test(test_toml__limits),
        cmocka_unit_test(test_toml__asking),
    };
    return cmocka_run_group_tests_name("net toml", tests, NULL, NULL);
}
