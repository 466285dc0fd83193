/* SPDX-License-Identifier: Apache-2.0 */
/* The client's thread: takes calls in, has libcurl move bytes, keeps time limits, and ends calls.
 * All that it knows of a call is its own, but for the wishes of others, which it takes under the
 * lock. */
#include "net/http_parts.h"

#include "sys/clock.h"
#include "sys/names.h"

enum {
    LOOK_EVERY_MS = 100, /* at limits and at the caller's flag, while there are calls */
    IDLE_MS = 60 * 1000
};

typedef struct loop {
    bfci_http *http;
    bfci_http_call *active;
    bool closing;
} loop;

/* ── The end of a call ── */

static void take_off(loop *l, bfci_http_call *c)
{
    for (bfci_http_call **at = &l->active; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            return;
        }
}

static void leave_multi(loop *l, bfci_http_call *c)
{
    if (c->in_multi)
        (void)bfci_curl.multi_remove_handle(l->http->multi, c->easy);
    c->in_multi = false;
}

/* A body that nobody can find wanting after this: with its NUL. */
static void hand_over(bfci_http_call *c)
{
    bfci_http_answer *a = &c->answer;
    bfc_err why = BFC_ERR_INIT;

    buf_u8(&c->body, 0);
    int rc = buf_check(&c->body, &why);
    if (rc < 0) {
        (void)bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_INTERNAL, rc, &why);
    } else {
        a->body_len = c->body.len - 1;
        a->body = bfci_steal(&c->body.data);
        c->body = (buf)BUF_INIT;
    }
    if (!a->header) /* the head was not complete */
        a->header_count = 0;
    a->url = bfci_steal(&c->hop_url);
    a->duration_ns = bfci_monotonic_ns() - c->started_ns;
}

/* After this the call is the waiter's. */
static void end_call(loop *l, bfci_http_call *c)
{
    bfci_http *http = l->http;

    leave_multi(l, c);
    bfci_curl.easy_cleanup(c->easy);
    c->easy = NULL;
    take_off(l, c);
    hand_over(c);
    if (c->request.ended)
        c->request.ended(c->request.ended_ctx);
    pthread_mutex_lock(&http->lock);
    c->has_ended = true;
    pthread_cond_broadcast(&http->ended);
    pthread_mutex_unlock(&http->lock);
}

/* ── Hops ── */

static int start_hop(loop *l, bfci_http_call *c)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_http_hop_prepare(c, &why);
    if (rc < 0) {
        enum bfci_http_fault fault =
            rc == BFC_E_NOMEM ? BFCI_HTTP_FAULT_INTERNAL : BFCI_HTTP_FAULT_TLS;
        return bfci_http_call_fail(c, fault, rc, "%s", why.msg);
    }
    if (bfci_curl.multi_add_handle(l->http->multi, c->easy) != CURLM_OK)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_INTERNAL, BFC_E_NOMEM, "out of memory");
    c->in_multi = true;
    return 0;
}

/* What came is worth more than how it ended, where it was a refusal or a redirect: a server that
 * has said no often closes the connection on what we still send. */
static bool says_enough(const bfci_http_call *c)
{
    return c->use == BFCI_HTTP_USE_FAILURE || c->use == BFCI_HTTP_USE_REDIRECT;
}

static void judge(bfci_http_call *c, CURLcode result)
{
    if (c->rc < 0)
        return;
    if (result != CURLE_OK && says_enough(c)) {
        c->answer.body_cut = true;
    } else if (result != CURLE_OK) {
        bfci_http_explain(c, result);
    } else if (c->use == BFCI_HTTP_USE_NONE) { /* libcurl takes half a head for one */
        bfci_http_explain(c, CURLE_GOT_NOTHING);
    } else if (c->excess && c->request.method != BFCI_HTTP_HEAD && !says_enough(c)) {
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                  "the server sends more than the %llu bytes that it promised",
                                  (unsigned long long)c->seen);
    }
}

static void end_hop(loop *l, bfci_http_call *c, CURLcode result)
{
    judge(c, result);
    leave_multi(l, c);
    if (c->rc < 0 || c->use != BFCI_HTTP_USE_REDIRECT || bfci_http_redirect(c) < 0 ||
        start_hop(l, c) < 0)
        end_call(l, c);
}

static void take_results(loop *l)
{
    CURLMsg *message = NULL;
    int left = 0;

    while ((message = bfci_curl.multi_info_read(l->http->multi, &left))) {
        char *of = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message goes with the handle */
        (void)bfci_curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
        end_hop(l, (bfci_http_call *)(void *)of, result);
    }
}

/* ── Wishes and limits ── */

static void take_incoming(loop *l)
{
    bfci_http *http = l->http;

    pthread_mutex_lock(&http->lock);
    bfci_http_call *incoming = bfci_steal(&http->incoming);
    l->closing = http->closing;
    pthread_mutex_unlock(&http->lock);
    while (incoming) {
        bfci_http_call *c = incoming;
        incoming = c->next;
        c->next = l->active;
        l->active = c;
        if (start_hop(l, c) < 0)
            end_call(l, c);
    }
}

/* The bytes that wait are given to the callback from within, which may end the call or pause again.
 */
static void resume(loop *l, bfci_http_call *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    c->moved_ns = bfci_monotonic_ns();
    CURLcode result = bfci_curl.easy_pause(c->easy, CURLPAUSE_CONT);
    if (result != CURLE_OK)
        end_hop(l, c, result);
}

static void check_time(bfci_http_call *c, uint64_t now)
{
    const bfci_http *http = c->http;
    const uint64_t answer_ms = c->request.answer_ms ? c->request.answer_ms : http->answer_ms;
    curl_off_t sent = 0;

    (void)bfci_curl.easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if ((uint64_t)sent != c->sent) {
        c->sent = (uint64_t)sent;
        c->moved_ns = now;
    }
    const bool sending = c->request.body_len + (c->has_source ? c->source.len : 0) > 0 &&
                         c->use == BFCI_HTTP_USE_NONE && !c->given_all;
    const uint64_t limit_ms = c->use == BFCI_HTTP_USE_NONE && !sending ? answer_ms : http->stall_ms;
    if (now < c->moved_ns || now - c->moved_ns < limit_ms * 1000000)
        return;
    if (sending)
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_STALL, BFC_E_IO,
                                  "the server has taken nothing for %.1f seconds, after %llu bytes",
                                  (double)limit_ms / 1000, (unsigned long long)c->sent);
    else if (c->use == BFCI_HTTP_USE_NONE)
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_ANSWER_TIME, BFC_E_IO,
                                  "connected, but no answer within %.1f seconds",
                                  (double)limit_ms / 1000);
    else
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_STALL, BFC_E_IO,
                                  "nothing came for %.1f seconds, after %llu bytes",
                                  (double)limit_ms / 1000, (unsigned long long)c->seen);
}

static void look_at(loop *l, bfci_http_call *c, bool cancelled)
{
    pthread_mutex_lock(&l->http->lock);
    const bool wants_resume = c->want_resume;
    cancelled = cancelled || c->want_cancel;
    c->want_resume = false;
    pthread_mutex_unlock(&l->http->lock);
    if (cancelled) {
        bfc_err why = BFC_ERR_INIT;
        (void)bfci_fail(&why, BFC_E_CANCELLED, "interrupted");
        (void)bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_CANCELLED, BFC_E_CANCELLED, &why);
    } else if (c->connected && !c->paused) {
        check_time(c, bfci_monotonic_ns());
    }
    if (c->rc < 0)
        end_call(l, c);
    else if (wants_resume)
        resume(l, c);
}

static void look_at_all(loop *l)
{
    const bool cancelled = l->closing || bfci_cancelled(l->http->hooks);

    for (bfci_http_call *c = l->active, *next = NULL; c; c = next) {
        next = c->next; /* only c itself can go meanwhile */
        look_at(l, c, cancelled);
    }
}

/* libcurl's own loop cannot fail but for lack of memory; then nothing can go on. */
static void give_up(loop *l)
{
    while (l->active) {
        bfci_http_call *c = l->active;
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_INTERNAL, BFC_E_NOMEM, "out of memory");
        end_call(l, c);
    }
}

void *bfci_http_loop(void *http)
{
    loop l = {.http = http};
    int running = 0;

    for (;;) {
        take_incoming(&l);
        if (bfci_curl.multi_perform(l.http->multi, &running) != CURLM_OK)
            give_up(&l);
        take_results(&l);
        look_at_all(&l);
        if (l.closing && !l.active)
            return NULL;
        if (bfci_curl.multi_poll(l.http->multi, NULL, 0, l.active ? LOOK_EVERY_MS : IDLE_MS,
                                 NULL) != CURLM_OK) {
            give_up(&l);
            bfci_pause_ms(LOOK_EVERY_MS);
        }
    }
}
