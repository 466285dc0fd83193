/* SPDX-License-Identifier: Apache-2.0 */
/* One request on the wire: what libcurl is told.
 *
 * What is short shares connections of HTTP/2, where the server has that. A sink or a source has a
 * connection of HTTP/1.1 to itself: it may pause, and then the bytes that wait stay in the kernel's
 * buffers and the sender's, while on a shared connection they would fill our memory or hold up all
 * others. */
#include "net/http_parts.h"

#include "sys/clock.h"

enum {
    SINK_BUFFER = 256 << 10,
    EXPECT_MS_MAX = 1000
};

static int on_connected(void *call, char *ip, char *local_ip, int port, int local_port)
{
    bfci_http_call *c = call;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    c->connected = true;
    c->moved_ns = bfci_monotonic_ns();
    return CURL_PREREQFUNC_OK;
}

/* libcurl drops what a server sends beyond the length it promised, and tells only here. */
static int on_debug(CURL *easy, curl_infotype type, char *text, size_t len, void *call)
{
    static const char excess[] = "Excess found";
    bfci_http_call *c = call;

    (void)easy;
    if (type == CURLINFO_TEXT && len >= sizeof excess - 1 &&
        memcmp(text, excess, sizeof excess - 1) == 0)
        c->excess = true;
    return 0;
}

static int make_headers(bfci_http_call *c, bfc_err *err)
{
    for (struct curl_slist *at = c->headers; at; at = at->next) {
        struct curl_slist *grown = bfci_curl.slist_append(c->hop_headers, at->data);
        if (!grown)
            return bfci_fail_nomem(err);
        c->hop_headers = grown;
    }
    if (c->authorization && c->authorize) {
        struct curl_slist *grown = bfci_curl.slist_append(c->hop_headers, c->authorization);
        if (!grown)
            return bfci_fail_nomem(err);
        c->hop_headers = grown;
    }
    return 0;
}

static void forget_headers(bfci_http_call *c)
{
    for (struct curl_slist *at = c->hop_headers; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    bfci_curl.slist_free_all(c->hop_headers);
    c->hop_headers = NULL;
}

static void start_afresh(bfci_http_call *c)
{
    forget_headers(c);
    bfci_http_head_reset(c);
    buf_clear(&c->body);
    c->answer.body_cut = false;
    c->connected = c->paused = c->excess = c->enough = false;
    c->seen = c->sent = 0;
    c->curl_text[0] = '\0';
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (bfci_curl.easy_setopt(c->easy, (option), (value)) != CURLE_OK)                         \
            return bfci_fail_nomem(err);                                                           \
    } while (0)

static int set_callbacks(bfci_http_call *c, bfc_err *err)
{
    SET(CURLOPT_PRIVATE, c);
    SET(CURLOPT_ERRORBUFFER, c->curl_text);
    SET(CURLOPT_HEADERFUNCTION, bfci_http_on_header);
    SET(CURLOPT_HEADERDATA, c);
    SET(CURLOPT_WRITEFUNCTION, bfci_http_on_body);
    SET(CURLOPT_WRITEDATA, c);
    SET(CURLOPT_READFUNCTION, bfci_http_on_send);
    SET(CURLOPT_READDATA, c);
    SET(CURLOPT_SEEKFUNCTION, bfci_http_on_seek);
    SET(CURLOPT_SEEKDATA, c);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, c);
    SET(CURLOPT_DEBUGFUNCTION, on_debug);
    SET(CURLOPT_DEBUGDATA, c);
    SET(CURLOPT_VERBOSE, 1L); /* all of it ends in on_debug() */
    return 0;
}

static int set_method(bfci_http_call *c, bfc_err *err)
{
    const uint64_t len = c->has_source ? c->source.len : c->request.body_len;

    switch (c->request.method) {
    case BFCI_HTTP_GET:
        SET(CURLOPT_HTTPGET, 1L);
        return 0;
    case BFCI_HTTP_HEAD:
        SET(CURLOPT_NOBODY, 1L);
        return 0;
    case BFCI_HTTP_DELETE:
        SET(CURLOPT_CUSTOMREQUEST, "DELETE");
        return 0;
    case BFCI_HTTP_POST:
    case BFCI_HTTP_PUT:
    case BFCI_HTTP_PATCH:
        break;
    }
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_CUSTOMREQUEST, bfci_http_method_name(c->request.method));
    SET(CURLOPT_INFILESIZE_LARGE, len == BFCI_HTTP_LEN_UNKNOWN ? (curl_off_t)-1 : (curl_off_t)len);
    SET(CURLOPT_EXPECT_100_TIMEOUT_MS, (long)MIN(c->http->stall_ms / 2, (uint64_t)EXPECT_MS_MAX));
    return 0;
}

static int set_transport(bfci_http_call *c, bool tls, bfc_err *err)
{
    const bool alone = c->has_sink || c->has_source;

    SET(CURLOPT_URL, c->hop_url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, alone ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_PIPEWAIT, tls && !alone ? 1L : 0L);
    if (c->has_sink)
        SET(CURLOPT_BUFFERSIZE, (long)SINK_BUFFER);
    SET(CURLOPT_HTTPHEADER, c->hop_headers);
    SET(CURLOPT_USERAGENT, c->http->user_agent);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->http->connect_ms);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for the name service */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return 0;
}

static int set_tls(bfci_http_call *c, const bfci_http_place *place, bfc_err *err)
{
    const bfci_tls_host *host = NULL;

    if (!place->tls)
        return 0;
    BFC_TRY(bfci_tls_host_get(c->http->tls, place->host, place->port, &host, err));
    return bfci_tls_apply(c->http->tls, host, c->request.insecure, c->easy, err);
}

int bfci_http_hop_prepare(bfci_http_call *c, bfc_err *err)
{
    bfci_http_place place = {0};

    start_afresh(c);
    if (c->easy)
        bfci_curl.easy_reset(c->easy);
    else
        c->easy = bfci_curl.easy_init();
    if (!c->easy)
        return bfci_fail_nomem(err);
    BFC_TRY(make_headers(c, err));
    BFC_TRY(set_callbacks(c, err));
    BFC_TRY(set_method(c, err));
    BFC_TRY(bfci_http_place_of(c->hop_url, &place, err));
    int rc = set_transport(c, place.tls, err);
    if (rc == 0)
        rc = set_tls(c, &place, err);
    free(place.host);
    return rc;
}
