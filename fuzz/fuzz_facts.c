/* SPDX-License-Identifier: Apache-2.0 */
/* What a container says of its images: what was read and written again is read as the same. */
#include "fuzz.h"

#include "oci/facts.h"
#include "oci/platform.h"

/* Only an artifact may be of none. */
static bool platform_fits(const char *platform, bool is_artifact)
{
    return platform ? bfci_platform_ok(platform) : is_artifact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FACTS bfci_facts f = {0};
    AUTO_FACTS bfci_facts again = {0};
    AUTO_FREE char *once = NULL;
    AUTO_FREE char *twice = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_facts_decode(data, size, &f, &err) < 0) {
        FUZZ_CHECK(err.msg[0]);
        return 0;
    }
    FUZZ_CHECK(platform_fits(f.platform, bfci_facts_of_artifact(&f)));
    FUZZ_CHECK(f.source && f.image_count <= IMAGES_MAX);
    for (size_t i = 0; i < f.image_count; i++)
        FUZZ_CHECK(platform_fits(f.image[i].platform, f.image[i].is_artifact) &&
                   f.image[i].layer_count <= LAYERS_MAX);
    FUZZ_CHECK(bfci_facts_encode(&f, &once, NULL) == 0);
    FUZZ_CHECK(bfci_facts_decode((const uint8_t *)once, strlen(once), &again, NULL) == 0);
    FUZZ_CHECK(bfci_facts_encode(&again, &twice, NULL) == 0 && strcmp(once, twice) == 0);
    return 0;
}
