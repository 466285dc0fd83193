/* SPDX-License-Identifier: Apache-2.0 */
/* Puts requests through the HTTP client, for test_http.py.
 *
 *   http_probe METHOD URL [NAME=VALUE…]
 *
 * auth=TEXT, accept=TYPE, header=NAME:VALUE, range=N, max=N, insecure=1, secret=1, certs=DIR,
 * ca=FILE, connect_ms=N, answer_ms=N, stall_ms=N   as in net/http.h body=TEXT          sends these
 * bytes source=N           sends N bytes by a source; -N in chunks; once=1: it cannot be rewound;
 * gap_ms=N: it pauses once in its middle, for that long break_at=N         the source fails there
 * sink=1             takes the body by a sink; fail_at=N: which fails there
 * reader_kib_ms=N    the sink fills 1 MiB, from which a thread takes N KiB each millisecond;
 * gap_ms=N: it takes nothing for so long, once times=N, at_once=N asks again, or so often in
 * parallel cancel_ms=N        the caller's flag goes up then; call_cancel_ms=N: the call is
 * cancelled beside=1           asks once more after 0.3 s, the body collected, and prints how long
 * that took show=NAME          prints each header of that name log=1              prints what is
 * logged
 *
 * Prints "key=value" lines of each answer; a failure's message is on stderr, and the exit code 1.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "codec/digest.h"
#include "net/http.h"
#include "sys/clock.h"
#include "sys/names.h"

enum {
    RING = 1 << 20,
    CALLS_MAX = 64,
    LISTS_MAX = 16
};

typedef struct settings {
    bfci_http_options options;
    const char *certs[2], *accept[LISTS_MAX], *show;
    bfci_http_header header[LISTS_MAX];
    bfci_http_request request;
    char *header_text[LISTS_MAX];
    size_t accepts, headers;
    int64_t source_len, break_at, fail_at;
    bool has_source, once, sink, beside;
    unsigned gap_ms, reader_kib_ms, cancel_ms, call_cancel_ms, times, at_once;
} settings;

static int cancel_flag;

/* What is known of a call while it runs. */
typedef struct taker {
    const settings *s;
    bfci_http_call **call;
    bfci_sha256_ctx *sum;
    uint64_t taken;
    int head_status;
    unsigned pauses;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint8_t *ring;
    size_t first, filled;
    bool ended, had_gap;
} taker;

/* Under the lock: the call is there as long as it has not ended. */
static void resume(taker *t)
{
    if (!t->ended)
        bfci_http_resume(*t->call);
}

/* ── A source ── */

typedef struct pattern {
    const settings *s;
    uint64_t at, len;
    taker *taker;
    bool paused;
    pthread_t waker;
} pattern;

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static void *wake(void *ctx)
{
    pattern *p = ctx;

    bfci_pause_ms(p->s->gap_ms);
    pthread_mutex_lock(&p->taker->lock);
    resume(p->taker);
    pthread_mutex_unlock(&p->taker->lock);
    return NULL;
}

static int pattern_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    pattern *p = ctx;
    uint8_t *to = bytes;

    if (p->s->break_at >= 0 && p->at >= (uint64_t)p->s->break_at)
        return bfci_fail(err, BFC_E_CORRUPT, "the source broke");
    if (p->s->gap_ms > 0 && !p->paused && p->at >= p->len / 2) {
        p->paused = true;
        pthread_create(&p->waker, NULL, wake, p);
        return BFCI_HTTP_PAUSE;
    }
    *got = (size_t)MIN((uint64_t)cap, p->len - p->at);
    for (size_t i = 0; i < *got; i++)
        to[i] = byte_at(p->at + i);
    p->at += *got;
    return 0;
}

static int pattern_rewind(void *ctx, bfc_err *err)
{
    pattern *p = ctx;

    (void)err;
    p->at = 0;
    return 0;
}

/* ── A sink ── */

static int on_head(void *ctx, const bfci_http_answer *answer, bfc_err *err)
{
    taker *t = ctx;

    (void)err;
    t->head_status = answer->status;
    return 0;
}

static int fill_ring(taker *t, const uint8_t *bytes, size_t len)
{
    pthread_mutex_lock(&t->lock);
    const bool fits = len <= RING - t->filled;
    for (size_t i = 0; fits && i < len; i++)
        t->ring[(t->first + t->filled + i) % RING] = bytes[i];
    t->filled += fits ? len : 0;
    t->pauses += !fits;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return fits ? 0 : BFCI_HTTP_PAUSE;
}

static int on_write(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    taker *t = ctx;

    if (t->s->fail_at >= 0 && t->taken + len > (uint64_t)t->s->fail_at)
        return bfci_fail(err, BFC_E_NOSPC, "the sink is full");
    if (t->s->reader_kib_ms > 0)
        return fill_ring(t, bytes, len);
    t->taken += len;
    return bfci_sha256_update(t->sum, bytes, len, err);
}

static void *read_ring(void *ctx)
{
    taker *t = ctx;

    for (;;) {
        pthread_mutex_lock(&t->lock);
        while (t->filled == 0 && !t->ended)
            pthread_cond_wait(&t->changed, &t->lock);
        size_t len = MIN(t->filled, (size_t)t->s->reader_kib_ms << 10);
        len = MIN(len, (size_t)RING - t->first);
        (void)bfci_sha256_update(t->sum, t->ring + t->first, len, NULL);
        t->first = (t->first + len) % RING;
        t->filled -= len;
        t->taken += len;
        const bool over = t->ended && t->filled == 0;
        const bool gap = t->s->gap_ms > 0 && !t->had_gap;
        t->had_gap = t->had_gap || gap;
        pthread_mutex_unlock(&t->lock);
        if (over)
            return NULL;
        bfci_pause_ms(gap ? t->s->gap_ms : 1);
        pthread_mutex_lock(&t->lock);
        resume(t);
        pthread_mutex_unlock(&t->lock);
    }
}

static void on_ended(void *ctx)
{
    taker *t = ctx;

    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* ── What is asked ── */

typedef struct asked {
    const settings *s;
    bfci_http_call *call;
    pattern pattern;
    taker taker;
    bfci_http_source source;
    bfci_http_sink sink;
    bfci_http_request request;
} asked;

static int begin(asked *a, bfci_http *http, const settings *s, bfc_err *err)
{
    *a = (asked){.s = s, .request = s->request};
    a->pattern = (pattern){.s = s, .taker = &a->taker};
    a->pattern.len = (uint64_t)(s->source_len < 0 ? -s->source_len : s->source_len);
    a->source =
        (bfci_http_source){&a->pattern, s->source_len < 0 ? BFCI_HTTP_LEN_UNKNOWN : a->pattern.len,
                           pattern_read, s->once ? NULL : pattern_rewind};
    if (s->has_source)
        a->request.source = &a->source;
    a->taker.s = s;
    a->taker.call = &a->call;
    a->sink = (bfci_http_sink){&a->taker, on_head, on_write};
    if (s->sink)
        a->request.sink = &a->sink;
    a->request.ended = on_ended;
    a->request.ended_ctx = &a->taker;
    pthread_mutex_init(&a->taker.lock, NULL);
    pthread_cond_init(&a->taker.changed, NULL);
    BFC_TRY(bfci_sha256_new(&a->taker.sum, err));
    BFC_TRY(bfci_sha256_start(a->taker.sum, err));
    if (s->reader_kib_ms > 0)
        BFC_TRY(bfci_alloc(RING, 1, &a->taker.ring, err));
    BFC_TRY(bfci_http_start(http, &a->request, &a->call, err));
    if (s->reader_kib_ms > 0)
        pthread_create(&a->taker.thread, NULL, read_ring, &a->taker);
    return 0;
}

static void print_answer(asked *a, const bfci_http_answer *answer)
{
    uint8_t sum[BFC_DIGEST_SIZE];

    if (a->s->sink)
        (void)bfci_sha256_finish(a->taker.sum, sum, NULL);
    else
        (void)bfci_sha256(answer->body ? (const void *)answer->body : "", answer->body_len, sum,
                          NULL);
    printf("status=%d\nfault=%d\nredirects=%u\nurl=%s\nlen=%" PRIu64 "\ncut=%d\nsha256=",
           answer->status, answer->fault, answer->redirects, answer->url ? answer->url : "",
           a->s->sink ? a->taker.taken : (uint64_t)answer->body_len, answer->body_cut);
    for (size_t i = 0; i < sizeof sum; i++)
        printf("%02x", sum[i]);
    printf("\nbody=%.200s\npartial=%d %" PRIu64 " %" PRIu64 "\nms=%" PRIu64
           "\nhead_status=%d\npauses=%u\nreceived=%" PRIu64 "\n",
           answer->body ? (const char *)answer->body : "", answer->partial, answer->range_start,
           answer->range_total, answer->duration_ns / 1000000, a->taker.head_status,
           a->taker.pauses, answer->received);
    const char *value = NULL;
    for (size_t i = 0; a->s->show && (value = bfci_http_header_get(answer, a->s->show, i)); i++)
        printf("header=%s\n", value);
}

static int finish(asked *a, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;

    int rc = bfci_http_wait(a->call, &answer, err);
    if (a->s->reader_kib_ms > 0)
        pthread_join(a->taker.thread, NULL);
    if (a->pattern.paused)
        pthread_join(a->pattern.waker, NULL);
    print_answer(a, &answer);
    if (rc == 0 && !bfci_http_succeeded(&answer))
        rc = bfci_http_fail_status(&a->request, &answer, NULL, err);
    free(a->taker.ring);
    bfci_sha256_free(a->taker.sum);
    return rc;
}

static void *cancel_later(void *ctx)
{
    asked *a = ctx;

    bfci_pause_ms(a->s->cancel_ms ? a->s->cancel_ms : a->s->call_cancel_ms);
    if (a->s->cancel_ms)
        __atomic_store_n(&cancel_flag, 1, __ATOMIC_RELAXED);
    else
        bfci_http_cancel(a->call);
    return NULL;
}

static int ask_beside(bfci_http *http, const settings *s, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    bfci_http_request request = s->request;

    bfci_pause_ms(300);
    request.body_max = UINT64_MAX;
    BFC_TRY(bfci_http_do(http, &request, &answer, err));
    printf("beside_ms=%" PRIu64 "\n", answer.duration_ns / 1000000);
    return 0;
}

static int ask(bfci_http *http, const settings *s, bfc_err *err)
{
    static asked all[CALLS_MAX];
    const bool cancels = s->cancel_ms || s->call_cancel_ms;
    pthread_t canceller;
    int rc = 0;

    for (unsigned i = 0; i < s->at_once; i++)
        BFC_TRY(begin(&all[i], http, s, err));
    const uint64_t start = bfci_monotonic_ns();
    if (cancels)
        pthread_create(&canceller, NULL, cancel_later, &all[0]);
    if (s->beside)
        rc = ask_beside(http, s, err);
    for (unsigned i = 0; i < s->at_once; i++) {
        int one = finish(&all[i], err);
        rc = rc < 0 ? rc : one;
    }
    if (cancels) {
        printf("took_ms=%" PRIu64 "\n", (bfci_monotonic_ns() - start) / 1000000);
        pthread_join(canceller, NULL);
    }
    return rc;
}

/* ── The command line ── */

static void print_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    (void)ctx;
    printf("log=%d %s %s\n", level, module, msg);
}

static bool is_named(const char *arg, const char *name, const char **value)
{
    const size_t len = strlen(name);

    if (strncmp(arg, name, len) != 0 || arg[len] != '=')
        return false;
    *value = arg + len + 1;
    return true;
}

static bool set_text(settings *s, bfc_hooks *hooks, const char *arg)
{
    const char *v = NULL;

    if (is_named(arg, "auth", &v)) {
        s->request.authorization = v;
    } else if (is_named(arg, "accept", &v)) {
        s->accept[s->accepts++] = v;
        s->request.accept = s->accept;
    } else if (is_named(arg, "header", &v)) {
        char *text = NULL;
        if (bfci_strdup(v, &text, NULL) < 0)
            return false;
        s->header_text[s->headers] = text;
        char *colon = strchr(text, ':');
        if (!colon)
            return false;
        *colon = '\0';
        s->header[s->headers++] = (bfci_http_header){text, colon + 1};
        s->request.headers = s->header;
        s->request.header_count = s->headers;
    } else if (is_named(arg, "body", &v)) {
        s->request.body = v;
        s->request.body_len = strlen(v);
    } else if (is_named(arg, "certs", &v)) {
        s->certs[0] = v;
        s->options.certs_dirs = s->certs;
    } else if (is_named(arg, "ca", &v)) {
        s->options.ca_file = v;
    } else if (is_named(arg, "show", &v)) {
        s->show = v;
    } else if (is_named(arg, "log", &v)) {
        hooks->log = print_log;
    } else {
        return false;
    }
    return true;
}

static bool set_number(settings *s, const char *arg)
{
    const char *v = strchr(arg, '=');
    const long long n = v ? strtoll(v + 1, NULL, 10) : 0;
    const struct {
        const char *name;
        unsigned *to;
    } all[] = {
        {"connect_ms", &s->options.connect_ms},
        {"answer_ms", &s->options.answer_ms},
        {"stall_ms", &s->options.stall_ms},
        {"gap_ms", &s->gap_ms},
        {"reader_kib_ms", &s->reader_kib_ms},
        {"cancel_ms", &s->cancel_ms},
        {"call_cancel_ms", &s->call_cancel_ms},
        {"times", &s->times},
        {"at_once", &s->at_once},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (is_named(arg, all[i].name, &v)) {
            *all[i].to = (unsigned)n;
            return true;
        }
    if (is_named(arg, "source", &v)) {
        s->has_source = true;
        s->source_len = n;
    } else if (is_named(arg, "range", &v)) {
        s->request.range_start = (uint64_t)n;
    } else if (is_named(arg, "max", &v)) {
        s->request.body_max = (uint64_t)n;
    } else if (is_named(arg, "break_at", &v)) {
        s->break_at = n;
    } else if (is_named(arg, "fail_at", &v)) {
        s->fail_at = n;
    } else if (is_named(arg, "insecure", &v)) {
        s->request.insecure = n != 0;
    } else if (is_named(arg, "secret", &v)) {
        s->request.secret_body = n != 0;
    } else if (is_named(arg, "once", &v)) {
        s->once = n != 0;
    } else if (is_named(arg, "beside", &v)) {
        s->beside = n != 0;
    } else if (is_named(arg, "sink", &v)) {
        s->sink = n != 0;
    } else {
        return false;
    }
    return true;
}

static bool find_method(const char *name, enum bfci_http_method *out)
{
    for (int i = BFCI_HTTP_GET; i <= BFCI_HTTP_DELETE; i++)
        if (strcmp(name, bfci_http_method_name((enum bfci_http_method)i)) == 0) {
            *out = (enum bfci_http_method)i;
            return true;
        }
    return false;
}

static int run(const settings *s, bfc_err *err)
{
    AUTO(bfci_http) bfci_http *http = NULL;

    BFC_TRY(bfci_http_open(&s->options, &http, err));
    for (unsigned i = 0; i < s->times; i++)
        BFC_TRY(ask(http, s, err));
    return 0;
}

int main(int argc, char **argv)
{
    bfc_hooks hooks = {.cancel = &cancel_flag};
    settings s = {
        .options = BFCI_HTTP_OPTIONS_INIT,
        .request = BFCI_HTTP_REQUEST_INIT,
        .break_at = -1,
        .fail_at = -1,
        .times = 1,
        .at_once = 1,
    };
    bfc_err err = BFC_ERR_INIT;

    if (argc < 3 || !find_method(argv[1], &s.request.method))
        return 2;
    s.request.url = argv[2];
    s.options.hooks = &hooks;
    for (int i = 3; i < argc; i++)
        if (!set_text(&s, &hooks, argv[i]) && !set_number(&s, argv[i])) {
            (void)fprintf(stderr, "what is '%s'?\n", argv[i]);
            return 2;
        }
    int rc = run(&s, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", bfc_code_name((enum bfc_code)rc), err.msg);
    for (size_t i = 0; i < s.headers; i++)
        free(s.header_text[i]);
    return rc < 0 ? 1 : 0;
}
