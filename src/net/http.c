/* SPDX-License-Identifier: Apache-2.0 */
/* The client as its callers see it: opening and closing, handing calls to the loop and waiting for
 * them. */
#include "net/http_parts.h"

#include <signal.h>

#include <bfc/version.h>

#include "sys/clock.h"

enum {
    CONNECT_MS = 30 * 1000,
    ANSWER_MS = 60 * 1000,
    STALL_MS = 30 * 1000,
    IDLE_CONNECTIONS = 32
};

/* ── The client ── */

static int start_curl(bfci_http *http, bfc_err *err)
{
    BFC_TRY(bfci_curl_load(err));
    if (bfci_curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "libcurl does not start");
    http->has_curl = true;
    http->multi = bfci_curl.multi_init();
    if (!http->multi)
        return bfci_fail_nomem(err);
    (void)bfci_curl.multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    return 0;
}

/* The thread takes no signals: they belong to the program's own. */
static int start_thread(bfci_http *http, bfc_err *err)
{
    sigset_t all, before;

    pthread_mutex_init(&http->lock, NULL);
    pthread_mutex_init(&http->log_lock, NULL);
    pthread_cond_init(&http->ended, NULL);
    http->has_locks = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&http->thread, NULL, bfci_http_loop, http);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e != 0)
        return bfci_fail_errno(err, e, "start a thread");
    http->has_thread = true;
    return 0;
}

int bfci_http_open(const bfci_http_options *options, bfci_http **out, bfc_err *err)
{
    AUTO(bfci_http) bfci_http *http = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *http, &http, err));
    http->connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS;
    http->answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS;
    http->stall_ms = options->stall_ms ? options->stall_ms : STALL_MS;
    http->hooks = options->hooks;
    BFC_TRY(bfci_strdup(options->user_agent ? options->user_agent : "bfc/" BFC_VERSION_STRING,
                        &http->user_agent, err));
    BFC_TRY(
        bfci_tls_new(options->certs_dirs, options->cert_dir, options->ca_file, &http->tls, err));
    BFC_TRY(start_curl(http, err));
    BFC_TRY(start_thread(http, err));
    *out = bfci_steal(&http);
    return 0;
}

void bfci_http_close(bfci_http *http)
{
    if (!http)
        return;
    if (http->has_thread) {
        pthread_mutex_lock(&http->lock);
        http->closing = true;
        pthread_mutex_unlock(&http->lock);
        (void)bfci_curl.multi_wakeup(http->multi);
        (void)pthread_join(http->thread, NULL);
    }
    if (http->has_locks) {
        pthread_cond_destroy(&http->ended);
        pthread_mutex_destroy(&http->log_lock);
        pthread_mutex_destroy(&http->lock);
    }
    if (http->multi)
        (void)bfci_curl.multi_cleanup(http->multi);
    if (http->has_curl)
        bfci_curl.global_cleanup();
    bfci_tls_free(http->tls);
    free(http->user_agent);
    free(http);
}

/* ── Calls ── */

int bfci_http_start(bfci_http *http, const bfci_http_request *request, bfci_http_call **out,
                    bfc_err *err)
{
    bfci_http_call *c = NULL;

    BFC_TRY(bfci_http_call_new(http, request, &c, err));
    pthread_mutex_lock(&http->lock);
    c->next = http->incoming;
    http->incoming = c;
    pthread_mutex_unlock(&http->lock);
    *out = c;
    (void)bfci_curl.multi_wakeup(http->multi);
    return 0;
}

static void wish(bfci_http_call *c, bool *what)
{
    bfci_http *http = c->http;

    pthread_mutex_lock(&http->lock);
    *what = true;
    pthread_mutex_unlock(&http->lock);
    (void)bfci_curl.multi_wakeup(http->multi);
}

void bfci_http_cancel(bfci_http_call *call)
{
    wish(call, &call->want_cancel);
}

void bfci_http_resume(bfci_http_call *call)
{
    wish(call, &call->want_resume);
}

static void tell(bfci_http_call *c)
{
    const bfci_http_answer *a = &c->answer;
    const bfc_hooks *hooks = c->http->hooks;

    if (!hooks || !hooks->log)
        return;
    struct bfci_http_shown asked = bfci_http_show_url(c->url);
    struct bfci_http_shown last = bfci_http_show_url(a->url ? a->url : c->url);
    pthread_mutex_lock(&c->http->log_lock);
    bfci_log(hooks, BFC_LOG_DEBUG, "http",
             "method=%s url='%s' status=%d ms=%llu bytes=%llu%s%s%s%s%s",
             bfci_http_method_name(c->request.method), asked.text, a->status,
             (unsigned long long)(a->duration_ns / 1000000), (unsigned long long)c->seen,
             a->redirects ? " from='" : "", a->redirects ? last.text : "", a->redirects ? "'" : "",
             c->rc < 0 ? " error=" : "", c->rc < 0 ? bfc_code_name(c->err.code) : "");
    pthread_mutex_unlock(&c->http->log_lock);
}

int bfci_http_wait(bfci_http_call *call, bfci_http_answer *answer, bfc_err *err)
{
    bfci_http *http = call->http;

    pthread_mutex_lock(&http->lock);
    while (!call->has_ended)
        pthread_cond_wait(&http->ended, &http->lock);
    pthread_mutex_unlock(&http->lock);
    tell(call);
    bfci_http_answer_release(answer);
    *answer = call->answer;
    call->answer = (bfci_http_answer)BFCI_HTTP_ANSWER_INIT;
    const int rc = call->rc;
    if (rc < 0 && err)
        *err = call->err;
    bfci_http_call_free(call);
    return rc;
}

int bfci_http_do(bfci_http *http, const bfci_http_request *request, bfci_http_answer *answer,
                 bfc_err *err)
{
    bfci_http_call *call = NULL;

    int rc = bfci_http_start(http, request, &call, err);
    if (rc < 0) {
        bfci_http_answer_release(answer);
        answer->fault = BFCI_HTTP_FAULT_INTERNAL;
        return rc;
    }
    return bfci_http_wait(call, answer, err);
}

void bfci_http_answer_release(bfci_http_answer *a)
{
    free(a->url);
    free(a->header);
    free(a->header_text);
    free(a->body);
    *a = (bfci_http_answer)BFCI_HTTP_ANSWER_INIT;
}
