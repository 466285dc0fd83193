/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP client share.
 *
 * A call is the caller's from bfci_http_start() to bfci_http_wait(); between them it is the loop's,
 * and only `wanted` and `ended` are touched by others, under the client's lock. Each request on the
 * wire is a hop: the first one, and one more for each redirect. */
#ifndef BFCI_NET_HTTP_PARTS_H
#define BFCI_NET_HTTP_PARTS_H

#include <pthread.h>

#include "base/buf.h"
#include "net/curl.h"
#include "net/http.h"
#include "net/http_tls.h"

struct bfci_http {
    uint64_t connect_ms, answer_ms, stall_ms;
    const bfc_hooks *hooks;
    char *user_agent;
    bfci_tls *tls; /* the loop's */
    CURLM *multi;  /* the loop's, but for curl_multi_wakeup() */
    bool has_curl, has_locks, has_thread;
    pthread_t thread;
    pthread_mutex_t log_lock;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ended;
    bfci_http_call *incoming; /* the last one first */
    bool closing;
};

/* What a hop's answer is taken for, once its headers are all there. */
enum bfci_http_use {
    BFCI_HTTP_USE_NONE,     /* headers are not complete */
    BFCI_HTTP_USE_SINK,     /* a success */
    BFCI_HTTP_USE_COLLECT,  /* a success */
    BFCI_HTTP_USE_FAILURE,  /* collected as far as it goes */
    BFCI_HTTP_USE_REDIRECT, /* thrown away */
};

struct bfci_http_call {
    bfci_http *http;
    bfci_http_call *next;

    /* The request. */
    bfci_http_request request; /* its strings are those below */
    bfci_http_source source;
    bfci_http_sink sink;
    bool has_sink, has_source; /* bytes are a source as well */
    char *url, *authorization;
    struct curl_slist *headers; /* but Authorization */
    uint64_t body_max;

    /* From others, under the lock. */
    bool want_cancel, want_resume;
    bool has_ended;

    /* The hop. */
    CURL *easy;
    bool in_multi;
    struct curl_slist *hop_headers;
    char *hop_url;
    bool authorize; /* all hops so far were to one origin */
    char curl_text[CURL_ERROR_SIZE];
    size_t body_at; /* of request.body: what was given */
    uint64_t given; /* bytes of the source */
    bool connected, given_all, paused;
    bool excess;       /* more came than Content-Length had promised */
    bool enough;       /* we ended it: more of this body is not wanted */
    uint64_t sent;     /* as curl counts it */
    uint64_t moved_ns; /* when a byte was last on its way */

    /* The answer. */
    enum bfci_http_use use;
    int status;             /* of the head that is read; 0: none yet */
    buf head;               /* name NUL value NUL … */
    size_t lines, head_len; /* of all heads of this hop, trailers included */
    buf body;
    uint64_t seen; /* bytes of this hop's body */
    uint64_t started_ns;
    bfci_http_answer answer;

    /* Why it failed; the first reason stays. */
    int rc;
    bfc_err err;
};

/* Fails the call: "GET https://host/path: WORDS". Returns the code. */
int bfci_http_call_fail(bfci_http_call *c, enum bfci_http_fault fault, enum bfc_code code,
                        const char *fmt, ...) BFCI_PRINTF(4, 5);
/* A callback's failure, or one that has its words already. */
int bfci_http_call_fail_as(bfci_http_call *c, enum bfci_http_fault fault, int rc,
                           const bfc_err *why);

/* http_request.c: a request is looked at and copied. */
int bfci_http_call_new(bfci_http *http, const bfci_http_request *request, bfci_http_call **out,
                       bfc_err *err);
void bfci_http_call_free(bfci_http_call *c);
BFCI_DEFINE_AUTO(bfci_http_call, bfci_http_call_free)

/* http_loop.c */
void *bfci_http_loop(void *http);

/* http_hop.c: makes c->easy ask for c->hop_url, with the callbacks of http_body.c and http_head.c.
 */
int bfci_http_hop_prepare(bfci_http_call *c, bfc_err *err);

/* http_head.c */
size_t bfci_http_on_header(char *line, size_t size, size_t count, void *call);
void bfci_http_head_reset(bfci_http_call *c); /* for the next hop */

/* http_body.c */
size_t bfci_http_on_body(char *bytes, size_t size, size_t count, void *call);
size_t bfci_http_on_send(char *bytes, size_t size, size_t count, void *call);
int bfci_http_on_seek(void *call, curl_off_t offset, int origin);
int bfci_http_rewind(bfci_http_call *c, bfc_err *err);

/* http_fault.c: c fails for what curl says of the hop. */
void bfci_http_explain(bfci_http_call *c, CURLcode result);

/* http_redirect.c: whether the answer is one that we would follow; and the next hop's URL. */
bool bfci_http_is_redirect(const bfci_http_call *c);
int bfci_http_redirect(bfci_http_call *c);

/* http_url.c: as for requests. The message of a failure does not show the URL. */
int bfci_http_url_check(const char *url, char **out, bfc_err *err);
/* What stands in messages and in the names of folders: the host as in the URL, and its port.
 * free(). */
typedef struct bfci_http_place {
    char *host;
    unsigned port;
    bool tls, default_port;
} bfci_http_place;
int bfci_http_place_of(const char *url, bfci_http_place *out, bfc_err *err);

#endif
