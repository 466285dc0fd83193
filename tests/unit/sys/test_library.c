/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries that are loaded when they are needed: there, not there, and there without what we need.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/library.h"

typedef struct functions {
    int (*before)(void);
    unsigned long (*version)(void);
} functions;

static void test_library__is_loaded(void **state)
{
    (void)state;
    static const bfci_library_function wanted[] = {
        {"OpenSSL_version_num", offsetof(functions, version)}};
    functions f = {0};

    for (int i = 0; i < 2; i++)
        assert_int_equal(bfci_library_load(BFC_LIBCRYPTO, wanted, 1, &f, NULL), 0);
    assert_null(f.before);
    assert_true(f.version() >= 0x30000000UL);
}

static void test_library__is_not_there(void **state)
{
    (void)state;
    functions f = {0};
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_library_load("libno-such.so.1", NULL, 0, &f, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "'libno-such.so.1' cannot be loaded"));
}

static void test_library__lacks_a_function(void **state)
{
    (void)state;
    static const bfci_library_function wanted[] = {{"OpenSSL_no_such_function", 0}};
    functions f = {0};
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_library_load(BFC_LIBCRYPTO, wanted, 1, &f, &err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "has no OpenSSL_no_such_function()"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library__is_loaded),
        cmocka_unit_test(test_library__is_not_there),
        cmocka_unit_test(test_library__lacks_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
