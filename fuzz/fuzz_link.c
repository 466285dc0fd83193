/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers: what comes out stays where it was asked for, and is itself again. Input: the URL
 * that was asked for, a newline, and the header. */
#include "fuzz.h"

#include "net/http.h"
#include "net/link.h"

static void check_next(const char *request, const char *next)
{
    AUTO_FREE char *again = NULL;
    const char *up = strstr(next, "/../"), *query = strchr(next, '?');

    FUZZ_CHECK(bfci_http_same_origin(request, next));
    FUZZ_CHECK((!up || (query && query < up)) && !strchr(next, '#') && !strchr(next, ' '));
    if (strlen(next) <= BFCI_HTTP_URL_MAX)
        FUZZ_CHECK(bfci_http_resolve(request, next, &again, NULL) == 0 && strcmp(next, again) == 0);
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
        check_next(text, next);
    return 0;
}
