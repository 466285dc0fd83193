/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the scan: source folders, batches, the load of a batch, the state of the walk. */
#ifndef BFCI_CONTAINER_SCAN_BATCH_H
#define BFCI_CONTAINER_SCAN_BATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "container/scan.h"
#include "container/scan_scout.h"
#include "sys/meter.h"

/* Folders that are open, and the bell that rings when one was closed. */
typedef struct bfci_dir_count {
    pthread_mutex_t lock;
    pthread_cond_t fewer;
    unsigned open;
    unsigned ahead; /* that may be, beside those on the walk's own stack */
} bfci_dir_count;

struct bfci_source_dir {
    atomic_uint refs;
    int fd;                       /* -1: a root that is made up, or one that is not open itself: */
    char *path;                   /* in the container */
    bfci_dir_count *count;        /* NULL: it is not counted */
    struct bfci_source_dir *base; /* its files are opened beneath this one; NULL: it is open */
    const char *below;            /* with it: where, in `path` */
};

int bfci_source_dir_new(int fd, const char *parent_path, const char *name, bfci_dir_count *count,
                        bfci_source_dir **out, bfc_err *err); /* takes fd over on success */
/* One that takes no descriptor; `path` is in the container, and that of the base or below it. */
int bfci_source_dir_beneath(bfci_source_dir *base, const char *path, bfci_source_dir **out,
                            bfc_err *err);
bfci_source_dir *bfci_source_dir_ref(bfci_source_dir *d);
void bfci_source_dir_unref(bfci_source_dir *d); /* NULL is allowed */

enum {
    BATCH_ITEMS = 128,
    BATCH_BYTES = 1 << 20
};

_Static_assert((int)BATCH_BYTES + (int)SCAN_SMALL_MAX <= (int)POOL_BUFFER_SIZE,
               "a batch stands in a buffer of the pool");

struct bfci_batch {
    bfci_task task;
    struct bfci_batch *next;
    bfci_item item[BATCH_ITEMS];
    size_t count;
    uint64_t bytes; /* of small files */
    bfci_buffer *data;
    bfci_pool *pool;
    bool noatime;
    pthread_mutex_t *lock; /* guards loaded */
    pthread_cond_t *bell;
    bool loaded;
};

/* The task of a batch: reads and hashes all that is in it. Failures go into the items. */
void bfci_batch_load(bfci_task *task, unsigned worker);
void bfci_batch_free(bfci_batch *b); /* NULL is allowed */

/* ── The walk ── */

typedef struct bfci_subdir {
    const char *name; /* in the level's list, or in the plan */
    const bfci_plan_node *plan;
    bfci_scout *scout; /* is there already; NULL: none is */
} bfci_subdir;

#define LEVEL_NO_FOLDER UINT32_MAX

typedef struct bfci_later bfci_later; /* scan_later.h */

typedef struct bfci_scan_level {
    bfci_source_dir *dir;
    uint64_t ino;
    dev_t dev;
    bool in_base;       /* the folder was there in the commit before */
    const char *source; /* the plan's; NULL: it is on disk, in the folder above */
    uint32_t folder;    /* its number among those of files that are put off */
    bfci_dir_list names;
    bfci_subdir *sub;
    size_t sub_count, sub_cap, sub_next;
    size_t sub_scouted; /* a scout was sent to those before it, where one was spared */
} bfci_scan_level;

struct bfci_scan {
    bfci_scan_config config;
    pthread_t thread;
    bool thread_runs;
    bfci_gauge *gauge;    /* or NULL */
    pthread_mutex_t lock; /* guards what follows up to `batches` */
    pthread_cond_t bell;
    bfci_batch *oldest, *newest;
    unsigned batches; /* handed out and not released */
    bool ended, stop;
    int rc;
    bfc_err err;

    /* the thread's own: */
    bfci_dir_count dirs;
    bfci_scouts scouts;
    bfci_scan_level *level;
    size_t depth, cap;
    bfci_batch *open;  /* the batch that is being filled */
    bfci_item counted; /* count_only: stands for all items */
    uint64_t next_ino;
    bfci_map first_name; /* (device, inode) of files with several names → our inode number */
    bfci_map names_left; /* our inode number → names seen; dropped when all were seen */
    bfci_tables *base;
    bfci_cursor base_names;
    bfci_later *later; /* NULL: nothing is put off */

    _Atomic uint64_t entries, bytes; /* met so far */
    atomic_bool counted_all;
};

/* Goes through the plan, to the end; runs in the scan's thread. */
int bfci_scan_walk(bfci_scan *s, bfc_err *err);
void bfci_scan_pop_level(bfci_scan *s);
/* Hands out the batch that is being filled. */
int bfci_scan_flush(bfci_scan *s, bfc_err *err);
/* A new item, with the fields that all kinds need. */
int bfci_scan_add_item(bfci_scan *s, bfci_source_dir *dir, uint64_t parent, const char *name,
                       const bfci_plan_node *plan, const struct stat *st, bfci_item **out,
                       bfc_err *err);
/* The same, without counting it. `source`: to open it by; NULL: by its name, in `dir`. */
int bfci_scan_new_item(bfci_scan *s, bfci_source_dir *dir, uint64_t parent, const char *name,
                       const char *source, const struct stat *st, bfci_item **out, bfc_err *err);
/* The item, the last of the open batch, is a file whose content is to be read. */
void bfci_scan_expect_content(bfci_scan *s, bfci_item *item);
/* Waits until few enough folders are open to open one more. */
int bfci_scan_wait_for_dirs(bfci_scan *s, bfc_err *err);

#endif
