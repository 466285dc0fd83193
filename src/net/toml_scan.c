/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the words of TOML: keys, strings, numbers and dates. All of them end where the text ends at
 * the latest, and nothing here goes deeper than one level. */
#include "net/toml_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const char token_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.:";

int bfci_toml_wrong(const bfci_toml_scan *s, enum bfc_code code, const char *fmt, ...)
{
    char msg[BFC_ERR_MSG_MAX / 2];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    return bfci_fail(s->err, code, "%s:%zu: %s", s->path, s->line, msg);
}

/* ── Bytes and blanks ── */

static int check_line(const bfci_toml_scan *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s->p[i];
        bool ends = c == '\r' && i + 1 == len && s->p + len < s->end;
        if ((c < 0x20 && c != '\t' && !ends) || c == 0x7f)
            return bfci_toml_wrong(s, BFC_E_INVALID, "the control byte 0x%02x is not allowed", c);
    }
    return bfci_is_utf8(s->p, len) ? 0
                                   : bfci_toml_wrong(s, BFC_E_INVALID, "this line is not UTF-8");
}

int bfci_toml_check_bytes(const bfci_toml_scan *s)
{
    bfci_toml_scan at = *s;

    while (at.p < at.end) {
        const char *newline = memchr(at.p, '\n', (size_t)(at.end - at.p));
        size_t len = (size_t)((newline ? newline : at.end) - at.p);
        BFC_TRY(check_line(&at, len));
        at.p += len + (newline != NULL);
        at.line++;
    }
    return 0;
}

void bfci_toml_blanks(bfci_toml_scan *s)
{
    while (bfci_toml_at(s, ' ') || bfci_toml_at(s, '\t'))
        s->p++;
}

static bool at_newline(const bfci_toml_scan *s)
{
    return bfci_toml_at(s, '\n') || bfci_toml_at(s, '\r');
}

void bfci_toml_comment(bfci_toml_scan *s)
{
    bfci_toml_blanks(s);
    if (bfci_toml_at(s, '#'))
        while (s->p < s->end && !at_newline(s))
            s->p++;
}

bool bfci_toml_newline(bfci_toml_scan *s)
{
    (void)bfci_toml_take(s, '\r'); /* nothing but a newline can be behind it */
    bool is = bfci_toml_take(s, '\n');
    s->line += is;
    return is;
}

void bfci_toml_space(bfci_toml_scan *s)
{
    do
        bfci_toml_comment(s);
    while (bfci_toml_newline(s));
}

/* ── Strings ── */

static void put_utf8(buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_u8(out, (uint8_t)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    buf_u8(out, (uint8_t)(0xFF00u >> (more + 1) | c >> 6 * more));
    while (more-- > 0)
        buf_u8(out, (uint8_t)(0x80 | (c >> 6 * more & 0x3f)));
}

/* Behind "\u" or "\U". */
static int unicode_escape(bfci_toml_scan *s, unsigned digits, buf *out)
{
    uint32_t c = 0;

    for (unsigned i = 0; i < digits; i++, s->p++) {
        if (s->p >= s->end || !isxdigit((unsigned char)*s->p))
            return bfci_toml_wrong(s, BFC_E_INVALID, "%u hexadecimal digits belong behind \\%c",
                                   digits, digits == 4 ? 'u' : 'U');
        unsigned char d = (unsigned char)tolower((unsigned char)*s->p);
        c = c << 4 | (uint32_t)(isdigit(d) ? d - '0' : d - 'a' + 10);
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return bfci_toml_wrong(s, BFC_E_INVALID, "the character U+%04X is not allowed in a string",
                               (unsigned)c);
    put_utf8(out, c);
    return 0;
}

/* Behind a backslash at the end of a line: the blanks up to the next character go. False if
 * there is something else on the line. */
static bool line_continues(bfci_toml_scan *s)
{
    bfci_toml_scan ahead = *s;

    bfci_toml_blanks(&ahead);
    if (!bfci_toml_newline(&ahead))
        return false;
    do
        bfci_toml_blanks(&ahead);
    while (bfci_toml_newline(&ahead));
    *s = ahead;
    return true;
}

/* Behind a backslash. */
static int escape(bfci_toml_scan *s, bool lines, buf *out)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";

    if (lines && line_continues(s))
        return 0;
    char c = s->p < s->end ? *s->p : ' ';
    const char *known = strchr(from, c);
    if (bfci_toml_take(s, 'u'))
        return unicode_escape(s, 4, out);
    if (bfci_toml_take(s, 'U'))
        return unicode_escape(s, 8, out);
    if (!known)
        return bfci_toml_wrong(s, BFC_E_INVALID, "'\\%s' means nothing in a string",
                               BFCI_QUOTE(&c, 1));
    s->p++;
    buf_u8(out, (uint8_t)to[known - from]);
    return 0;
}

/* Up to three quotes at the end of a string of several lines; two more may belong to the text. */
static bool closes(bfci_toml_scan *s, char quote, bool lines, buf *out)
{
    size_t count = 1;

    if (!lines) {
        s->p++;
        return true;
    }
    while (count < 5 && s->p + count < s->end && s->p[count] == quote)
        count++;
    s->p += count;
    for (size_t i = count < 3 ? 0 : 3; i < count; i++)
        buf_u8(out, (uint8_t)quote);
    return count >= 3;
}

static int string_body(bfci_toml_scan *s, char quote, bool lines, size_t first_line, buf *out)
{
    while (s->p < s->end) {
        if (*s->p == quote) {
            if (closes(s, quote, lines, out))
                return buf_check(out, s->err);
        } else if (at_newline(s)) {
            if (!lines)
                return bfci_toml_wrong(s, BFC_E_INVALID, "the string does not end on its line");
            (void)bfci_toml_newline(s);
            buf_u8(out, '\n');
        } else if (quote == '"' && bfci_toml_take(s, '\\')) {
            BFC_TRY(escape(s, lines, out));
        } else {
            buf_u8(out, (uint8_t)*s->p++);
        }
    }
    s->line = first_line;
    return bfci_toml_wrong(s, BFC_E_INVALID, "the string that begins here does not end");
}

int bfci_toml_string(bfci_toml_scan *s, bool may_have_lines, buf *out)
{
    const char quote = *s->p;
    const size_t first_line = s->line;
    bool lines = s->end - s->p >= 3 && s->p[1] == quote && s->p[2] == quote;

    if (lines && !may_have_lines)
        return bfci_toml_wrong(s, BFC_E_INVALID, "a key cannot have several lines");
    s->p += lines ? 3 : 1;
    if (lines)
        (void)bfci_toml_newline(s);
    return string_body(s, quote, lines, first_line, out);
}

int bfci_toml_key(bfci_toml_scan *s, buf *out)
{
    buf_clear(out);
    if (bfci_toml_at(s, '"') || bfci_toml_at(s, '\'')) {
        BFC_TRY(bfci_toml_string(s, false, out));
    } else {
        const char *start = s->p;
        while (s->p < s->end &&
               (isalnum((unsigned char)*s->p) || bfci_toml_at(s, '_') || bfci_toml_at(s, '-')))
            s->p++;
        if (s->p == start)
            return bfci_toml_wrong(s, BFC_E_INVALID, "a key was expected%s%s%s",
                                   s->p < s->end && !at_newline(s) ? ", not '" : "",
                                   s->p < s->end && !at_newline(s) ? BFCI_QUOTE(s->p, 1) : "",
                                   s->p < s->end && !at_newline(s) ? "'" : "");
        bfci_buf_put(out, start, (size_t)(s->p - start));
    }
    buf_u8(out, 0);
    return buf_check(out, s->err);
}

/* ── Numbers, dates, booleans ── */

/* A word of the text, and what is left of it. */
typedef struct word {
    const char *p, *end;
} word;

static bool word_take(word *w, const char *any_of)
{
    bool is = w->p < w->end && strchr(any_of, *w->p);
    w->p += is;
    return is;
}

/* At least one digit, "_" only between two. */
static bool word_digits(word *w, const char *digits)
{
    if (!word_take(w, digits))
        return false;
    for (;;) {
        bool line = word_take(w, "_");
        if (!word_take(w, digits))
            return !line;
    }
}

static bool word_is(word w, const char *text)
{
    return (size_t)(w.end - w.p) == strlen(text) && memcmp(w.p, text, strlen(text)) == 0;
}

/* The value of digits that were found right; false if it is above 2^63 - 1, or 2^63 if negative. */
static bool integer_value(word w, int base, bool negative, json_int_t *out)
{
    char plain[80];
    size_t len = 0;

    for (; w.p < w.end; w.p++)
        if (*w.p != '_') {
            if (len + 1 == sizeof plain)
                return false;
            plain[len++] = *w.p;
        }
    plain[len] = '\0';
    errno = 0;
    unsigned long long value = strtoull(plain, NULL, base);
    if (errno != 0 || value > (unsigned long long)INT64_MAX + negative)
        return false;
    *out = negative ? (json_int_t)(0 - value) : (json_int_t)value;
    return true;
}

enum kind {
    NONE,
    INTEGER,
    TOO_LARGE,
    UNUSED /* right, but of a kind that nobody asks for */
};

static enum kind prefixed_integer(word w, json_int_t *out)
{
    static const struct {
        const char *prefix, *digits;
        int base;
    } kinds[] = {{"x", "0123456789abcdefABCDEF", 16}, {"o", "01234567", 8}, {"b", "01", 2}};

    if (!word_take(&w, "0"))
        return NONE;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (word_take(&w, kinds[i].prefix)) {
            word digits = w;
            if (!word_digits(&w, kinds[i].digits) || w.p < w.end)
                return NONE;
            return integer_value(digits, kinds[i].base, false, out) ? INTEGER : TOO_LARGE;
        }
    return NONE;
}

static enum kind number(word w, json_int_t *out)
{
    static const char decimal[] = "0123456789";
    bool negative = w.p < w.end && *w.p == '-';

    (void)word_take(&w, "+-");
    if (word_is(w, "inf") || word_is(w, "nan"))
        return UNUSED;
    word digits = w;
    if (!word_digits(&w, decimal) || (*digits.p == '0' && w.p > digits.p + 1))
        return NONE;
    if (w.p == w.end)
        return integer_value(digits, 10, negative, out) ? INTEGER : TOO_LARGE;
    if (word_take(&w, ".") && !word_digits(&w, decimal))
        return NONE;
    if (word_take(&w, "eE")) {
        (void)word_take(&w, "+-");
        if (!word_digits(&w, decimal))
            return NONE;
    }
    return w.p == w.end ? UNUSED : NONE;
}

/* `count` digits; their value, or -1. */
static int fixed_digits(word *w, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++, w->p++) {
        if (w->p >= w->end || !isdigit((unsigned char)*w->p))
            return -1;
        value = value * 10 + (*w->p - '0');
    }
    return value;
}

static bool take_date(word *w)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = fixed_digits(w, 4);
    int month = year >= 0 && word_take(w, "-") ? fixed_digits(w, 2) : -1;
    int day = month >= 1 && month <= 12 && word_take(w, "-") ? fixed_digits(w, 2) : -1;
    bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return day >= 1 && day <= days[month - 1] + leap;
}

static bool take_minutes(word *w)
{
    int hour = fixed_digits(w, 2);
    int minute = hour >= 0 && hour < 24 && word_take(w, ":") ? fixed_digits(w, 2) : -1;

    return minute >= 0 && minute < 60;
}

static bool take_time(word *w)
{
    static const char decimal[] = "0123456789";
    int second = take_minutes(w) && word_take(w, ":") ? fixed_digits(w, 2) : -1;

    if (second < 0 || second > 59)
        return false;
    if (!word_take(w, "."))
        return true;
    if (!word_take(w, decimal))
        return false;
    while (word_take(w, decimal)) {
    }
    return true;
}

static bool is_date_or_time(word w)
{
    word time_alone = w;

    if (take_time(&time_alone) && time_alone.p == time_alone.end)
        return true;
    if (!take_date(&w))
        return false;
    if (w.p == w.end)
        return true;
    if (!word_take(&w, "Tt ") || !take_time(&w))
        return false;
    if (!word_take(&w, "Zz") && word_take(&w, "+-") && !take_minutes(&w))
        return false;
    return w.p == w.end;
}

/* All that can belong to a word, and the blank in the middle of "1979-05-27 07:32:00". */
static word next_word(const bfci_toml_scan *s)
{
    word w = {s->p, s->p}, date = {s->p, s->end};

    while (w.end < s->end && strchr(token_bytes, *w.end))
        w.end++;
    if (take_date(&date) && date.p == w.end && s->end - w.end > 3 && w.end[0] == ' ' &&
        isdigit((unsigned char)w.end[1]))
        for (w.end++; w.end < s->end && strchr(token_bytes, *w.end);)
            w.end++;
    return w;
}

int bfci_toml_scalar(bfci_toml_scan *s, json_t **out)
{
    const word w = next_word(s);
    json_int_t integer = 0;
    json_t *value = NULL;

    if (word_is(w, "true") || word_is(w, "false")) {
        value = json_boolean(*w.p == 't');
    } else {
        enum kind kind = prefixed_integer(w, &integer);
        if (kind == NONE)
            kind = number(w, &integer);
        if (kind == NONE && is_date_or_time(w))
            kind = UNUSED;
        if (kind == NONE)
            return bfci_toml_wrong(s, BFC_E_INVALID,
                                   "a value was expected%s%s%s: strings stand in quotes",
                                   w.p < w.end ? ", not '" : "",
                                   BFCI_QUOTE(w.p, (size_t)(w.end - w.p)), w.p < w.end ? "'" : "");
        if (kind == TOO_LARGE)
            return bfci_toml_wrong(s, BFC_E_INVALID, "the integer '%s' has more than 64 bits",
                                   BFCI_QUOTE(w.p, (size_t)(w.end - w.p)));
        value = kind == INTEGER ? json_integer(integer) : json_null();
    }
    if (!value)
        return bfci_fail_nomem(s->err);
    s->p = w.end;
    *out = value;
    return 0;
}
