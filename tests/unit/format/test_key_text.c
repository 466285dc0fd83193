/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text, against lines that were made by another program (Python's base64, and a CRC32C bit
 * by bit), and every character of one changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "format/key_text.h"

#define COUNTED "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9Oed1G"
#define ALL_ONES "__________________________________________9Dq6hi"

static void test_key_text__known(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "bfc-identity:", "bfc-recipient:", "bfc-signing-key:", "bfc-signer:"};
    uint8_t counted[BFCI_KEY_SIZE], ones[BFCI_KEY_SIZE];
    for (uint8_t i = 0; i < sizeof counted; i++)
        counted[i] = i;
    memset(ones, 0xff, sizeof ones);

    for (unsigned form = 0; form < ARRAY_LEN(prefixes); form++) {
        char want[BFC_KEY_TEXT_MAX], text[BFC_KEY_TEXT_MAX];
        enum bfci_key_form got = KEY_FORM_IDENTITY;
        uint8_t key[BFCI_KEY_SIZE] = {0};

        (void)snprintf(want, sizeof want, "%s%s", prefixes[form], COUNTED);
        bfci_key_text_encode((enum bfci_key_form)form, counted, text);
        assert_string_equal(text, want);
        assert_int_equal(bfci_key_text_decode(text, strlen(text), &got, key, NULL), 0);
        assert_int_equal(got, form);
        assert_memory_equal(key, counted, sizeof key);

        bfci_key_text_encode((enum bfci_key_form)form, ones, text);
        assert_string_equal(text + strlen(prefixes[form]), ALL_ONES);
    }
}

static void refuse(const char *text, size_t len, const char *words)
{
    bfc_err err = BFC_ERR_INIT;
    enum bfci_key_form form = KEY_FORM_SIGNER;
    uint8_t key[BFCI_KEY_SIZE] = {1, 2, 3};

    assert_int_equal(bfci_key_text_decode(text, len, &form, key, &err), BFC_E_INVALID);
    assert_non_null(strstr(err.msg, words));
    assert_null(strstr(err.msg, "AAEC")); /* nothing of the key */
    assert_int_equal(form, KEY_FORM_SIGNER);
    assert_memory_equal(key, "\1\2\3", 3);
}

static void test_key_text__refused(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "",      "bfc-identity",           "BFC-IDENTITY:" COUNTED,
        COUNTED, " bfc-identity:" COUNTED, "age1" COUNTED};
    static const char *const broken[] = {"bfc-identity:",
                                         "bfc-identity:" COUNTED "A",
                                         "bfc-identity:" COUNTED "=",
                                         "bfc-identity:" COUNTED " ",
                                         "bfc-identity: " COUNTED,
                                         "bfc-identity:" COUNTED "\n"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        refuse(unknown[i], strlen(unknown[i]), "no key of bfc");
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        refuse(broken[i], strlen(broken[i]), "not a whole key");
}

static void test_key_text__each_character(void **state)
{
    (void)state;
    static const char others[] = "Az09-_+/=. \n";
    char text[] = "bfc-recipient:" COUNTED;
    size_t from = sizeof "bfc-recipient:" - 1, len = sizeof text - 1;

    for (size_t i = from; i < len; i++) {
        char was = text[i];
        refuse(text, i, "not a whole key");
        for (const char *other = others; *other; other++) {
            text[i] = *other;
            if (*other != was)
                refuse(text, len, "not a whole key");
        }
        text[i] = '\0';
        refuse(text, len, "not a whole key");
        text[i] = was;
    }
}

static void test_key_text__wanted_form(void **state)
{
    (void)state;
    bfc_err err = BFC_ERR_INIT;
    uint8_t key[BFCI_KEY_SIZE] = {0};
    static const char text[] = "bfc-identity:" COUNTED;

    assert_int_equal(bfci_key_text_decode_as(text, strlen(text), KEY_FORM_RECIPIENT, key, &err),
                     BFC_E_INVALID);
    assert_non_null(strstr(err.msg, "identity"));
    assert_non_null(strstr(err.msg, "recipient"));
    assert_int_equal(key[1], 0);
    assert_int_equal(bfci_key_text_decode_as(text, strlen(text), KEY_FORM_IDENTITY, key, NULL), 0);
    assert_int_equal(key[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_text__known),
        cmocka_unit_test(test_key_text__refused),
        cmocka_unit_test(test_key_text__each_character),
        cmocka_unit_test(test_key_text__wanted_form),
    };
    return cmocka_run_group_tests_name("key text", tests, NULL, NULL);
}
