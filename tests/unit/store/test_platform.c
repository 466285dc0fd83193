/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: well-formed ones, and the names of machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/platform.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform__forms),
        cmocka_unit_test(test_platform__machines),
        cmocka_unit_test(test_platform__of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
