/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a bfc_reader, for the parts of the container floor that build on it. */
#ifndef BFCI_CONTAINER_READER_H
#define BFCI_CONTAINER_READER_H

#include "base/map.h"
#include "container/table.h"

struct bfc_reader {
    bfci_source source;
    bfci_source newest; /* a view of the same file as of its last commit; owns nothing */
    char *path;         /* as it was opened */
    const bfc_hooks *hooks;
    bfci_tables *tables;
    bfci_cursor trees, inodes, dirents, links, xattrs, blocks, blobs;
    uint64_t root; /* inode of the tree's root */
    buf scratch;
    struct bfci_block_cache *cache; /* decompressed blocks, for bfc_reader_read() */
    bfci_inode inode;               /* of the last stat */
    buf path_out;
    struct bfci_v1_view *v1; /* of a version 1 container: where its contents are. `source` is then
                                its shadow, which has all but those. NULL: version 2 */
};

/* As bfc_reader_open(), of version 2 alone: for who looks at tables and blocks itself. */
int bfci_reader_open(const char *path, const bfc_reader_options *options, bfc_reader **out,
                     bfc_err *err);

/* Looks at another tree from now on; BFC_E_NOT_FOUND if the commit has none of that number. Walks
 * that are open stay on theirs. */
int bfci_reader_use_tree(bfc_reader *r, uint32_t tree, bfc_err *err);

/* An entry as the container floor walks a tree. */
typedef struct bfci_step {
    uint64_t ino;
    uint8_t type;
    const bfci_inode *inode; /* valid until the next step; NULL: names only */
    const char *path;        /* from the root, NUL-terminated; "" is the root */
    size_t path_len;
    const char *name; /* its last part, within path */
    unsigned depth;   /* 0: the walk's start */
} bfci_step;

enum bfci_walk_order {
    WALK_BY_NAME,    /* names in byte order */
    WALK_FILES_FIRST /* in each folder all that are no folders, then the folders: the order in which
                        writers store them, so that blocks come one after the other */
};

typedef struct bfci_tree_walk bfci_tree_walk;
/* `start`: a path, "" for the whole tree. A folder that is met twice is BFC_E_CORRUPT. */
int bfci_tree_walk_new(bfc_reader *r, const char *start, enum bfci_walk_order order,
                       bfci_tree_walk **out, bfc_err *err);
/* *out is NULL at the end. Folders come before what is in them. */
int bfci_tree_walk_next(bfci_tree_walk *w, const bfci_step **out, bfc_err *err);
/* From the next step on inodes are not read. */
void bfci_tree_walk_names_only(bfci_tree_walk *w);
/* The folder that came last is not descended into. */
void bfci_tree_walk_skip(bfci_tree_walk *w);
void bfci_tree_walk_free(bfci_tree_walk *w); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_tree_walk, bfci_tree_walk_free)

/* The encoded set under an inode's xattrs key, from the table or from blocks. */
int bfci_reader_xattr_set(bfc_reader *r, const uint8_t key[BFC_DIGEST_SIZE], buf *out,
                          bfc_err *err);
/* Bytes of a file from its extents; holes as zeros. */
int bfci_reader_content(bfc_reader *r, uint64_t ino, const bfci_inode *inode, uint64_t offset,
                        void *out, size_t len, bfc_err *err);

#endif
