/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error. Each message is one write(2), so that lines of several programs do not mix. */
#include "ui.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

static const double SHOWN_AFTER = 1.0; /* seconds before there is a progress line */
static const double DRAWN_EVERY = 0.1; /* seconds between two of them */
static const char ERASE_LINE[] = "\r\033[K";
static const char LINE_UP[] = "\033[A";

static double seconds_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        return 0;
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void ui_init(struct ui *ui, int fd)
{
    *ui = (struct ui){.fd = fd, .terminal = isatty(fd) == 1, .started = seconds_now()};
    if (pthread_mutex_init(&ui->lock, NULL) != 0)
        mem_out();
    ui_set_color(ui, COLOR_AUTO);
}

void ui_set_color(struct ui *ui, enum color_mode mode)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool dumb = term && strcmp(term, "dumb") == 0;

    if (mode == COLOR_AUTO)
        ui->color = ui->terminal && !dumb && !(no_color && *no_color);
    else
        ui->color = mode == COLOR_ALWAYS;
}

size_t ui_columns(int fd)
{
    const char *columns = getenv("COLUMNS");
    char *end = NULL;
    unsigned long value = columns && *columns ? strtoul(columns, &end, 10) : 0;
    struct winsize size;

    if (end && !*end && value > 0 && value < 10000)
        return value;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

size_t ui_rows(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

static void write_all(const struct ui *ui, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(ui->fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return; /* there is nowhere left to tell it */
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

/* Erases what stands there of progress, with the last line first. */
static void erase(struct ui *ui, struct text *t)
{
    for (; ui->shown > 0; ui->shown--) {
        text_str(t, ERASE_LINE);
        if (ui->shown > 1)
            text_str(t, LINE_UP);
    }
}

/* Writes whole lines where the progress line was; under the lock. */
static void write_lines(struct ui *ui, const char *text, size_t len)
{
    AUTO_TEXT struct text t = {0};
    erase(ui, &t);
    text_add(&t, text, len);
    write_all(ui, t.data, t.len);
}

static void say(struct ui *ui, const struct text *t)
{
    (void)pthread_mutex_lock(&ui->lock);
    write_lines(ui, text_of(t), t->len);
    (void)pthread_mutex_unlock(&ui->lock);
}

static void say_json(struct ui *ui, json_t *document)
{
    AUTO_TEXT struct text t = {0};
    json_to_text(&t, document);
    text_char(&t, '\n');
    say(ui, &t);
}

/* "bfc: " in the colour of what follows */
static void begin(const struct ui *ui, struct text *t, const char *color, const char *kind)
{
    if (ui->color)
        text_str(t, color);
    text_fmt(t, "bfc:%s", kind);
    if (ui->color)
        text_str(t, "\033[0m");
    text_char(t, ' ');
}

void ui_error(struct ui *ui, const char *code, int exit_code, const char *msg)
{
    if (ui->json) {
        json_t *error = json_new();
        json_put_str(error, "code", code);
        json_put_int(error, "exit", exit_code);
        json_put_str(error, "message", msg);
        json_t *document = json_document("bfc.error/1");
        json_put(document, "error", error);
        say_json(ui, document);
        return;
    }
    AUTO_TEXT struct text t = {0};
    begin(ui, &t, "\033[1;31m", "");
    text_fmt(&t, "%s\n", msg);
    say(ui, &t);
}

static void say_log(struct ui *ui, const char *level, const char *module, const char *msg)
{
    json_t *document = json_document("bfc.log/1");
    json_put_str(document, "level", level);
    json_put_str(document, "module", module);
    json_put_str(document, "message", msg);
    say_json(ui, document);
}

void ui_warning(struct ui *ui, const char *module, const char *msg)
{
    if (ui->json) {
        say_log(ui, "warning", module, msg);
        return;
    }
    AUTO_TEXT struct text t = {0};
    begin(ui, &t, "\033[1;33m", " warning:");
    text_fmt(&t, "%s\n", msg);
    say(ui, &t);
}

void ui_line(struct ui *ui, const char *line)
{
    if (ui->json)
        return;
    AUTO_TEXT struct text t = {0};
    text_fmt(&t, "%s\n", line);
    say(ui, &t);
}

void ui_on_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct ui *ui = ctx;
    if (level == BFC_LOG_WARNING) {
        ui_warning(ui, module, msg);
        return;
    }
    if (ui->verbose < (unsigned)level)
        return;
    if (ui->json) {
        say_log(ui, level == BFC_LOG_INFO ? "info" : "debug", module, msg);
        return;
    }
    AUTO_TEXT struct text t = {0};
    if (level == BFC_LOG_INFO)
        text_fmt(&t, "bfc: %s\n", msg);
    else
        text_fmt(&t, "bfc: debug: %s: %s\n", module, msg);
    say(ui, &t);
}

/* ── Progress; all of it under the lock ── */

static void tell_json(struct ui *ui)
{
    const bfc_progress *p = &ui->progress.last;
    json_t *document = json_document("bfc.progress/1");
    json_put_str(document, "phase", p->phase);
    json_put_u64(document, "bytes_done", p->bytes_done);
    json_put_u64(document, "bytes_total", p->bytes_total);
    json_put_u64(document, "files_done", p->files_done);
    json_put_u64(document, "files_total", p->files_total);

    AUTO_TEXT struct text t = {0};
    json_to_text(&t, document);
    text_char(&t, '\n');
    write_lines(ui, t.data, t.len);
}

static void draw(struct ui *ui)
{
    AUTO_TEXT struct text t = {0};
    erase(ui, &t);
    text_add(&t, text_of(&ui->block), ui->block.len);
    /* One column stays free: some terminals wrap when the last one is filled. */
    if (ui->progress.last.phase)
        progress_line(&t, &ui->progress, ui_columns(ui->fd) - 1);
    write_all(ui, t.data, t.len);
    ui->shown = ui->block_lines + 1;
}

void ui_set_block(struct ui *ui, const struct text *lines, size_t count)
{
    double now = seconds_now();

    (void)pthread_mutex_lock(&ui->lock);
    ui->block.len = 0;
    text_add(&ui->block, text_of(lines), lines->len);
    ui->block_lines = count;
    if (now - ui->started >= SHOWN_AFTER && now - ui->drawn >= DRAWN_EVERY) {
        draw(ui);
        ui->drawn = now;
    }
    (void)pthread_mutex_unlock(&ui->lock);
}

void ui_document(struct ui *ui, json_t *document)
{
    say_json(ui, document);
}

void ui_on_progress(void *ctx, const bfc_progress *told)
{
    struct ui *ui = ctx;
    double now = seconds_now();

    (void)pthread_mutex_lock(&ui->lock);
    progress_take(&ui->progress, told, now);
    ui->pending = true;
    if (now - ui->drawn >= DRAWN_EVERY) {
        if (ui->mode == PROGRESS_JSON) {
            tell_json(ui);
            ui->pending = false;
            ui->drawn = now;
        } else if (now - ui->started >= SHOWN_AFTER) {
            draw(ui);
            ui->drawn = now;
        }
    }
    (void)pthread_mutex_unlock(&ui->lock);
}

void ui_destroy(struct ui *ui)
{
    (void)pthread_mutex_lock(&ui->lock);
    if (ui->mode == PROGRESS_JSON && ui->pending)
        tell_json(ui);
    write_lines(ui, "", 0);
    ui->pending = false;
    (void)pthread_mutex_unlock(&ui->lock);
    (void)pthread_mutex_destroy(&ui->lock);
    text_free(&ui->block);
}
