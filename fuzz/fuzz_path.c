/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as users and containers give them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *path = NULL, *once = NULL, *twice = NULL;
    const char *part;
    size_t len;

    FUZZ_CHECK(bfci_memdup_str((const char *)data, size, &path, NULL) == 0);
    if (bfci_path_normalize(path, &once, NULL) < 0)
        return 0;
    bfci_parts parts = {once};
    while (bfci_parts_next(&parts, &part, &len))
        FUZZ_CHECK(bfci_name_ok(part, len));
    FUZZ_CHECK(once[0] != '/' && !strstr(once, "//"));
    FUZZ_CHECK(bfci_path_normalize(once, &twice, NULL) == 0 && strcmp(once, twice) == 0);
    return 0;
}
