/* SPDX-License-Identifier: Apache-2.0 */
/* What counters say of more threads. */
#include <bfc/stats.h>

#include <string.h>

#include "base/base.h"

/* Of one thread's stages that go on beside others. */
static uint64_t serial_of(const bfc_stats *s, const char *thread)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->stage_count; i++) {
        const bfc_stage_stats *stage = &s->stage[i];
        if (!stage->alone && strcmp(stage->thread, thread) == 0)
            sum += stage->serial_ns;
    }
    return sum;
}

double bfc_stats_speedup(const bfc_stats *stats, unsigned threads, bool overlap)
{
    uint64_t work = 0, serial = 0, alone = 0, longest = 0;

    for (size_t i = 0; i < stats->stage_count; i++) {
        const bfc_stage_stats *stage = &stats->stage[i];
        work += stage->busy_ns;
        serial += stage->serial_ns;
        alone += stage->alone ? stage->busy_ns : 0;
        longest = MAX(longest, serial_of(stats, stage->thread));
    }
    if (work == 0)
        return 1;
    const double n = threads ? threads : 1;
    const double first = overlap ? (double)alone : (double)serial;
    const double shared = ((double)work - first) / n;
    return (double)work / (first + (overlap ? MAX(shared, (double)longest) : shared));
}
