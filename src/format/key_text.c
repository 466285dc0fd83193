/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as text: a word that says what it is, and base64url of the key with its CRC32C, so that a
 * key that was mistyped or cut is known for it. */
#include "format/key_text.h"

#include <stdio.h>

#include "base/cursor.h"
#include "codec/base64.h"
#include "codec/digest.h"

enum {
    CHECKED_SIZE = BFCI_KEY_SIZE + 4,
    FORMS = KEY_FORM_SIGNER + 1
};

static const struct {
    const char *prefix, *name;
} forms[FORMS] = {
    [KEY_FORM_IDENTITY] = {"bfc-identity:", "an identity (a secret key)"},
    [KEY_FORM_RECIPIENT] = {"bfc-recipient:", "a recipient (a public key)"},
    [KEY_FORM_SIGNING_KEY] = {"bfc-signing-key:", "a signing key (a secret key)"},
    [KEY_FORM_SIGNER] = {"bfc-signer:", "a signer (a public key)"},
};

_Static_assert(sizeof "bfc-signing-key:" + BFCI_BASE64_SIZE(CHECKED_SIZE) <= BFC_KEY_TEXT_MAX,
               "room for the longest form");

void bfci_key_text_encode(enum bfci_key_form form, const uint8_t key[BFCI_KEY_SIZE],
                          char out[BFC_KEY_TEXT_MAX])
{
    uint8_t checked[CHECKED_SIZE];
    size_t prefix_len = strlen(forms[form].prefix);

    memcpy(checked, key, BFCI_KEY_SIZE);
    put_u32le(checked + BFCI_KEY_SIZE, bfci_crc32c(key, BFCI_KEY_SIZE));
    memcpy(out, forms[form].prefix, prefix_len);
    bfci_base64url(checked, sizeof checked, out + prefix_len);
    bfci_wipe(checked, sizeof checked);
}

static bool decode_key(const char *text, size_t len, uint8_t key[BFCI_KEY_SIZE])
{
    uint8_t checked[CHECKED_SIZE];
    bool good = bfci_unbase64url(text, len, checked, sizeof checked) &&
                get_u32le(checked + BFCI_KEY_SIZE) == bfci_crc32c(checked, BFCI_KEY_SIZE);

    if (good)
        memcpy(key, checked, BFCI_KEY_SIZE);
    bfci_wipe(checked, sizeof checked);
    return good;
}

int bfci_key_text_decode(const char *text, size_t len, enum bfci_key_form *form,
                         uint8_t key[BFCI_KEY_SIZE], bfc_err *err)
{
    for (unsigned i = 0; i < FORMS; i++) {
        size_t prefix_len = strlen(forms[i].prefix);
        if (len < prefix_len || memcmp(text, forms[i].prefix, prefix_len) != 0)
            continue;
        if (!decode_key(text + prefix_len, len - prefix_len, key))
            return bfci_fail(err, BFC_E_INVALID,
                             "not a whole key behind '%s': it was cut or mistyped",
                             forms[i].prefix);
        *form = (enum bfci_key_form)i;
        return 0;
    }
    return bfci_fail(err, BFC_E_INVALID,
                     "no key of bfc: it does not start with 'bfc-identity:', 'bfc-recipient:', "
                     "'bfc-signing-key:' or 'bfc-signer:'");
}

int bfci_key_text_decode_as(const char *text, size_t len, enum bfci_key_form want,
                            uint8_t key[BFCI_KEY_SIZE], bfc_err *err)
{
    enum bfci_key_form form = want;
    uint8_t got[BFCI_KEY_SIZE];

    BFC_TRY(bfci_key_text_decode(text, len, &form, got, err));
    if (form == want)
        memcpy(key, got, BFCI_KEY_SIZE);
    bfci_wipe(got, sizeof got);
    if (form != want)
        return bfci_fail(err, BFC_E_INVALID, "that is %s; %s is needed", forms[form].name,
                         forms[want].name);
    return 0;
}
