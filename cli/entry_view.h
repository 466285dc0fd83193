/* SPDX-License-Identifier: Apache-2.0 */
/* How an entry of a tree is shown, by list and info. */
#ifndef CLI_ENTRY_VIEW_H
#define CLI_ENTRY_VIEW_H

#include "cli.h"

const char *entry_type_name(enum bfc_type type); /* "file", "dir", … */
/* "-rwsr-xr-x" as ls -l writes it */
enum {
    MODE_TEXT_MAX = 11
};
void entry_mode(char out[MODE_TEXT_MAX], enum bfc_type type, uint32_t mode);
json_t *entry_json(const bfc_entry *entry);

#endif
