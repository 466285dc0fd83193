/* SPDX-License-Identifier: Apache-2.0 */
/* A request is looked at before anything is sent, and copied: what is no header cannot become two.
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "net/http_parts.h"
#include "sys/clock.h"

enum {
    COLLECT_MAX = 4 << 20
};

const char *bfci_http_method_name(enum bfci_http_method method)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

    return names[method];
}

/* ── What a request may be ── */

static bool is_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at))
            return false;
    return *name != '\0';
}

static bool is_value(const char *value)
{
    for (const char *at = value; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

/* What this client sets itself, or keeps from other hosts. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {
        "Authorization",  "Proxy-Authorization", "Cookie", "Host",       "Accept",         "Range",
        "Content-Length", "Transfer-Encoding",   "Expect", "Connection", "Accept-Encoding"};

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

static bool has_body(enum bfci_http_method method)
{
    return method == BFCI_HTTP_POST || method == BFCI_HTTP_PUT || method == BFCI_HTTP_PATCH;
}

static int check(const bfci_http_request *r, bfc_err *err)
{
    if (!r->url)
        return bfci_fail(err, BFC_E_INVALID, "a request without an address");
    if ((r->body_len > 0 || r->source) && !has_body(r->method))
        return bfci_fail(err, BFC_E_INVALID, "a %s has no body", bfci_http_method_name(r->method));
    if (r->body_len > 0 && r->source)
        return bfci_fail(err, BFC_E_INVALID, "a request with two bodies");
    if (r->authorization && (!*r->authorization || !is_value(r->authorization)))
        return bfci_fail(err, BFC_E_INVALID,
                         "the credentials are empty, or have a control byte in them");
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_name(r->headers[i].name) || !is_value(r->headers[i].value) ||
            is_ours(r->headers[i].name))
            return bfci_fail(err, BFC_E_INVALID, "not a header to be sent: '%s'",
                             BFCI_QUOTE_STR(r->headers[i].name));
    for (size_t i = 0; r->accept && r->accept[i]; i++)
        if (!is_value(r->accept[i]))
            return bfci_fail(err, BFC_E_INVALID, "not a media type: '%s'",
                             BFCI_QUOTE_STR(r->accept[i]));
    return 0;
}

/* ── The copy ── */

static int add(bfci_http_call *c, bfc_err *err, const char *name, const char *value)
{
    AUTO_FREE char *line = NULL;

    /* "Name:" would take a header of libcurl's off, "Name;" is one without a value. */
    BFC_TRY(bfci_asprintf(&line, err, *value ? "%s: %s" : "%s;%s", name, value));
    struct curl_slist *grown = bfci_curl.slist_append(c->headers, line);
    if (!grown)
        return bfci_fail_nomem(err);
    c->headers = grown;
    return 0;
}

static int add_headers(bfci_http_call *c, const bfci_http_request *r, bfc_err *err)
{
    char range[48];

    for (size_t i = 0; r->accept && r->accept[i]; i++)
        BFC_TRY(add(c, err, "Accept", r->accept[i]));
    if (!c->headers) { /* without it, libcurl would say that anything is welcome */
        c->headers = bfci_curl.slist_append(NULL, "Accept:");
        if (!c->headers)
            return bfci_fail_nomem(err);
    }
    /* Digests are of the bytes as they are stored. */
    BFC_TRY(add(c, err, "Accept-Encoding", "identity"));
    if (r->range_start > 0) {
        (void)snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)r->range_start);
        BFC_TRY(add(c, err, "Range", range));
    }
    for (size_t i = 0; i < r->header_count; i++)
        BFC_TRY(add(c, err, r->headers[i].name, r->headers[i].value));
    return 0;
}

int bfci_http_call_new(bfci_http *http, const bfci_http_request *request, bfci_http_call **out,
                       bfc_err *err)
{
    AUTO(bfci_http_call) bfci_http_call *c = NULL;

    BFC_TRY(check(request, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->http = http;
    c->request = *request;
    c->answer = (bfci_http_answer)BFCI_HTTP_ANSWER_INIT;
    c->err = (bfc_err)BFC_ERR_INIT;
    c->started_ns = bfci_monotonic_ns();
    c->authorize = true;
    if (request->source) {
        c->source = *request->source;
        c->has_source = true;
    }
    if (request->sink) {
        c->sink = *request->sink;
        c->has_sink = true;
    }
    c->body_max = request->body_max ? request->body_max
                  : c->has_sink     ? UINT64_MAX
                                    : (uint64_t)COLLECT_MAX;
    int rc = bfci_http_url_check(request->url, &c->url, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_HTTP_SHOW(request->url));
    BFC_TRY(bfci_strdup(c->url, &c->hop_url, err));
    if (request->authorization)
        BFC_TRY(bfci_asprintf(&c->authorization, err, "Authorization: %s", request->authorization));
    BFC_TRY(add_headers(c, request, err));
    *out = bfci_steal(&c);
    return 0;
}

/* Credentials do not stay in memory that others get. */
static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void forget_list(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    bfci_curl.slist_free_all(list);
}

void bfci_http_call_free(bfci_http_call *c)
{
    if (!c)
        return;
    bfci_curl.easy_cleanup(c->easy);
    forget_list(c->hop_headers);
    bfci_curl.slist_free_all(c->headers);
    forget(c->authorization);
    free(c->url);
    free(c->hop_url);
    bfci_buf_free(&c->head);
    bfci_buf_free(&c->body);
    bfci_http_answer_release(&c->answer);
    free(c);
}
