/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the values of options: whole strings, no blanks, no signs, nothing guessed. */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int bad(struct text *problem, const char *option, const char *s, const char *wanted)
{
    text_fmt(problem, "%s '", option);
    text_escaped(problem, s, strlen(s), ESCAPE_QUOTED);
    text_fmt(problem, "': %s", wanted);
    return -1;
}

/* Digits at *s; moves *s behind them. */
static bool digits(const char **s, uint64_t *out)
{
    if (**s < '0' || **s > '9')
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(*s, &end, 10);
    if (errno)
        return false;
    *s = end;
    *out = value;
    return true;
}

int value_number(const char *s, const char *option, uint64_t min, uint64_t max, uint64_t *out,
                 struct text *problem)
{
    const char *end = s;
    uint64_t value = 0;
    if (!digits(&end, &value) || *end || value < min || value > max) {
        AUTO_TEXT struct text wanted = {0};
        text_fmt(&wanted, "a number from %" PRIu64 " to %" PRIu64 " is needed", min, max);
        return bad(problem, option, s, text_of(&wanted));
    }
    *out = value;
    return 0;
}

/* The power of 1024 that a unit stands for; -1 for an unknown one. */
static int unit_power(const char *unit)
{
    static const char letters[] = "KMGT";
    if (!*unit)
        return 0;
    char upper = (char)(*unit >= 'a' ? *unit - ('a' - 'A') : *unit);
    const char *at = strchr(letters, upper);
    if (!at || !(unit[1] == '\0' || strcmp(unit + 1, "iB") == 0))
        return -1;
    return (int)(at - letters) + 1;
}

int value_size(const char *s, const char *option, uint64_t min, uint64_t max, uint64_t *out,
               struct text *problem)
{
    const char *unit = s;
    uint64_t value = 0;
    bool good = digits(&unit, &value);
    int power = good ? unit_power(unit) : -1;

    for (int i = 0; i < power; i++)
        good = good && !__builtin_mul_overflow(value, UINT64_C(1024), &value);
    if (!good || power < 0 || value < min || value > max) {
        char low[SIZE_TEXT_MAX], high[SIZE_TEXT_MAX];
        AUTO_TEXT struct text wanted = {0};
        text_size(low, min);
        text_size(high, max);
        text_fmt(&wanted, "a size from %s to %s is needed, such as 128K", low, high);
        return bad(problem, option, s, text_of(&wanted));
    }
    *out = value;
    return 0;
}

int value_choice(const char *s, const char *option, const char *choices, int *out,
                 struct text *problem)
{
    size_t len = strlen(s);
    int place = 0;
    for (const char *c = choices; *c; place++) {
        size_t n = strcspn(c, " ");
        if (n == len && strncmp(c, s, n) == 0) {
            *out = place;
            return 0;
        }
        c += n;
        c += strspn(c, " ");
    }
    AUTO_TEXT struct text wanted = {0};
    text_fmt(&wanted, "one of these is needed: %s", choices);
    return bad(problem, option, s, text_of(&wanted));
}

int value_compression(const char *s, enum bfc_compression *out, int *level, struct text *problem)
{
    enum {
        ZSTD_LEVEL_MAX = 19
    };
    static const char zstd[] = "zstd:";
    uint64_t number = 0;

    if (strcmp(s, "auto") == 0) {
        *out = BFC_COMPRESS_AUTO;
    } else if (strcmp(s, "none") == 0) {
        *out = BFC_COMPRESS_NONE;
    } else if (strcmp(s, "zstd") == 0) {
        *out = BFC_COMPRESS_ZSTD;
    } else if (strncmp(s, zstd, sizeof zstd - 1) == 0) {
        if (value_number(s + sizeof zstd - 1, "zstd level", 1, ZSTD_LEVEL_MAX, &number, problem) <
            0)
            return -1;
        *out = BFC_COMPRESS_ZSTD;
    } else {
        return bad(problem, "--compression", s, "auto, none, zstd or zstd:LEVEL is needed");
    }
    *level = (int)number;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int value_digest(const char *s, uint8_t out[BFC_DIGEST_SIZE], struct text *problem)
{
    static const char wanted[] = "64 hexadecimal digits are needed";
    uint8_t digest[BFC_DIGEST_SIZE];

    if (strlen(s) != 2 * sizeof digest)
        return bad(problem, "--root-digest", s, wanted);
    for (size_t i = 0; i < sizeof digest; i++) {
        int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);
        if (high < 0 || low < 0)
            return bad(problem, "--root-digest", s, wanted);
        digest[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, digest, sizeof digest);
    return 0;
}

int value_epoch(const char *s, int64_t *out, struct text *problem)
{
    uint64_t value = 0;
    if (value_number(s, "SOURCE_DATE_EPOCH", 1, INT64_MAX, &value, problem) < 0)
        return -1;
    *out = (int64_t)value;
    return 0;
}
