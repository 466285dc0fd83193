/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers, and URLs beside URLs: what comes out stays where it was asked for, and is itself
 * again. Input: the URL that was asked for, a newline, and the header. */
#include "fuzz.h"

#include "net/link.h"

static void check_resolved(const char *base, const char *target)
{
    AUTO_FREE char *once = NULL, *twice = NULL;

    if (bfci_url_resolve(base, target, &once, NULL) < 0)
        return;
    const char *up = strstr(once, "/../"), *query = strchr(once, '?');
    FUZZ_CHECK((!up || (query && query < up)) && !strchr(once, '#') && !strchr(once, ' '));
    if (strlen(once) <= LINK_URL_MAX) {
        FUZZ_CHECK(bfci_url_resolve(base, once, &twice, NULL) == 0 && strcmp(once, twice) == 0);
        FUZZ_CHECK(bfci_url_same_origin(once, twice));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = NULL, *next = NULL;

    FUZZ_CHECK(bfci_memdup_str((const char *)data, size, &text, NULL) == 0);
    char *newline = strchr(text, '\n');
    if (!newline)
        return 0;
    *newline = '\0';
    if (bfci_link_next(newline + 1, text, &next, NULL) == 0 && next)
        FUZZ_CHECK(bfci_url_same_origin(text, next));
    check_resolved(text, newline + 1);
    return 0;
}
