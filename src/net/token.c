/* SPDX-License-Identifier: Apache-2.0 */
/* Owns logins and tokens of a session. While a token is fetched, the lock is held: others who need
 * it wait for that one. */
#include "net/token.h"

#include <stdio.h>
#include <strings.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "oci/json.h"

enum {
    TOKEN_ANSWER_MAX = 1 << 20,
    TOKEN_MAX = 15 << 10,       /* that a header can carry */
    VALID_DEFAULT_MS = 60000,   /* distribution's specification, "expires_in" */
    VALID_MAX_S = 24 * 60 * 60, /* of what a server promises */
    MARGIN_MS = 10000
};

struct bfci_auth {
    bfci_client *client;
    char *name, *shown, *scope;
    bool insecure, plain;
    bool is_trial; /* the login came from the caller, not from where it is written down */
    bfci_authority authority;

    pthread_mutex_t lock; /* guards what follows */
    bool looked_up, has_login;
    bfci_credentials login;
    char *value; /* of Authorization, in locked memory; NULL: nobody has asked for one */
    unsigned generation;
    bfci_challenge bearer; /* the one that was answered last; realm NULL: none */
    uint64_t renew_ns;     /* when the token is to be fetched anew; 0: never */
};

static void challenge_release(bfci_challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    free(c->error);
    *c = (bfci_challenge){0};
}

void bfci_auth_free(bfci_auth *a)
{
    if (!a)
        return;
    free(a->name);
    free(a->shown);
    free(a->scope);
    bfci_credentials_release(&a->login);
    bfci_secret_free((uint8_t *)a->value);
    challenge_release(&a->bearer);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ── Values ── */

static int secret_printf(char **out, bfc_err *err, const char *before, const char *text)
{
    const size_t len = strlen(before) + strlen(text) + 1;
    uint8_t *secret = NULL;

    BFC_TRY(bfci_secret_new(len, &secret, err));
    (void)snprintf((char *)secret, len, "%s%s", before, text);
    *out = (char *)secret;
    return 0;
}

static int basic_value(const bfci_credentials *login, char **out, bfc_err *err)
{
    AUTO_SECRET uint8_t *pair = NULL, *coded = NULL;
    const char *user = login->username ? login->username : "";
    const char *password = login->password ? login->password : "";
    const size_t len = strlen(user) + 1 + strlen(password);

    if (strchr(user, ':'))
        return bfci_fail(err, BFC_E_INVALID, "the user's name has a ':' in it, which no login can");
    BFC_TRY(bfci_secret_new(len + 1, &pair, err));
    (void)snprintf((char *)pair, len + 1, "%s:%s", user, password);
    BFC_TRY(bfci_secret_new(BFCI_BASE64_PADDED_SIZE(len), &coded, err));
    bfci_base64(pair, len, (char *)coded);
    return secret_printf(out, err, "Basic ", (const char *)coded);
}

static void set_value(bfci_auth *a, char **value, uint64_t renew_ns)
{
    bfci_secret_free((uint8_t *)a->value);
    a->value = bfci_steal(value);
    a->renew_ns = renew_ns;
    a->generation++;
}

static int look_up(bfci_auth *a, bfc_err *err)
{
    if (a->looked_up)
        return 0;
    BFC_TRY(bfci_credentials_find(a->name, &a->client->credentials, &a->login, &a->has_login, err));
    a->looked_up = true;
    return 0;
}

/* ── What is asked of a token server ── */

static void put_escaped(buf *b, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c))
            buf_u8(b, c);
        else
            bfci_buf_printf(b, "%%%02X", c);
    }
}

static void put_pair(buf *b, char *between, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    if (*between)
        buf_u8(b, (uint8_t)*between);
    bfci_buf_put(b, name, strlen(name));
    buf_u8(b, '=');
    put_escaped(b, value);
    *between = '&';
}

/* "a b": several scopes are several parameters. */
static void put_scopes(buf *b, char *between, const char *scope)
{
    char one[1024];

    while (*scope) {
        const size_t len = strcspn(scope, " ");
        if (len > 0 && len < sizeof one) {
            memcpy(one, scope, len);
            one[len] = '\0';
            put_pair(b, between, "scope", one);
        }
        scope += len + (scope[len] ? 1 : 0);
    }
}

int bfci_token_url(const bfci_challenge *c, const char *scope, const char *account, char **out,
                   bfc_err *err)
{
    AUTO_BUF buf b = BUF_INIT;
    char between = strchr(c->realm, '?') ? '&' : '?';

    bfci_buf_put(&b, c->realm, strlen(c->realm));
    put_pair(&b, &between, "account", account);
    put_scopes(&b, &between, scope);
    put_pair(&b, &between, "service", c->service);
    buf_u8(&b, '\0');
    BFC_TRY(buf_check(&b, err));
    *out = (char *)bfci_steal(&b.data);
    return 0;
}

/* Actions of "repository:path:pull,push" stand behind the last colon. */
const char *bfci_token_scope(const char *challenged, const char *ours)
{
    const char *a = challenged ? strrchr(challenged, ':') : NULL;
    const char *b = ours ? strrchr(ours, ':') : NULL;

    if (!challenged || !*challenged)
        return ours ? ours : "";
    if (!a || !b || a - challenged != b - ours ||
        strncmp(challenged, ours, (size_t)(a - challenged)) != 0)
        return challenged;
    return strlen(a) > strlen(b) ? challenged : ours;
}

/* ── What it answers ── */

/* b64token, and what servers take for one: nothing that would end a header or begin another. */
static bool is_token(const char *text)
{
    const char *at = text;

    while (*at > ' ' && *at < 0x7f && *at != ',' && *at != '"' && *at != '\\')
        at++;
    return at > text && *at == '\0' && at - text <= TOKEN_MAX;
}

static int read_token(const bfci_json_node *document, bfci_token *out, bfc_err *err)
{
    const bfci_json_node token = bfci_json_member(document, "token");
    const bfci_json_node access = bfci_json_member(document, "access_token");
    const bfci_json_node expires = bfci_json_member(document, "expires_in");
    const char *text = NULL;
    uint64_t seconds = 0;

    BFC_TRY(bfci_json_may_text(&token, &text, err));
    if (!text || !*text)
        BFC_TRY(bfci_json_may_text(&access, &text, err));
    if (!text || !is_token(text))
        return bfci_fail(err, BFC_E_CORRUPT, "%s",
                         text && *text ? "what it gives is no token" : "it gives no token");
    if (bfci_json_need_number(&expires, UINT64_MAX, &seconds, NULL) < 0)
        seconds = 0; /* also one that makes no sense */
    out->valid_ms = seconds > 0 ? MIN(seconds, (uint64_t)VALID_MAX_S) * 1000 : VALID_DEFAULT_MS;
    return bfci_credentials_text(text, strlen(text), &out->text, err);
}

static void wipe_text(json_t *root, const char *name)
{
    const char *held = json_string_value(json_object_get(root, name));
    char *text;

    memcpy(&text, &held, sizeof text);
    if (text)
        bfci_wipe(text, strlen(text));
}

int bfci_token_parse(const uint8_t *json, size_t len, bfci_token *out, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;

    BFC_TRY(bfci_json_load(json, len, "token", JSON_FOREIGN, &root, &document, err));
    int rc = read_token(&document, out, err);
    wipe_text(root, "token");
    wipe_text(root, "access_token");
    wipe_text(root, "refresh_token");
    return rc;
}

/* ── Asking it ── */

/* A token server without TLS could be anybody; it gets the login. */
static int check_realm(const bfci_auth *a, const char *realm, bfc_err *err)
{
    const char *host = realm + strlen("http://");
    AUTO_FREE char *name = NULL;

    if (strncasecmp(realm, "https://", 8) == 0)
        return 0;
    if (strncasecmp(realm, "http://", 7) != 0)
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' sends us for a token to '%s', which is no URL",
                         BFCI_QUOTE_STR(a->shown), BFCI_QUOTE_STR(realm));
    BFC_TRY(bfci_memdup_str(host, strcspn(host, "/?#"), &name, err));
    if (a->plain || a->insecure || bfci_remote_is_loopback(name))
        return 0;
    return bfci_fail(err, BFC_E_DENIED,
                     "'%s' sends us for a token to '%s', without TLS: registries.conf has to say "
                     "'insecure = true' for the registry if that is meant",
                     BFCI_QUOTE_STR(a->shown), BFCI_HTTP_SHOW(realm));
}

static int refresh_body(const bfci_auth *a, const bfci_challenge *c, const char *scope, buf *body,
                        bfc_err *err)
{
    char between = '\0';

    put_pair(body, &between, "grant_type", "refresh_token");
    put_pair(body, &between, "client_id", "bfc");
    put_pair(body, &between, "service", c->service);
    put_pair(body, &between, "scope", scope);
    put_pair(body, &between, "refresh_token", a->login.identity_token);
    return buf_check(body, err);
}

static int ask_server(bfci_auth *a, const bfci_challenge *c, bfci_http_answer *answer, bfc_err *err)
{
    static const bfci_http_header form = {"Content-Type", "application/x-www-form-urlencoded"};
    const char *scope = bfci_token_scope(c->scope, a->scope);
    AUTO_FREE char *url = NULL;
    AUTO_SECRET uint8_t *basic = NULL;
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT};
    buf body = BUF_INIT;
    char *value = NULL;
    int rc = 0;

    ask.request.url = c->realm;
    ask.request.insecure = a->insecure;
    ask.request.body_max = TOKEN_ANSWER_MAX;
    if (a->login.identity_token) {
        rc = refresh_body(a, c, scope, &body, err);
        ask.request.method = BFCI_HTTP_POST;
        ask.request.headers = &form;
        ask.request.header_count = 1;
        ask.request.body = body.data;
        ask.request.body_len = body.len;
        ask.request.secret_body = true;
    } else {
        rc = bfci_token_url(c, scope, a->has_login ? a->login.username : NULL, &url, err);
        ask.request.url = url;
        if (rc == 0 && a->has_login)
            rc = basic_value(&a->login, &value, err);
        basic = (uint8_t *)value;
        ask.authorization = value;
    }
    if (rc == 0)
        rc = bfci_client_ask(a->client, &ask, answer, err);
    if (body.data)
        bfci_wipe(body.data, body.cap);
    bfci_buf_free(&body);
    return rc;
}

static int fetch_token(bfci_auth *a, const bfci_challenge *c, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    AUTO_SECRET uint8_t *text = NULL;
    bfci_token token = {NULL, 0};
    char *value = NULL;

    BFC_TRY(check_realm(a, c->realm, err));
    BFC_TRY(look_up(a, err));
    int rc = ask_server(a, c, &answer, err);
    if (rc == BFC_E_DENIED && a->has_login)
        return bfci_wrap(err, rc,
                         a->is_trial ? "'%s' does not take this user and password"
                                     : "the login for '%s' was not taken",
                         BFCI_QUOTE_STR(a->shown));
    BFC_TRY(rc);
    rc = bfci_token_parse(answer.body, answer.body_len, &token, err);
    if (answer.body)
        bfci_wipe(answer.body, answer.body_len);
    if (rc < 0)
        return bfci_wrap(err, rc, "token server '%s'", BFCI_HTTP_SHOW(c->realm));
    text = (uint8_t *)token.text;
    BFC_TRY(secret_printf(&value, err, "Bearer ", token.text));
    const uint64_t left_ms = token.valid_ms - MIN(token.valid_ms / 4, (uint64_t)MARGIN_MS);
    set_value(a, &value, bfci_monotonic_ns() + left_ms * 1000000);
    return 0;
}

/* ── What requests ask ── */

static int get_locked(bfci_auth *a, char **value, unsigned *generation, bfc_err *err)
{
    if (a->renew_ns && bfci_monotonic_ns() >= a->renew_ns)
        BFC_TRY(fetch_token(a, &a->bearer, err));
    *generation = a->generation;
    *value = NULL;
    return a->value ? secret_printf(value, err, "", a->value) : 0;
}

static int get(void *ctx, char **value, unsigned *generation, bfc_err *err)
{
    bfci_auth *a = ctx;

    pthread_mutex_lock(&a->lock);
    int rc = get_locked(a, value, generation, err);
    pthread_mutex_unlock(&a->lock);
    return rc;
}

static int answer_basic(bfci_auth *a, bfc_err *err)
{
    char *value = NULL;

    BFC_TRY(look_up(a, err));
    if (!a->has_login || !a->login.username)
        return bfci_fail(err, BFC_E_DENIED, "'%s' wants to know who we are: 'bfc login %s'",
                         BFCI_QUOTE_STR(a->shown), BFCI_QUOTE_STR(a->shown));
    if (a->value && !a->bearer.realm && a->is_trial)
        return bfci_fail(err, BFC_E_DENIED, "'%s' does not take this user and password",
                         BFCI_QUOTE_STR(a->shown));
    if (a->value && !a->bearer.realm)
        return bfci_fail(
            err, BFC_E_DENIED,
            "the login for '%s' was not taken: check user and password, and 'bfc login "
            "%s'",
            BFCI_QUOTE_STR(a->shown), BFCI_QUOTE_STR(a->shown));
    BFC_TRY(basic_value(&a->login, &value, err));
    challenge_release(&a->bearer);
    set_value(a, &value, 0);
    return 0;
}

static int read_challenges(const bfci_auth *a, const bfci_http_answer *answer, bfci_challenges *out,
                           bfc_err *err)
{
    const char *line;
    size_t lines = 0;

    while ((line = bfci_http_header_get(answer, "WWW-Authenticate", lines))) {
        int rc = bfci_challenges_add(out, line, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(a->shown));
        lines++;
    }
    return 0;
}

static int refused_locked(bfci_auth *a, const bfci_http_answer *answer, unsigned generation,
                          bfc_err *err)
{
    AUTO_CHALLENGES bfci_challenges challenges = BFCI_CHALLENGES_INIT;

    if (generation != a->generation)
        return 0; /* another request has seen to it */
    BFC_TRY(read_challenges(a, answer, &challenges, err));
    const bfci_challenge *c = bfci_challenges_pick(&challenges);
    if (!c)
        return bfci_fail(
            err, BFC_E_DENIED,
            "'%s' wants to know who we are, and not in a way that is supported (Basic, "
            "or Bearer with a realm)",
            BFCI_QUOTE_STR(a->shown));
    if (c->scheme == CHALLENGE_BASIC)
        return answer_basic(a, err);
    BFC_TRY(fetch_token(a, c, err));
    challenge_release(&a->bearer);
    for (size_t i = 0; i < challenges.count; i++)
        if (&challenges.item[i] == c) {
            a->bearer = challenges.item[i];
            challenges.item[i] = (bfci_challenge){0};
        }
    return 0;
}

static int refused(void *ctx, const bfci_http_answer *answer, unsigned generation, bfc_err *err)
{
    bfci_auth *a = ctx;

    pthread_mutex_lock(&a->lock);
    int rc = refused_locked(a, answer, generation, err);
    pthread_mutex_unlock(&a->lock);
    return rc;
}

static int take_copy(const char *text, char **out, bfc_err *err)
{
    return text ? bfci_credentials_text(text, strlen(text), out, err) : 0;
}

static int take_login(bfci_auth *a, const bfci_credentials *login, bfc_err *err)
{
    if (!login)
        return 0;
    a->is_trial = a->looked_up = a->has_login = true;
    BFC_TRY(take_copy(login->username, &a->login.username, err));
    BFC_TRY(take_copy(login->password, &a->login.password, err));
    return take_copy(login->identity_token, &a->login.identity_token, err);
}

int bfci_auth_new(bfci_client *client, const bfci_auth_place *place, bfci_auth **out, bfc_err *err)
{
    bfci_auth *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    (void)pthread_mutex_init(&fresh->lock, NULL);
    AUTO(bfci_auth) bfci_auth *a = fresh;
    a->client = client;
    a->insecure = place->insecure;
    a->plain = place->plain;
    a->authority = (bfci_authority){a, get, refused};
    BFC_TRY(bfci_strdup(place->name, &a->name, err));
    BFC_TRY(bfci_strdup(place->shown, &a->shown, err));
    BFC_TRY(bfci_strdup(place->scope, &a->scope, err));
    BFC_TRY(take_login(a, place->login, err));
    *out = bfci_steal(&a);
    return 0;
}

const bfci_authority *bfci_auth_authority(bfci_auth *a)
{
    return &a->authority;
}

bool bfci_auth_was_asked(bfci_auth *a)
{
    pthread_mutex_lock(&a->lock);
    bool was_asked = a->value != NULL;
    pthread_mutex_unlock(&a->lock);
    return was_asked;
}
