/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: what is accepted is canonical, is itself again, and comes back out of its file
 * name. */
#include "fuzz.h"

#include "store/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *name = NULL;
    bfci_reference ref, again;
    char escaped[BFCI_REFERENCE_MAX + 1];

    FUZZ_CHECK(bfci_memdup_str((const char *)data, size, &name, NULL) == 0);
    (void)bfci_reference_unescape(name, &again);
    (void)bfci_reference_part_ok(name);
    if (bfci_reference_parse(name, &ref, NULL) < 0)
        return 0;
    FUZZ_CHECK(ref.len == strlen(ref.text) && ref.last_at < ref.tag_at && ref.tag_at < ref.len);
    FUZZ_CHECK(bfci_reference_is_canonical(ref.text, &again) && strcmp(ref.text, again.text) == 0);
    FUZZ_CHECK(bfci_reference_parse(ref.text, &again, NULL) == 0 &&
               strcmp(ref.text, again.text) == 0);
    FUZZ_CHECK(ref.text[0] != '/' && ref.text[0] != '.' && !strstr(ref.text, "/.") &&
               !strstr(ref.text, "//"));
    bfci_reference_escape(&ref, escaped);
    FUZZ_CHECK(!strchr(escaped, '/') && bfci_reference_unescape(escaped, &again));
    FUZZ_CHECK(strcmp(ref.text, again.text) == 0);
    return 0;
}
