/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and what the program does to text: escape it, wrap it, write sizes and times. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct text {
    char *data; /* NUL-terminated; NULL while nothing was added */
    size_t len, cap;
};

void text_free(struct text *t);
#define AUTO_TEXT __attribute__((cleanup(text_free)))

void text_add(struct text *t, const char *bytes, size_t len);
void text_str(struct text *t, const char *s);
void text_char(struct text *t, char c);
void text_fill(struct text *t, char c, size_t count);
void text_fmt(struct text *t, const char *fmt, ...) CLI_PRINTF(2, 3);
const char *text_of(const struct text *t); /* never NULL */

enum text_escape {
    ESCAPE_TERMINAL, /* whatever steers a terminal or hides text: \xNN; a backslash: two */
    ESCAPE_QUOTED,   /* that, and the single quote: for '…' in messages */
    ESCAPE_UTF8      /* only bytes that are no UTF-8: \xNN; a backslash: two */
};
void text_escaped(struct text *t, const char *bytes, size_t len, enum text_escape how);
bool text_is_utf8(const char *bytes, size_t len);
size_t text_columns(const char *s); /* a terminal's columns, one a character */
/* `s` in at most `columns` columns, 1 or more; where something is cut off, "…" is the last. */
void text_cut(struct text *t, const char *s, size_t columns);

/* Paragraphs of `s` (ended by an empty line), filled to `width` columns, each line after `indent`
 * blanks. Backquotes are dropped. The first line starts where the caller stands: no indent. */
void text_wrap(struct text *t, const char *s, size_t indent, size_t width);

/* "0 B", "1.5 KiB", "123 MiB" */
#define SIZE_TEXT_MAX 16
void text_size(char out[SIZE_TEXT_MAX], uint64_t bytes);

/* "2026-11-23 22:30:01" in UTC; "@123" where the calendar ends */
#define TIME_TEXT_MAX 48
void text_time(char out[TIME_TEXT_MAX], int64_t seconds);
/* "3 minutes ago", "in 2 hours" */
void text_age(char out[TIME_TEXT_MAX], int64_t seconds, int64_t now);

void text_hex(char *out, const uint8_t *bytes, size_t len); /* 2 * len + 1 bytes */

#endif
