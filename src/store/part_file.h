/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on their way here: FOLDER/sha256-HEX.part, a file that grows while somebody fetches it, and
 * that the next one goes on with. Who fetches holds an exclusive flock() on it, who reads one that
 * is whole a shared one: what nobody holds is left over. What is in a file is not to be believed:
 * who reads it compares its digest. */
#ifndef BFCI_STORE_PART_FILE_H
#define BFCI_STORE_PART_FILE_H

#include <bfc/image.h>

#include "oci/digest.h"

typedef struct bfci_part {
    int fd;
    char *path;
    uint64_t have; /* bytes that were there when it was opened */
    bool is_whole;
} bfci_part;
#define BFCI_PART_INIT                                                                             \
    {                                                                                              \
        -1, NULL, 0, false                                                                         \
    }

/* Opens the part of a blob of `size` bytes, or makes it; its folder must be there (else
 * BFC_E_NOT_FOUND). A file that is longer begins anew. BFC_E_BUSY: somebody else is fetching it;
 * calling again with the same part tries again, and takes what that one has brought, also when its
 * name is gone by then. */
int bfci_part_open(const char *folder, const bfci_digest *digest, uint64_t size, bfci_part *part,
                   bfc_err *err);
/* It is whole: from now on others may read it, too. */
void bfci_part_finish(bfci_part *part);
/* Lets it go as it is: the next one goes on with it. */
void bfci_part_close(bfci_part *part);
/* Lets it go and removes its file, if it still has that name. */
void bfci_part_remove(bfci_part *part);

/* Tells of the parts in a folder that nobody holds and, unless dry_run, removes them. Adds to
 * *report. A folder that is not there has none. */
int bfci_parts_prune(const char *folder, bool dry_run, bfc_prune_fn *fn, void *ctx,
                     bfc_prune_report *report, bfc_err *err);

#endif
