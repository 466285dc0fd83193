/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which registries and token servers are asked: what a request is tried again for,
 * who we are, and what failures are called. */
#include <stdio.h>

#include "net/client.h"
#include "oci/json.h"
#include "sys/clock.h"

enum {
    REFUSALS_MAX = 2, /* a 401 that comes again with a new token is the answer */
    ERRORS_TOLD = 2,
    STOP_LOOK_MS = 100
};

/* ── Stopping ── */

void bfci_stop_set(bfci_stop *stop)
{
    pthread_mutex_lock(&stop->lock);
    stop->is_set = true;
    if (stop->call)
        bfci_http_cancel(stop->call);
    pthread_mutex_unlock(&stop->lock);
}

bool bfci_stop_is_set(bfci_stop *stop)
{
    pthread_mutex_lock(&stop->lock);
    bool is_set = stop->is_set;
    pthread_mutex_unlock(&stop->lock);
    return is_set;
}

static void on_ended(void *ctx)
{
    bfci_stop *stop = ctx;

    pthread_mutex_lock(&stop->lock);
    stop->has_ended = true;
    pthread_cond_broadcast(&stop->bell);
    pthread_mutex_unlock(&stop->lock);
}

/* A call must not be cancelled after it was waited for: so that is done when it has ended. */
static int wait_stoppable(bfci_stop *stop, bfci_http_call *call, bfci_http_answer *answer,
                          bfc_err *err)
{
    pthread_mutex_lock(&stop->lock);
    stop->call = call;
    if (stop->is_set)
        bfci_http_cancel(call);
    while (!stop->has_ended)
        pthread_cond_wait(&stop->bell, &stop->lock);
    stop->call = NULL;
    pthread_mutex_unlock(&stop->lock);
    return bfci_http_wait(call, answer, err);
}

int bfci_client_wait(const bfci_client *c, bfci_stop *stop, uint64_t wait_ms, bfc_err *err)
{
    for (;;) {
        if (stop && bfci_stop_is_set(stop))
            return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
        const uint64_t step = stop ? MIN(wait_ms, (uint64_t)STOP_LOOK_MS) : wait_ms;
        BFC_TRY(bfci_retry_wait(step, c->hooks, err));
        if (step == wait_ms)
            return 0;
        wait_ms -= step;
    }
}

/* ── What a registry says ── */

static size_t put_word(char *to, size_t cap, const bfci_json_node *error, const char *name,
                       const char *before)
{
    const bfci_json_node member = bfci_json_member(error, name);
    const char *text = NULL;

    if (bfci_json_may_text(&member, &text, NULL) < 0 || !text || !*text || cap == 0)
        return 0;
    int len = snprintf(to, cap, "%s%.150s", before, BFCI_QUOTE_STR(text));
    return MIN(len > 0 ? (size_t)len : 0, cap - 1);
}

struct bfci_registry_words bfci_registry_words(const uint8_t *body, size_t len)
{
    struct bfci_registry_words words = {""};
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    size_t used = 0;

    if (len == 0 || bfci_json_load(body, len, "error", JSON_FOREIGN, &root, &document, NULL) < 0)
        return words;
    const bfci_json_node errors = bfci_json_member(&document, "errors");
    for (size_t i = 0; i < bfci_json_count(&errors) && i < ERRORS_TOLD; i++) {
        const bfci_json_node error = bfci_json_item(&errors, i);
        used +=
            put_word(words.text + used, sizeof words.text - used, &error, "code", used ? "; " : "");
        used += put_word(words.text + used, sizeof words.text - used, &error, "message",
                         used ? ": " : "");
    }
    if (used == 0) /* token servers, RFC 6749, section 5.2; and others */
        used = put_word(words.text, sizeof words.text, &document, "error_description", "");
    if (used == 0)
        used = put_word(words.text, sizeof words.text, &document, "details", "");
    return words;
}

/* ── One request ── */

typedef struct asking {
    bfci_client *client;
    const bfci_ask *ask;
    unsigned tries, refusals;
    uint64_t counted_at; /* what progress was when tries began to be counted */
    unsigned generation;
} asking;

static bool is_answer(const bfci_ask *ask, const bfci_http_answer *answer)
{
    if (bfci_http_succeeded(answer))
        return true;
    for (size_t i = 0; i < BFCI_ASK_ALSO_MAX; i++)
        if (ask->also[i] != 0 && ask->also[i] == answer->status)
            return true;
    return false;
}

static int send(const asking *a, bfci_http_request *request, bfci_http_answer *answer, bfc_err *err)
{
    bfci_stop *stop = a->ask->stop;
    bfci_http_call *call = NULL;

    if (!stop)
        return bfci_http_do(a->client->http, request, answer, err);
    stop->has_ended = false;
    request->ended = on_ended;
    request->ended_ctx = stop;
    BFC_TRY(bfci_http_start(a->client->http, request, &call, err));
    return wait_stoppable(stop, call, answer, err);
}

static int try_once(asking *a, bfci_http_answer *answer, bfc_err *err)
{
    const bfci_authority *authority = a->ask->authority;
    bfci_http_request request = a->ask->request;
    AUTO_SECRET uint8_t *secret = NULL;
    char *value = NULL;

    request.authorization = a->ask->authorization;
    if (authority) {
        BFC_TRY(authority->get(authority->ctx, &value, &a->generation, err));
        secret = (uint8_t *)value;
        request.authorization = value;
    }
    if (a->ask->prepare)
        BFC_TRY(a->ask->prepare(a->ask->ctx, &request, err));
    return send(a, &request, answer, err);
}

/* A success that lacks its end is a connection that was cut. */
static int check_whole(const asking *a, bfci_http_answer *answer, bfc_err *err)
{
    const bfci_ask *ask = a->ask;

    if (!ask->is_whole || !bfci_http_succeeded(answer) || ask->is_whole(ask->ctx))
        return 0;
    answer->fault = BFCI_HTTP_FAULT_CUT;
    return bfci_fail(err, BFC_E_IO, "%s '%s': the answer ended before all was there",
                     bfci_http_method_name(ask->request.method), BFCI_HTTP_SHOW(answer->url));
}

static int fail_status(const asking *a, const bfci_http_answer *answer, bfc_err *err)
{
    const struct bfci_registry_words words = bfci_registry_words(answer->body, answer->body_len);

    return bfci_http_fail_status(&a->ask->request, answer, words.text[0] ? words.text : NULL, err);
}

bool bfci_client_next_try(const bfci_http_answer *answer, unsigned tries, uint64_t *wait_ms)
{
    uint64_t random = 0;
    int64_t now = 0;
    uint32_t ns = 0;

    bfci_now(&now, &ns);
    if (bfci_random(&random, sizeof random, NULL) < 0)
        random = ns;
    return bfci_retry_next(answer, tries, now, random, wait_ms);
}

/* Whether, and after how long, there is another try. What cannot be done twice is tried again only
 * if the server has not begun with it. */
static bool next_try(asking *a, const bfci_http_answer *answer, uint64_t *wait_ms)
{
    const bfci_ask *ask = a->ask;
    const uint64_t now_at = ask->progress ? ask->progress(ask->ctx) : 0;

    if (ask->once && answer->fault != BFCI_HTTP_FAULT_CONNECT &&
        answer->fault != BFCI_HTTP_FAULT_CONNECT_TIME && answer->status != 429)
        return false;
    if (now_at - a->counted_at >= BFCI_ASK_PROGRESS) {
        a->counted_at = now_at;
        a->tries = a->refusals = 0;
    }
    a->tries++;
    if (ask->tries_max > 0 && a->tries >= ask->tries_max)
        return false;
    return bfci_client_next_try(answer, a->tries, wait_ms);
}

/* *again: the loop goes on. */
static int judge(asking *a, int rc, bfci_http_answer *answer, bool *again, bfc_err *err)
{
    const bfci_authority *authority = a->ask->authority;
    bfc_err why = BFC_ERR_INIT;
    uint64_t wait_ms = 0;

    *again = false;
    if (rc == 0 && answer->status == 401 && authority && a->refusals < REFUSALS_MAX) {
        BFC_TRY(authority->refused(authority->ctx, answer, a->generation, err));
        a->refusals++;
        *again = true;
        return 0;
    }
    if (rc == 0)
        rc =
            is_answer(a->ask, answer) ? check_whole(a, answer, &why) : fail_status(a, answer, &why);
    else if (err)
        why = *err;
    if (rc == 0)
        return 0;
    if (!next_try(a, answer, &wait_ms)) {
        if (err)
            *err = why;
        return rc;
    }
    bfci_log(a->client->hooks, BFC_LOG_INFO, "net", "%s; trying again in %.1f s", why.msg,
             (double)wait_ms / 1000);
    BFC_TRY(bfci_client_wait(a->client, a->ask->stop, wait_ms, err));
    *again = true;
    return 0;
}

int bfci_client_ask(bfci_client *c, const bfci_ask *ask, bfci_http_answer *answer, bfc_err *err)
{
    asking a = {.client = c, .ask = ask};
    bfc_err why = BFC_ERR_INIT;
    bool again = true;
    int rc = 0;

    a.counted_at = ask->progress ? ask->progress(ask->ctx) : 0;
    while (again) {
        if (ask->stop && bfci_stop_is_set(ask->stop)) {
            rc = bfci_fail(&why, BFC_E_CANCELLED, "interrupted");
            break;
        }
        bfci_http_answer_release(answer);
        rc = try_once(&a, answer, &why);
        rc = judge(&a, rc, answer, &again, &why);
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}
