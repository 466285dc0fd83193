/* SPDX-License-Identifier: Apache-2.0 */
/* Trust files, and files of signatures (byte 0 odd). What was read is whole, and nothing of a file
 * that is refused is believed. */
#include "fuzz.h"

#include "container/trust.h"

static void signers(bfc_trust *t, const char *text, size_t len)
{
    const char *name = NULL;

    if (bfci_trust_parse(t, text, len, NULL) < 0) {
        FUZZ_CHECK(t->signer_count == 0);
        return;
    }
    FUZZ_CHECK(t->signer_count > 0);
    for (size_t i = 0; i < t->signer_count; i++) {
        FUZZ_CHECK(bfc_trust_has(t, t->signer[i].key, &name) && name == t->signer[i].name);
        FUZZ_CHECK(*name && !strpbrk(name, " \t\n\r\x1b"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bfc_trust *t = NULL;

    if (size < 1)
        return 0;
    FUZZ_CHECK(bfc_trust_new(&t, NULL) == 0);
    if (data[0] & 1) {
        int rc = bfci_trust_parse_signatures(t, (const char *)data + 1, size - 1, NULL);
        FUZZ_CHECK((rc == 0) == (t->beside_count > 0));
    } else {
        signers(t, (const char *)data + 1, size - 1);
    }
    bfc_trust_free(t);
    return 0;
}
