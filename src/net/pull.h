/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling as a part of something larger: with a client, and a session, that are there already. */
#ifndef BFCI_NET_PULL_H
#define BFCI_NET_PULL_H

#include "net/registry.h"

typedef struct bfci_pull_with {
    bfci_client *client;     /* borrowed; NULL: one is opened as the options say */
    bfci_registry *registry; /* likewise: a session with the repository of the reference, which is
                                asked before any other; may be NULL */
    const bfci_digest
        *told;      /* what `registry` said a moment ago that the reference names; or NULL */
    bool only_look; /* nothing is fetched or changed: *report tells what would be */
} bfci_pull_with;

/* Whether the options make sense. */
int bfci_pull_check(const bfc_image_pull_options *options, bfc_err *err);
/* As bfc_image_pull(); the options were checked. */
int bfci_pull(bfc_store *store, const char *reference, const bfc_image_pull_options *options,
              const bfci_pull_with *with, bfc_pull_report *report, bfc_image_info **out,
              bfc_err *err);

#endif
