/* SPDX-License-Identifier: Apache-2.0 */
/* The changes that a commit makes to the tables, and its counters. */
#ifndef BFCI_CONTAINER_STAGE_H
#define BFCI_CONTAINER_STAGE_H

#include "base/map.h"
#include "container/memory.h"
#include "container/merge.h"
#include "format/signature.h"

typedef struct bfci_stage {
    bfci_sorter *sorter[TABLE_COUNT]; /* 1 to TABLE_COUNT-1 */
    const bfci_source *base;          /* the commit before; NULL in a new container */
    bfci_tables *old;                 /* its tables; NULL likewise */
    bfci_cursor inodes, dirents, links, xattrs, contents;
    bfci_map sets;      /* first halves of the digests of xattr sets that are staged */
    bfci_map left;      /* inode of the commit before → names it still has */
    bfci_commit commit; /* counters go on from the commit before */
    int64_t newest_mtime;
    buf record;
    bfci_inode inode;
} bfci_stage;

/* `beside`: path of the container, borrowed; `sealed`: it is. `base` is borrowed, may be NULL. */
int bfci_stage_init(bfci_stage *s, const char *beside, bool sealed, bfci_memory memory,
                    const bfci_source *base, bfc_err *err);
void bfci_stage_release(bfci_stage *s);

/* Stores an inode and counts it. `existed`: it replaces one of the same number and type. `extents`
 * are all extents of a file, however many; in `n` they need not be. */
int bfci_stage_inode(bfci_stage *s, uint64_t ino, bfci_inode *n, const bfci_extent *extents,
                     size_t count, bool existed, bfc_err *err);
/* Takes back an inode without content that was stored in this commit. */
int bfci_stage_drop_inode(bfci_stage *s, uint64_t ino, uint8_t type, bfc_err *err);
int bfci_stage_dirent(bfci_stage *s, uint64_t dir, const char *name, uint8_t type, uint64_t ino,
                      bfc_err *err);
int bfci_stage_links(bfci_stage *s, uint64_t ino, uint64_t count, bfc_err *err);
/* A hint that this file has this content. */
int bfci_stage_content(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], uint64_t ino,
                       bfc_err *err);
int bfci_stage_has_xattrs(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], bool *has,
                          bfc_err *err);
int bfci_stage_xattrs(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], const bfci_stored *set,
                      bfc_err *err);
int bfci_stage_blob(bfci_stage *s, const char *name, const bfci_stored *blob, bfc_err *err);
/* Takes a blob out that was in the commit before. */
int bfci_stage_drop_blob(bfci_stage *s, const char *name, bfc_err *err);
/* In place of one by the same signer over the same root digest. */
int bfci_stage_signature(bfci_stage *s, const bfc_signature *signature, bfc_err *err);
int bfci_stage_tree(bfci_stage *s, uint32_t id, const bfci_tree *tree, bfc_err *err);

/* Takes a name out that was in the commit before, and what only it led to. */
int bfci_stage_remove(bfci_stage *s, uint64_t dir, const char *name, const bfci_dirent *old,
                      bfc_err *err);

/* Writes all tables and sets the references in s->commit. Workers of `pool` sort. */
int bfci_stage_write(bfci_stage *s, bfci_pool *pool, bfci_page_sink *sink, bfc_err *err);

#endif
