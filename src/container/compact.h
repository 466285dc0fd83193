/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bfc_compact(): what its two halves share. First it is found out what is in use,
 * then that is copied, in the order of block numbers and keys, so that the same commit always gives
 * the same file. */
#ifndef BFCI_CONTAINER_COMPACT_H
#define BFCI_CONTAINER_COMPACT_H

#include "base/hooks.h"
#include "base/map.h"
#include "container/block_index.h"
#include "container/builder.h"
#include "container/table.h"
#include "format/key_slot.h"
#include "sys/file.h"

/* A block under another key has other sums. */
typedef struct bfci_compact_sums {
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
} bfci_compact_sums;

/* Writing a container under another file key, in its own place; key_rotate.c. */
typedef struct bfci_rotation {
    bfc_keys *kept; /* who can open the new one */
    bool dropped[BFCI_KEY_SLOTS];
    struct stat owner; /* of the old one */
    bfc_rotate_report report;
} bfci_rotation;
/* Fills in what follows from the old container, which is unlocked. */
int bfci_rotation_choose(bfci_rotation *r, const bfci_source *source, const bfc_keys *keys,
                         bfc_err *err);
/* The new file is as accessible as the old one. */
int bfci_rotation_own(const bfci_rotation *r, int fd, bfc_err *err);

typedef struct bfci_compact {
    bfc_compact_options options;
    bfci_source source;
    bfci_tables *tables;
    bfci_block_index blocks;
    uint64_t *offset; /* of each block in the new container; BFCI_BLOCK_DEAD or BFCI_BLOCK_LIVE
                         before it is copied */
    bfci_compact_sums *sums; /* likewise, of blocks that were sealed anew; else NULL */
    bfci_map xattrs;         /* sets in use, by the first 16 bytes of their keys */
    bfci_set files;          /* regular files */
    bfci_set spilled;        /* inodes whose extents are in their table */
    uint64_t live_raw;       /* bytes of the blocks in use, decompressed */
    bfci_new_file file;
    bfci_seal *seal; /* of the new container, if the old one is sealed */
    bfci_sealer *sealer;
    bfci_segment segment;
    bfci_page_sink *sink;
    bfci_commit commit;      /* the new one */
    bfci_rotation *rotation; /* NULL: the file key stays */
    bfc_compact_report report;
} bfci_compact;

enum {
    BFCI_BLOCK_DEAD = 0,
    BFCI_BLOCK_LIVE = 1 /* no payload can stand there: it would lie in the superblock */
};

int bfci_compact_rotate(const char *path, const bfc_compact_options *options, bfci_rotation *r,
                        bfc_compact_report *report, bfc_err *err); /* compact.c */
int bfci_compact_mark(bfci_compact *c, bfc_err *err);              /* compact_mark.c */
int bfci_compact_copy(bfci_compact *c, bfc_err *err);              /* compact_copy.c */

/* Calls `fn` for each entry of a table of the source. */
typedef int bfci_compact_fn(bfci_compact *c, bfci_span key, bfci_span value, void *ctx,
                            bfc_err *err);
int bfci_compact_each(bfci_compact *c, enum bfci_table table, bfci_compact_fn *fn, void *ctx,
                      bfc_err *err);

static inline bool bfci_compact_has_set(const bfci_compact *c, const uint8_t key[BFC_DIGEST_SIZE])
{
    return bfci_map_get(&c->xattrs, get_u64le(key), get_u64le(key + 8)) != NULL;
}

#endif
