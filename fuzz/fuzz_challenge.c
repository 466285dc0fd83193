/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate: two lines of an answer, the second after a newline. */
#include "fuzz.h"

#include "net/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_CHALLENGES bfci_challenges c = BFCI_CHALLENGES_INIT;
    AUTO_FREE char *header = NULL;
    bfc_err err = BFC_ERR_INIT;

    FUZZ_CHECK(bfci_memdup_str((const char *)data, size, &header, NULL) == 0);
    char *newline = strchr(header, '\n');
    if (newline)
        *newline = '\0';
    int rc = bfci_challenges_add(&c, header, &err);
    FUZZ_CHECK(rc == 0 || (err.msg[0] && c.count == 0));
    if (newline)
        (void)bfci_challenges_add(&c, newline + 1, NULL);
    FUZZ_CHECK(c.count <= CHALLENGES_MAX);
    const bfci_challenge *pick = bfci_challenges_pick(&c);
    FUZZ_CHECK(!pick || pick->scheme != CHALLENGE_OTHER);
    FUZZ_CHECK(!pick || pick->scheme != CHALLENGE_BEARER || pick->realm);
    return 0;
}
