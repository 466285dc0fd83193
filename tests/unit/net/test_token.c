/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of token servers, what they answer, and a registry's words in messages. */
#include "net/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int parse(const char *json, bfci_token *out)
{
    return bfci_token_parse((const uint8_t *)json, strlen(json), out, NULL);
}

static void expect_token(const char *json, const char *text, uint64_t valid_ms)
{
    bfci_token token = {NULL, 0};

    assert_int_equal(parse(json, &token), 0);
    assert_string_equal(token.text, text);
    assert_int_equal(token.valid_ms, valid_ms);
    bfci_secret_free((uint8_t *)token.text);
}

static void tokens_are_read(void **state)
{
    (void)state;
    expect_token("{\"token\":\"a.b-c_d\"}", "a.b-c_d", 60000);
    expect_token("{\"access_token\":\"x\",\"expires_in\":300}", "x", 300000);
    expect_token("{\"token\":\"\",\"access_token\":\"x\"}", "x", 60000);
    expect_token("{\"token\":\"x\",\"expires_in\":0}", "x", 60000);
    expect_token("{\"token\":\"x\",\"expires_in\":\"soon\"}", "x", 60000);
    expect_token("{\"token\":\"x\",\"expires_in\":-1}", "x", 60000);
    expect_token("{\"token\":\"x\",\"expires_in\":9999999999}", "x", 86400000);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"token\":null}",
        "{\"token\":7}",
        "{\"token\":\"\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a\\r\\nX: y\"}",
        "{\"token\":\"\xc3\xa4\"}",
        "{\"token\":\"a\\\"\"}",
    };
    bfci_token token = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(parse(wrong[i], &token), BFC_E_CORRUPT);
}

static void expect_url(const char *realm, const char *service, const char *scope,
                       const char *account, const char *url)
{
    const bfci_challenge c = {CHALLENGE_BEARER, strdup(realm), service ? strdup(service) : NULL,
                              NULL, NULL};
    char *out = NULL;

    assert_int_equal(bfci_token_url(&c, scope, account, &out, NULL), 0);
    assert_string_equal(out, url);
    free(out);
    free(c.realm);
    free(c.service);
}

static void urls_are_escaped(void **state)
{
    (void)state;
    expect_url("https://a/t", "s", "repository:a/b:pull", NULL,
               "https://a/t?scope=repository%3Aa%2Fb%3Apull&service=s");
    expect_url("https://a/t?x=1", NULL, "", "me&you", "https://a/t?x=1&account=me%26you");
    expect_url("https://a/t", "a b\r\n", "x:y:z q:r:s", NULL,
               "https://a/t?scope=x%3Ay%3Az&scope=q%3Ar%3As&service=a%20b%0D%0A");
    expect_url("https://a/t", NULL, "", NULL, "https://a/t");
}

static void scopes_are_chosen(void **state)
{
    (void)state;
    assert_string_equal(bfci_token_scope(NULL, "repository:a:pull"), "repository:a:pull");
    assert_string_equal(bfci_token_scope("", "repository:a:pull"), "repository:a:pull");
    assert_string_equal(bfci_token_scope("repository:a:pull", "repository:a:pull,push"),
                        "repository:a:pull,push");
    assert_string_equal(bfci_token_scope("repository:a:pull,push", "repository:a:pull"),
                        "repository:a:pull,push");
    assert_string_equal(bfci_token_scope("repository:proxy/a:pull", "repository:a:pull,push"),
                        "repository:proxy/a:pull");
    assert_string_equal(bfci_token_scope("nonsense", "repository:a:pull"), "nonsense");
}

static void expect_words(const char *body, const char *words)
{
    assert_string_equal(bfci_registry_words((const uint8_t *)body, strlen(body)).text, words);
}

static void words_are_fit_for_messages(void **state)
{
    char body[4096], many[3000];

    (void)state;
    expect_words("", "");
    expect_words("<html>", "");
    expect_words("{\"errors\":[]}", "");
    expect_words("{\"errors\":[7]}", "");
    expect_words("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}", "DENIED: no");
    expect_words("{\"errors\":[{\"code\":\"A\"},{\"message\":\"b\"},{\"code\":\"C\"}]}", "A: b");
    expect_words("{\"errors\":[{\"code\":\"A\"},{\"code\":\"B\",\"message\":\"b\"}]}", "A; B: b");
    expect_words("{\"errors\":[{\"code\":\"\\u001b[1m\"}]}", "\\x1b[1m");
    expect_words("{\"error\":\"x\",\"error_description\":\"why\"}", "why");
    expect_words("{\"details\":\"why\"}", "why");
    memset(many, 'm', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    (void)snprintf(body, sizeof body, "{\"errors\":[{\"code\":\"%s\"}]}", many);
    assert_int_equal(strlen(bfci_registry_words((const uint8_t *)body, strlen(body)).text), 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_read),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(urls_are_escaped),
        cmocka_unit_test(scopes_are_chosen),
        cmocka_unit_test(words_are_fit_for_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
