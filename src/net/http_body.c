/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: what comes goes to the sink, is collected or thrown away; what is sent comes from the
 * caller's bytes or from a source. Both count, and keep to their bounds. */
#include "net/http_parts.h"

#include "sys/clock.h"

/* ── What comes ── */

static void keep(bfci_http_call *c, const char *bytes, size_t len)
{
    const size_t room =
        BFCI_HTTP_ERROR_BODY_MAX - MIN(c->body.len, (size_t)BFCI_HTTP_ERROR_BODY_MAX);

    bfci_buf_put(&c->body, bytes, MIN(len, room));
    if (len > room)
        c->answer.body_cut = c->enough = true;
}

static int give(bfci_http_call *c, const char *bytes, size_t len)
{
    bfc_err why = BFC_ERR_INIT;

    if (c->use == BFCI_HTTP_USE_COLLECT) {
        bfci_buf_put(&c->body, bytes, len);
        return 0;
    }
    int rc = c->sink.write(c->sink.ctx, bytes, len, &why);
    if (rc < 0)
        return bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_CALLER, rc, &why);
    if (rc == 0)
        c->answer.received += len;
    return rc;
}

static int take_success(bfci_http_call *c, const char *bytes, size_t len)
{
    if (len > c->body_max - c->seen)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_LIMIT, BFC_E_LIMIT,
                                   "the answer has more than the %llu bytes that are taken here",
                                   (unsigned long long)c->body_max);
    return give(c, bytes, len);
}

size_t bfci_http_on_body(char *bytes, size_t size, size_t count, void *call)
{
    bfci_http_call *c = call;
    const size_t len = size * count;
    bfc_err why = BFC_ERR_INIT;
    int rc = 0;

    c->moved_ns = bfci_monotonic_ns();
    if (c->use == BFCI_HTTP_USE_SINK || c->use == BFCI_HTTP_USE_COLLECT)
        rc = take_success(c, bytes, len);
    else if (c->use == BFCI_HTTP_USE_REDIRECT)
        c->enough = c->seen + len > BFCI_HTTP_ERROR_BODY_MAX;
    else
        keep(c, bytes, len);
    if (rc == BFCI_HTTP_PAUSE) {
        c->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (rc == 0 && (rc = buf_check(&c->body, &why)) < 0)
        (void)bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_INTERNAL, rc, &why);
    c->seen += rc == 0 ? len : 0;
    return rc < 0 || c->enough ? 0 : len;
}

/* ── What is sent ── */

static int read_bytes(bfci_http_call *c, void *bytes, size_t cap, size_t *got)
{
    *got = MIN(cap, c->request.body_len - c->body_at);
    if (*got > 0)
        memcpy(bytes, (const char *)c->request.body + c->body_at, *got);
    c->body_at += *got;
    return 0;
}

static int read_source(bfci_http_call *c, void *bytes, size_t cap, size_t *got)
{
    const uint64_t len = c->source.len;
    bfc_err why = BFC_ERR_INIT;

    if (len != BFCI_HTTP_LEN_UNKNOWN)
        cap = (size_t)MIN((uint64_t)cap, len - c->given);
    if (cap == 0)
        return 0;
    int rc = c->source.read(c->source.ctx, bytes, cap, got, &why);
    if (rc == 0 && *got == 0 && len != BFCI_HTTP_LEN_UNKNOWN)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_CALLER, BFC_E_IO,
                                   "what is sent ends after %llu of %llu bytes",
                                   (unsigned long long)c->given, (unsigned long long)len);
    if (rc < 0)
        return bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_CALLER, rc, &why);
    return rc;
}

size_t bfci_http_on_send(char *bytes, size_t size, size_t count, void *call)
{
    bfci_http_call *c = call;
    const uint64_t len = c->has_source ? c->source.len : c->request.body_len;
    size_t got = 0;

    int rc = c->has_source ? read_source(c, bytes, size * count, &got)
                           : read_bytes(c, bytes, size * count, &got);
    if (rc < 0)
        return CURL_READFUNC_ABORT;
    if (rc == BFCI_HTTP_PAUSE) {
        c->paused = true;
        return CURL_READFUNC_PAUSE;
    }
    c->given += got;
    c->given_all = got == 0 || c->given == len;
    return got;
}

int bfci_http_rewind(bfci_http_call *c, bfc_err *err)
{
    if (c->has_source && c->given > 0) {
        if (!c->source.rewind)
            return bfci_fail(err, BFC_E_IO,
                             "what is sent would have to be sent again, but comes only once");
        BFC_TRY(c->source.rewind(c->source.ctx, err));
    }
    c->body_at = 0;
    c->given = 0;
    c->given_all = false;
    return 0;
}

int bfci_http_on_seek(void *call, curl_off_t offset, int origin)
{
    bfci_http_call *c = call;
    bfc_err why = BFC_ERR_INIT;

    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    int rc = bfci_http_rewind(c, &why);
    if (rc == 0)
        return CURL_SEEKFUNC_OK;
    (void)bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_CUT, rc, &why);
    return CURL_SEEKFUNC_FAIL;
}
