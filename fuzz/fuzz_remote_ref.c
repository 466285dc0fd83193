/* SPDX-License-Identifier: Apache-2.0 */
/* Names that go to a registry: what is accepted has a canonical form that reads as itself, and no
 * part of it could mean anything else in a URL. */
#include "fuzz.h"

#include "net/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *name = NULL;
    bfci_remote_ref ref, again;
    char text[REMOTE_TEXT_SIZE], twice[REMOTE_TEXT_SIZE];

    FUZZ_CHECK(bfci_memdup_str((const char *)data, size, &name, NULL) == 0);
    (void)bfci_remote_is_loopback(name);
    if (bfci_remote_ref_parse(name, &ref, NULL) < 0)
        return 0;
    bfci_remote_ref_text(&ref, text);
    FUZZ_CHECK(ref.host[0] && ref.path[0] && (ref.tag[0] || ref.has_digest));
    FUZZ_CHECK(!strpbrk(ref.host, "/@?# %\\") && !strpbrk(ref.path, ":@?# %\\") &&
               !strpbrk(ref.tag, "/:@?# %\\"));
    FUZZ_CHECK(!strstr(ref.path, "..") && !strstr(ref.path, "//") && ref.path[0] != '/');
    FUZZ_CHECK(bfci_remote_ref_parse(text, &again, NULL) == 0 && !again.is_short);
    bfci_remote_ref_text(&again, twice);
    FUZZ_CHECK(strcmp(text, twice) == 0);
    return 0;
}
