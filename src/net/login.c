/* SPDX-License-Identifier: Apache-2.0 */
/* Logins, as people and programs ask for them. What is kept was tried before: a typing mistake is
 * told while it can be mended, and a login that was good is not replaced by one that is not. */
#include <ctype.h>

#include "net/registry.h"

/* ── Whom it is for ── */

/* The host is the same in both cases, and looked up in lower case. */
static int read_name(const char *registry, char **out, bfc_err *err)
{
    AUTO_FREE char *name = NULL;

    if (!registry || !*registry)
        return bfci_fail(err, BFC_E_INVALID, "the name of the registry is empty");
    BFC_TRY(bfci_credentials_check_name(registry, err));
    BFC_TRY(bfci_strdup(registry, &name, err));
    for (char *c = name; *c && *c != '/'; c++)
        *c = (char)tolower((unsigned char)*c);
    *out = bfci_steal(&name);
    return 0;
}

/* A login for a path is tried at its host: /v2/ is the one place that every registry has. */
static int endpoint_of(const bfci_client *client, const char *name, bfci_endpoint *out,
                       bfc_err *err)
{
    const bfci_registry_rule *rule = bfci_registries_rule(&client->conf, name);
    const size_t len = strcspn(name, "/");
    bfci_endpoint e = {.insecure = rule && rule->insecure};

    if (rule && rule->blocked)
        return bfci_fail(err, BFC_E_DENIED,
                         "registry '%s' is blocked by the configuration of registries",
                         BFCI_QUOTE_STR(rule->prefix));
    if (len >= sizeof e.ref.host)
        return bfci_fail(err, BFC_E_INVALID, "the name of the registry is longer than %d bytes",
                         REMOTE_HOST_MAX);
    memcpy(e.ref.host, name, len);
    *out = e;
    return 0;
}

int bfc_registry_default(char **registry, bfc_err *err)
{
    AUTO_REGISTRIES_PLACES bfci_registries_places places = {0};
    AUTO_REGISTRIES bfci_registries conf = BFCI_REGISTRIES_INIT;

    BFC_TRY(bfci_registries_find_places(&places, err));
    BFC_TRY(bfci_registries_load(&places, &conf, err));
    if (!conf.search || !conf.search[0])
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "no registry was named, and registries.conf has no "
                         "unqualified-search-registries, the first of which would be meant");
    return bfci_strdup(conf.search[0], registry, err);
}

/* ── Trying ── */

/* *was_asked is false if the registry takes everybody. */
static int try_login(bfci_client *client, const char *name, const bfci_credentials *login,
                     bool *was_asked, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    AUTO(bfci_registry) bfci_registry *r = NULL;
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT};
    bfci_endpoint endpoint;

    BFC_TRY(endpoint_of(client, name, &endpoint, err));
    BFC_TRY(bfci_registry_open_host(client, &endpoint, login, &r, err));
    BFC_TRY(bfci_registry_ask(r, "", &ask, &answer, err));
    *was_asked = bfci_registry_wanted_login(r);
    return 0;
}

static int copy_login(const char *username, const char *password, bfci_credentials *out,
                      bfc_err *err)
{
    if (!username || !*username)
        return bfci_fail(err, BFC_E_INVALID, "the user's name is empty");
    if (strchr(username, ':'))
        return bfci_fail(err, BFC_E_INVALID, "a user's name cannot have ':' in it");
    if (!password || !*password)
        return bfci_fail(err, BFC_E_INVALID, "the password is empty");
    if (strlen(username) > AUTH_SECRET_MAX || strlen(password) > AUTH_SECRET_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the name or the password is longer than %d bytes",
                         AUTH_SECRET_MAX);
    BFC_TRY(bfci_credentials_text(username, strlen(username), &out->username, err));
    return bfci_credentials_text(password, strlen(password), &out->password, err);
}

int bfc_registry_login(const char *registry, const char *username, const char *password,
                       const bfc_registry_options *options, char **where, bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials login = BFCI_CREDENTIALS_INIT;
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO_FREE char *name = NULL, *kept = NULL;
    bool was_asked = false;

    BFC_TRY(read_name(registry, &name, err));
    BFC_TRY(copy_login(username, password, &login, err));
    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(try_login(client, name, &login, &was_asked, err));
    if (!was_asked)
        bfci_log(client->hooks, BFC_LOG_WARNING, "net",
                 "'%s' does not ask who we are: whether user and password are right is not known",
                 BFCI_QUOTE_STR(name));
    BFC_TRY(bfci_credentials_store(name, username, password, &client->credentials, &kept, err));
    if (where)
        *where = bfci_steal(&kept);
    return 0;
}

/* ── What is kept ── */

static int find(const bfci_client *client, const char *name, bfci_credentials *out, bfc_err *err)
{
    bool found = false;

    BFC_TRY(bfci_credentials_find(name, &client->credentials, out, &found, err));
    return found ? 0
                 : bfci_fail(err, BFC_E_NOT_FOUND, "there is no login for '%s'",
                             BFCI_QUOTE_STR(name));
}

int bfc_registry_login_check(const char *registry, const bfc_registry_options *options,
                             bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials login = BFCI_CREDENTIALS_INIT;
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO_FREE char *name = NULL;
    bool was_asked = false;

    BFC_TRY(read_name(registry, &name, err));
    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(find(client, name, &login, err));
    return try_login(client, name, &login, &was_asked, err);
}

int bfc_registry_login_name(const char *registry, const bfc_registry_options *options,
                            char **username, bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials login = BFCI_CREDENTIALS_INIT;
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO_FREE char *name = NULL;

    BFC_TRY(read_name(registry, &name, err));
    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(find(client, name, &login, err));
    return bfci_strdup(login.username ? login.username : "<token>", username, err);
}

/* ── Forgetting ── */

/* What another program has written elsewhere would be used all the same. A file that cannot be read
 * does not matter here: ours has been seen to. */
static void tell_others(const bfci_client *client, const char *name)
{
    AUTO_FREE char *where = NULL;

    if (strchr(name, '/')) /* what is found then may well be the registry's */
        return;
    if (bfci_credentials_where(name, &client->credentials, &where, NULL) == 0 && where)
        bfci_log(client->hooks, BFC_LOG_WARNING, "net", "there still is a login for '%s' in '%s'",
                 BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(where));
}

int bfc_registry_logout(const char *registry, const bfc_registry_options *options, bfc_err *err)
{
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO_FREE char *name = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(read_name(registry, &name, err));
    BFC_TRY(bfci_client_open(options, &client, err));
    int rc = bfci_credentials_erase(name, &client->credentials, &why);
    if (rc == 0 || rc == BFC_E_NOT_FOUND)
        tell_others(client, name);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int bfc_registry_logout_all(const bfc_registry_options *options, size_t *count, bfc_err *err)
{
    AUTO(bfci_client) bfci_client *client = NULL;
    size_t forgotten = 0;

    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(bfci_credentials_erase_all(&client->credentials, &forgotten, err));
    if (count)
        *count = forgotten;
    return 0;
}
