/* SPDX-License-Identifier: Apache-2.0 */
/* A key as text: what is read is what would be written, character by character. */
#include "fuzz.h"

#include "format/key_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum bfci_key_form form;
    uint8_t key[BFCI_KEY_SIZE];
    char again[BFC_KEY_TEXT_MAX];

    if (bfci_key_text_decode((const char *)data, size, &form, key, NULL) < 0)
        return 0;
    bfci_key_text_encode(form, key, again);
    FUZZ_CHECK(strlen(again) == size && memcmp(again, data, size) == 0);
    return 0;
}
