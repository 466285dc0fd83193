/* SPDX-License-Identifier: Apache-2.0 */
/* Failures in words: what was asked, what went wrong, what to do. libcurl's own words are added
 * where they know more; they may have a stranger's bytes in them, and are quoted. */
#include <stdarg.h>
#include <stdio.h>

#include "net/http_parts.h"

int bfci_http_call_fail_as(bfci_http_call *c, enum bfci_http_fault fault, int rc,
                           const bfc_err *why)
{
    if (c->rc < 0)
        return c->rc;
    c->rc = rc;
    c->err = *why;
    c->answer.fault = fault;
    return rc;
}

int bfci_http_call_fail(bfci_http_call *c, enum bfci_http_fault fault, enum bfc_code code,
                        const char *fmt, ...)
{
    bfc_err why = BFC_ERR_INIT;
    char words[BFC_ERR_MSG_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    (void)bfci_fail(&why, code, "%s '%s': %s", bfci_http_method_name(c->request.method),
                    BFCI_HTTP_SHOW(c->hop_url), words);
    return bfci_http_call_fail_as(c, fault, code, &why);
}

/* ── What libcurl says ── */

/* Its quotes become others: ours stand around what was asked. */
static struct bfci_quoted quote_words(const bfci_http_call *c, CURLcode result)
{
    char words[CURL_ERROR_SIZE];

    (void)snprintf(words, sizeof words, "%s",
                   c->curl_text[0] ? c->curl_text : bfci_curl.easy_strerror(result));
    for (char *at = words; (at = strchr(at, '\'')); at++)
        *at = '"';
    return bfci_quote_bytes(words, strlen(words));
}
#define WORDS(c, result) (quote_words((c), (result)).text)

static void explain_cut(bfci_http_call *c)
{
    const bfci_http_answer *a = &c->answer;

    if (c->use == BFCI_HTTP_USE_NONE)
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_CUT, BFC_E_IO,
                                  "the server ended the connection before it had answered");
    else if (a->length == BFCI_HTTP_LEN_UNKNOWN)
        (void)bfci_http_call_fail(
            c, BFCI_HTTP_FAULT_CUT, BFC_E_IO,
            "the connection ended after %llu bytes, and there was more to come",
            (unsigned long long)c->seen);
    else
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_CUT, BFC_E_IO,
                                  "the connection ended after %llu of %llu bytes",
                                  (unsigned long long)c->seen, (unsigned long long)a->length);
}

static void explain_connect(bfci_http_call *c, enum bfci_http_fault fault, CURLcode result)
{
    long os_errno = 0;

    if (fault == BFCI_HTTP_FAULT_CONNECT)
        (void)bfci_curl.easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_errno);
    /* What the system says is more than what libcurl makes of it. */
    (void)bfci_http_call_fail(c, fault, BFC_E_IO, "no connection: %s",
                              os_errno != 0 ? strerror((int)os_errno) : WORDS(c, result));
    c->err.os_errno = (int)os_errno;
}

static void explain_tls(bfci_http_call *c, CURLcode result)
{
    bfci_http_place place = {0};
    const bfci_tls_host *host = NULL;
    bfc_err why = BFC_ERR_INIT;
    long verified = 0;

    int rc = bfci_http_place_of(c->hop_url, &place, &why);
    if (rc == 0)
        rc = bfci_tls_host_get(c->http->tls, place.host, place.port, &host, &why);
    free(place.host);
    if (rc == 0) {
        (void)bfci_curl.easy_getinfo(c->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
        rc = bfci_tls_explain(c->http->tls, host, result, verified, WORDS(c, result), &why);
    }
    (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_TLS, rc, "%s", why.msg);
}

/* TLS 1.3 tells only after the handshake that it would have liked to know who we are. */
static void explain_end(bfci_http_call *c, CURLcode result)
{
    if (bfci_tls_wants_client(c->curl_text))
        explain_tls(c, result);
    else if (strncmp(c->curl_text, "CONNECT tunnel failed", 21) == 0)
        explain_connect(c, BFCI_HTTP_FAULT_CONNECT, result);
    else
        explain_cut(c);
}

static void explain_other(bfci_http_call *c, CURLcode result)
{
    enum {
        TOO_LARGE = 100 /* CURLE_TOO_LARGE, since libcurl 8.6 */
    };

    /* An endless header: before 8.6, libcurl had no other word for it. */
    if ((int)result == TOO_LARGE ||
        (result == CURLE_OUT_OF_MEMORY && c->connected && c->use == BFCI_HTTP_USE_NONE))
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_LIMIT, BFC_E_LIMIT,
                                  "the answer has a header without an end, or memory is short");
    else if (result == CURLE_OUT_OF_MEMORY)
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_INTERNAL, BFC_E_NOMEM, "out of memory");
    else
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_INTERNAL, BFC_E_IO, "%s", WORDS(c, result));
}

/* Not all codes of libcurl's: most have nothing to do with HTTP. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
void bfci_http_explain(bfci_http_call *c, CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        explain_connect(c, BFCI_HTTP_FAULT_RESOLVE, result);
        break;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_INTERFACE_FAILED:
        explain_connect(c, BFCI_HTTP_FAULT_CONNECT, result);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_CONNECT_TIME, BFC_E_IO,
                                  "no connection within %.1f seconds",
                                  (double)c->http->connect_ms / 1000);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CLIENTCERT:
        explain_tls(c, result);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        explain_end(c, result);
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        (void)bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                  "what the server says is not HTTP: %s", WORDS(c, result));
        break;
    default:
        explain_other(c, result);
    }
}
#pragma GCC diagnostic pop

/* ── Statuses ── */

static enum bfc_code code_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return BFC_E_DENIED;
    case 404:
    case 410:
        return BFC_E_NOT_FOUND;
    case 405:
    case 415:
    case 501:
        return BFC_E_UNSUPPORTED;
    case 413:
        return BFC_E_LIMIT;
    case 429:
        return BFC_E_BUSY;
    case 507:
        return BFC_E_NOSPC;
    default:
        return status >= 400 && status <= 499 && status != 408 ? BFC_E_INVALID : BFC_E_IO;
    }
}

static const char *words_of_status(int status)
{
    switch (status) {
    case 401:
        return "who asks is not known to the server: log in, or check user and password";
    case 403:
        return "the server does not allow it to who asks";
    case 404:
    case 410:
        return "the server has nothing there";
    case 405:
    case 501:
        return "the server cannot do that";
    case 407:
        return "the proxy wants a user and a password";
    case 413:
        return "too large for the server";
    case 416:
        return "the server has fewer bytes";
    case 429:
        return "asked too often: try again later";
    case 507:
        return "the server's disk is full";
    default:
        return status >= 500 ? "the server failed: try again later" : "the server refuses it";
    }
}

int bfci_http_fail_status(const bfci_http_request *request, const bfci_http_answer *answer,
                          const char *detail, bfc_err *err)
{
    return bfci_fail(err, code_of_status(answer->status), "%s '%s': %s (status %d%s%s)",
                     bfci_http_method_name(request->method),
                     BFCI_HTTP_SHOW(answer->url ? answer->url : request->url),
                     words_of_status(answer->status), answer->status, detail ? ": " : "",
                     detail ? detail : "");
}
