/* SPDX-License-Identifier: Apache-2.0 */
/* The blob that describes an image: what create writes, and what strangers may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/facts.h"

static int decode(const char *json, char **platform, bfc_err *err)
{
    return bfci_facts_decode((const uint8_t *)json, strlen(json), platform, err);
}

static void test_facts__text_is_fixed(void **state)
{
    (void)state;
    AUTO_FREE char *json = NULL;
    assert_int_equal(bfci_facts_encode("linux/amd64", &json, NULL), 0);
    assert_string_equal(
        json, "{\"schema\":\"bfc.image/1\",\"platform\":\"linux/amd64\",\"source\":\"directory\"}");
}

static void test_facts__come_back(void **state)
{
    (void)state;
    AUTO_FREE char *json = NULL;
    AUTO_FREE char *platform = NULL;
    assert_int_equal(bfci_facts_encode("linux/arm/v7", &json, NULL), 0);
    assert_int_equal(decode(json, &platform, NULL), 0);
    assert_string_equal(platform, "linux/arm/v7");
}

static void test_facts__unknown_members_are_fine(void **state)
{
    (void)state;
    AUTO_FREE char *platform = NULL;
    assert_int_equal(decode("{\"later\":[1,{}],\"platform\":\"a/b\",\"schema\":\"bfc.image/1\"}",
                            &platform, NULL),
                     0);
    assert_string_equal(platform, "a/b");
}

static void test_facts__hostile_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"", BFC_E_CORRUPT, "not JSON"},
        {"[]", BFC_E_CORRUPT, "lacks"},
        {"{}", BFC_E_CORRUPT, "lacks"},
        {"{\"schema\":\"bfc.image/1\"}", BFC_E_CORRUPT, "lacks"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":7}", BFC_E_CORRUPT, "lacks"},
        {"{\"schema\":\"bfc.image/2\",\"platform\":\"a/b\"}", BFC_E_UNSUPPORTED, "bfc.image/2"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"a\\u001bb\"}", BFC_E_CORRUPT, "a\\x1bb"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"a/b\"", BFC_E_CORRUPT, "not JSON"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"a/b\",\"platform\":\"c/d\"}", BFC_E_CORRUPT,
         "not JSON"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"a/b\"}x", BFC_E_CORRUPT, "not JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *platform = NULL;
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(decode(bad[i].json, &platform, &err), bad[i].code);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("%s: the message does not tell \"%s\": %s", bad[i].json, bad[i].message,
                     err.msg);
        assert_null(platform);
    }
}

static void test_facts__size_is_limited(void **state)
{
    (void)state;
    enum {
        LEN = 65537
    };
    AUTO_FREE uint8_t *json = NULL;
    char *platform = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_alloc(LEN, 1, &json, NULL), 0);
    memset(json, ' ', LEN);
    assert_int_equal(bfci_facts_decode(json, LEN, &platform, &err), BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "65536"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts__text_is_fixed),
        cmocka_unit_test(test_facts__come_back),
        cmocka_unit_test(test_facts__unknown_members_are_fine),
        cmocka_unit_test(test_facts__hostile_text),
        cmocka_unit_test(test_facts__size_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
