/* SPDX-License-Identifier: Apache-2.0 */
/* Matching without recursion: where something does not fit, the last star takes one letter more.
 * Earlier stars need never be asked again, since the last one could take all that they would. */
#include "net/glob.h"

bool bfci_glob_is_pattern(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

/* What follows a set, or NULL if it is not closed. A "]" that comes first is one of its letters. */
static const char *end_of_set(const char *set)
{
    const char *at = set + 1;

    at += *at == '!' || *at == '^';
    at += *at == ']';
    at = strchr(at, ']');
    return at ? at + 1 : NULL;
}

bool bfci_glob_ok(const char *pattern)
{
    while (*pattern) {
        if (*pattern == '\\')
            return false;
        pattern = *pattern == '[' ? end_of_set(pattern) : pattern + 1;
        if (!pattern)
            return false;
    }
    return true;
}

static bool set_has(const char *set, const char *end, unsigned char letter)
{
    const char *at = set + 1, *last = end - 1; /* "]" */
    const bool negated = *at == '!' || *at == '^';
    bool has = false;

    at += negated;
    while (at < last) {
        unsigned char from = (unsigned char)*at++, to = from;
        if (last - at >= 2 && *at == '-') {
            to = (unsigned char)at[1];
            at += 2;
        }
        has = has || (letter >= from && letter <= to);
    }
    return has != negated;
}

/* Whether the first item of the pattern, which is no star, takes that letter; *next is behind it.
 */
static bool takes(const char *pattern, char letter, const char **next)
{
    *next = *pattern == '[' ? end_of_set(pattern) : pattern + 1;
    if (*pattern == '[')
        return set_has(pattern, *next, (unsigned char)letter);
    return *pattern == '?' || *pattern == letter;
}

bool bfci_glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *taken = NULL; /* behind the last star; up to where it has taken */
    const char *next = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = text;
        } else if (*pattern && takes(pattern, *text, &next)) {
            pattern = next;
            text++;
        } else if (star) {
            pattern = star;
            text = ++taken;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}
