/* SPDX-License-Identifier: Apache-2.0 */
/* Where a list goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/link.h"

static const char request[] = "https://r.example/v2/a/tags/list?n=2";

static void expect(const char *header, const char *want)
{
    AUTO_FREE char *next = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_link_next(header, request, &next, &err) < 0)
        fail_msg("%s", err.msg);
    if (want)
        assert_string_equal(next, want);
    else
        assert_null(next);
}

static void refused(const char *header, int code)
{
    char kept[] = "kept", *next = kept;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_link_next(header, request, &next, &err) != code)
        fail_msg("%s: %s", header, err.msg);
    assert_ptr_equal(next, kept);
    assert_true(err.msg[0]);
}

static void test_link__next(void **state)
{
    (void)state;
    expect("</v2/a/tags/list?last=b&n=2>; rel=\"next\"",
           "https://r.example/v2/a/tags/list?last=b&n=2");
    expect("<list?last=b>; rel=next", "https://r.example/v2/a/tags/list?last=b");
    expect("<?last=b>;rel=\"next\"", "https://r.example/v2/a/tags/list?last=b");
    expect("<https://r.example:443/x>; REL=\"NEXT\"", "https://r.example:443/x");
    expect("<HTTPS://R.Example/x>; rel=next", "https://R.Example/x");
    expect("</p>; rel=\"prev\", </n>; rel=\"next\"", "https://r.example/n");
    expect("</n>; title=\"a, b; c\\\"\"; rel=\"last next\"", "https://r.example/n");
    expect("</n,m;o>; rel=next", "https://r.example/n,m;o");
    expect("</n> ; x ; rel = next", "https://r.example/n");
    expect("", NULL);
    expect("</n>", NULL);
    expect("</n>; rel=prev; rel=next", NULL);
    expect("</n>; rel=next; anchor=\"#x\"", NULL);
    expect("</n>; rel=nextly", NULL);
    expect("</n>; rel", NULL);
    expect(" , ,", NULL);
}

static void test_link__refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "</n; rel=next",
        "x; rel=next",
        "</n>; rel=\"next",
        "</n>; =next",
        "</n> x; rel=next",
        "</a b>; rel=next",
        "</a\\b>; rel=next",
        "<http://r.example/n>; rel=next",
        "<https://evil.example/n>; rel=next",
        "<//evil.example/n>; rel=next",
        "<https://r.example:444/n>; rel=next",
        "<https://r.example@evil.example/n>; rel=next",
        "<https://u:p@r.example/n>; rel=next",
        "<file:///etc/passwd>; rel=next",
        "<https:n>; rel=next",
        "<https:///n>; rel=next",
        "<https://r.example:/n>; rel=next",
        "<https://../n>; rel=next",
        "</\xc3\xa4>; rel=next",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refused(bad[i], BFC_E_CORRUPT);
}

/* What libcurl would take for a host, and put together wrongly. */
static void test_link__odd_requests(void **state)
{
    (void)state;
    static const char *const bad[] = {"https:/..///r.example/tags", "https://../tags", "/tags",
                                      "https://u:p@r.example/tags", "https://r.example/a b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *next = NULL;
        assert_int_equal(bfci_link_next("<n>; rel=next", bad[i], &next, NULL), BFC_E_CORRUPT);
        assert_null(next);
    }
}

static void test_link__limits(void **state)
{
    (void)state;
    static char text[LINK_HEADER_MAX + 2];

    memset(text, ',', sizeof text - 1);
    refused(text, BFC_E_LIMIT);
    memset(text, 'a', LINK_HEADER_MAX);
    text[0] = '<';
    memcpy(text + LINK_URL_MAX + 3, ">;rel=next", 11);
    refused(text, BFC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link__next),
        cmocka_unit_test(test_link__refused),
        cmocka_unit_test(test_link__odd_requests),
        cmocka_unit_test(test_link__limits),
    };
    return cmocka_run_group_tests_name("net link", tests, NULL, NULL);
}
