/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of facts. */
#include "facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    KEY_COLUMNS = 16
};

static void begin(struct out *o, const char *key)
{
    AUTO_TEXT struct text label = {0};
    text_fmt(&label, "%s:", key);
    out_fmt(o, "%-*s", KEY_COLUMNS, text_of(&label));
}

void fact(struct out *o, const char *key, const char *fmt, ...)
{
    char *value = NULL;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&value, fmt, args);
    va_end(args);
    if (len < 0)
        mem_out();
    begin(o, key);
    out_fmt(o, "%s\n", value);
    free(value);
}

void fact_size(struct out *o, const char *key, uint64_t bytes)
{
    char size[SIZE_TEXT_MAX];
    text_size(size, bytes);
    if (bytes < 1024)
        fact(o, key, "%s", size);
    else
        fact(o, key, "%" PRIu64 " (%s)", bytes, size);
}

void fact_hex(struct out *o, const char *key, const uint8_t *bytes, size_t len)
{
    AUTO_FREE char *hex = mem_alloc(2 * len + 1, 1);
    text_hex(hex, bytes, len);
    fact(o, key, "%s", hex);
}

void fact_time(struct out *o, const char *key, int64_t seconds, uint32_t ns)
{
    char time[TIME_TEXT_MAX];
    text_time(time, seconds);
    if (ns)
        fact(o, key, "%s.%09" PRIu32 " UTC", time, ns);
    else
        fact(o, key, "%s UTC", time);
}

void fact_name(struct out *o, const char *key, const char *name, size_t len)
{
    begin(o, key);
    out_name(o, name, len);
    out_str(o, "\n");
}
