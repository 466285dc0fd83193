/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times and digests as people read them. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "text.h"

void text_size(char out[SIZE_TEXT_MAX], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        (void)snprintf(out, SIZE_TEXT_MAX, "%u B", (unsigned)bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(out, SIZE_TEXT_MAX, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
}

void text_time(char out[TIME_TEXT_MAX], int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(out, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)snprintf(out, TIME_TEXT_MAX, "@%" PRId64, seconds);
}

void text_age(char out[TIME_TEXT_MAX], int64_t seconds, int64_t now)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{31556952, "year"}, {2629746, "month"}, {604800, "week"}, {86400, "day"},
                 {3600, "hour"},     {60, "minute"},     {1, "second"}};
    bool future = seconds > now;
    uint64_t age = future ? (uint64_t)seconds - (uint64_t)now : (uint64_t)now - (uint64_t)seconds;
    size_t i = 0;

    if (age < 1) {
        (void)snprintf(out, TIME_TEXT_MAX, "now");
        return;
    }
    /* Two of a unit at least, so that nothing is rounded by more than half. */
    while (i + 1 < ARRAY_LEN(units) && age < 2 * units[i].seconds)
        i++;
    uint64_t count = age / units[i].seconds;
    (void)snprintf(out, TIME_TEXT_MAX, "%s%" PRIu64 " %s%s%s", future ? "in " : "", count,
                   units[i].name, count == 1 ? "" : "s", future ? "" : " ago");
}

void text_hex(char *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}
