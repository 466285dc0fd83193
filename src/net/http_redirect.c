/* SPDX-License-Identifier: Apache-2.0 */
/* Redirects (RFC 9110, section 15.4), followed by us and not by libcurl, since what may go to
 * another host is ours to decide. Once a redirect has left the origin of the request, its
 * Authorization stays at home, also if a later one leads back: who sent us there is not the one
 * that it was meant for. */
#include "net/http_parts.h"

static const char *location(const bfci_http_call *c)
{
    const char *text = bfci_http_header_get(&c->answer, "Location", 0);

    return text && *text ? text : NULL;
}

bool bfci_http_is_redirect(const bfci_http_call *c)
{
    const int status = c->answer.status;

    return location(c) &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static bool is_read(const bfci_http_call *c)
{
    return c->request.method == BFCI_HTTP_GET || c->request.method == BFCI_HTTP_HEAD;
}

static int check_place(bfci_http_call *c, const char *next)
{
    const bool same = bfci_http_same_origin(c->hop_url, next);

    if (strncmp(c->hop_url, "https:", 6) == 0 && strncmp(next, "https:", 6) != 0)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_REDIRECT, BFC_E_DENIED,
                                   "the server sends us on to '%s', which is not encrypted",
                                   BFCI_HTTP_SHOW(next));
    if (!same && c->request.secret_body)
        return bfci_http_call_fail(
            c, BFCI_HTTP_FAULT_REDIRECT, BFC_E_DENIED,
            "the server sends us on to '%s', which is not to get the password that goes with it",
            BFCI_HTTP_SHOW(next));
    c->authorize = c->authorize && same;
    return 0;
}

int bfci_http_redirect(bfci_http_call *c)
{
    AUTO_FREE char *next = NULL;
    bfc_err why = BFC_ERR_INIT;
    const int status = c->answer.status;

    if (c->answer.redirects == BFCI_HTTP_REDIRECTS_MAX)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_REDIRECT, BFC_E_LIMIT,
                                   "the server sends us on more than %d times",
                                   BFCI_HTTP_REDIRECTS_MAX);
    /* 301 and 302 make a GET of anything else in many a client, 303 by rule. */
    if (!is_read(c) && status != 307 && status != 308)
        return bfci_http_call_fail(
            c, BFCI_HTTP_FAULT_REDIRECT, BFC_E_UNSUPPORTED,
            "the server sends us on with status %d, with which a %s does not go on", status,
            bfci_http_method_name(c->request.method));
    int rc = bfci_http_resolve(c->hop_url, location(c), &next, &why);
    if (rc == BFC_E_CORRUPT)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_REDIRECT, rc,
                                   "the server sends us on to '%s': %s",
                                   BFCI_HTTP_SHOW(location(c)), why.msg);
    if (rc < 0)
        return bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_INTERNAL, rc, &why);
    BFC_TRY(check_place(c, next));
    rc = bfci_http_rewind(c, &why);
    if (rc < 0)
        return bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_REDIRECT, rc, &why);
    free(c->hop_url);
    c->hop_url = bfci_steal(&next);
    c->answer.redirects++;
    return 0;
}
