/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, time left, and the progress line in five widths. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How long the rates look back, and how often they are reckoned, in seconds. */
static const double RATE_WINDOW = 4.0;
static const double SAMPLE_EVERY = 0.25;

static double smoothed(double old, uint64_t done, uint64_t before, double seconds)
{
    double now = done > before ? (double)(done - before) / seconds : 0;
    double weight = seconds / (RATE_WINDOW + seconds);
    return old > 0 ? old + (now - old) * weight : now;
}

void progress_take(struct progress *p, const bfc_progress *told, double now)
{
    bool other_phase = !p->last.phase || strcmp(p->last.phase, told->phase) != 0;

    p->last = *told;
    if (other_phase || told->bytes_done < p->sampled_bytes || p->sampled <= 0) {
        p->rate = p->files_rate = 0;
        p->sampled = now;
        p->sampled_bytes = told->bytes_done;
        p->sampled_files = told->files_done;
        return;
    }
    double seconds = now - p->sampled;
    if (seconds < SAMPLE_EVERY)
        return;
    p->rate = smoothed(p->rate, told->bytes_done, p->sampled_bytes, seconds);
    p->files_rate = smoothed(p->files_rate, told->files_done, p->sampled_files, seconds);
    p->sampled = now;
    p->sampled_bytes = told->bytes_done;
    p->sampled_files = told->files_done;
}

/* Seconds until the slower of bytes and files is through; negative where that is not known. */
static double seconds_left(const struct progress *p)
{
    const bfc_progress *l = &p->last;
    double bytes = -1, files = -1;
    if (l->bytes_total > l->bytes_done && p->rate > 0)
        bytes = (double)(l->bytes_total - l->bytes_done) / p->rate;
    if (l->files_total > l->files_done && p->files_rate > 0)
        files = (double)(l->files_total - l->files_done) / p->files_rate;
    /* Where there is content, its bytes tell more than the number of files does. */
    return l->bytes_total ? bytes : files;
}

static int percent(const bfc_progress *l)
{
    uint64_t done = l->bytes_total ? l->bytes_done : l->files_done;
    uint64_t total = l->bytes_total ? l->bytes_total : l->files_total;
    if (total == 0)
        return -1;
    return done >= total ? 100 : (int)((double)done / (double)total * 100);
}

static void add_time_left(struct text *t, const struct progress *p)
{
    double left = seconds_left(p);
    if (left < 0 || left > 359999) /* beyond 99:59:59 it is no forecast */
        return;
    unsigned s = (unsigned)(left + 0.5);
    if (s >= 3600)
        text_fmt(t, "  %u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
    else
        text_fmt(t, "  %u:%02u left", s / 60, s % 60);
}

static void add_bytes(struct text *t, const bfc_progress *l, bool total)
{
    char done[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];
    text_size(done, l->bytes_done);
    text_size(all, l->bytes_total);
    text_fmt(t, "  %s", done);
    if (total && l->bytes_total)
        text_fmt(t, " of %s", all);
}

static void add_files(struct text *t, const bfc_progress *l)
{
    text_fmt(t, "  %" PRIu64, l->files_done);
    if (l->files_total)
        text_fmt(t, " of %" PRIu64, l->files_total);
    text_str(t, " files");
}

/* detail 0 has everything, each higher one leaves more out. */
static void add_line(struct text *t, const struct progress *p, int detail)
{
    const bfc_progress *l = &p->last;
    int done = percent(l);
    char rate[SIZE_TEXT_MAX];

    if (detail < 4)
        text_str(t, l->phase);
    if (done >= 0)
        text_fmt(t, "%s%d%%", t->len ? "  " : "", done);
    add_bytes(t, l, detail < 2);
    if (detail < 1)
        add_files(t, l);
    if (detail < 3 && p->rate > 0) {
        text_size(rate, (uint64_t)p->rate);
        text_fmt(t, "  %s/s", rate);
    }
    if (detail < 4)
        add_time_left(t, p);
}

void progress_line(struct text *t, const struct progress *p, size_t columns)
{
    enum {
        DETAILS = 5
    };
    for (int detail = 0; detail < DETAILS; detail++) {
        AUTO_TEXT struct text line = {0};
        add_line(&line, p, detail);
        const char *s = text_of(&line);
        s += strspn(s, " ");
        size_t len = strlen(s);
        if (len <= columns || detail + 1 == DETAILS) {
            text_add(t, s, len < columns ? len : columns);
            return;
        }
    }
}
