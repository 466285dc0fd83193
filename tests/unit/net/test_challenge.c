/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate as registries write it, as RFC 9110 allows it, and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/challenge.h"

static const char *scheme_name(enum bfci_challenge_scheme scheme)
{
    return scheme == CHALLENGE_BEARER ? "bearer" : scheme == CHALLENGE_BASIC ? "basic" : "other";
}

/* "scheme realm service scope error" of each, '-' for what is missing, joined by '|'. */
static void expect(const char *header, const char *want)
{
    AUTO_CHALLENGES bfci_challenges c = BFCI_CHALLENGES_INIT;
    char got[2048] = "";
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_challenges_add(&c, header, &err) < 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < c.count; i++) {
        const bfci_challenge *one = &c.item[i];
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%s %s %s %s %s", i ? "|" : "",
                                scheme_name(one->scheme), one->realm ? one->realm : "-",
                                one->service ? one->service : "-", one->scope ? one->scope : "-",
                                one->error ? one->error : "-");
    }
    assert_string_equal(got, want);
}

static void test_challenge__registries(void **state)
{
    (void)state;
    expect(
        "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
        "scope=\"repository:library/alpine:pull\"",
        "bearer https://auth.docker.io/token registry.docker.io repository:library/alpine:pull -");
    expect("Basic realm=\"Registry Realm\"", "basic Registry Realm - - -");
    expect("Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull,push\","
           "error=\"insufficient_scope\"",
           "bearer https://a/t s repository:a:pull,push insufficient_scope");
    expect("BASIC realm=https://x.example/y", "basic https://x.example/y - - -");
    expect("Basic", "basic - - - -");
    expect("", "");
    expect(" , ,", "");
}

static void test_challenge__grammar(void **state)
{
    (void)state;
    expect(
        "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
        "other apps - - -|basic simple - - -");
    expect("Bearer  realm = \"a\" ,\tservice\t=b , Basic", "bearer a b - -|basic - - - -");
    expect("Negotiate YWJj==, Basic realm=x", "other - - - -|basic x - - -");
    expect("Negotiate, Bearer realm=\"r\"", "other - - - -|bearer r - - -");
    expect("NTLM abc/+.~-_", "other - - - -");
    expect("Bearer realm=\"a\\\\b\\\"c\\d\"", "bearer a\\b\"cd - - -");
    expect("Bearer realm=\"a, Basic realm=b\"", "bearer a, Basic realm=b - - -");
    expect("Bearer realm=\"\"", "bearer  - - -");
    expect("Basic realm=", "basic - - - -"); /* a token68 by the grammar */
    expect("Bearer realm, x", "bearer - - - -|other - - - -");
    expect("Bearer REALM=\"x\",SCOPE=\"y\"", "bearer x - y -");
    expect("Bearer,realm=x", "bearer x - - -");
}

static void test_challenge__refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Bearer realm=\"a",
                                      "Bearer realm=\"a\\",
                                      "Bearer realm=\"a\" service=b",
                                      "=x",
                                      "realm=\"a\"",
                                      "Bearer realm=\"a\",realm=\"b\"",
                                      "Bearer realm x",
                                      "Bearer realm=\"a\nb\"",
                                      "Bearer realm=a\"b\"",
                                      "Bearer \"x\"",
                                      "(x)",
                                      "Bearer realm=\"a\"x",
                                      "Bearer realm a=b c",
                                      "Basic realm=x;y z",
                                      "Bearer realm=\x01"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_CHALLENGES bfci_challenges c = BFCI_CHALLENGES_INIT;
        bfc_err err = BFC_ERR_INIT;
        if (bfci_challenges_add(&c, bad[i], &err) != BFC_E_CORRUPT)
            fail_msg("%s", bad[i]);
        assert_int_equal(c.count, 0);
        assert_non_null(strstr(err.msg, "WWW-Authenticate"));
    }
}

static void test_challenge__limits(void **state)
{
    (void)state;
    AUTO_CHALLENGES bfci_challenges c = BFCI_CHALLENGES_INIT;
    static char longest[CHALLENGE_HEADER_MAX + 2];

    memset(longest, ',', sizeof longest - 1);
    assert_int_equal(bfci_challenges_add(&c, longest, NULL), BFC_E_LIMIT);
    longest[CHALLENGE_HEADER_MAX] = '\0';
    assert_int_equal(bfci_challenges_add(&c, longest, NULL), 0);
    assert_int_equal(bfci_challenges_add(&c, "a,b,c,d,e,f,g", NULL), 0);
    assert_int_equal(bfci_challenges_add(&c, "h,i", NULL), BFC_E_LIMIT);
    assert_int_equal(c.count, 7);
    assert_int_equal(bfci_challenges_add(&c, "h", NULL), 0);
    bfci_challenges_release(&c);
    assert_int_equal(bfci_challenges_add(&c, "a,b,c,d,e,f,g,h,i", NULL), BFC_E_LIMIT);
}

static void test_challenge__pick(void **state)
{
    (void)state;
    AUTO_CHALLENGES bfci_challenges c = BFCI_CHALLENGES_INIT;

    assert_null(bfci_challenges_pick(&c));
    assert_int_equal(bfci_challenges_add(&c, "Negotiate, Bearer", NULL), 0);
    assert_null(bfci_challenges_pick(&c));
    assert_int_equal(bfci_challenges_add(&c, "Basic realm=a", NULL), 0);
    assert_ptr_equal(bfci_challenges_pick(&c), &c.item[2]);
    assert_int_equal(bfci_challenges_add(&c, "Bearer realm=b", NULL), 0);
    assert_ptr_equal(bfci_challenges_pick(&c), &c.item[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge__registries), cmocka_unit_test(test_challenge__grammar),
        cmocka_unit_test(test_challenge__refused),    cmocka_unit_test(test_challenge__limits),
        cmocka_unit_test(test_challenge__pick),
    };
    return cmocka_run_group_tests_name("net challenge", tests, NULL, NULL);
}
