/* SPDX-License-Identifier: Apache-2.0 */
/* The meters of threads, and the gauge that adds them up. */
#include "sys/meter.h"

#include "sys/clock.h"

enum {
    STRETCH_NS = 2000000 /* between two looks at the processor's clock */
};

_Thread_local bfci_meter *bfci_meter_here;

/* Who runs a stage. Stages of one thread never run at the same time. */
#define WORKERS "workers"
#define CALLER "caller"
#define WALKER "walker"
#define INFLATER "inflater" /* all three of a layer's stream */
#define HASHER "hasher"
#define SUMMER "summer"

static const struct {
    const char *name, *thread;
    bool alone;
} stages[STAGE_COUNT] = {
    [STAGE_WALK] = {"walk", WALKER, false},          [STAGE_LOOK] = {"look", WORKERS, false},
    [STAGE_LOAD] = {"load", WORKERS, false},         [STAGE_STREAM] = {"stream", WORKERS, false},
    [STAGE_BLOB] = {"blob", INFLATER, false},        [STAGE_INFLATE] = {"inflate", INFLATER, false},
    [STAGE_DIFF_ID] = {"diffid", HASHER, false},     [STAGE_HASH] = {"hash", SUMMER, false},
    [STAGE_NAMES] = {"names", CALLER, true},         [STAGE_TAKE] = {"take", CALLER, false},
    [STAGE_COMPRESS] = {"compress", WORKERS, false}, [STAGE_SEAL] = {"seal", WORKERS, false},
    [STAGE_SUM] = {"sum", WORKERS, false},           [STAGE_WRITE] = {"write", CALLER, false},
    [STAGE_SORT] = {"sort", WORKERS, false},         [STAGE_PAGES] = {"pages", WORKERS, false},
    [STAGE_TABLES] = {"tables", CALLER, true},       [STAGE_COMMIT] = {"commit", CALLER, true},
    [STAGE_TREE] = {"tree", CALLER, false},          [STAGE_NODES] = {"nodes", CALLER, false},
    [STAGE_DECODE] = {"decode", WORKERS, false},     [STAGE_FILES] = {"files", WORKERS, false},
    [STAGE_POOL] = {"pool", WORKERS, false},         [STAGE_REST] = {"rest", CALLER, true},
};

static const char *const queues[QUEUE_COUNT] = {
    [QUEUE_BATCHES] = "batches", [QUEUE_BLOCKS] = "blocks", [QUEUE_LAYERS] = "layers",
    [QUEUE_BUFFERS] = "buffers", [QUEUE_JOBS] = "jobs",     [QUEUE_BYTES] = "bytes",
};

/* ── One thread ── */

/* Deals out what the thread had of a processor. What is lost to rounding is the current stage's. */
static void deal_out(bfci_meter *m)
{
    uint64_t cpu = bfci_thread_cpu_ns(), had = cpu - m->cpu_ns, left = had;

    for (size_t i = 0; i < STAGE_COUNT && m->spent_ns > 0; i++) {
        uint64_t share = (uint64_t)((double)had * ((double)m->spent[i] / (double)m->spent_ns));
        share = MIN(share, left);
        m->counts.stage[i].busy_ns += share;
        m->spent[i] = 0;
        left -= share;
    }
    m->counts.stage[m->stage].busy_ns += left;
    m->spent_ns = 0;
    m->cpu_ns = cpu;
}

/* The stage that the thread is in gets the time until now. */
static uint64_t note_time(bfci_meter *m)
{
    uint64_t now = bfci_monotonic_ns(), passed = now - m->clock_ns;

    m->spent[m->stage] += passed;
    m->spent_ns += passed;
    m->clock_ns = now;
    if (m->spent_ns > STRETCH_NS)
        deal_out(m);
    return now;
}

enum bfci_stage_id bfci_meter_switch(bfci_meter *m, enum bfci_stage_id stage)
{
    enum bfci_stage_id before = m->stage;

    (void)note_time(m);
    m->stage = stage;
    m->counts.stage[stage].calls++;
    return before;
}

void bfci_meter_return(bfci_meter *m, enum bfci_stage_id before)
{
    (void)note_time(m);
    m->stage = before;
}

void bfci_meter_start(bfci_meter *m, bfci_gauge *g, enum bfci_stage_id stage)
{
    m->gauge = NULL;
    if (!g)
        return;
    *m = (bfci_meter){.gauge = g, .outer = bfci_meter_here, .stage = stage};
    m->counts.stage[stage].calls = 1;
    m->cpu_ns = bfci_thread_cpu_ns();
    m->clock_ns = bfci_monotonic_ns();
    bfci_meter_here = m;
}

static void add(bfci_counts *sum, const bfci_counts *c)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        sum->stage[i].calls += c->stage[i].calls;
        sum->stage[i].items += c->stage[i].items;
        sum->stage[i].bytes += c->stage[i].bytes;
        sum->stage[i].busy_ns += c->stage[i].busy_ns;
        sum->stage[i].longest_ns = MAX(sum->stage[i].longest_ns, c->stage[i].busy_ns);
        sum->stage[i].waits += c->stage[i].waits;
        sum->stage[i].wait_ns += c->stage[i].wait_ns;
    }
    for (size_t i = 0; i < QUEUE_COUNT; i++) {
        sum->queue[i].most = MAX(sum->queue[i].most, c->queue[i].most);
        sum->queue[i].limit = MAX(sum->queue[i].limit, c->queue[i].limit);
    }
}

void bfci_meter_stop(bfci_meter *m)
{
    bfci_gauge *g = bfci_steal(&m->gauge);

    if (!g)
        return;
    (void)note_time(m);
    deal_out(m);
    bfci_meter_here = m->outer;
    pthread_mutex_lock(&g->lock);
    add(&g->sum, &m->counts);
    pthread_mutex_unlock(&g->lock);
}

/* ── Waits ── */

uint64_t bfci_wait_begin(void)
{
    return bfci_meter_here ? note_time(bfci_meter_here) : 0;
}

void bfci_wait_end(uint64_t began_ns)
{
    bfci_meter *m = bfci_meter_here;

    if (!m)
        return;
    m->clock_ns = bfci_monotonic_ns();
    m->counts.stage[m->stage].waits++;
    m->counts.stage[m->stage].wait_ns += m->clock_ns - began_ns;
}

void bfci_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
    uint64_t began = bfci_wait_begin();

    pthread_cond_wait(cond, lock);
    bfci_wait_end(began);
}

/* ── An operation ── */

void bfci_gauge_begin(bfci_gauge *g, bfc_stats *out)
{
    g->out = out;
    if (!out)
        return;
    g->sum = (bfci_counts){0};
    g->started_ns = bfci_monotonic_ns();
    pthread_mutex_init(&g->lock, NULL);
    bfci_meter_start(&g->own, g, STAGE_REST);
}

/* Of several at a time: each has threads of its own, which end with it. */
static bool is_of_layers(const bfci_counts *c, const char *thread)
{
    const bool of_stream =
        strcmp(thread, INFLATER) == 0 || strcmp(thread, HASHER) == 0 || strcmp(thread, SUMMER) == 0;

    return of_stream && c->queue[QUEUE_LAYERS].limit > 1;
}

static void tell(const bfci_counts *c, bfc_stats *out)
{
    out->work_ns = out->stage_count = out->queue_count = 0;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (c->stage[i].calls == 0)
            continue;
        bool of_layers = is_of_layers(c, stages[i].thread);
        bool serial = !of_layers && strcmp(stages[i].thread, WORKERS) != 0;
        out->stage[out->stage_count++] = (bfc_stage_stats){
            .name = stages[i].name,
            .thread = stages[i].thread,
            .serial = serial,
            .alone = stages[i].alone,
            .calls = c->stage[i].calls,
            .items = c->stage[i].items,
            .bytes = c->stage[i].bytes,
            .busy_ns = c->stage[i].busy_ns,
            .serial_ns = serial      ? c->stage[i].busy_ns
                         : of_layers ? c->stage[i].longest_ns
                                     : 0,
            .waits = c->stage[i].waits,
            .wait_ns = c->stage[i].wait_ns,
        };
        out->work_ns += c->stage[i].busy_ns;
    }
    for (size_t i = 0; i < QUEUE_COUNT; i++)
        if (c->queue[i].limit)
            out->queue[out->queue_count++] =
                (bfc_queue_stats){queues[i], c->queue[i].most, c->queue[i].limit};
}

void bfci_gauge_end(bfci_gauge *g)
{
    bfc_stats *out = bfci_steal(&g->out);

    if (!out)
        return;
    bfci_meter_stop(&g->own);
    tell(&g->sum, out);
    out->wall_ns = bfci_monotonic_ns() - g->started_ns;
    pthread_mutex_destroy(&g->lock);
}
