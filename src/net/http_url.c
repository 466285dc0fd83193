/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: what we ask for, where a redirect leads, what may be shown. libcurl's parser is the
 * only one, so that what was checked here is what it connects to. */
#include <stdio.h>
#include <strings.h>

#include "net/http_parts.h"

static void cleanup_url(CURLU **u)
{
    if (*u)
        bfci_curl.url_cleanup(*u);
}
#define AUTO_URL __attribute__((cleanup(cleanup_url)))

static void cleanup_part(char **part)
{
    if (*part)
        bfci_curl.free(*part);
}
#define AUTO_PART __attribute__((cleanup(cleanup_part)))

static int failed(CURLUcode rc, bfc_err *err)
{
    if (rc == CURLUE_OUT_OF_MEMORY)
        return bfci_fail_nomem(err);
    return bfci_fail(err, BFC_E_CORRUPT, "not an address of http or https (%s)",
                     bfci_curl.url_strerror(rc));
}

static bool has_part(CURLU *u, CURLUPart what)
{
    AUTO_PART char *part = NULL;

    return bfci_curl.url_get(u, what, &part, 0) == CURLUE_OK;
}

/* What this client talks to, however the URL came. */
static int check(CURLU *u, bfc_err *err)
{
    AUTO_PART char *scheme = NULL;

    CURLUcode rc = bfci_curl.url_get(u, CURLUPART_SCHEME, &scheme, 0);
    if (rc != CURLUE_OK)
        return failed(rc, err);
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return bfci_fail(err, BFC_E_CORRUPT, "not an address of http or https, but of %s",
                         BFCI_QUOTE_STR(scheme));
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
        return bfci_fail(err, BFC_E_CORRUPT, "the address has a user or a password in it");
    return 0;
}

static int parse(const char *text, unsigned flags, CURLU **out, bfc_err *err)
{
    AUTO_URL CURLU *u = NULL;

    BFC_TRY(bfci_curl_load(err));
    u = bfci_curl.url();
    if (!u)
        return bfci_fail_nomem(err);
    if (strlen(text) > BFCI_HTTP_URL_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "an address of more than %d bytes", BFCI_HTTP_URL_MAX);
    CURLUcode rc = bfci_curl.url_set(u, CURLUPART_URL, text, flags);
    if (rc != CURLUE_OK)
        return failed(rc, err);
    *out = bfci_steal(&u);
    return 0;
}

static int text_of(CURLU *u, char **out, bfc_err *err)
{
    AUTO_PART char *text = NULL;

    CURLUcode rc = bfci_curl.url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    if (rc == CURLUE_OK)
        rc = bfci_curl.url_get(u, CURLUPART_URL, &text, 0);
    return rc == CURLUE_OK ? bfci_strdup(text, out, err) : failed(rc, err);
}

int bfci_http_url_check(const char *url, char **out, bfc_err *err)
{
    AUTO_URL CURLU *u = NULL;

    int rc = parse(url, 0, &u, err);
    if (rc == 0)
        rc = check(u, err);
    if (rc == BFC_E_CORRUPT) { /* the caller's mistake here, not a stranger's */
        if (err)
            err->code = BFC_E_INVALID;
        return BFC_E_INVALID;
    }
    return rc < 0 ? rc : text_of(u, out, err);
}

int bfci_http_resolve(const char *base, const char *link, char **out, bfc_err *err)
{
    AUTO_URL CURLU *u = NULL;

    BFC_TRY(parse(base, 0, &u, err));
    if (strlen(link) > BFCI_HTTP_URL_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "an address of more than %d bytes", BFCI_HTTP_URL_MAX);
    if (link[0] == '\0' || link[0] == '#') { /* the same again: libcurl takes it for the folder */
        BFC_TRY(check(u, err));
        return text_of(u, out, err);
    }
    /* Blanks and bytes above 0x7F do not belong into a URL, but come in these headers. */
    CURLUcode rc = bfci_curl.url_set(u, CURLUPART_URL, link, CURLU_URLENCODE);
    if (rc != CURLUE_OK)
        return failed(rc, err);
    BFC_TRY(check(u, err));
    return text_of(u, out, err);
}

int bfci_http_place_of(const char *url, bfci_http_place *out, bfc_err *err)
{
    AUTO_URL CURLU *u = NULL;
    AUTO_PART char *scheme = NULL;
    AUTO_PART char *host = NULL;
    AUTO_PART char *port = NULL;

    BFC_TRY(parse(url, 0, &u, err));
    BFC_TRY(check(u, err));
    CURLUcode rc = bfci_curl.url_get(u, CURLUPART_SCHEME, &scheme, 0);
    if (rc == CURLUE_OK)
        rc = bfci_curl.url_get(u, CURLUPART_HOST, &host, 0);
    if (rc == CURLUE_OK)
        rc = bfci_curl.url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (rc != CURLUE_OK)
        return failed(rc, err);
    BFC_TRY(bfci_strdup(host, &out->host, err));
    out->port = (unsigned)strtoul(port, NULL, 10);
    out->tls = strcmp(scheme, "https") == 0;
    out->default_port = out->port == (out->tls ? 443 : 80);
    return 0;
}

bool bfci_http_same_origin(const char *a, const char *b)
{
    bfci_http_place one = {0}, other = {0};

    bool same = bfci_http_place_of(a, &one, NULL) == 0 &&
                bfci_http_place_of(b, &other, NULL) == 0 && one.tls == other.tls &&
                one.port == other.port && strcasecmp(one.host, other.host) == 0;
    free(one.host);
    free(other.host);
    return same;
}

struct bfci_http_shown bfci_http_show_url(const char *url)
{
    struct bfci_http_shown shown = {"an address that cannot be read"};
    AUTO_URL CURLU *u = NULL;
    AUTO_PART char *text = NULL;

    if (parse(url, CURLU_NON_SUPPORT_SCHEME, &u, NULL) < 0)
        return shown;
    static const CURLUPart secret[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                       CURLUPART_QUERY, CURLUPART_FRAGMENT};
    for (size_t i = 0; i < ARRAY_LEN(secret); i++)
        if (bfci_curl.url_set(u, secret[i], NULL, 0) != CURLUE_OK)
            return shown;
    if (bfci_curl.url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
        (void)snprintf(shown.text, sizeof shown.text, "%s", BFCI_QUOTE_STR(text));
    return shown;
}
