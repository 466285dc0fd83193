/* SPDX-License-Identifier: Apache-2.0 */
/* Going through the source trees. A thread of its own walks in the one order that the container
 * will have (in each folder what is no folder, by name, then the folders), gives out inode numbers,
 * and hands out batches; the pool reads and hashes the small files of a batch; the writer takes the
 * batches in order. If likeness is to decide which contents stand together, regular files are
 * numbered by the walk, but handed out behind it. */
#ifndef BFCI_CONTAINER_SCAN_H
#define BFCI_CONTAINER_SCAN_H

#include <sys/stat.h>

#include "base/hooks.h"
#include "container/plan.h"
#include "container/table.h"
#include "sys/pool.h"

enum {
    SCAN_SMALL_MAX = 512 << 10 /* larger files are not read with their batch but streamed */
};

/* A source folder that stays open while somebody needs it. */
typedef struct bfci_source_dir bfci_source_dir;

typedef struct bfci_item {
    uint64_t ino;
    uint64_t parent;      /* inode of the folder; 0: the root */
    char *name;           /* "" for the root */
    char *source;         /* path to open it by, for what was named; NULL: `name` in `dir` */
    bfci_source_dir *dir; /* the folder it is in; for a folder: the folder itself */
    struct stat st;
    uint64_t link_count; /* 0: first name of this inode; else how many names it has with this one */
    bool synthetic;      /* a root that is made up */
    bool was_there;      /* in the commit before, under this name, as `old` */
    bfci_dirent old;

    /* set by the load: */
    int rc;        /* 0, or why it could not be read */
    bfc_err *err;  /* owned; with rc */
    bool streamed; /* a file too large for the batch: content is read by the writer */
    bool sparse;
    const uint8_t *data; /* content of a small file */
    size_t data_len;
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
    char *link; /* target of a symbolic link */
    size_t link_len;
    buf xattrs; /* the encoded set; len 0: none */
    uint8_t xattrs_digest[BFC_DIGEST_SIZE];
} bfci_item;

typedef struct bfci_batch bfci_batch;
size_t bfci_batch_count(const bfci_batch *b);
bfci_item *bfci_batch_item(bfci_batch *b, size_t index);

typedef struct bfci_scan_config {
    const bfci_plan_node *plan; /* borrowed, as all here */
    bfci_pool *pool;
    const char *const *exclude;
    bool one_file_system;
    bool noatime;
    uint64_t next_ino;
    uint64_t root_ino;
    const bfci_source *base; /* the commit before; NULL in a new container */
    struct {
        dev_t dev;
        ino_t ino;
    } skip[2];          /* the container itself; ino 0: unused */
    unsigned batches;   /* that are handed out at once */
    unsigned scouts;    /* that go ahead of the walk, in one level of it; 0: none do */
    bool count_only;    /* no batches: only the totals are wanted */
    bool by_likeness;   /* regular files come behind all else, those alike together */
    const char *beside; /* with it: path of the container, and whether that is sealed */
    bool sealed;
    const bfc_hooks *hooks;
} bfci_scan_config;

typedef struct bfci_scan bfci_scan;
int bfci_scan_start(const bfci_scan_config *config, bfci_scan **out, bfc_err *err);
/* The next batch, loaded; *out is NULL at the end. */
int bfci_scan_next(bfci_scan *s, bfci_batch **out, bfc_err *err);
void bfci_scan_release_batch(bfci_scan *s, bfci_batch *b);
/* After the end: the first inode number that was not given out. */
uint64_t bfci_scan_next_ino(const bfci_scan *s);
/* What was met so far: entries, and bytes of files. True if that is all there is. */
bool bfci_scan_totals(const bfci_scan *s, uint64_t *entries, uint64_t *bytes);
/* Stops the thread, waits for loads. NULL is allowed. */
void bfci_scan_free(bfci_scan *s);
BFCI_DEFINE_AUTO(bfci_scan, bfci_scan_free)

/* Opens a file of the scan for reading; what is there now must still be a regular file. */
int bfci_item_open(const bfci_item *item, bool noatime, int *fd, struct stat *st, bfc_err *err);
/* Whether a pattern matches `name` in a folder of that path. */
int bfci_scan_excludes(const char *const *patterns, const char *folder, const char *name, bool *out,
                       bfc_err *err);
/* The path of the folder that it is in; for a folder: its own. */
const char *bfci_item_folder(const bfci_item *item);
/* "a/b/c" in the container, for messages. */
struct bfci_quoted bfci_item_path(const bfci_item *item);

#endif
