/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what stands in a file with logins. A name is looked up as it is, then without its last part,
 * and so on down to the host (containers-auth.json(5)); at the end hosts are compared as Docker
 * wrote them over the years: with a scheme and a path behind, and docker.io under three names. */
#include "net/auth_file.h"

#include "codec/base64.h"
#include "net/reference.h"

static const char docker_key[] = "https://index.docker.io/v1/";

/* ── Secrets ── */

void bfci_credentials_release(bfci_credentials *c)
{
    bfci_secret_free((uint8_t *)c->username);
    bfci_secret_free((uint8_t *)c->password);
    bfci_secret_free((uint8_t *)c->identity_token);
    *c = (bfci_credentials)BFCI_CREDENTIALS_INIT;
}

int bfci_credentials_text(const char *bytes, size_t len, char **out, bfc_err *err)
{
    uint8_t *text = NULL;

    BFC_TRY(bfci_secret_new(len + 1, &text, err));
    memcpy(text, bytes, len);
    *out = (char *)text;
    return 0;
}

/* Values of jansson are its own, but nobody else reads these any more. */
static void wipe_texts(json_t *value)
{
    const char *name;
    json_t *member;
    size_t index;

    if (json_is_string(value)) {
        char *text;
        const char *held = json_string_value(value);
        memcpy(&text, &held, sizeof text);
        bfci_wipe(text, json_string_length(value));
    }
    if (json_is_array(value))
        json_array_foreach(value, index, member) wipe_texts(member);
    if (json_is_object(value))
        json_object_foreach(value, name, member) wipe_texts(member);
}

void bfci_auth_file_release(bfci_auth_file *f)
{
    if (f->root)
        wipe_texts(f->root);
    json_decref(f->root);
    *f = (bfci_auth_file)BFCI_AUTH_FILE_INIT;
}

/* ── The file ── */

static int check(const bfci_auth_file *f, const json_t *value, bool ok, const char *what,
                 const char *kind, bfc_err *err)
{
    if (!value || ok)
        return 0;
    return bfci_fail(err, BFC_E_INVALID, "'%s': '%s' is to be %s", BFCI_QUOTE_STR(f->path), what,
                     kind);
}

static json_t *auths_of(const bfci_auth_file *f)
{
    return f->is_old ? f->root : json_object_get(f->root, "auths");
}

int bfci_auth_file_parse(const uint8_t *json, size_t len, const char *path, bool is_old,
                         bfci_auth_file *out, bfc_err *err)
{
    AUTO_AUTH_FILE bfci_auth_file f = {NULL, path, is_old};
    bfci_json_node root;
    bfc_err why = BFC_ERR_INIT;

    /* The parser's words may quote what it found: the place alone is told. */
    int rc = len == 0 ? 0 : bfci_json_load(json, len, "", JSON_FOREIGN, &f.root, &root, &why);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0)
        return bfci_fail(err, rc == BFC_E_LIMIT ? BFC_E_LIMIT : BFC_E_INVALID,
                         "'%s' is no file with logins: a JSON object was expected",
                         BFCI_QUOTE_STR(path));
    if (!f.root)
        f.root = json_object();
    if (!f.root)
        return bfci_fail_nomem(err);
    const json_t *auths = auths_of(&f), *helpers = json_object_get(f.root, "credHelpers");
    if (!is_old) {
        BFC_TRY(check(&f, auths, json_is_object(auths), "auths", "an object", err));
        BFC_TRY(check(&f, helpers, json_is_object(helpers), "credHelpers", "an object", err));
    }
    *out = f;
    f = (bfci_auth_file)BFCI_AUTH_FILE_INIT;
    return 0;
}

/* ── Names of registries ── */

static const char *const docker_names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};

static bool is_docker(const char *host, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(docker_names); i++)
        if (len == strlen(docker_names[i]) && memcmp(host, docker_names[i], len) == 0)
            return true;
    return false;
}

const char *bfci_auth_docker_key(const char *host)
{
    return is_docker(host, strlen(host)) ? docker_key : host;
}

/* The host in a key: all of it, unless there is a scheme before it or a path belongs to it. */
static size_t host_of_key(const char **key, bool is_old)
{
    static const char *const schemes[] = {"http://", "https://"};
    bool has_scheme = false;

    for (size_t i = 0; i < ARRAY_LEN(schemes) && !has_scheme; i++) {
        has_scheme = strncmp(*key, schemes[i], strlen(schemes[i])) == 0;
        *key += has_scheme ? strlen(schemes[i]) : 0;
    }
    return has_scheme || is_old ? strcspn(*key, "/") : strlen(*key);
}

static bool same_host(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return (a_len == b_len && strncasecmp(a, b, a_len) == 0) ||
           (is_docker(a, a_len) && is_docker(b, b_len));
}

static bool key_is_host(const char *key, bool is_old, const char *host, size_t len)
{
    size_t key_len = host_of_key(&key, is_old);

    return same_host(key, key_len, host, len);
}

/* ── Asking ── */

static int helper_text(const bfci_auth_file *f, const json_t *value, const char *where,
                       const char **out, bfc_err *err)
{
    BFC_TRY(check(f, value, json_is_string(value) || json_is_null(value), where,
                  "the name of a program", err));
    const char *text = json_string_value(value);
    *out = text && *text ? text : NULL;
    return 0;
}

int bfci_auth_file_helper(const bfci_auth_file *f, const char *name, const char **helper,
                          const char **server, bfc_err *err)
{
    json_t *helpers = f->is_old ? NULL : json_object_get(f->root, "credHelpers"), *value;
    const size_t host_len = strcspn(name, "/");
    const char *key;

    *helper = NULL;
    json_object_foreach(helpers, key, value)
    {
        bool exact = strlen(key) == host_len && memcmp(key, name, host_len) == 0;
        if (!exact && (*helper || !key_is_host(key, false, name, host_len)))
            continue;
        BFC_TRY(helper_text(f, value, "credHelpers", helper, err));
        *server = key;
        if (exact)
            return 0;
    }
    return 0;
}

int bfci_auth_file_store(const bfci_auth_file *f, const char **helper, bfc_err *err)
{
    *helper = NULL;
    if (f->is_old)
        return 0;
    return helper_text(f, json_object_get(f->root, "credsStore"), "credsStore", helper, err);
}

/* The entry for the name or for what it lies in; *key is its own key. */
static const json_t *entry_of(const bfci_auth_file *f, const char *name, const char **key)
{
    json_t *auths = auths_of(f), *value;
    const size_t host_len = strcspn(name, "/");
    const char *each;
    size_t best = 0;
    const json_t *found = NULL;

    json_object_foreach(auths, each, value)
    {
        size_t len = strlen(each);
        bool covers = len >= host_len && strncmp(each, name, len) == 0 &&
                      (name[len] == '\0' || name[len] == '/') && (!f->is_old || len == host_len);
        if (covers && len > best) {
            best = len;
            found = value;
            *key = each;
        }
    }
    if (found)
        return found;
    json_object_foreach(auths, each, value)
    {
        if (key_is_host(each, f->is_old, name, host_len)) {
            *key = each;
            return value;
        }
    }
    return NULL;
}

static int text_of(const bfci_auth_file *f, const char *key, const json_t *entry, const char *name,
                   const char **out, bfc_err *err)
{
    const json_t *value = json_object_get(entry, name);

    if (value && !json_is_string(value) && !json_is_null(value))
        return bfci_fail(err, BFC_E_INVALID, "'%s': '%s' of '%s' is to be a string",
                         BFCI_QUOTE_STR(f->path), name, BFCI_QUOTE_STR(key));
    *out = json_string_value(value);
    if (*out && strlen(*out) > 2 * AUTH_SECRET_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "'%s': '%s' of '%s' is longer than %d bytes",
                         BFCI_QUOTE_STR(f->path), name, BFCI_QUOTE_STR(key), 2 * AUTH_SECRET_MAX);
    return 0;
}

/* "name:password" in base64; engines padded passwords with NUL bytes once. */
static int decode(const bfci_auth_file *f, const char *key, const char *text, bfci_credentials *out,
                  bfc_err *err)
{
    AUTO_SECRET uint8_t *bytes = NULL;
    const size_t max = strlen(text);
    size_t len = 0;

    BFC_TRY(bfci_secret_new(max + 1, &bytes, err));
    bool ok = bfci_unbase64(text, max, bytes, max, &len);
    const uint8_t *colon = ok ? memchr(bytes, ':', len) : NULL;
    if (!colon)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s': 'auth' of '%s' is not base64 of a name, ':' and a password",
                         BFCI_QUOTE_STR(f->path), BFCI_QUOTE_STR(key));
    size_t name_len = (size_t)(colon - bytes);
    while (len > name_len + 1 && bytes[len - 1] == '\0')
        len--;
    if (memchr(bytes, '\0', len))
        return bfci_fail(err, BFC_E_INVALID, "'%s': 'auth' of '%s' has a NUL byte in it",
                         BFCI_QUOTE_STR(f->path), BFCI_QUOTE_STR(key));
    BFC_TRY(bfci_credentials_text((const char *)bytes, name_len, &out->username, err));
    return bfci_credentials_text((const char *)colon + 1, len - name_len - 1, &out->password, err);
}

int bfci_auth_file_find(const bfci_auth_file *f, const char *name, bfci_credentials *out,
                        bool *found, bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    const char *key = NULL, *auth = NULL, *token = NULL;
    const json_t *entry = entry_of(f, name, &key);

    *found = false;
    if (!entry)
        return 0;
    BFC_TRY(check(f, entry, json_is_object(entry), key, "an object", err));
    BFC_TRY(text_of(f, key, entry, "auth", &auth, err));
    BFC_TRY(text_of(f, key, entry, "identitytoken", &token, err));
    if (token && *token)
        BFC_TRY(bfci_credentials_text(token, strlen(token), &c.identity_token, err));
    if (auth && *auth)
        BFC_TRY(decode(f, key, auth, &c, err));
    *found = c.identity_token || c.username; /* an empty entry only says that a helper has it */
    if (*found) {
        *out = c;
        c = (bfci_credentials)BFCI_CREDENTIALS_INIT;
    }
    return 0;
}

/* ── Changing ── */

/* {"auth": …} */
static int make_entry(const char *username, const char *password, json_t **out, bfc_err *err)
{
    AUTO_SECRET uint8_t *plain = NULL, *coded = NULL;
    AUTO(json_t) json_t *entry = NULL;
    const size_t name_len = strlen(username), len = name_len + 1 + strlen(password);

    BFC_TRY(bfci_secret_new(len + 1, &plain, err));
    BFC_TRY(bfci_secret_new(BFCI_BASE64_PADDED_SIZE(len), &coded, err));
    memcpy(plain, username, name_len);
    plain[name_len] = ':';
    memcpy(plain + name_len + 1, password, len - name_len - 1);
    bfci_base64(plain, len, (char *)coded);
    entry = json_object();
    if (!entry)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put(entry, "auth", json_string_nocheck((const char *)coded), err));
    *out = bfci_steal(&entry);
    return 0;
}

int bfci_auth_file_set(bfci_auth_file *f, const char *key, const char *username,
                       const char *password, bfc_err *err)
{
    json_t *auths = json_object_get(f->root, "auths"), *entry = NULL;

    if (strchr(username, ':'))
        return bfci_fail(err, BFC_E_INVALID, "a user's name cannot have ':' in it");
    if (strlen(username) > AUTH_SECRET_MAX || strlen(password) > AUTH_SECRET_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the name or the password is longer than %d bytes",
                         AUTH_SECRET_MAX);
    if (!bfci_is_utf8(key, strlen(key))) /* it could not be read again */
        return bfci_fail(err, BFC_E_INVALID, "'%s' is not UTF-8", BFCI_QUOTE_STR(key));
    BFC_TRY(make_entry(username, password, &entry, err));
    if (!auths) {
        auths = json_object();
        int rc = bfci_json_put(f->root, "auths", auths, err);
        if (rc < 0) {
            json_decref(entry);
            return rc;
        }
    }
    return bfci_json_put(auths, key, entry, err);
}

bool bfci_auth_file_remove(bfci_auth_file *f, const char *name)
{
    json_t *auths = auths_of(f), *value;
    const bool is_host = !strchr(name, '/');
    const char *key;
    void *next;
    bool removed = false;

    json_object_foreach_safe(auths, next, key, value)
    {
        if (strcmp(key, name) != 0 && !(is_host && key_is_host(key, f->is_old, name, strlen(name))))
            continue;
        wipe_texts(value);
        (void)json_object_del(auths, key);
        removed = true;
    }
    return removed;
}

bool bfci_auth_file_clear(bfci_auth_file *f, size_t *count)
{
    json_t *auths = auths_of(f), *entry;
    const bool had_some = json_object_size(auths) > 0;
    const char *key;

    json_object_foreach(auths, key, entry) *count += json_object_size(entry) > 0;
    if (had_some)
        wipe_texts(auths);
    (void)json_object_clear(auths);
    return had_some;
}

int bfci_auth_file_text(const bfci_auth_file *f, uint8_t **out, size_t *len, bfc_err *err)
{
    AUTO_SECRET uint8_t *text = NULL;
    const size_t flags = JSON_INDENT(4);
    const size_t size = json_dumpb(f->root, NULL, 0, flags);

    if (size == 0)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_secret_new(size + 1, &text, err));
    if (json_dumpb(f->root, (char *)text, size, flags) != size)
        return bfci_fail_nomem(err);
    text[size] = '\n';
    *out = bfci_steal(&text);
    *len = size + 1;
    return 0;
}
