/* SPDX-License-Identifier: Apache-2.0 */
/* Owns Link headers. What their targets mean is http's to say. */
#include "net/link.h"

#include <ctype.h>

#include "base/buf.h"
#include "net/http.h"
#include "store/reference.h"

struct span {
    const char *at;
    size_t len;
};

static struct span until(const char **p, const char *any_of)
{
    struct span s = {*p, strcspn(*p, any_of)};

    *p += s.len;
    return s;
}

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

/* ── Targets ── */

static bool has_odd_byte(const char *text)
{
    for (; *text; text++)
        if (!isgraph((unsigned char)*text) || strchr("\"<>\\^`{|}", *text))
            return true;
    return false;
}

/* A host and a port are all that stands between the slashes of one that has a host: libcurl takes
 * less, and more. */
static bool is_strict(const char *target)
{
    const char *at = target + strcspn(target, ":/?#");

    if (has_odd_byte(target))
        return false;
    at = *at == ':' ? at + 1 : target;
    if (strncmp(at, "//", 2) != 0)
        return at == target;
    return bfci_reference_registry_ok(at + 2, strcspn(at + 2, "/?#"));
}

static int resolve(const char *request, const char *target, char **out, bfc_err *err)
{
    AUTO_FREE char *url = NULL;

    if (strlen(target) > LINK_URL_MAX || strlen(request) > LINK_URL_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a URL has more than %d bytes", LINK_URL_MAX);
    if (!is_strict(request))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' is no http or https URL",
                         BFCI_QUOTE_STR(request));
    int rc = is_strict(target) ? bfci_http_resolve(request, target, &url, err)
                               : bfci_fail(err, BFC_E_CORRUPT, "no http or https URL");
    if (rc < 0)
        return bfci_wrap(err, rc, "the registry says that the list goes on at '%s'",
                         BFCI_QUOTE_STR(target));
    if (!bfci_http_same_origin(request, url))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the registry says that the list goes on at '%s', which is not where "
                         "it was asked for",
                         BFCI_QUOTE_STR(url));
    *out = bfci_steal(&url);
    return 0;
}

/* ── The header ── */

typedef struct scan {
    const char *p;
    const char *header;
    bfc_err *err;
} scan;

static int wrong(const scan *s, const char *what)
{
    return bfci_fail(s->err, BFC_E_CORRUPT, "the header Link '%s' is wrong: %s",
                     BFCI_QUOTE_STR(s->header), what);
}

static void blanks(scan *s)
{
    s->p += strspn(s->p, " \t");
}

/* A value with or without quotes, NUL-terminated. */
static int value(scan *s, buf *out)
{
    if (*s->p != '"') {
        size_t len = strcspn(s->p, ",; \t\"");
        bfci_buf_put(out, s->p, len);
        s->p += len;
    } else {
        for (s->p++; *s->p != '"'; s->p++) {
            if (*s->p == '\\')
                s->p++;
            if (!*s->p)
                return wrong(s, "a quote is not closed");
            buf_u8(out, (uint8_t)*s->p);
        }
        s->p++;
    }
    buf_u8(out, 0);
    return buf_check(out, s->err);
}

/* Relation types stand in a list with blanks between them. */
static bool lists_next(const char *rel)
{
    while (*rel) {
        size_t len = strcspn(rel, " \t");
        if (span_is((struct span){rel, len}, "next"))
            return true;
        rel += len;
        rel += strspn(rel, " \t");
    }
    return false;
}

/* The parameters of one link. Of several rel the first counts; one with an anchor is about another
 * document. */
static int parameters(scan *s, bool *is_next)
{
    bool rel_seen = false, anchored = false, next = false;

    for (blanks(s); *s->p == ';'; blanks(s)) {
        AUTO_BUF buf text = BUF_INIT;
        s->p++;
        blanks(s);
        const char *start = s->p;
        struct span name = until(&s->p, "=;, \t\"");
        blanks(s);
        if (*s->p == '=') {
            s->p++;
            blanks(s);
            BFC_TRY(value(s, &text));
        }
        if (name.len == 0 && s->p > start)
            return wrong(s, "a parameter has no name");
        if (span_is(name, "rel") && !rel_seen) {
            rel_seen = true;
            next = text.len > 0 && lists_next((const char *)text.data);
        }
        anchored |= span_is(name, "anchor");
    }
    *is_next = next && !anchored;
    return 0;
}

/* The target of the first link with rel="next", or NULL. */
static int find_next(scan *s, char **out)
{
    for (;;) {
        bool is_next = false;
        s->p += strspn(s->p, " \t,");
        if (!*s->p)
            return 0;
        if (*s->p++ != '<')
            return wrong(s, "'<' was expected");
        struct span target = until(&s->p, ">");
        if (*s->p++ != '>') {
            s->p--;
            return wrong(s, "'>' is missing");
        }
        BFC_TRY(parameters(s, &is_next));
        if (is_next)
            return bfci_memdup_str(target.at, target.len, out, s->err);
        if (*s->p && *s->p != ',')
            return wrong(s, "a comma was expected");
    }
}

int bfci_link_next(const char *header, const char *request, char **next, bfc_err *err)
{
    AUTO_FREE char *target = NULL;
    scan s = {header, header, err};

    if (strlen(header) > LINK_HEADER_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the header Link has more than %d bytes",
                         LINK_HEADER_MAX);
    BFC_TRY(find_next(&s, &target));
    if (target)
        return resolve(request, target, next, err);
    *next = NULL;
    return 0;
}
