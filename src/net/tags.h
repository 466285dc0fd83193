/* SPDX-License-Identifier: Apache-2.0 */
/* What there is at a repository: its tags (distribution-spec 1.1, "Listing Tags"), and what names a
 * manifest as its subject ("Listing Referrers"), page by page. */
#ifndef BFCI_NET_TAGS_H
#define BFCI_NET_TAGS_H

#include "net/registry.h"
#include "oci/json.h"

enum {
    TAGS_MAX = 1 << 17,
    TAG_PAGE = 1000, /* that are asked for at once */
    PAGES_MAX = 4096,
    PAGE_SIZE_MAX = 4 << 20,
    REFERRERS_MAX = 4096
};

typedef struct bfci_tags {
    char **item; /* sorted, each once */
    size_t count, cap;
} bfci_tags;
void bfci_tags_release(bfci_tags *t);
#define AUTO_TAGS __attribute__((cleanup(bfci_tags_release)))

/* BFC_E_CORRUPT: what it calls tags are none; pages that lead in a circle. BFC_E_LIMIT. */
int bfci_tags_get(bfci_registry *r, bfci_tags *out, bfc_err *err);

/* Adds the descriptors of what refers to `digest` to a JSON array; a registry that does not know
 * how to list them is asked for the fallback tag. */
int bfci_referrers_get(bfci_registry *r, const bfci_digest *digest, json_t *array, bfc_err *err);

#endif
