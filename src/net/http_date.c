/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of HTTP (RFC 9110, section 5.6.7) in their three forms:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT
 *     Sun Nov  6 08:49:37 1994
 *
 * Locales have no say in it. The name of the day is passed by: it tells nothing that the date does
 * not. */
#include "net/http_date.h"

#include <strings.h>

typedef struct date {
    const char *at; /* what is left */
    bool bad;
    int64_t year;
    unsigned month, day, hour, minute, second;
} date;

static unsigned digits(date *d, unsigned count)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count && !d->bad; i++) {
        if (*d->at < '0' || *d->at > '9')
            d->bad = true;
        else
            n = n * 10 + (unsigned)(*d->at++ - '0');
    }
    return n;
}

static void literal(date *d, const char *text)
{
    const size_t len = strlen(text);

    if (d->bad || strncmp(d->at, text, len) != 0)
        d->bad = true;
    else
        d->at += len;
}

static void month(date *d)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (unsigned i = 0; i < 12 && !d->bad; i++)
        if (strncmp(d->at, names + (size_t)3 * i, 3) == 0) {
            d->month = i + 1;
            d->at += 3;
            return;
        }
    d->bad = true;
}

static void time_of_day(date *d)
{
    d->hour = digits(d, 2);
    literal(d, ":");
    d->minute = digits(d, 2);
    literal(d, ":");
    d->second = digits(d, 2);
}

static void fixdate(date *d)
{
    d->day = digits(d, 2);
    literal(d, " ");
    month(d);
    literal(d, " ");
    d->year = digits(d, 4);
    literal(d, " ");
    time_of_day(d);
    literal(d, " GMT");
}

/* Two digits that would be more than 50 years ahead mean the century before. */
static void rfc850(date *d, int64_t this_year)
{
    d->day = digits(d, 2);
    literal(d, "-");
    month(d);
    literal(d, "-");
    d->year = this_year - this_year % 100 + (int64_t)digits(d, 2);
    if (d->year > this_year + 50)
        d->year -= 100;
    literal(d, " ");
    time_of_day(d);
    literal(d, " GMT");
}

static void asctime_date(date *d)
{
    month(d);
    literal(d, " ");
    if (*d->at == ' ') {
        d->at++;
        d->day = digits(d, 1);
    } else {
        d->day = digits(d, 2);
    }
    literal(d, " ");
    time_of_day(d);
    literal(d, " ");
    d->year = digits(d, 4);
}

/* Days since 1970-01-01 of the Gregorian calendar; March is the first month of a year here, so that
 * the leap day is the last. */
static int64_t days(int64_t year, unsigned of_month, unsigned day)
{
    const int64_t y = of_month <= 2 ? year - 1 : year;
    const int64_t month_from_march = (of_month + 9) % 12;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * month_from_march + 2) / 5 + (int64_t)day -
           1 - 719468;
}

static unsigned days_in(int64_t year, unsigned of_month)
{
    return (unsigned)(days(of_month == 12 ? year + 1 : year, of_month % 12 + 1, 1) -
                      days(year, of_month, 1));
}

bool bfci_http_date_parse(const char *text, int64_t now, int64_t *out)
{
    enum {
        DAY_S = 86400,
        YEAR_S = 31556952
    };
    static const char short_day[] = "Sun";
    date d = {.at = text};
    const char *comma = strchr(text, ',');

    if (comma) {
        const bool is_fixdate = comma - text == (int)sizeof short_day - 1;
        d.at = comma + 1;
        literal(&d, " ");
        if (is_fixdate)
            fixdate(&d);
        else
            rfc850(&d, 1970 + now / YEAR_S);
    } else if (strlen(text) > sizeof short_day && text[3] == ' ') {
        d.at = text + sizeof short_day;
        asctime_date(&d);
    } else {
        return false;
    }
    if (d.bad || *d.at || d.year < 1 || d.day < 1 || d.day > days_in(d.year, d.month) ||
        d.hour > 23 || d.minute > 59 || d.second > 60)
        return false;
    *out =
        days(d.year, d.month, d.day) * DAY_S + (int64_t)(d.hour * 3600 + d.minute * 60 + d.second);
    return true;
}
