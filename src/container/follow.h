/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as a process would see them whose root is a tree of a container: symbolic links are
 * followed, and never lead out of the tree. */
#ifndef BFCI_CONTAINER_FOLLOW_H
#define BFCI_CONTAINER_FOLLOW_H

#include <bfc/container.h>

#include "base/base.h"

enum {
    FOLLOW_LINKS_MAX = 40, /* as the kernel has it */
    FOLLOW_NAMES_MAX = 256 /* on the whole way, those of the links' targets counted */
};

/* As bfc_reader_stat(), but links on the way and at the end are followed. BFC_E_NOT_FOUND also for
 * one that leads nowhere, for a way through what is no folder, and for one that is too long. */
int bfci_reader_follow(bfc_reader *r, const char *path, bfc_entry *out, bfc_err *err);

/* The content of a regular file of at most `max` bytes (BFC_E_LIMIT beyond); BFC_E_NOT_FOUND for
 * what is no such file. NUL-terminated beyond *len; free(). */
int bfci_reader_file(bfc_reader *r, const char *path, size_t max, uint8_t **data, size_t *len,
                     bfc_err *err);

#endif
