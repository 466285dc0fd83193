/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of images: what is accepted is a reference or a pattern of one, has a name here, and can be
 * asked for every tag. */
#include "fuzz.h"

#include "net/glob.h"
#include "net/sync_list.h"

static void check_entry(const bfci_sync_entry *e)
{
    static const char *const tags[] = {"latest", "1.25.3-alpine", "a", "_", "]", "-"};
    bfci_remote_ref ref;
    bfci_reference name;

    FUZZ_CHECK(e->line > 0 && e->repository && !e->reference != !e->pattern);
    FUZZ_CHECK(e->pattern || e->not_count == 0);
    FUZZ_CHECK(bfci_remote_ref_parse(e->reference ? e->reference : e->repository, &ref, NULL) == 0);
    FUZZ_CHECK(bfci_sync_entry_name(e, e->pattern ? "x" : NULL, &name, NULL) == 0);
    for (size_t i = 0; e->pattern && i < ARRAY_LEN(tags); i++)
        (void)bfci_sync_entry_wants(e, tags[i]);
    if (e->pattern && !bfci_glob_is_pattern(e->pattern))
        FUZZ_CHECK(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_SYNC_LIST bfci_sync_list list = {0};
    bfc_err err = BFC_ERR_INIT;

    if (bfci_sync_list_parse(data, size, "f", &list, &err) < 0) {
        FUZZ_CHECK(err.msg[0] && list.count == 0);
        return 0;
    }
    for (size_t i = 0; i < list.count; i++)
        check_entry(&list.entry[i]);
    return 0;
}
