/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows; escaping and wrapping. Names come from strangers: on a terminal nothing gets out
 * of here that moves the cursor, changes colours or turns the direction of writing. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

static void make_room(struct text *t, size_t more)
{
    if (more >= SIZE_MAX / 2 - t->len)
        mem_out();
    size_t want = t->len + more + 1;
    if (want <= t->cap)
        return;
    size_t cap = t->cap ? t->cap : 64;
    while (cap < want)
        cap *= 2;
    t->data = mem_resize(t->data, cap, 1);
    t->cap = cap;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
    make_room(t, len);
    if (len)
        memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_char(struct text *t, char c)
{
    text_add(t, &c, 1);
}

void text_fill(struct text *t, char c, size_t count)
{
    make_room(t, count);
    memset(t->data + t->len, c, count);
    t->len += count;
    t->data[t->len] = '\0';
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        mem_out();
    make_room(t, (size_t)len);
    (void)vsnprintf(t->data + t->len, (size_t)len + 1, fmt, again);
    va_end(again);
    t->len += (size_t)len;
}

const char *text_of(const struct text *t)
{
    return t->data ? t->data : "";
}

/* Length of the UTF-8 character at `bytes`: shortest form, no surrogate; 0 if it is none. */
static size_t utf8_character(const char *bytes, size_t len, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)bytes[0];
    size_t n = first < 0x80         ? 1
               : first >> 5 == 0x06 ? 2
               : first >> 4 == 0x0e ? 3
               : first >> 3 == 0x1e ? 4
                                    : 0;
    if (n == 0 || n > len)
        return 0;

    uint32_t c = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)bytes[i];
        if (next >> 6 != 2)
            return 0;
        c = c << 6 | (next & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

static bool harmless(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return false;
    /* Line breaks, marks and overrides of the direction of writing. */
    if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e))
        return false;
    return !(code >= 0x2060 && code <= 0x2069) && code != 0xfeff;
}

void text_escaped(struct text *t, const char *bytes, size_t len, enum text_escape how)
{
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = utf8_character(bytes + at, len - at, &code);
        bool plain = n > 0 && (how == ESCAPE_UTF8 || harmless(code)) &&
                     !(how == ESCAPE_QUOTED && code == '\'');
        if (n == 0)
            n = 1;
        if (plain && code == '\\')
            text_str(t, "\\\\");
        else if (plain)
            text_add(t, bytes + at, n);
        else
            for (size_t i = 0; i < n; i++)
                text_fmt(t, "\\x%02x", (unsigned)(unsigned char)bytes[at + i]);
        at += n;
    }
}

bool text_is_utf8(const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t n = utf8_character(bytes + at, len - at, &code);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

size_t text_columns(const char *s)
{
    size_t columns = 0;
    for (; *s; s++)
        columns += ((unsigned char)*s & 0xc0) != 0x80;
    return columns;
}

void text_cut(struct text *t, const char *s, size_t columns)
{
    size_t len = 0;
    if (text_columns(s) <= columns) {
        text_str(t, s);
        return;
    }
    /* Whole characters, one less than there is room for. */
    for (; s[len]; len++)
        if (((unsigned char)s[len] & 0xc0) != 0x80 && columns-- <= 1)
            break;
    text_add(t, s, len);
    text_str(t, "…");
}

/* Adds one word without its backquotes; returns its columns. */
static size_t add_word(struct text *t, const char *word, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '`')
            continue;
        text_char(t, word[i]);
        columns += ((unsigned char)word[i] & 0xc0) != 0x80;
    }
    return columns;
}

static size_t word_columns(const char *word, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += word[i] != '`' && ((unsigned char)word[i] & 0xc0) != 0x80;
    return columns;
}

void text_wrap(struct text *t, const char *s, size_t indent, size_t width)
{
    size_t column = indent;
    bool line_empty = true;

    while (*s) {
        if (*s == '\n') {
            text_str(t, "\n\n");
            text_fill(t, ' ', indent);
            column = indent;
            line_empty = true;
            s += strspn(s, "\n");
            continue;
        }
        if (*s == ' ') {
            s++;
            continue;
        }
        size_t len = strcspn(s, " \n");
        if (!line_empty && column + 1 + word_columns(s, len) > width) {
            text_char(t, '\n');
            text_fill(t, ' ', indent);
            column = indent;
            line_empty = true;
        }
        if (!line_empty) {
            text_char(t, ' ');
            column++;
        }
        column += add_word(t, s, len);
        line_empty = false;
        s += len;
    }
}
