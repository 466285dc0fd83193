/* SPDX-License-Identifier: Apache-2.0 */
/* Digests in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oci/digest.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_digest__come_back(void **state)
{
    (void)state;
    bfci_digest d, other;
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(bfci_digest_parse("sha256:" HEX, &d, NULL), 0);
    assert_int_equal(d.bytes[0], 0x01);
    assert_int_equal(d.bytes[31], 0xef);
    bfci_digest_text(&d, text);
    assert_string_equal(text, "sha256:" HEX);
    other = d;
    assert_true(bfci_digest_equal(&d, &other));
    other.bytes[31] ^= 1;
    assert_false(bfci_digest_equal(&d, &other));
}

static void test_digest__hostile(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"", BFC_E_CORRUPT, "'' is no digest"},
        {HEX, BFC_E_CORRUPT, "is no digest"},
        {"sha256:", BFC_E_CORRUPT, "'sha256:' is no digest"},
        {"sha256:" HEX "0", BFC_E_CORRUPT, "is no digest"},
        {"sha256:" HEX " ", BFC_E_CORRUPT, "is no digest"},
        {"sha256:X123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", BFC_E_CORRUPT,
         "is no digest"},
        {"sha256:A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", BFC_E_CORRUPT,
         "is no digest"},
        {"SHA256:" HEX, BFC_E_CORRUPT, "is no digest"},
        {":" HEX, BFC_E_CORRUPT, "is no digest"},
        {"../../../etc/passwd\x1b", BFC_E_CORRUPT, "passwd\\x1b"},
        {"sha512:" HEX HEX, BFC_E_UNSUPPORTED, "the algorithm is not sha256"},
        {"sha256+b64u:AA", BFC_E_UNSUPPORTED, "the algorithm is not sha256"},
        {"md5:\x1b", BFC_E_UNSUPPORTED, "'md5:\\x1b'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bfci_digest d = {{7}};
        bfc_err err = BFC_ERR_INIT;
        int rc = bfci_digest_parse(bad[i].text, &d, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("'%s': got %d \"%s\"", bad[i].text, rc, err.msg);
        assert_int_equal(d.bytes[0], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__come_back),
        cmocka_unit_test(test_digest__hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
