/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP (RFC 9110, 9112, 9113) as a registry needs it: requests and their answers.
 *
 *     bfci_http_options options = BFCI_HTTP_OPTIONS_INIT;
 *     options.hooks = hooks;
 *     AUTO(bfci_http) bfci_http *http = NULL;
 *     BFC_TRY(bfci_http_open(&options, &http, err));
 *
 *     bfci_http_request request = BFCI_HTTP_REQUEST_INIT;
 *     request.url = "https://registry.example/v2/";
 *     AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
 *     BFC_TRY(bfci_http_do(http, &request, &answer, err));
 *     if (!bfci_http_succeeded(&answer))
 *         return bfci_http_fail_status(&request, &answer, NULL, err);
 *
 * One thread of the client's own does the talking. Any thread may ask, any number of requests may
 * be under way. A request is tried once: net/retry.h says whether another try makes sense.
 *
 * Messages name the method, the host and the path of what was asked. A query never stands in one,
 * nor in a log line: it may be a signature. An Authorization goes to the scheme, host and port of
 * `url`, and to no other. */
#ifndef BFCI_NET_HTTP_H
#define BFCI_NET_HTTP_H

#include "base/hooks.h"

enum {
    BFCI_HTTP_REDIRECTS_MAX = 10,
    BFCI_HTTP_HEADERS_MAX = 64 << 10, /* bytes of all headers of an answer */
    BFCI_HTTP_HEADER_LINES_MAX = 256,
    BFCI_HTTP_ERROR_BODY_MAX = 64 << 10, /* bytes that are kept of the body of a failure */
    BFCI_HTTP_URL_MAX = 16 << 10,
    BFCI_HTTP_PAUSE = 1 /* what a callback may return: see below */
};

/* ── The client ── */

typedef struct bfci_http_options {
    /* Milliseconds without which nothing happened that had to happen; 0: the default. None limits
     * the whole, and none runs while a callback of the caller's has paused. */
    unsigned connect_ms; /* name look-up, TCP, proxy, TLS: 30,000 */
    unsigned answer_ms;  /* from the last byte of the request to the end of the answer's headers:
                            60,000 */
    unsigned stall_ms;   /* between two bytes, in either direction: 30,000 */
    /* Folders with a folder HOST[:PORT] each (containers-certs.d(5)), ended by NULL. NULL: those of
     * containers-certs.d(5). */
    const char *const *certs_dirs;
    /* One folder with what a folder HOST would hold, for every host, instead; NULL: none. */
    const char *cert_dir;
    /* The certificates of the system, as one file of PEM. NULL: $SSL_CERT_FILE, or what libcurl was
     * built with. */
    const char *ca_file;
    const char *user_agent; /* NULL: "bfc/VERSION" */
    /* May be NULL. `cancel` ends every request within 0.2 s. `log` is called by the thread that is
     * in bfci_http_wait() or bfci_http_do(), by one at a time: if the caller's other threads log,
     * too, it is a function that takes a lock. */
    const bfc_hooks *hooks;
} bfci_http_options;
#define BFCI_HTTP_OPTIONS_INIT                                                                     \
    {                                                                                              \
        0, 0, 0, NULL, NULL, NULL, NULL, NULL                                                      \
    }

typedef struct bfci_http bfci_http;
/* Starts the thread. What the options point to is borrowed until the client is closed. Proxies are
 * those of the environment (http_proxy, https_proxy, no_proxy …). */
int bfci_http_open(const bfci_http_options *options, bfci_http **out, bfc_err *err);
/* Every call has been waited for by then. NULL is allowed. */
void bfci_http_close(bfci_http *http);
BFCI_DEFINE_AUTO(bfci_http, bfci_http_close)

/* ── A request ── */

enum bfci_http_method {
    BFCI_HTTP_GET,
    BFCI_HTTP_HEAD,
    BFCI_HTTP_POST,
    BFCI_HTTP_PUT,
    BFCI_HTTP_PATCH,
    BFCI_HTTP_DELETE
};
const char *bfci_http_method_name(enum bfci_http_method method);

typedef struct bfci_http_header {
    const char *name, *value;
} bfci_http_header;

typedef struct bfci_http_answer bfci_http_answer;

/* Callbacks run in the client's thread, for which all other requests wait: they do not block beyond
 * the writing of a file, and do not call back into the client, except for bfci_http_resume() and
 * bfci_http_cancel(). They return 0, a negative code with *err filled (it ends the request, and is
 * what it returns), or BFCI_HTTP_PAUSE: nothing was taken or given, and it is called again with the
 * same after bfci_http_resume(). A resume that comes before the pause is not lost. */

#define BFCI_HTTP_LEN_UNKNOWN UINT64_MAX

/* A body that is sent as it is read. */
typedef struct bfci_http_source {
    void *ctx;
    uint64_t len; /* BFCI_HTTP_LEN_UNKNOWN: sent in chunks */
    /* Gives up to `cap` bytes; *got 0 is the end, which before `len` is a failure. */
    int (*read)(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err);
    /* Back to the first byte: for redirects, or a connection that had gone stale. NULL: the source
     * cannot, and the request fails where it would have to. Pausing is not possible. */
    int (*rewind)(void *ctx, bfc_err *err);
} bfci_http_source;

/* Where the body of a success (2xx) goes as it comes. All may be NULL but write. */
typedef struct bfci_http_sink {
    void *ctx;
    /* Status and headers of the answer, once, before its first byte. Pausing is not possible. */
    int (*head)(void *ctx, const bfci_http_answer *answer, bfc_err *err);
    int (*write)(void *ctx, const void *bytes, size_t len, bfc_err *err);
} bfci_http_sink;

typedef struct bfci_http_request {
    enum bfci_http_method method;
    /* http or https, without user, password and fragment. */
    const char *url;
    /* The whole value of the header, "Bearer …"; NULL: none. */
    const char *authorization;
    const char *const *accept;       /* media types, ended by NULL; NULL: no header */
    const bfci_http_header *headers; /* beside Accept, Range and what the body needs */
    size_t header_count;
    uint64_t range_start; /* above 0: asks for what begins there; look at the answer's `partial` */

    /* The body: bytes, or a source, or none. POST, PUT and PATCH always have one, of no bytes
     * perhaps. */
    const void *body;
    size_t body_len;
    const bfci_http_source *source;
    bool secret_body; /* it holds a password: no redirect carries it to another host */

    const bfci_http_sink *sink; /* NULL: the body is collected */
    /* Bytes that the body of a success may have: more is BFC_E_LIMIT. 0: 4 MiB if it is
     * collected, as many as come if there is a sink. */
    uint64_t body_max;
    bool insecure;      /* takes any certificate: --tls-verify=false */
    unsigned answer_ms; /* in place of the client's; 0: that */
    /* Called once, in the client's thread, after the last callback: bfci_http_wait() will not block
     * any more. May be NULL. */
    void (*ended)(void *ctx);
    void *ended_ctx;
} bfci_http_request;
#define BFCI_HTTP_REQUEST_INIT                                                                     \
    {                                                                                              \
        BFCI_HTTP_GET, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, false, NULL, 0, false, 0,      \
            NULL, NULL                                                                             \
    }

/* ── An answer ── */

/* Why there is none, or not all of it. */
enum bfci_http_fault {
    BFCI_HTTP_FAULT_NONE,
    BFCI_HTTP_FAULT_RESOLVE, /* the name is not known */
    BFCI_HTTP_FAULT_CONNECT, /* refused, or no way there */
    BFCI_HTTP_FAULT_CONNECT_TIME,
    BFCI_HTTP_FAULT_TLS,         /* certificates, ours or theirs, or no TLS at all */
    BFCI_HTTP_FAULT_ANSWER_TIME, /* connected, but no answer */
    BFCI_HTTP_FAULT_STALL,
    BFCI_HTTP_FAULT_CUT, /* the connection ended too early: before the answer, or in the body */
    BFCI_HTTP_FAULT_PROTOCOL, /* not HTTP, or against its rules */
    BFCI_HTTP_FAULT_REDIRECT, /* too many, or where we do not go */
    BFCI_HTTP_FAULT_LIMIT,    /* headers or body larger than they may be */
    BFCI_HTTP_FAULT_CALLER,   /* a callback failed */
    BFCI_HTTP_FAULT_CANCELLED,
    BFCI_HTTP_FAULT_INTERNAL /* of our own: memory, descriptors, a request that makes no sense */
};

struct bfci_http_answer {
    enum bfci_http_fault fault;
    int status; /* 0: none came */
    char *url;  /* that answered, in the end; not to be shown */
    unsigned redirects;
    uint64_t length; /* Content-Length; BFCI_HTTP_LEN_UNKNOWN if there was none */
    /* A 206: what came begins at range_start, which is the one that was asked for (any other is a
     * failure). range_total is the whole, or BFCI_HTTP_LEN_UNKNOWN. */
    bool partial;
    uint64_t range_start, range_total;
    /* The headers, in their order. The bytes live as long as the answer. */
    bfci_http_header *header;
    size_t header_count;
    char *header_text;
    /* What was collected, with a NUL behind it, which is not counted. Of a failure (not 2xx) at
     * most BFCI_HTTP_ERROR_BODY_MAX; body_cut: there was more. */
    uint8_t *body;
    size_t body_len;
    bool body_cut;
    uint64_t received; /* bytes that the sink took */
    uint64_t duration_ns;
};
#define BFCI_HTTP_ANSWER_INIT                                                                      \
    {                                                                                              \
        BFCI_HTTP_FAULT_NONE, 0, NULL, 0, BFCI_HTTP_LEN_UNKNOWN, false, 0, BFCI_HTTP_LEN_UNKNOWN,  \
            NULL, 0, NULL, NULL, 0, false, 0, 0                                                    \
    }
void bfci_http_answer_release(bfci_http_answer *a); /* leaves an empty one */
#define AUTO_HTTP_ANSWER __attribute__((cleanup(bfci_http_answer_release)))

static inline bool bfci_http_succeeded(const bfci_http_answer *a)
{
    return a->status >= 200 && a->status <= 299;
}

/* The value of the header's line number `nth`, from 0 on; names are compared without regard to
 * case. NULL: there are not as many. Values have no blanks around them and no control bytes in
 * them, but are a stranger's. */
const char *bfci_http_header_get(const bfci_http_answer *a, const char *name, size_t nth);

/* What to report where a status is not what was hoped for. `detail` is a sentence more, fit for a
 * message, such as what a registry said in its body; NULL: none. 401, 403, 407: BFC_E_DENIED; 404,
 * 410: BFC_E_NOT_FOUND; 405, 415, 501: BFC_E_UNSUPPORTED; 413: BFC_E_LIMIT; 429: BFC_E_BUSY; 507:
 * BFC_E_NOSPC; other 4xx: BFC_E_INVALID; the rest: BFC_E_IO. */
int bfci_http_fail_status(const bfci_http_request *request, const bfci_http_answer *answer,
                          const char *detail, bfc_err *err);

/* A URL, fit for a message: without query and fragment, quoted. */
struct bfci_http_shown {
    char text[512];
};
struct bfci_http_shown bfci_http_show_url(const char *url);
#define BFCI_HTTP_SHOW(url) (bfci_http_show_url(url).text)

/* The address that `link` means, seen from `base`: RFC 3986, section 5. For Location and Link
 * headers. free(). BFC_E_CORRUPT: no http or https address, or one with a user or a password in it.
 */
int bfci_http_resolve(const char *base, const char *link, char **out, bfc_err *err);
/* Whether scheme, host and port are the same: whether what is for one may be told to the other.
 * False also where one is no URL. */
bool bfci_http_same_origin(const char *a, const char *b);

/* ── Asking ── */

/* 0: an answer came, whatever its status. *answer is released first, and on failure holds what is
 * known by then: at least `fault`. BFC_E_IO: resolving, connecting, time limits, a connection that
 * was cut; BFC_E_DENIED: certificates, a redirect from https to http; BFC_E_CORRUPT: what is no
 * HTTP, or contradicts itself; BFC_E_LIMIT; BFC_E_CANCELLED; BFC_E_INVALID: the request; what a
 * callback returned. */
int bfci_http_do(bfci_http *http, const bfci_http_request *request, bfci_http_answer *answer,
                 bfc_err *err);

/* The same in two steps. The request is copied; what body, source and sink point to is borrowed
 * until bfci_http_wait() returns. Waiting ends the call, must be done once for each, and by one
 * thread. */
typedef struct bfci_http_call bfci_http_call;
int bfci_http_start(bfci_http *http, const bfci_http_request *request, bfci_http_call **out,
                    bfc_err *err);
int bfci_http_wait(bfci_http_call *call, bfci_http_answer *answer, bfc_err *err);
/* Any thread, before wait returned. Neither blocks. After a cancel the call ends soon, with
 * BFC_E_CANCELLED unless it had ended before. */
void bfci_http_cancel(bfci_http_call *call);
void bfci_http_resume(bfci_http_call *call);

#endif
