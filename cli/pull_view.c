/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of blobs: what is on its way is always among those that fit, then what is being packed,
 * then what is done, then what waits. */
#include "pull_view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DIGEST_SHOWN = 12, /* digits */
    LINES_MAX = 20,
    ROWS_FREE = 3,
    STATES = BFC_BLOB_SENDING + 1
};

static const double RATE_WINDOW = 4.0; /* seconds that rates look back */

struct pull_line {
    bool known;
    char digest[DIGEST_SHOWN + 1];
    uint64_t size, done, kept;
    enum bfc_blob_state state;
    double rate, sampled; /* bytes a second; when */
    uint64_t sampled_done;
};

static double seconds_now(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC, &now) < 0
               ? 0
               : (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool pull_view_wanted(const struct cli *cli)
{
    return cli->hooks.progress != NULL;
}

static bool is_moving(enum bfc_blob_state state)
{
    return state == BFC_BLOB_FETCHING || state == BFC_BLOB_SENDING;
}

static void take(struct pull_line *l, const bfc_blob_progress *blob)
{
    const char *hex = strchr(blob->digest, ':');
    double now = seconds_now(), seconds = now - l->sampled;

    (void)snprintf(l->digest, sizeof l->digest, "%s", hex ? hex + 1 : blob->digest);
    if (!is_moving(l->state) || blob->state != l->state || blob->done < l->sampled_done) {
        l->rate = 0;
        l->sampled = now;
        l->sampled_done = blob->done;
    } else if (seconds >= 0.2) {
        double rate = (double)(blob->done - l->sampled_done) / seconds;
        l->rate =
            l->rate > 0 ? l->rate + (rate - l->rate) * seconds / (RATE_WINDOW + seconds) : rate;
        l->sampled = now;
        l->sampled_done = blob->done;
    }
    l->known = true;
    l->size = blob->size;
    l->done = blob->done;
    l->kept = blob->kept;
    l->state = blob->state;
}

/* ── A terminal ── */

static void add_moving(struct text *t, const struct pull_line *l)
{
    char done[SIZE_TEXT_MAX], size[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];

    text_size(done, l->done);
    text_size(size, l->size);
    text_fmt(t, "%3d%%  %s of %s", l->size ? (int)((double)l->done / (double)l->size * 100) : 100,
             done, size);
    if (l->rate <= 0)
        return;
    text_size(rate, (uint64_t)l->rate);
    text_fmt(t, "  %s/s", rate);
    double left = (double)(l->size - l->done) / l->rate;
    if (left < 360000)
        text_fmt(t, "  %u:%02u left", (unsigned)(left + 0.5) / 60, (unsigned)(left + 0.5) % 60);
}

static void add_packing(struct text *t, const struct pull_line *l)
{
    char done[SIZE_TEXT_MAX];

    text_size(done, l->done);
    text_fmt(t, "packing  %s", done);
}

static void add_line(struct text *t, const struct pull_line *l, size_t columns)
{
    AUTO_TEXT struct text line = {0};
    char size[SIZE_TEXT_MAX];

    text_fmt(&line, "%s  ", l->digest);
    text_size(size, l->size);
    if (is_moving(l->state))
        add_moving(&line, l);
    else if (l->state == BFC_BLOB_DONE)
        text_fmt(&line, "done  %s", size);
    else if (l->state == BFC_BLOB_PACKING)
        add_packing(&line, l);
    else
        text_fmt(&line, "waiting  %s", size);
    text_cut(t, text_of(&line), columns);
    text_char(t, '\n');
}

static size_t count_state(const struct pull_view *v, enum bfc_blob_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < v->count; i++)
        count += v->line[i].known && v->line[i].state == state;
    return count;
}

/* How many of each state may be shown, so that `room` is enough. */
static void share_room(const struct pull_view *v, size_t room, size_t shown[STATES])
{
    static const enum bfc_blob_state first[] = {BFC_BLOB_FETCHING, BFC_BLOB_SENDING,
                                                BFC_BLOB_PACKING, BFC_BLOB_WAITING, BFC_BLOB_DONE};

    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        size_t there = count_state(v, first[i]);
        shown[first[i]] = there < room ? there : room;
        room -= shown[first[i]];
    }
}

static void show(struct pull_view *v)
{
    struct ui *ui = &v->cli->ui;
    AUTO_TEXT struct text t = {0};
    size_t rows = ui_rows(ui->fd), columns = ui_columns(ui->fd) - 1, lines = 0, shown[STATES];
    size_t room = rows > ROWS_FREE ? rows - ROWS_FREE : 1;

    share_room(v, room < LINES_MAX ? room : LINES_MAX, shown);
    size_t passed = count_state(v, BFC_BLOB_DONE) - shown[BFC_BLOB_DONE]; /* the oldest */
    for (size_t i = 0; i < v->count; i++) {
        const struct pull_line *l = &v->line[i];
        if (!l->known || shown[l->state] == 0)
            continue;
        if (l->state == BFC_BLOB_DONE && passed > 0) {
            passed--;
            continue;
        }
        shown[l->state]--;
        add_line(&t, l, columns);
        lines++;
    }
    ui_set_block(ui, &t, lines);
}

/* ── Documents ── */

static void tell(const struct pull_view *v, const bfc_blob_progress *blob)
{
    static const char *const states[] = {"waiting", "fetching", "done", "packing", "sending"};
    json_t *document = json_document("bfc.progress.blob/1");

    json_put_str(document, "digest", blob->digest);
    json_put_str(document, "state", states[blob->state]);
    json_put_u64(document, "bytes_done", blob->done);
    json_put_u64(document, "bytes_total", blob->size);
    json_put_u64(document, "bytes_kept", blob->kept);
    json_put_u64(document, "index", blob->index);
    json_put_u64(document, "count", blob->count);
    ui_document(&v->cli->ui, document);
}

void pull_view_blob(void *view, const bfc_blob_progress *blob)
{
    struct pull_view *v = view;

    if (v->cli->ui.mode == PROGRESS_JSON) {
        tell(v, blob);
        return;
    }
    if (!v->line) {
        v->line = mem_alloc(blob->count, sizeof *v->line);
        v->count = blob->count;
    }
    if (blob->index >= v->count)
        return;
    take(&v->line[blob->index], blob);
    show(v);
}

void pull_view_end(struct pull_view *v)
{
    const struct text nothing = {0};

    if (v->line)
        ui_set_block(&v->cli->ui, &nothing, 0);
    free(v->line);
    *v = (struct pull_view){0};
}
