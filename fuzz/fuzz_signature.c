/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures. Byte 0: odd means a line of text, else an entry, the key first. What is read is what
 * would be written, byte by byte. */
#include "fuzz.h"

#include "format/signature.h"

static void text(const char *line, size_t len)
{
    bfc_signature s;
    char again[BFC_SIGNATURE_TEXT_MAX];

    if (bfci_signature_text_decode(line, len, &s, NULL) < 0)
        return;
    bfc_signature_text(&s, again);
    FUZZ_CHECK(strlen(again) == len && memcmp(again, line, len) == 0);
}

static void entry(const uint8_t *data, size_t size)
{
    const size_t key_len = MIN(size, (size_t)SIGNATURE_KEY_SIZE);
    const bfci_span key = {data, key_len}, value = {data + key_len, size - key_len};
    uint8_t key_again[SIGNATURE_KEY_SIZE];
    AUTO_BUF buf b = BUF_INIT;
    bfc_signature s;
    bool known = false, valid = false;

    if (bfci_signature_decode(key, value, &s, &known, NULL) < 0 || !known)
        return;
    FUZZ_CHECK(bfc_signature_check(&s, &valid, NULL) == 0);
    FUZZ_CHECK(bfci_span_compare(bfci_signature_key(key_again, s.root_digest, s.signer), key) == 0);
    bfci_signature_value_encode(&b, &s);
    fuzz_same(&b, value.p, value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 1)
        text((const char *)data + 1, size - 1);
    else
        entry(data + 1, size - 1);
    return 0;
}
