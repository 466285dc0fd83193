/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error: messages, the library's log lines, and the progress line, which is erased before
 * anything else is written. May be used by several threads: the library calls back from its own. */
#ifndef CLI_UI_H
#define CLI_UI_H

#include <pthread.h>

#include <bfc/hooks.h>

#include "progress.h"
#include "text.h"

enum progress_mode {
    PROGRESS_AUTO = 0, /* a line, on a terminal, for what takes longer than a second */
    PROGRESS_JSON,     /* a JSON document a line */
    PROGRESS_NONE
};

enum color_mode {
    COLOR_AUTO = 0,
    COLOR_ALWAYS,
    COLOR_NEVER
};

struct ui {
    int fd;
    bool terminal, color;
    bool json; /* messages are JSON documents, one a line */
    bool quiet;
    unsigned verbose; /* 1: what is worth telling, 2: for developers */
    enum progress_mode mode;
    pthread_mutex_t lock;
    struct progress progress;
    double started, drawn; /* seconds */
    size_t shown;          /* lines of it that stand on the terminal */
    struct text block;     /* lines above the one of progress, as a view wants them */
    size_t block_lines;
    bool pending; /* the last state was not told */
};

void ui_init(struct ui *ui, int fd);
void ui_set_color(struct ui *ui, enum color_mode mode);
void ui_destroy(struct ui *ui); /* erases the progress line */

/* "bfc: msg"; as JSON it has the code's name and the exit code. */
void ui_error(struct ui *ui, const char *code, int exit_code, const char *msg);
/* "bfc: warning: msg" */
void ui_warning(struct ui *ui, const char *module, const char *msg);
/* A line as it is; not with --json. */
void ui_line(struct ui *ui, const char *line);

/* For bfc_hooks, with the struct ui as ctx. */
void ui_on_log(void *ui, enum bfc_log_level level, const char *module, const char *msg);
void ui_on_progress(void *ui, const bfc_progress *progress);

/* Puts `count` lines, each no wider than the terminal and with "\n" at its end, above the progress
 * line. They stay until others are put there, or none. */
void ui_set_block(struct ui *ui, const struct text *lines, size_t count);
/* A document on a line of its own, whatever the mode; takes it over. */
struct json_t;
void ui_document(struct ui *ui, struct json_t *document);

/* Rows of the terminal at fd, 24 where it does not say. */
size_t ui_rows(int fd);
/* Columns of the terminal at fd: $COLUMNS, else what the terminal says, else 80. */
size_t ui_columns(int fd);

#endif
