/* SPDX-License-Identifier: Apache-2.0 */
/* Owns where logins are looked for and put. */
#include "net/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include "net/credential_helper.h"
#include "net/reference.h"
#include "store/name_lock.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

static const char files_themselves[] = "containers-auth.json";
#define HELPER_WORDS "credential helper %s"

enum {
    PLACES_MAX = 4
};

/* ── Files ── */

typedef struct places {
    char *path[PLACES_MAX];
    size_t count;
    bool last_is_old; /* ~/.dockercfg */
    bool is_dockers;  /* the first is what docker itself reads */
} places;

static void release_places(places *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->path[i]);
    *p = (places){.count = 0};
}

static const char *folder_of(const char *variable)
{
    const char *value = secure_getenv(variable);
    return value && *value ? value : NULL;
}

static int add_place(places *p, const char *folder, const char *below, bfc_err *err)
{
    BFC_TRY(bfci_asprintf(&p->path[p->count], err, "%s%s", folder, below));
    p->count++;
    return 0;
}

static int add_runtime_file(places *p, bfc_err *err)
{
    const char *runtime = folder_of("XDG_RUNTIME_DIR");

    if (runtime)
        return add_place(p, runtime, "/containers/auth.json", err);
    BFC_TRY(bfci_asprintf(&p->path[p->count], err, "/run/containers/%lu/auth.json",
                          (unsigned long)getuid()));
    p->count++;
    return 0;
}

static int find_places(const bfci_credential_options *options, places *p, bfc_err *err)
{
    const char *named = options->file ? options->file : folder_of("REGISTRY_AUTH_FILE");
    const char *docker = folder_of("DOCKER_CONFIG");
    const char *config = folder_of("XDG_CONFIG_HOME"), *home = folder_of("HOME");

    if (named)
        return add_place(p, named, "", err);
    if (docker) {
        p->is_dockers = true;
        return add_place(p, docker, "/config.json", err);
    }
    BFC_TRY(add_runtime_file(p, err));
    if (config)
        BFC_TRY(add_place(p, config, "/containers/auth.json", err));
    else if (home)
        BFC_TRY(add_place(p, home, "/.config/containers/auth.json", err));
    if (!home)
        return 0;
    BFC_TRY(add_place(p, home, "/.docker/config.json", err));
    p->last_is_old = true;
    return add_place(p, home, "/.dockercfg", err);
}

static void wipe_and_free(uint8_t *text, size_t len)
{
    if (text)
        bfci_wipe(text, len);
    free(text);
}

/* A file that is not there is an empty one. */
static int load(const char *path, bool is_old, bfci_auth_file *out, bfc_err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;

    int rc = bfci_read_file(AT_FDCWD, path, AUTH_FILE_MAX, &text, &len, err);
    if (rc < 0 && rc != BFC_E_NOT_FOUND)
        return bfci_wrap(err, rc, "file with logins '%s'", BFCI_QUOTE_STR(path));
    rc = bfci_auth_file_parse(text, len, path, is_old, out, err);
    wipe_and_free(text, len);
    return rc;
}

/* ── Names ── */

int bfci_credentials_check_name(const char *name, bfc_err *err)
{
    const char *path = strchr(name, '/');
    size_t host_len = path ? (size_t)(path - name) : strlen(name);

    if (strstr(name, "://"))
        return bfci_fail(err, BFC_E_INVALID, "registry '%s': write it without '%.*s://'",
                         BFCI_QUOTE_STR(name), (int)strcspn(name, ":'\\"), name);
    if (!bfci_reference_registry_ok(name, host_len))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no registry: use a host name or an address, then a port if there "
                         "is one ('registry.example:5000')",
                         BFCI_QUOTE_STR(name));
    if (path && !bfci_reference_path_ok(path + 1, strlen(path + 1)))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s': behind the registry comes the path of a repository, without a tag",
                         BFCI_QUOTE_STR(name));
    return 0;
}

/* ── Looking up ── */

static int find_in_file(const bfci_auth_file *f, const char *name,
                        const bfci_credential_options *options, bfci_credentials *out, bool *found,
                        bfc_err *err)
{
    const char *helper = NULL, *server = NULL;
    AUTO_FREE char *host = NULL;

    BFC_TRY(bfci_auth_file_helper(f, name, &helper, &server, err));
    if (helper)
        return bfci_helper_get(helper, server, options->hooks, out, found, err);
    BFC_TRY(bfci_auth_file_find(f, name, out, found, err));
    if (*found)
        return 0;
    BFC_TRY(bfci_auth_file_store(f, &helper, err));
    if (!helper)
        return 0;
    BFC_TRY(bfci_memdup_str(name, strcspn(name, "/"), &host, err));
    return bfci_helper_get(helper, bfci_auth_docker_key(host), options->hooks, out, found, err);
}

static int find_in_files(const char *name, const bfci_credential_options *options,
                         bfci_credentials *out, bool *found, char **where, bfc_err *err)
{
    __attribute__((cleanup(release_places))) places p = {.count = 0};

    BFC_TRY(find_places(options, &p, err));
    for (size_t i = 0; i < p.count && !*found; i++) {
        AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
        BFC_TRY(load(p.path[i], p.last_is_old && i + 1 == p.count, &f, err));
        int rc = find_in_file(&f, name, options, out, found, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "login by '%s'", BFCI_QUOTE_STR(p.path[i]));
        if (*found)
            *where = bfci_steal(&p.path[i]);
    }
    return 0;
}

static const char *const only_files[] = {files_themselves, NULL};

static const char *const *helpers_of(const bfci_credential_options *options)
{
    return options->helpers && options->helpers[0] ? options->helpers : only_files;
}

static int find(const char *name, const bfci_credential_options *options, bfci_credentials *out,
                bool *found, char **where, bfc_err *err)
{
    AUTO_FREE char *host = NULL;

    BFC_TRY(bfci_credentials_check_name(name, err));
    BFC_TRY(bfci_memdup_str(name, strcspn(name, "/"), &host, err));
    *found = false;
    for (const char *const *helper = helpers_of(options); *helper && !*found; helper++) {
        if (strcmp(*helper, files_themselves) == 0)
            BFC_TRY(find_in_files(name, options, out, found, where, err));
        else
            BFC_TRY(bfci_helper_get(*helper, host, options->hooks, out, found, err));
        if (*found && !*where)
            BFC_TRY(bfci_asprintf(where, err, HELPER_WORDS, *helper));
    }
    return 0;
}

int bfci_credentials_find(const char *name, const bfci_credential_options *options,
                          bfci_credentials *out, bool *found, bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    AUTO_FREE char *where = NULL;

    BFC_TRY(find(name, options, &c, found, &where, err));
    if (*found) {
        *out = c;
        c = (bfci_credentials)BFCI_CREDENTIALS_INIT;
    }
    return 0;
}

int bfci_credentials_where(const char *name, const bfci_credential_options *options, char **where,
                           bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;

    *where = NULL;
    return find(name, options, &c, &found, where, err);
}

/* ── The file that is written ── */

/* The file at hand, locked: nobody of us changes it meanwhile. */
typedef struct edit {
    places places;
    char *path; /* links resolved, so that one is not replaced by a file */
    bfci_name_lock lock;
    bfci_auth_file file;
} edit;

static void release_edit(edit *e)
{
    bfci_auth_file_release(&e->file);
    bfci_name_lock_drop(&e->lock);
    free(e->path);
    release_places(&e->places);
}
#define AUTO_EDIT __attribute__((cleanup(release_edit)))
#define EDIT_INIT                                                                                  \
    {                                                                                              \
        .lock = BFCI_NAME_LOCK_INIT                                                                \
    }

static int make_folder_of(const char *path, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    BFC_TRY(bfci_memdup_str(path, (size_t)(slash - path), &folder, err));
    return bfci_make_dirs(folder, 0700, err);
}

static int begin_edit(const bfci_credential_options *options, edit *e, bfc_err *err)
{
    AUTO_FREE char *lock_path = NULL;

    BFC_TRY(find_places(options, &e->places, err));
    const char *path = e->places.path[0];
    BFC_TRY(make_folder_of(path, err));
    int rc = bfci_real_path(path, &e->path, err);
    if (rc == BFC_E_NOT_FOUND)
        rc = bfci_absolute_path(path, &e->path, err);
    BFC_TRY(rc);
    BFC_TRY(bfci_asprintf(&lock_path, err, "%s.lock", e->path));
    BFC_TRY(bfci_name_lock_take(lock_path, "the file with logins", &e->lock, err));
    return load(e->path, false, &e->file, err);
}

static int end_edit(edit *e, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_SECRET uint8_t *text = NULL;
    size_t len = 0;

    BFC_TRY(bfci_auth_file_text(&e->file, &text, &len, err));
    BFC_TRY(bfci_new_file_begin_private(e->path, &f, err));
    BFC_TRY(bfci_write_all(f.fd, text, len, err));
    return bfci_new_file_publish(&f, true, err);
}

/* The helper that has the login by the file at hand, or NULL, and the name it is to have there. */
static int helper_for(const edit *e, const char *name, const char **helper, const char **server,
                      bfc_err *err)
{
    BFC_TRY(bfci_auth_file_helper(&e->file, name, helper, server, err));
    if (*helper)
        return 0;
    BFC_TRY(bfci_auth_file_store(&e->file, helper, err));
    *server = bfci_auth_docker_key(name);
    return 0;
}

/* ── Storing ── */

static int refuse_path(const char *name, const char *helper, bfc_err *err)
{
    return bfci_fail(err, BFC_E_INVALID,
                     "'%s': the credential helper '%s' keeps logins of whole registries only",
                     BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(helper));
}

static int store_in_helper(const char *helper, const char *server, const char *name,
                           const char *username, const char *password, const bfc_hooks *hooks,
                           char **where, bfc_err *err)
{
    if (strchr(name, '/'))
        return refuse_path(name, helper, err);
    BFC_TRY(bfci_helper_store(helper, server, username, password, hooks, err));
    return bfci_asprintf(where, err, HELPER_WORDS, helper);
}

static int store_in_file(const char *name, const char *username, const char *password,
                         const bfci_credential_options *options, char **where, bfc_err *err)
{
    AUTO_EDIT edit e = EDIT_INIT;
    const char *helper = NULL, *server = NULL;

    BFC_TRY(begin_edit(options, &e, err));
    BFC_TRY(helper_for(&e, name, &helper, &server, err));
    if (helper)
        return store_in_helper(helper, server, name, username, password, options->hooks, where,
                               err);
    const char *key = e.places.is_dockers ? bfci_auth_docker_key(name) : name;
    BFC_TRY(bfci_auth_file_set(&e.file, key, username, password, err));
    BFC_TRY(end_edit(&e, err));
    *where = bfci_steal(&e.path);
    return 0;
}

int bfci_credentials_store(const char *name, const char *username, const char *password,
                           const bfci_credential_options *options, char **where, bfc_err *err)
{
    const char *const *helper = helpers_of(options);

    BFC_TRY(bfci_credentials_check_name(name, err));
    if (strcmp(*helper, files_themselves) != 0)
        return store_in_helper(*helper, name, name, username, password, options->hooks, where, err);
    return store_in_file(name, username, password, options, where, err);
}

/* ── Forgetting ── */

static int erase_in_file(const char *name, const bfci_credential_options *options, bool *removed,
                         bfc_err *err)
{
    AUTO_EDIT edit e = EDIT_INIT;
    const char *helper = NULL, *server = NULL;
    bool by_helper = false;

    BFC_TRY(begin_edit(options, &e, err));
    BFC_TRY(helper_for(&e, name, &helper, &server, err));
    if (helper && !strchr(name, '/'))
        BFC_TRY(bfci_helper_erase(helper, server, options->hooks, &by_helper, err));
    bool in_file = bfci_auth_file_remove(&e.file, name);
    if (in_file)
        BFC_TRY(end_edit(&e, err));
    *removed |= by_helper || in_file;
    return 0;
}

int bfci_credentials_erase(const char *name, const bfci_credential_options *options, bfc_err *err)
{
    bool removed = false;

    BFC_TRY(bfci_credentials_check_name(name, err));
    for (const char *const *helper = helpers_of(options); *helper; helper++) {
        bool one = false;
        if (strcmp(*helper, files_themselves) == 0)
            BFC_TRY(erase_in_file(name, options, &removed, err));
        else if (!strchr(name, '/'))
            BFC_TRY(bfci_helper_erase(*helper, name, options->hooks, &one, err));
        removed |= one;
    }
    if (!removed)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no login for '%s'", BFCI_QUOTE_STR(name));
    return 0;
}

/* ── All of them ── */

/* What the helper lists; each is erased. */
static int empty_helper(const char *helper, const bfc_hooks *hooks, size_t *count, bfc_err *err)
{
    AUTO_AUTH_FILE bfci_auth_file list = BFCI_AUTH_FILE_INIT;
    const char *server;
    json_t *user;

    BFC_TRY(bfci_helper_list(helper, hooks, &list, err));
    json_object_foreach(list.root, server, user)
    {
        bool removed = false;
        BFC_TRY(bfci_helper_erase(helper, server, hooks, &removed, err));
        *count += removed;
    }
    return 0;
}

/* What credHelpers names are settings of the administrator's, which stay; the logins there go. */
static int empty_file(const bfci_credential_options *options, size_t *count, bfc_err *err)
{
    AUTO_EDIT edit e = EDIT_INIT;
    const char *helper = NULL, *server;
    json_t *value;

    BFC_TRY(begin_edit(options, &e, err));
    json_object_foreach(json_object_get(e.file.root, "credHelpers"), server, value)
    {
        bool removed = false;
        if (json_string_length(value) > 0)
            BFC_TRY(
                bfci_helper_erase(json_string_value(value), server, options->hooks, &removed, err));
        *count += removed;
    }
    BFC_TRY(bfci_auth_file_store(&e.file, &helper, err));
    if (helper)
        BFC_TRY(empty_helper(helper, options->hooks, count, err));
    return bfci_auth_file_clear(&e.file, count) ? end_edit(&e, err) : 0;
}

int bfci_credentials_erase_all(const bfci_credential_options *options, size_t *count, bfc_err *err)
{
    *count = 0;
    for (const char *const *helper = helpers_of(options); *helper; helper++) {
        if (strcmp(*helper, files_themselves) == 0)
            BFC_TRY(empty_file(options, count, err));
        else
            BFC_TRY(empty_helper(*helper, options->hooks, count, err));
    }
    return 0;
}
