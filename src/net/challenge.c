/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the grammar of WWW-Authenticate. Commas separate challenges as well as their parameters:
 * what follows one is a parameter if "=" comes behind its first word, and a challenge otherwise. */
#include "net/challenge.h"

#include <ctype.h>

#include "base/buf.h"

static void release(bfci_challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    free(c->error);
}

void bfci_challenges_release(bfci_challenges *c)
{
    for (size_t i = 0; i < c->count; i++)
        release(&c->item[i]);
    *c = (bfci_challenges)BFCI_CHALLENGES_INIT;
}

/* ── Words ── */

typedef struct scan {
    const char *p;
    const char *header;
    bfc_err *err;
} scan;

struct word {
    const char *at;
    size_t len;
};

static int wrong(const scan *s, const char *what)
{
    return bfci_fail(s->err, BFC_E_CORRUPT, "the header WWW-Authenticate '%s' is wrong: %s",
                     BFCI_QUOTE_STR(s->header), what);
}

static bool is_token_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void blanks(scan *s)
{
    s->p += strspn(s->p, " \t");
}

static struct word token(scan *s)
{
    struct word w = {s->p, 0};

    while (is_token_byte(w.at[w.len]))
        w.len++;
    s->p += w.len;
    return w;
}

static bool word_is(struct word w, const char *text)
{
    return w.len == strlen(text) && strncasecmp(w.at, text, w.len) == 0;
}

/* Behind its first quote. */
static int quoted(scan *s, buf *out)
{
    for (; *s->p != '"'; s->p++) {
        if (*s->p == '\\')
            s->p++;
        if (!*s->p)
            return wrong(s, "a quote is not closed");
        if (iscntrl((unsigned char)*s->p) && *s->p != '\t')
            return wrong(s, "a control byte");
        buf_u8(out, (uint8_t)*s->p);
    }
    s->p++;
    return 0;
}

/* A token by the grammar; anything that is seen and separates nothing, by what registries do. */
static int bare(scan *s, buf *out)
{
    size_t len = 0;

    while (isgraph((unsigned char)s->p[len]) && s->p[len] != ',' && s->p[len] != '"')
        len++;
    if (len == 0)
        return wrong(s, "a parameter has no value");
    bfci_buf_put(out, s->p, len);
    s->p += len;
    return 0;
}

/* ── Challenges ── */

/* The one value that may stand behind a scheme instead of parameters. True if it is there; it is
 * passed by, since no scheme of ours has it. */
static bool token68(scan *s)
{
    const char *p = s->p;

    while (isalnum((unsigned char)*p) || (*p && strchr("-._~+/", *p)))
        p++;
    bool any = p > s->p;
    p += strspn(p, "=");
    p += strspn(p, " \t");
    if (!any || (*p && *p != ','))
        return false;
    s->p = p;
    return true;
}

/* Behind its '='. */
static int parameter(scan *s, struct word name, bfci_challenge *c)
{
    AUTO_BUF buf value = BUF_INIT;
    char **place = word_is(name, "realm")     ? &c->realm
                   : word_is(name, "service") ? &c->service
                   : word_is(name, "scope")   ? &c->scope
                   : word_is(name, "error")   ? &c->error
                                              : NULL;

    blanks(s);
    if (*s->p == '"') {
        s->p++;
        BFC_TRY(quoted(s, &value));
    } else {
        BFC_TRY(bare(s, &value));
    }
    buf_u8(&value, 0);
    BFC_TRY(buf_check(&value, s->err));
    if (place && *place)
        return wrong(s, "a parameter is there twice");
    if (place)
        *place = (char *)bfci_steal(&value.data);
    return 0;
}

static int open_challenge(scan *s, struct word scheme, bfci_challenges *out)
{
    if (out->count == CHALLENGES_MAX)
        return bfci_fail(s->err, BFC_E_LIMIT, "the registry asks in more than %d ways for a login",
                         CHALLENGES_MAX);
    out->item[out->count++] = (bfci_challenge){
        .scheme = word_is(scheme, "Bearer")  ? CHALLENGE_BEARER
                  : word_is(scheme, "Basic") ? CHALLENGE_BASIC
                                             : CHALLENGE_OTHER,
    };
    return 0;
}

/* What stands between two commas: a parameter of the challenge at hand, or the start of the next
 * one, which may have its first parameter here. */
static int element(scan *s, bfci_challenges *out)
{
    struct word word = token(s);
    bool blank = *s->p == ' ' || *s->p == '\t';

    if (word.len == 0)
        return wrong(s, "a name was expected");
    blanks(s);
    if (*s->p == '=' && out->count > 0) {
        s->p++;
        return parameter(s, word, &out->item[out->count - 1]);
    }
    BFC_TRY(open_challenge(s, word, out));
    if (!*s->p || *s->p == ',' || (blank && token68(s)))
        return 0;
    word = token(s);
    blanks(s);
    if (!blank || word.len == 0 || *s->p != '=')
        return wrong(s, "a parameter was expected");
    s->p++;
    return parameter(s, word, &out->item[out->count - 1]);
}

static int parse(scan *s, bfci_challenges *out)
{
    for (;;) {
        s->p += strspn(s->p, " \t,"); /* a list may have empty elements */
        if (!*s->p)
            return 0;
        BFC_TRY(element(s, out));
        blanks(s);
        if (*s->p && *s->p != ',')
            return wrong(s, "a comma was expected");
    }
}

int bfci_challenges_add(bfci_challenges *out, const char *header, bfc_err *err)
{
    AUTO_CHALLENGES bfci_challenges found = BFCI_CHALLENGES_INIT;
    scan s = {header, header, err};

    if (strlen(header) > CHALLENGE_HEADER_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the header WWW-Authenticate has more than %d bytes",
                         CHALLENGE_HEADER_MAX);
    BFC_TRY(parse(&s, &found));
    if (out->count + found.count > CHALLENGES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the registry asks in more than %d ways for a login",
                         CHALLENGES_MAX);
    for (size_t i = 0; i < found.count; i++)
        out->item[out->count++] = found.item[i];
    found.count = 0;
    return 0;
}

const bfci_challenge *bfci_challenges_pick(const bfci_challenges *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].scheme == CHALLENGE_BEARER && c->item[i].realm)
            return &c->item[i];
    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].scheme == CHALLENGE_BASIC)
            return &c->item[i];
    return NULL;
}
