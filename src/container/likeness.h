/* SPDX-License-Identifier: Apache-2.0 */
/* The order of likeness: files whose contents are probably alike stand together, whatever folders
 * they are in, so that they come into the same block. Names, modes and sizes decide. */
#ifndef BFCI_CONTAINER_LIKENESS_H
#define BFCI_CONTAINER_LIKENESS_H

#include "format/limits.h"
#include "format/page.h"

/* A key that sorts a regular file; no two inodes have the same. */
bfci_span bfci_likeness_key(uint8_t out[KEY_MAX], const char *name, unsigned mode, uint64_t size,
                            uint64_t ino);
/* Another name of an inode comes behind all inodes, and behind the names that it has already. */
bfci_span bfci_likeness_link_key(uint8_t out[KEY_MAX], uint64_t ino, uint64_t link_count);

#endif
