/* SPDX-License-Identifier: Apache-2.0 */
/* A list of images that are to be kept in step (bfc-image-sync(1), "THE LIST"): a line each, a
 * reference or a pattern of tags, then options. Pure; any thread. */
#ifndef BFCI_NET_SYNC_LIST_H
#define BFCI_NET_SYNC_LIST_H

#include "net/reference.h"

enum {
    SYNC_LIST_SIZE_MAX = 1 << 20,
    SYNC_LINE_MAX = 4096,
    SYNC_ENTRIES_MAX = 4096,
    SYNC_PATTERN_MAX = 256,
    SYNC_NOT_MAX = 64 /* patterns of one line that take tags away */
};

typedef struct bfci_sync_entry {
    unsigned line;    /* from 1 */
    char *repository; /* as it stands there: "docker.io/library/debian" */
    char *reference;  /* of one image, all of it; NULL: `pattern` says which */
    char *pattern;    /* of tags */
    char **not_tag;   /* patterns of tags that are not taken */
    size_t not_count;
    char *as;       /* what the images are called here, without a tag; NULL: as they are there */
    char *as_tag;   /* of one image; NULL: as it is there */
    char *platform; /* "os/arch[/variant]" or NULL */
    bool all_platforms, artifact;
} bfci_sync_entry;

typedef struct bfci_sync_list {
    bfci_sync_entry *entry;
    size_t count, cap;
} bfci_sync_list;
void bfci_sync_list_release(bfci_sync_list *l);
#define AUTO_SYNC_LIST __attribute__((cleanup(bfci_sync_list_release)))

/* `path` is for messages: "PATH:LINE: …". BFC_E_INVALID, BFC_E_LIMIT. */
int bfci_sync_list_parse(const uint8_t *text, size_t len, const char *path, bfci_sync_list *out,
                         bfc_err *err);

/* Whether the tag is one of those that a line with a pattern wants. */
bool bfci_sync_entry_wants(const bfci_sync_entry *e, const char *tag);
/* What an image of the line is called in the store; `tag` is that of the pattern, and NULL where
 * there is none. */
int bfci_sync_entry_name(const bfci_sync_entry *e, const char *tag, bfci_reference *out,
                         bfc_err *err);

#endif
