/* SPDX-License-Identifier: Apache-2.0 */
/* The words of TOML: what stands between the brackets and equals signs. For toml.c alone. */
#ifndef BFCI_NET_TOML_SCAN_H
#define BFCI_NET_TOML_SCAN_H

#include "base/buf.h"
#include "net/toml.h"

typedef struct bfci_toml_scan {
    const char *p, *end;
    size_t line; /* from 1 */
    const char *path;
    size_t values; /* made so far */
    bfc_err *err;
} bfci_toml_scan;

/* "PATH:LINE: " and the message. */
int bfci_toml_wrong(const bfci_toml_scan *s, enum bfc_code code, const char *fmt, ...)
    BFCI_PRINTF(3, 4);

/* Once, before everything: UTF-8, no control bytes but tabs and ends of lines. The rest of the
 * reader relies on it. */
int bfci_toml_check_bytes(const bfci_toml_scan *s);

static inline bool bfci_toml_at(const bfci_toml_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}
/* Steps over `c` if it is next. */
static inline bool bfci_toml_take(bfci_toml_scan *s, char c)
{
    bool is = bfci_toml_at(s, c);
    s->p += is;
    return is;
}

void bfci_toml_blanks(bfci_toml_scan *s);  /* spaces and tabs */
void bfci_toml_comment(bfci_toml_scan *s); /* blanks, and a comment up to its end of line */
bool bfci_toml_newline(bfci_toml_scan *s); /* an end of line, if one is next */
void bfci_toml_space(bfci_toml_scan *s);   /* all of these, as many as there are */

/* A part of a key, NUL-terminated in *out; and a string. */
int bfci_toml_key(bfci_toml_scan *s, buf *out);
int bfci_toml_string(bfci_toml_scan *s, bool may_have_lines, buf *out);
/* Booleans, integers; null for floats, dates and times. */
int bfci_toml_scalar(bfci_toml_scan *s, json_t **out);

#endif
