/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of an operation's stages (bfc/stats.h). Each thread counts for itself, in a struct of
 * its own, and adds that up when it ends: threads that work never touch what another one counts.
 *
 * A thread is always in one stage. What counts is its time of a processor; but that clock is a call
 * into the kernel, far too dear to be looked at for each small file. So entering a stage looks at
 * the clock on the wall, which is no call. After some milliseconds the processor's clock is looked
 * at, too, and what the thread had of a processor meanwhile is dealt out to the stages it was in,
 * by their time on the wall without waits. If the kernel took the processor away, that strikes a
 * stage as often as it runs. Where nobody asked for counters, each of these is a look at one
 * pointer.
 *
 * Which meter a thread has is the thread's affair, not a parameter: what is counted stands floors
 * below whoever asked, in functions that have nothing else to do with it. Threads of a pool have a
 * meter if the thread that made the pool had one. */
#ifndef BFCI_SYS_METER_H
#define BFCI_SYS_METER_H

#include <bfc/stats.h>
#include <pthread.h>

#include "base/base.h"

/* In the order in which they are told. */
enum bfci_stage_id {
    /* what is to be stored */
    STAGE_WALK,   /* the walk over source folders */
    STAGE_LOOK,   /* folders and names that it will come to */
    STAGE_LOAD,   /* small files of a batch, read and hashed */
    STAGE_STREAM, /* large files, read and hashed in order */
    /* layers of images */
    STAGE_BLOB,    /* its bytes, read and hashed; or a tar, made */
    STAGE_INFLATE, /* decompressed */
    STAGE_DIFF_ID, /* the tar, hashed */
    STAGE_HASH,    /* contents in it, hashed */
    STAGE_NAMES,   /* names of the layer, and of those below it */
    /* storing it */
    STAGE_TAKE, /* entries in order: equal contents found, bytes put into blocks, entries staged */
    STAGE_COMPRESS,
    STAGE_SEAL, /* encrypted */
    STAGE_SUM,  /* CRC32C and SHA-256 of a block as it is stored */
    STAGE_WRITE,
    STAGE_SORT,   /* changes of the next table */
    STAGE_PAGES,  /* of a table, compressed, encrypted, with their sums */
    STAGE_TABLES, /* changes merged, pages made and written */
    STAGE_COMMIT, /* synced, recorded, published */
    /* extracting */
    STAGE_TREE,   /* the walk over the tree */
    STAGE_NODES,  /* folders, links, devices, made */
    STAGE_DECODE, /* blocks read, checked, decompressed */
    STAGE_FILES,  /* files made, written, given their attributes */
    /* what is in no other */
    STAGE_POOL, /* workers: taking tasks, and waiting for some */
    STAGE_REST, /* the caller: beginning, ending */
    STAGE_COUNT
};
_Static_assert((int)STAGE_COUNT <= (int)BFC_STATS_STAGES, "a bfc_stats has room for all stages");

enum bfci_queue_id {
    QUEUE_BATCHES, /* of entries, walked and not taken */
    QUEUE_BLOCKS,  /* closed and not written */
    QUEUE_LAYERS,  /* that are read at a time */
    QUEUE_BUFFERS, /* of a layer's tar, not taken */
    QUEUE_JOBS,    /* of an extract, not done */
    QUEUE_BYTES,   /* memory of files to be extracted that wait */
    QUEUE_COUNT
};
_Static_assert((int)QUEUE_COUNT <= (int)BFC_STATS_QUEUES, "a bfc_stats has room for all queues");

typedef struct bfci_counts {
    struct {
        uint64_t calls, items, bytes, busy_ns, waits, wait_ns;
        uint64_t longest_ns; /* of busy_ns, in a sum: what one thread had at most */
    } stage[STAGE_COUNT];
    struct {
        uint64_t most, limit;
    } queue[QUEUE_COUNT];
} bfci_counts;

struct bfci_gauge;

/* One thread's. */
typedef struct bfci_meter {
    struct bfci_gauge *gauge; /* NULL: it is not in use */
    struct bfci_meter *outer; /* that the thread had before */
    enum bfci_stage_id stage;
    uint64_t cpu_ns;             /* the thread's clock: until then all is dealt out */
    uint64_t clock_ns;           /* on the wall: until then all stands in `spent` */
    uint64_t spent_ns;           /* sum of `spent` */
    uint64_t spent[STAGE_COUNT]; /* since cpu_ns, on the wall */
    bfci_counts counts;
} bfci_meter;

/* An operation's. */
typedef struct bfci_gauge {
    bfc_stats *out; /* NULL: it is not in use */
    uint64_t started_ns;
    pthread_mutex_t lock;
    bfci_counts sum; /* of threads that have ended; guarded by the lock */
    bfci_meter own;  /* of the thread that runs the operation */
} bfci_gauge;

/* The thread's meter, or NULL. */
extern _Thread_local bfci_meter *bfci_meter_here __attribute__((visibility("hidden")));

/* Begins to count what this thread and those it will start do, until end fills *out. With `out`
 * NULL nothing begins: if there is a gauge of an operation that this one is a part of, that one
 * goes on counting. All threads that were started in between have ended at the end. */
void bfci_gauge_begin(bfci_gauge *g, bfc_stats *out);
void bfci_gauge_end(bfci_gauge *g);

/* The gauge that this thread counts for, to be handed to one that it starts; or NULL. */
static inline bfci_gauge *bfci_gauge_here(void)
{
    return bfci_meter_here ? bfci_meter_here->gauge : NULL;
}
/* First and last in a thread; `g` may be NULL. */
void bfci_meter_start(bfci_meter *m, bfci_gauge *g, enum bfci_stage_id stage);
void bfci_meter_stop(bfci_meter *m);

enum bfci_stage_id bfci_meter_switch(bfci_meter *m, enum bfci_stage_id stage);
void bfci_meter_return(bfci_meter *m, enum bfci_stage_id before);

/* Until the end of the block that it stands in, the thread is in `stage`. */
#define BFCI_METER(stage) BFCI_METER_AT_(stage, __LINE__)
#define BFCI_METER_AT_(stage, line) BFCI_METER_AS_(stage, line)
#define BFCI_METER_AS_(stage, line)                                                                \
    enum bfci_stage_id before_##line __attribute__((cleanup(bfci_meter_leave), unused)) =          \
        bfci_meter_enter(stage)

/* The thread goes to another stage. Returns the one it was in. */
static inline enum bfci_stage_id bfci_meter_enter(enum bfci_stage_id stage)
{
    return bfci_meter_here ? bfci_meter_switch(bfci_meter_here, stage) : STAGE_REST;
}
static inline void bfci_meter_leave(const enum bfci_stage_id *before)
{
    if (bfci_meter_here)
        bfci_meter_return(bfci_meter_here, *before);
}

/* Of the stage that the thread is in. */
static inline void bfci_meter_count(uint64_t items, uint64_t bytes)
{
    bfci_meter *m = bfci_meter_here;
    if (m) {
        m->counts.stage[m->stage].items += items;
        m->counts.stage[m->stage].bytes += bytes;
    }
}

static inline void bfci_meter_queue(enum bfci_queue_id queue, uint64_t now, uint64_t limit)
{
    bfci_meter *m = bfci_meter_here;
    if (m) {
        m->counts.queue[queue].most = MAX(m->counts.queue[queue].most, now);
        m->counts.queue[queue].limit = MAX(m->counts.queue[queue].limit, limit);
    }
}

/* Around what blocks: before it the time, or 0 where nobody counts; after it the same. */
uint64_t bfci_wait_begin(void);
void bfci_wait_end(uint64_t began_ns);
/* pthread_cond_wait(), as a wait of the stage. */
void bfci_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);

#endif
