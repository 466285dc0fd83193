/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_STATS_H
#define BFC_STATS_H
/**
 * @file stats.h
 * Counters of one operation: what each of its stages did, which stages only one thread can do at a
 * time, and what that says of more threads.
 *
 *     bfc_stats stats = BFC_STATS_INIT;
 *     bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;
 *     o.stats = &stats;
 *     if (bfc_extract(reader, "out", &o, NULL, &err) == 0)
 *         printf("at most %.1f times as fast\n", bfc_stats_speedup(&stats, 8, true));
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bfc/err.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BFC_STATS_STAGES 24 /**< room in a bfc_stats */
#define BFC_STATS_QUEUES 8

/**
 * One stage. What `items` and `bytes` count depends on it (docs/performance.md, section
 * "Counters").
 *
 * Stages with the same `thread` never run at the same time, unless that is "workers", or a layer's
 * where several are read at a time: neither is `serial` then.
 */
typedef struct bfc_stage_stats {
    const char *name;   /**< "walk", "compress", …; static */
    const char *thread; /**< "workers", "caller", "walker", …; static */
    bool serial;        /**< one thread at a time, however many there are */
    bool alone;         /**< serial, and no other stage has work meanwhile */
    uint64_t calls;     /**< how often it was begun */
    uint64_t items;
    uint64_t bytes;
    uint64_t busy_ns;   /**< of processors' time, all threads together */
    uint64_t serial_ns; /**< what one thread has to do of it, however many there are: all if the
                             stage is serial, nothing if workers share it; of layers that are read
                             at a time, what the largest took */
    uint64_t waits;     /**< for room, for work, for a disk to sync */
    uint64_t wait_ns;   /**< of clock time, all threads together */
} bfc_stage_stats;

/** How full something of bounded size was. */
typedef struct bfc_queue_stats {
    const char *name; /**< "batches", "blocks", …; static */
    uint64_t most;
    uint64_t limit;
} bfc_queue_stats;

/** Plain values, nothing to free. */
typedef struct bfc_stats {
    size_t size;      /**< of this struct; set by the INIT macro */
    uint64_t wall_ns; /**< clock time of the operation */
    uint64_t work_ns; /**< processors' time of all its stages */
    size_t stage_count;
    bfc_stage_stats stage[BFC_STATS_STAGES]; /**< those that there was something to do for, in the
                                                  order in which a byte comes through them */
    size_t queue_count;
    bfc_queue_stats queue[BFC_STATS_QUEUES];
} bfc_stats;

#define BFC_STATS_INIT                                                                             \
    {                                                                                              \
        sizeof(bfc_stats), 0, 0, 0, {{0}}, 0,                                                      \
        {                                                                                          \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/**
 * How many times as fast as one thread `threads` of them can be at most, by what was counted: the
 * work that is not serial is shared out evenly, and nothing ever waits for a disk or a network.
 *
 * @param threads   0 counts as 1
 * @param overlap   true: serial stages of different threads run at the same time, as they do where
 *                  none waits for another; the slowest sets the pace. false: Amdahl's law, all
 *                  serial stages one after the other
 * @return 1 or more; 1 also where nothing was counted
 *
 * Threads: any. Since: 0.6.
 */
BFC_API double bfc_stats_speedup(const bfc_stats *stats, unsigned threads, bool overlap);

#ifdef __cplusplus
}
#endif
#endif
