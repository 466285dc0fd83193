/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of extended attributes. */
#include "fuzz.h"

enum {
    ITEMS_MAX = 4096
};

typedef struct items {
    bfci_xattr_item item[ITEMS_MAX];
    size_t count;
} items;

static int take(void *ctx, const bfci_xattr_item *item, bfc_err *err)
{
    items *all = ctx;

    (void)err;
    FUZZ_CHECK(item->name.len >= 1 && !memchr(item->name.p, 0, item->name.len));
    if (all->count < ITEMS_MAX)
        all->item[all->count] = *item;
    all->count++;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static items all;
    AUTO_BUF buf b = BUF_INIT;
    size_t count = 0;

    all.count = 0;
    if (bfci_xattr_set_each((bfci_span){data, size}, take, &all, &count, NULL) < 0) {
        FUZZ_CHECK(all.count == 0); /* nobody is called before all was checked */
        return 0;
    }
    FUZZ_CHECK(count == all.count && count > 0);
    if (count <= ITEMS_MAX) {
        bfci_xattr_set_encode(&b, all.item, count);
        fuzz_same(&b, data, size);
    }
    return 0;
}
