/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tables: a cache of decoded pages, look-up, and cursors. One thread at a time. */
#ifndef BFCI_CONTAINER_TABLE_H
#define BFCI_CONTAINER_TABLE_H

#include "container/source.h"
#include "format/record.h"

typedef struct bfci_tables bfci_tables;
/* `source` is borrowed for its life. */
int bfci_tables_new(const bfci_source *source, bfci_tables **out, bfc_err *err);
void bfci_tables_free(bfci_tables *t); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_tables, bfci_tables_free)
/* What they read with, for what is read in the same thread. */
bfci_unpacker *bfci_tables_unpacker(bfci_tables *t);

/* A decoded page that stays in memory until it is let go. For those that go through pages
 * themselves: it was checked in itself, and to be of this table and level; its place in the tree is
 * for the caller to check. */
typedef struct bfci_held bfci_held;
int bfci_tables_hold(bfci_tables *t, const bfci_ref *ref, uint8_t table, uint8_t level,
                     bfci_held **out, bfc_err *err);
const bfci_page *bfci_held_page(const bfci_held *h);
void bfci_held_release(bfci_held *h); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_held, bfci_held_release)

/* A place in a table. Moving it keeps the pages on its way, so that steps are cheap. */
typedef struct bfci_cursor {
    bfci_tables *tables;
    uint8_t table;
    uint8_t depth; /* pages held; 0: not placed */
    bool at_end;
    bfci_held *held[LEVEL_MAX + 1]; /* root first */
    uint32_t index[LEVEL_MAX + 1];
    bfci_span key, value; /* of the entry it stands on; valid until it moves or is released */
} bfci_cursor;

void bfci_cursor_init(bfci_cursor *c, bfci_tables *t, enum bfci_table table);
void bfci_cursor_release(bfci_cursor *c);
#define AUTO_CURSOR __attribute__((cleanup(bfci_cursor_release)))
/* To the first entry whose key is >= key; at_end if there is none. Close to the last place it is
 * quick. */
int bfci_cursor_seek(bfci_cursor *c, bfci_span key, bfc_err *err);
int bfci_cursor_next(bfci_cursor *c, bfc_err *err);
/* To exactly this key; *found tells. */
int bfci_cursor_find(bfci_cursor *c, bfci_span key, bool *found, bfc_err *err);

/* What the cursors of a reader stand for; one of each is kept for look-ups that go up and up. */

/* BFC_E_CORRUPT if it is not there: somebody refers to it. */
int bfci_load_inode(bfci_cursor *inodes, uint64_t ino, bfci_inode *out, bfc_err *err);
int bfci_load_block(bfci_cursor *blocks, uint64_t number, bfci_ref *out, bfc_err *err);
/* Names an inode has: 1 if the table has no entry. */
int bfci_load_nlink(bfci_cursor *links, uint64_t ino, uint64_t *out, bfc_err *err);
/* *found is false if there is no such name. */
int bfci_load_dirent(bfci_cursor *dirents, uint64_t dir, const char *name, size_t len, bool *found,
                     bfci_dirent *out, bfc_err *err);

/* Goes through all extents of a file, inline or spilled, in order. */
typedef struct bfci_extent_iter {
    const bfci_inode *inode;
    uint64_t ino;
    bfci_cursor spilled;
    bfci_extent chunk[EXTENTS_ENTRY_MAX];
    size_t at, count;
    uint64_t done_to; /* end of the last extent */
} bfci_extent_iter;
/* `inode` is borrowed. */
void bfci_extent_iter_init(bfci_extent_iter *it, bfci_tables *t, uint64_t ino,
                           const bfci_inode *inode);
void bfci_extent_iter_release(bfci_extent_iter *it);
/* *out is NULL at the end; valid until the next call. */
int bfci_extent_iter_next(bfci_extent_iter *it, const bfci_extent **out, bfc_err *err);

#endif
