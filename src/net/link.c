/* SPDX-License-Identifier: Apache-2.0 */
/* Owns Link headers, and as much of URLs as they need. Everything is a view into the texts at hand
 * until the result is put together. */
#include "net/link.h"

#include <ctype.h>

#include "base/buf.h"
#include "store/reference.h"

struct span {
    const char *at;
    size_t len;
};

/* RFC 3986, section 3. A part that is not there has at = NULL; fragments are cut off. */
struct url {
    struct span scheme, authority, path, query;
};

/* ── URLs ── */

static struct span until(const char **p, const char *any_of)
{
    struct span s = {*p, strcspn(*p, any_of)};

    *p += s.len;
    return s;
}

static size_t scheme_len(const char *text)
{
    size_t len = 0;

    if (!isalpha((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[len]) || (text[len] && strchr("+-.", text[len])))
        len++;
    return text[len] == ':' ? len : 0;
}

static struct url split(const char *text)
{
    struct url u = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t len = scheme_len(text);

    if (len > 0) {
        u.scheme = (struct span){text, len};
        text += len + 1;
    }
    if (text[0] == '/' && text[1] == '/') {
        text += 2;
        u.authority = until(&text, "/?#");
    }
    u.path = until(&text, "?#");
    if (*text == '?') {
        text++;
        u.query = until(&text, "#");
    }
    return u;
}

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

/* A host and a port are all that stands between the slashes: no name and password. */
static bool is_web(const struct url *u)
{
    return u->scheme.at && (span_is(u->scheme, "http") || span_is(u->scheme, "https")) &&
           u->authority.len > 0 && bfci_reference_registry_ok(u->authority.at, u->authority.len);
}

/* Host and port; the port is the scheme's where none is written. */
static void split_authority(const struct url *u, struct span *host, struct span *port)
{
    const char *start = u->authority.at, *end = start + u->authority.len, *colon = end;

    while (colon > start && isdigit((unsigned char)colon[-1]))
        colon--;
    bool has_port = colon > start && colon[-1] == ':';
    *host = (struct span){start, has_port ? (size_t)(colon - 1 - start) : u->authority.len};
    *port = has_port ? (struct span){colon, (size_t)(end - colon)} : (struct span){end, 0};
    if (port->len == 0)
        *port = span_is(u->scheme, "https") ? (struct span){"443", 3} : (struct span){"80", 2};
    while (port->len > 1 && port->at[0] == '0')
        *port = (struct span){port->at + 1, port->len - 1};
}

static bool same(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

bool bfci_url_same_origin(const char *a, const char *b)
{
    const struct url one = split(a), two = split(b);
    struct span host[2], port[2];

    if (!is_web(&one) || !is_web(&two) || !same(one.scheme, two.scheme))
        return false;
    split_authority(&one, &host[0], &port[0]);
    split_authority(&two, &host[1], &port[1]);
    return same(host[0], host[1]) && same(port[0], port[1]);
}

/* ── Resolving (RFC 3986, section 5.2) ── */

static void drop_last(buf *path, size_t start)
{
    while (path->len > start && path->data[--path->len] != '/') {
    }
}

/* Adds `path`, which begins with a slash, without its "." and ".." parts. */
static void put_path(buf *out, const char *path, size_t len)
{
    const size_t start = out->len;
    const char *end = path + len;

    while (path < end && !out->bad) {
        const char *next = memchr(path + 1, '/', (size_t)(end - path - 1));
        size_t part = (size_t)((next ? next : end) - path); /* with its slash */
        bool dot = part == 2 && path[1] == '.';
        bool dots = part == 3 && path[1] == '.' && path[2] == '.';
        if (dots)
            drop_last(out, start);
        if (!dot && !dots)
            bfci_buf_put(out, path, part);
        else if (!next)
            buf_u8(out, '/');
        path += part;
    }
    if (out->len == start)
        buf_u8(out, '/');
}

static void put_span(buf *out, struct span s)
{
    bfci_buf_put(out, s.at, s.len);
}

/* The folder of the base's path, and the target's path behind it. */
static void put_merged(buf *out, struct span base, struct span path)
{
    AUTO_BUF buf merged = BUF_INIT;
    size_t folder = base.len;

    while (folder > 0 && base.at[folder - 1] != '/')
        folder--;
    if (folder > 0)
        bfci_buf_put(&merged, base.at, folder);
    else
        buf_u8(&merged, '/');
    put_span(&merged, path);
    if (merged.bad)
        out->bad = true;
    else
        put_path(out, (const char *)merged.data, merged.len);
}

static bool has_odd_byte(const char *text)
{
    for (; *text; text++)
        if (!isgraph((unsigned char)*text) || strchr("\"<>\\^`{|}", *text))
            return true;
    return false;
}

static void put_resolved(buf *out, const struct url *base, const struct url *target)
{
    const struct span scheme = target->scheme.at ? target->scheme : base->scheme;
    const bool own = target->scheme.at || target->authority.at;
    const struct span query =
        target->query.at || own || target->path.len > 0 ? target->query : base->query;

    put_span(out, scheme);
    bfci_buf_printf(out, "://");
    put_span(out, own ? target->authority : base->authority);
    if (!own && target->path.len == 0)
        put_path(out, base->path.at, base->path.len);
    else if (target->path.len == 0 || target->path.at[0] == '/')
        put_path(out, target->path.at, target->path.len);
    else
        put_merged(out, base->path, target->path);
    if (query.at) {
        buf_u8(out, '?');
        put_span(out, query);
    }
}

int bfci_url_resolve(const char *base, const char *target, char **out, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;

    if (strlen(base) > LINK_URL_MAX || strlen(target) > LINK_URL_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a URL has more than %d bytes", LINK_URL_MAX);
    const struct url from = split(base), to = split(target);
    if (has_odd_byte(base) || !is_web(&from))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' is no http or https URL", BFCI_QUOTE_STR(base));
    if (has_odd_byte(target) || ((to.scheme.at || to.authority.at) &&
                                 !is_web(&(struct url){to.scheme.at ? to.scheme : from.scheme,
                                                       to.authority, to.path, to.query})))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the registry leads to '%s', which is no http or https "
                         "URL",
                         BFCI_QUOTE_STR(target));
    put_resolved(&text, &from, &to);
    buf_u8(&text, 0);
    BFC_TRY(buf_check(&text, err));
    *out = (char *)bfci_steal(&text.data);
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
    AUTO_FREE char *target = NULL, *url = NULL;
    scan s = {header, header, err};

    if (strlen(header) > LINK_HEADER_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the header Link has more than %d bytes",
                         LINK_HEADER_MAX);
    BFC_TRY(find_next(&s, &target));
    if (target) {
        BFC_TRY(bfci_url_resolve(request, target, &url, err));
        if (!bfci_url_same_origin(request, url))
            return bfci_fail(err, BFC_E_CORRUPT,
                             "the registry says that the list goes on at '%s', which is not where "
                             "it was asked for",
                             BFCI_QUOTE_STR(url));
    }
    *next = bfci_steal(&url);
    return 0;
}
