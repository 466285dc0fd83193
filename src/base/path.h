/* SPDX-License-Identifier: Apache-2.0 */
/* Names and paths inside containers: the one validator, and splitting into parts. */
#ifndef BFCI_BASE_PATH_H
#define BFCI_BASE_PATH_H

#include "base/base.h"

#define BFCI_NAME_MAX 255
#define BFCI_DEPTH_MAX 4096

/* docs/format.md, section 6: 1 to 255 bytes, no NUL, no '/', not "." or "..". */
bool bfci_name_ok(const char *name, size_t len);

/* Steps through the parts of a path: leading, doubled and trailing '/' and "." parts are skipped.
 * Returns false at the end. ".." comes as a part: the caller decides. */
typedef struct bfci_parts {
    const char *next;
} bfci_parts;
bool bfci_parts_next(bfci_parts *it, const char **part, size_t *len);

/* "a//b/./c/" → "a/b/c". Fails with BFC_E_INVALID on "..", on a part over 255 bytes, on too many
 * parts. */
int bfci_path_normalize(const char *path, char **out, bfc_err *err);

#endif
