/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: well-formed ones, and the names of machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oci/platform.h"

static void test_platform__forms(void **state)
{
    (void)state;
    static const char *const yes[] = {"linux/amd64", "linux/arm/v7", "linux/386", "a/b/c",
                                      "linux/x-y_z.1"};
    static const char *const no[] = {
        "",          "linux",     "linux/",      "/amd64",
        "linux//v7", "a/b/c/d",   "Linux/amd64", "linux/amd64/",
        "linux/-a",  "linux/a b", "linux/\xff",  "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        AUTO_FREE char *got = NULL;
        assert_int_equal(bfci_platform_get(yes[i], &got, NULL), 0);
        assert_string_equal(got, yes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        char *got = NULL;
        bfc_err err = BFC_ERR_INIT;
        if (bfci_platform_get(no[i], &got, &err) != BFC_E_INVALID)
            fail_msg("'%s' was taken", no[i]);
        assert_null(got);
        assert_non_null(strstr(err.msg, "os/architecture[/variant]"));
    }
}

static void test_platform__machines(void **state)
{
    (void)state;
    assert_string_equal(bfci_platform_of_machine("x86_64"), "amd64");
    assert_string_equal(bfci_platform_of_machine("aarch64"), "arm64");
    assert_string_equal(bfci_platform_of_machine("armv7l"), "arm/v7");
    assert_string_equal(bfci_platform_of_machine("i686"), "386");
    assert_string_equal(bfci_platform_of_machine("riscv64"), "riscv64");
    assert_string_equal(bfci_platform_of_machine("newmachine"), "newmachine");
}

static void test_platform__of_this_machine(void **state)
{
    (void)state;
    AUTO_FREE char *got = NULL;
    assert_int_equal(bfci_platform_get(NULL, &got, NULL), 0);
    assert_int_equal(strncmp(got, "linux/", 6), 0);
#if defined(__x86_64__)
    assert_string_equal(got, "linux/amd64");
#endif
}

static void test_platform__usual_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *usual;
    } cases[] = {
        {"linux/x86_64", "linux/amd64"},      {"linux/x86-64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64"},    {"linux/amd64/v3", "linux/amd64/v3"},
        {"linux/aarch64", "linux/arm64"},     {"linux/arm64/v8", "linux/arm64"},
        {"linux/arm64/v9", "linux/arm64/v9"}, {"linux/armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},      {"linux/i386", "linux/386"},
        {"macos/aarch64", "darwin/arm64"},    {"linux/arm", "linux/arm"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *got = NULL;
        assert_int_equal(bfci_platform_get(cases[i].text, &got, NULL), 0);
        assert_string_equal(got, cases[i].usual);
    }
}

static void test_platform__parts(void **state)
{
    (void)state;
    AUTO_PLATFORM bfci_platform p = {0};
    AUTO_FREE char *text = NULL;
    assert_int_equal(bfci_platform_parse("linux/armhf", &p, NULL), 0);
    assert_string_equal(p.os, "linux");
    assert_string_equal(p.arch, "arm");
    assert_string_equal(p.variant, "v7");
    assert_null(p.os_version);
    assert_int_equal(bfci_platform_text(&p, &text, NULL), 0);
    assert_string_equal(text, "linux/arm/v7");
    bfci_platform_release(&p);
    assert_int_equal(bfci_platform_parse("linux/amd64", &p, NULL), 0);
    assert_null(p.variant);
    bfci_platform_release(&p);
    assert_int_equal(bfci_platform_parse("linux", &p, NULL), BFC_E_INVALID);
    assert_null(p.os);
}

static void test_platform__text_of_documents(void **state)
{
    (void)state;
    static const struct {
        const char *os, *arch, *variant, *text;
    } cases[] = {
        {NULL, NULL, NULL, "unknown/unknown"},
        {"linux", NULL, NULL, "linux/unknown"},
        {"linux", "arm64", "v8", "linux/arm64"},
        {"linux", "a/b", NULL, NULL},
        {"linux/a", "b", NULL, NULL},
        {"linux", "a", "b/c", NULL},
        {"Linux", "amd64", NULL, NULL},
        {"linux", "\x1b[2J", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *os = NULL;
        AUTO_FREE char *arch = NULL;
        AUTO_FREE char *variant = NULL;
        AUTO_FREE char *text = NULL;
        bfc_err err = BFC_ERR_INIT;
        assert_true(!cases[i].os || bfci_strdup(cases[i].os, &os, NULL) == 0);
        assert_true(!cases[i].arch || bfci_strdup(cases[i].arch, &arch, NULL) == 0);
        assert_true(!cases[i].variant || bfci_strdup(cases[i].variant, &variant, NULL) == 0);
        const bfci_platform p = {os, arch, variant, NULL};
        assert_int_equal(bfci_platform_text(&p, &text, &err), cases[i].text ? 0 : BFC_E_CORRUPT);
        if (cases[i].text)
            assert_string_equal(text, cases[i].text);
        assert_null(strchr(err.msg, '\x1b'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform__forms),
        cmocka_unit_test(test_platform__machines),
        cmocka_unit_test(test_platform__of_this_machine),
        cmocka_unit_test(test_platform__usual_form),
        cmocka_unit_test(test_platform__parts),
        cmocka_unit_test(test_platform__text_of_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
