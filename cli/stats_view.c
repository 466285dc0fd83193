/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as a table and as JSON. */
#include "stats_view.h"

#include <inttypes.h>

#include "table_print.h"

static const unsigned thread_counts[] = {4, 8, 16};

static double share(const bfc_stats *s, uint64_t busy_ns)
{
    return s->work_ns ? 100.0 * (double)busy_ns / (double)s->work_ns : 0;
}

/* ── JSON ── */

static json_t *stage_json(const bfc_stage_stats *stage)
{
    json_t *o = json_new();

    json_put_str(o, "name", stage->name);
    json_put_str(o, "thread", stage->thread);
    json_put_bool(o, "serial", stage->serial);
    json_put_bool(o, "alone", stage->alone);
    json_put_u64(o, "calls", stage->calls);
    json_put_u64(o, "items", stage->items);
    json_put_u64(o, "bytes", stage->bytes);
    json_put_u64(o, "busy_ns", stage->busy_ns);
    json_put_u64(o, "serial_ns", stage->serial_ns);
    json_put_u64(o, "waits", stage->waits);
    json_put_u64(o, "wait_ns", stage->wait_ns);
    return o;
}

static json_t *queue_json(const bfc_queue_stats *queue)
{
    json_t *o = json_new();

    json_put_str(o, "name", queue->name);
    json_put_u64(o, "most", queue->most);
    json_put_u64(o, "limit", queue->limit);
    return o;
}

static json_t *speedup_json(const bfc_stats *s, unsigned threads)
{
    json_t *o = json_new();

    json_put_u64(o, "threads", threads);
    json_put(o, "in_turn", json_real(bfc_stats_speedup(s, threads, false)));
    json_put(o, "overlapping", json_real(bfc_stats_speedup(s, threads, true)));
    return o;
}

void stats_json(json_t *document, const bfc_stats *s)
{
    if (!s)
        return;
    json_t *o = json_new(), *stages = json_array(), *queues = json_array(),
           *speedups = json_array();
    json_put_u64(o, "wall_ns", s->wall_ns);
    json_put_u64(o, "work_ns", s->work_ns);
    for (size_t i = 0; i < s->stage_count; i++)
        json_push(stages, stage_json(&s->stage[i]));
    for (size_t i = 0; i < s->queue_count; i++)
        json_push(queues, queue_json(&s->queue[i]));
    for (size_t i = 0; i < ARRAY_LEN(thread_counts); i++)
        json_push(speedups, speedup_json(s, thread_counts[i]));
    json_put(o, "stages", stages);
    json_put(o, "queues", queues);
    json_put(o, "speedup_at_most", speedups);
    json_put(document, "stats", o);
}

/* ── For people ── */

static void add_count(struct table *t, uint64_t count)
{
    AUTO_TEXT struct text cell = {0};

    text_fmt(&cell, "%" PRIu64, count);
    table_add(t, count ? text_of(&cell) : "-");
}

static void add_seconds(struct table *t, uint64_t ns)
{
    AUTO_TEXT struct text cell = {0};

    text_fmt(&cell, "%.3f s", (double)ns / 1e9);
    table_add(t, text_of(&cell));
}

static void add_share(struct table *t, double percent)
{
    AUTO_TEXT struct text cell = {0};

    text_fmt(&cell, "%.1f %%", percent);
    table_add(t, text_of(&cell));
}

static void add_stage(struct table *t, const bfc_stats *s, const bfc_stage_stats *stage)
{
    char size[SIZE_TEXT_MAX];

    table_add(t, stage->name);
    table_add(t, stage->thread);
    add_count(t, stage->items);
    text_size(size, stage->bytes);
    table_add(t, stage->bytes ? size : "-");
    add_seconds(t, stage->busy_ns);
    add_share(t, share(s, stage->busy_ns));
    add_count(t, stage->waits);
    add_seconds(t, stage->wait_ns);
}

static void put_table(struct text *out, const bfc_stats *s)
{
    static const char *const heads[] = {"STAGE", "THREAD", "ITEMS", "BYTES",
                                        "BUSY",  "SHARE",  "WAITS", "WAITED"};
    static const bool right[] = {false, false, true, true, true, true, true, true};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(heads), .right = right};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        table_add(&t, heads[i]);
    for (size_t i = 0; i < s->stage_count; i++)
        add_stage(&t, s, &s->stage[i]);
    table_lines(&t, out);
}

static void put_serial(struct text *out, const bfc_stats *s)
{
    const bfc_stage_stats *largest = NULL;
    uint64_t serial = 0;

    for (size_t i = 0; i < s->stage_count; i++) {
        const bfc_stage_stats *stage = &s->stage[i];
        serial += stage->serial_ns;
        if (stage->serial_ns && (!largest || stage->serial_ns > largest->serial_ns))
            largest = stage;
    }
    text_fmt(out, "%.3f s of work in %.3f s", (double)s->work_ns / 1e9, (double)s->wall_ns / 1e9);
    if (largest)
        text_fmt(out, "; %.1f %% of it is serial, most of that '%s' with %.1f %%", share(s, serial),
                 largest->name, share(s, largest->serial_ns));
    text_char(out, '\n');
}

static void put_speedups(struct text *out, const bfc_stats *s, bool overlap)
{
    for (size_t i = 0; i < ARRAY_LEN(thread_counts); i++)
        text_fmt(out, "%s%.1f", i ? ", " : "", bfc_stats_speedup(s, thread_counts[i], overlap));
}

static void put_bounds(struct text *out, const bfc_stats *s)
{
    text_str(out, "with ");
    for (size_t i = 0; i < ARRAY_LEN(thread_counts); i++)
        text_fmt(out, "%s%u", i ? ", " : "", thread_counts[i]);
    text_str(out, " threads at most ");
    put_speedups(out, s, true);
    text_str(out, " times as fast as with one; ");
    put_speedups(out, s, false);
    text_str(out, " if serial stages never overlapped\n");
}

static void put_queues(struct text *out, const bfc_stats *s)
{
    if (s->queue_count)
        text_str(out, "most at a time:");
    for (size_t i = 0; i < s->queue_count; i++)
        text_fmt(out, "%s %s %" PRIu64 " of %" PRIu64, i ? "," : "", s->queue[i].name,
                 s->queue[i].most, s->queue[i].limit);
}

void stats_print(struct cli *cli, const bfc_stats *s)
{
    AUTO_TEXT struct text out = {0};

    if (!s || cli->json)
        return;
    if (s->stage_count == 0) {
        ui_line(&cli->ui, "no stage had anything to do");
        return;
    }
    put_table(&out, s);
    put_serial(&out, s);
    put_bounds(&out, s);
    put_queues(&out, s);
    ui_line(&cli->ui, text_of(&out));
}
