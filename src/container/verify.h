/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bfc_verify(): what its parts share. The passes run in this order, each over what
 * those before it have gathered: blocks, xattr sets, links, hints, trees; inodes with their
 * extents; directory entries; the walk of the trees in memory, which counts names too; blobs,
 * signatures; what lies where; and, if asked, the content.
 *
 * Functions return a negative code only for what ends the run: out of memory, cancelled. What is
 * wrong with the container is a problem, is reported, and the run goes on. */
#ifndef BFCI_CONTAINER_VERIFY_H
#define BFCI_CONTAINER_VERIFY_H

#include "base/hooks.h"
#include "base/map.h"
#include "container/block_index.h"
#include "container/source.h"
#include "format/record.h"

#define BFCI_NO_DIR UINT32_MAX
/* In edge[]: the rest is no folder but an index in link[]. There are no more of either. */
#define BFCI_EDGE_NAME (UINT32_C(1) << 31)

/* A problem that waits for the path of its file. */
typedef struct bfci_finding {
    uint64_t ino; /* 0: of no file */
    uint64_t offset;
    char *what;
} bfci_finding;

typedef struct bfci_verify_dir {
    uint64_t ino;
    uint32_t first_edge; /* what is in it, in edge[], up to the next one's first_edge */
    uint32_t parent;     /* entered from there; itself for a root; BFCI_NO_DIR: not reached */
    uint32_t tree;       /* the last tree whose walk entered it, counted from 1 */
    bool has_entries;
    bool is_kept; /* the root of a tree of kept contents */
    bool is_told; /* of what is wrong about where it stands */
} bfci_verify_dir;

/* An inode whose names are counted. Trees are counted from 1, in the order of their walks. */
typedef struct bfci_verify_links {
    uint64_t ino;
    uint64_t said;          /* by the table of links, or NAMES_UNTOLD: one at most in each tree */
    uint32_t seen, tree;    /* in the tree that is walked, or was walked last with a name of it */
    uint32_t most, most_in; /* in the tree with most of its names */
} bfci_verify_links;
enum {
    NAMES_UNTOLD = 1
};

typedef struct bfci_verify_tree {
    uint64_t root; /* inode */
    uint32_t id;
    bool is_kept; /* contents that only a recipe needs */
} bfci_verify_tree;

typedef struct bfci_verify_hint {
    uint64_t ino;
    uint8_t prefix[CONTENT_KEY_LEN];
} bfci_verify_hint;

/* Bytes that are taken: a frame with its header, or a commit record. */
typedef struct bfci_verify_range {
    uint64_t begin, end;
} bfci_verify_range;

typedef struct bfci_verify {
    bfc_verify_options options;
    bfci_source source;
    bfci_unpacker *unpacker;
    bfc_verify_report report;
    bfc_err first;             /* the first problem */
    bool damaged[TABLE_COUNT]; /* the table has something that cannot be read */
    bool scanned[TABLE_COUNT]; /* its first scan, which tells of damage, has begun */
    bool walk_is_partial;      /* a tree, or a part of one, was not walked */

    bfci_finding *finding;
    size_t finding_count, finding_cap;
    bool tree_is_known; /* paths can be told */

    bfci_verify_range *range;
    size_t range_count, range_cap;
    bfci_block_index blocks;
    uint8_t (*xattr_key)[BFC_DIGEST_SIZE]; /* sorted, as all arrays of keys here */
    size_t xattr_count, xattr_cap;
    uint8_t (*bad_set)[BFC_DIGEST_SIZE]; /* keys of sets that are damaged, in any order */
    size_t bad_set_count, bad_set_cap;
    bfci_verify_links *link;
    size_t link_count, link_cap;
    bfci_verify_hint *hint; /* sorted by inode */
    size_t hint_count, hint_cap;
    bfci_verify_tree *tree; /* by id */
    size_t tree_count, tree_cap;
    bfci_verify_dir *dir;
    size_t dir_count, dir_cap;
    uint32_t *edge;
    size_t edge_count, edge_cap;

    bfci_set of_type[BFC_TYPE_SOCKET + 1];
    bfci_set named;  /* inodes that are no folders and have a name */
    bfci_set faulty; /* inodes whose record is malformed or refers to what is not there */
    uint64_t inodes, others_named;
    bfci_commit counted; /* counters as they should be */
} bfci_verify;

/* ── verify_report.c ── */

/* True for what can be reported and passed over; false for what ends the run. */
bool bfci_verify_is_problem(int rc);
/* Tells at once. `offset` may be BFC_NO_OFFSET. */
void bfci_verify_problem(bfci_verify *v, uint64_t offset, const char *fmt, ...) BFCI_PRINTF(3, 4);
/* Keeps it until the path of the inode can be told. */
int bfci_verify_file_problem(bfci_verify *v, uint64_t ino, uint64_t offset, bfc_err *err,
                             const char *fmt, ...) BFCI_PRINTF(5, 6);
/* Tells all that was kept, by inode number. */
int bfci_verify_flush(bfci_verify *v, bfc_err *err);
/* `path` may be NULL. */
void bfci_verify_tell(bfci_verify *v, const bfci_finding *f, const char *path);

/* ── verify_paths.c ── */

/* Tells all findings, which are sorted by inode, with their paths. */
int bfci_verify_tell_paths(bfci_verify *v, bfc_err *err);

/* ── verify_scan.c ── */

/* All entries of a table in order, whatever is damaged. */
typedef struct bfci_table_scan {
    bfci_verify *v;
    uint8_t table;
    bool first; /* of this table: pages are counted and checked in full, damage is reported */
    bool started;
    unsigned depth;
    struct bfci_table_scan_level {
        bfci_page page;
        uint32_t next;
        uint64_t offset;
        bfci_span bound; /* keys are below it; len 0: there is none */
    } level[LEVEL_MAX + 1];
    uint64_t count;
    bfci_span key, value; /* of the entry that came last */
    uint64_t offset;      /* of its page */
} bfci_table_scan;

void bfci_table_scan_init(bfci_table_scan *s, bfci_verify *v, enum bfci_table table, bool first);
void bfci_table_scan_release(bfci_table_scan *s);
#define AUTO_TABLE_SCAN __attribute__((cleanup(bfci_table_scan_release)))
/* *got is false at the end. Keys have the length that the table asks for. */
int bfci_table_scan_next(bfci_table_scan *s, bool *got, bfc_err *err);
/* A scan's current entry is malformed. */
int bfci_table_scan_problem(bfci_table_scan *s, const bfc_err *why, bfc_err *err);
const char *bfci_table_name(unsigned table);

/* ── The passes ── */

int bfci_verify_blocks(bfci_verify *v, bfc_err *err); /* verify_tables.c */
int bfci_verify_xattrs(bfci_verify *v, bfc_err *err);
int bfci_verify_bad_set(bfci_verify *v, const uint8_t key[BFC_DIGEST_SIZE], bfc_err *err);
/* Names the files whose set is bad. */
int bfci_verify_bad_sets(bfci_verify *v, bfc_err *err);
int bfci_verify_hints(bfci_verify *v, bfc_err *err);
int bfci_verify_trees(bfci_verify *v, bfc_err *err);
int bfci_verify_blobs(bfci_verify *v, bfc_err *err);
int bfci_verify_signatures(bfci_verify *v, bfc_err *err);
int bfci_verify_inodes(bfci_verify *v, bfc_err *err);  /* verify_inodes.c */
int bfci_verify_dirents(bfci_verify *v, bfc_err *err); /* verify_dirents.c */
int bfci_verify_walk(bfci_verify *v, bfc_err *err);    /* verify_walk.c */
int bfci_verify_ranges(bfci_verify *v, bfc_err *err);  /* verify_ranges.c */
int bfci_verify_content(bfci_verify *v, bfc_err *err); /* verify_deep.c */
int bfci_verify_hidden(bfci_verify *v, bfc_err *err);  /* verify_hidden.c */

int bfci_verify_links_load(bfci_verify *v, bfc_err *err); /* verify_links.c */
/* Adds the inodes that stand in the table of dirents more than once, if there are several trees. */
int bfci_verify_links_gather(bfci_verify *v, bfc_err *err);
/* A name was met in the tree that is walked. */
void bfci_verify_links_count(bfci_verify_links *l, uint32_t tree);
int bfci_verify_links_check(bfci_verify *v, bfc_err *err);
/* NULL if the inode's names are not counted. */
bfci_verify_links *bfci_verify_links_of(const bfci_verify *v, uint64_t ino);

/* Notes bytes that are taken, for the pass over the ranges. */
int bfci_verify_take(bfci_verify *v, uint64_t begin, uint64_t end, bfc_err *err);

/* 0 if there is no such inode. */
uint8_t bfci_verify_type_of(const bfci_verify *v, uint64_t ino);
/* Index in dir[], or BFCI_NO_DIR. */
uint32_t bfci_verify_dir_of(const bfci_verify *v, uint64_t ino);

#endif
