/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the address of a repository. Plain HTTP is a last resort, and only where it is allowed:
 * after TLS was tried, and the answer without it is one of a registry. */
#include "net/registry.h"

#include <stdio.h>

#include "net/token.h"

enum {
    PING_ANSWER_MS = 10000
};

struct bfci_registry {
    bfci_client *client;
    bfci_auth *auth;
    char name[REMOTE_NAME_SIZE];
    char *base; /* "https://host/v2/path/" */
    bool insecure;
};

void bfci_registry_close(bfci_registry *r)
{
    if (!r)
        return;
    bfci_auth_free(r->auth);
    free(r->base);
    free(r);
}

const char *bfci_registry_name(const bfci_registry *r)
{
    return r->name;
}

bfci_client *bfci_registry_client(const bfci_registry *r)
{
    return r->client;
}

bool bfci_registry_wanted_login(const bfci_registry *r)
{
    return bfci_auth_was_asked(r->auth);
}

/* ── TLS or not ── */

/* One try, without a login. */
static int ping(const bfci_registry *r, const char *scheme, const char *host,
                bfci_http_answer *answer, bfc_err *err)
{
    AUTO_FREE char *url = NULL;
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;

    BFC_TRY(bfci_asprintf(&url, err, "%s://%s/v2/", scheme, host));
    request.url = url;
    request.insecure = r->insecure;
    request.answer_ms = PING_ANSWER_MS;
    return bfci_http_do(r->client->http, &request, answer, err);
}

static bool may_be_plain(enum bfci_http_fault fault)
{
    return fault == BFCI_HTTP_FAULT_TLS || fault == BFCI_HTTP_FAULT_CUT ||
           fault == BFCI_HTTP_FAULT_CONNECT || fault == BFCI_HTTP_FAULT_CONNECT_TIME ||
           fault == BFCI_HTTP_FAULT_PROTOCOL;
}

/* What a server for TLS says to plain HTTP is 400, or nothing. */
static bool is_plain_registry(int status)
{
    return (status >= 200 && status <= 299) || status == 401 || status == 403 || status == 404 ||
           status == 429 || status >= 500;
}

static int choose_scheme(const bfci_registry *r, const char *host, const char **scheme,
                         bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    bfc_err why = BFC_ERR_INIT;

    *scheme = "https";
    int rc = ping(r, "https", host, &answer, &why);
    if (rc == 0 || !may_be_plain(answer.fault)) {
        if (rc == BFC_E_CANCELLED || rc == BFC_E_NOMEM)
            return bfci_fail(err, (enum bfc_code)rc, "%s", why.msg);
        return 0; /* whatever is wrong will be told again */
    }
    if (ping(r, "http", host, &answer, NULL) == 0 && is_plain_registry(answer.status)) {
        *scheme = "http";
        bfci_log(r->client->hooks, BFC_LOG_INFO, "net", "registry '%s' speaks plain HTTP", host);
    }
    return bfci_check_cancel(r->client->hooks, err);
}

/* ── Opening ── */

/* `place` lacks what is found out here. `below` is what stands behind /v2/. */
static int open_at(bfci_client *client, const bfci_endpoint *endpoint, bfci_auth_place *place,
                   const char *below, bfci_registry **out, bfc_err *err)
{
    AUTO(bfci_registry) bfci_registry *r = NULL;
    const char *host = bfci_remote_api_host(endpoint->ref.host);
    const char *scheme = "https";

    BFC_TRY(bfci_alloc_zero(1, sizeof *r, &r, err));
    r->client = client;
    r->insecure = bfci_client_is_insecure(client, endpoint);
    (void)snprintf(r->name, sizeof r->name, "%s", place->name);
    if (r->insecure || (bfci_remote_is_loopback(host) && client->tls_verify != BFC_TLS_VERIFY_ON))
        BFC_TRY(choose_scheme(r, host, &scheme, err));
    place->shown = endpoint->ref.host;
    place->insecure = r->insecure;
    place->plain = strcmp(scheme, "http") == 0;
    BFC_TRY(bfci_auth_new(client, place, &r->auth, err));
    BFC_TRY(bfci_asprintf(&r->base, err, "%s://%s/v2/%s", scheme, host, below));
    *out = bfci_steal(&r);
    return 0;
}

int bfci_registry_open(bfci_client *client, const bfci_endpoint *endpoint, const char *actions,
                       bfci_registry **out, bfc_err *err)
{
    AUTO_FREE char *scope = NULL, *below = NULL;
    char name[REMOTE_NAME_SIZE];

    bfci_remote_ref_name(&endpoint->ref, name);
    BFC_TRY(bfci_asprintf(&scope, err, "repository:%s:%s", endpoint->ref.path, actions));
    BFC_TRY(bfci_asprintf(&below, err, "%s/", endpoint->ref.path));
    bfci_auth_place place = {.name = name, .scope = scope};
    return open_at(client, endpoint, &place, below, out, err);
}

int bfci_registry_open_host(bfci_client *client, const bfci_endpoint *endpoint,
                            const bfci_credentials *login, bfci_registry **out, bfc_err *err)
{
    bfci_auth_place place = {.name = endpoint->ref.host, .scope = "", .login = login};

    return open_at(client, endpoint, &place, "", out, err);
}

/* ── Asking ── */

int bfci_registry_ask(bfci_registry *r, const char *path, bfci_ask *ask, bfci_http_answer *answer,
                      bfc_err *err)
{
    AUTO_FREE char *url = NULL;

    if (strstr(path, "://"))
        BFC_TRY(bfci_strdup(path, &url, err));
    else
        BFC_TRY(bfci_asprintf(&url, err, "%s%s", r->base, path));
    ask->request.url = url;
    ask->request.insecure = r->insecure;
    ask->authority = bfci_http_same_origin(url, r->base) ? bfci_auth_authority(r->auth) : NULL;
    int rc = bfci_client_ask(r->client, ask, answer, err);
    ask->request.url = NULL;
    return rc;
}

/* ── Finding ── */

static int try_endpoint(bfci_client *client, const bfci_endpoint *endpoint, bfci_registry_fn *fn,
                        void *ctx, bfci_registry **out, bfc_err *err)
{
    AUTO(bfci_registry) bfci_registry *r = NULL;

    BFC_TRY(bfci_registry_open(client, endpoint, "pull", &r, err));
    BFC_TRY(fn(ctx, r, &endpoint->ref, err));
    *out = bfci_steal(&r);
    return 0;
}

/* The full name that is meant by a short one; NULL: nobody was asked. */
static int choose(const bfci_client *client, const char *reference, bfci_meanings *choices,
                  const char **chosen, bfc_err *err)
{
    size_t place = 0;

    *chosen = NULL;
    if (!client->choose)
        return 0;
    BFC_TRY(bfci_registries_meanings(&client->conf, reference, choices, err));
    if (choices->count == 0)
        return 0;
    BFC_TRY(client->choose(client->choose_ctx, reference, (const char *const *)choices->name,
                           choices->count, &place, err));
    if (place >= choices->count)
        return bfci_fail(err, BFC_E_INVALID, "of %zu names, number %zu was chosen", choices->count,
                         place);
    *chosen = choices->name[place];
    return 0;
}

/* It is a convenience: what was asked for goes on without. */
static void keep_choice(const bfci_client *client, const bfci_meanings *choices, const char *chosen)
{
    char name[REMOTE_NAME_SIZE];
    bfci_remote_ref ref;
    bfc_err why = BFC_ERR_INIT;

    if (!client->aliases || bfci_remote_ref_parse(chosen, &ref, NULL) < 0)
        return;
    bfci_remote_ref_name(&ref, name);
    if (bfci_registries_keep_alias(client->aliases, choices->repository, name, &why) < 0)
        bfci_log(client->hooks, BFC_LOG_WARNING, "net", "the choice is not kept: %s", why.msg);
}

static int find(bfci_client *client, const char *reference, bfci_registry_fn *fn, void *ctx,
                bfci_registry **out, bfc_err *err)
{
    AUTO_ENDPOINTS bfci_endpoints all = BFCI_ENDPOINTS_INIT;
    bfc_err told = BFC_ERR_INIT;
    int rc = 0;

    BFC_TRY(bfci_registries_pull_endpoints(&client->conf, reference, &all, err));
    for (size_t i = 0; i < all.count; i++) {
        bfc_err why = BFC_ERR_INIT;
        int failed = try_endpoint(client, &all.item[i], fn, ctx, out, &why);
        if (failed == 0)
            return 0;
        if (rc == 0 || rc == BFC_E_NOT_FOUND || failed != BFC_E_NOT_FOUND) {
            rc = failed;
            told = why;
        }
        if (failed == BFC_E_CANCELLED || failed == BFC_E_NOMEM)
            break;
        if (i + 1 < all.count)
            bfci_log(client->hooks, BFC_LOG_INFO, "net", "%s '%s': %s; the next one is asked",
                     all.item[i].is_mirror ? "mirror" : "registry",
                     BFCI_QUOTE_STR(all.item[i].ref.host), why.msg);
    }
    if (err)
        *err = told;
    return rc;
}

int bfci_registry_find(bfci_client *client, const char *reference, bfci_registry_fn *fn, void *ctx,
                       bfci_registry **out, bfc_err *err)
{
    AUTO_MEANINGS bfci_meanings choices = BFCI_MEANINGS_INIT;
    const char *chosen = NULL;

    BFC_TRY(choose(client, reference, &choices, &chosen, err));
    BFC_TRY(find(client, chosen ? chosen : reference, fn, ctx, out, err));
    if (chosen)
        keep_choice(client, &choices, chosen);
    return 0;
}
