/* SPDX-License-Identifier: Apache-2.0 */
/* Which store is meant: URIs, and the default where none is given. The kinds stand in one table. */
#include <bfc/store.h>

#include <unistd.h>

#include "store/backend.h"

#define ROOT_STORE "/var/lib/bfc/images"

static const bfci_backend *const backends[] = {&bfci_backend_dir, &bfci_backend_zfs};

/* The length of "kind" in "kind:rest", 0 for a bare path. Whoever has a folder called "dir:x" names
 * it
 * "./dir:x". */
static size_t kind_len(const char *uri)
{
    size_t len = strspn(uri, "abcdefghijklmnopqrstuvwxyz");

    return uri[len] == ':' ? len : 0;
}

static int find_backend(const char *uri, const bfci_backend **backend, const char **location,
                        bfc_err *err)
{
    size_t len = kind_len(uri);

    if (len == 0) {
        *backend = &bfci_backend_dir;
        *location = uri;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
        if (strlen(backends[i]->kind) == len && strncmp(backends[i]->kind, uri, len) == 0) {
            *backend = backends[i];
            *location = uri + len + 1;
            return 0;
        }
    }
    return bfci_fail(
        err, BFC_E_INVALID,
        "store '%s': there is no kind '%s'; use 'dir:/path' or 'zfs:tank/images', or './name' for "
        "a path with a ':'",
        BFCI_QUOTE_STR(uri), BFCI_QUOTE(uri, len));
}

/* The value of a variable that is an absolute path, or NULL: the base directory specification wants
 * others to be ignored. */
static const char *absolute_from_env(const char *variable)
{
    const char *value = getenv(variable);

    return value && value[0] == '/' ? value : NULL;
}

static int default_uri(char **out, bfc_err *err)
{
    const char *given = getenv("BFC_STORE");

    if (given && *given)
        return bfci_strdup(given, out, err);
    if (geteuid() == 0)
        return bfci_strdup("dir:" ROOT_STORE, out, err);
    const char *data = absolute_from_env("XDG_DATA_HOME");
    if (data)
        return bfci_asprintf(out, err, "dir:%s/bfc/images", data);
    const char *home = absolute_from_env("HOME");
    if (home)
        return bfci_asprintf(out, err, "dir:%s/.local/share/bfc/images", home);
    return bfci_fail(err, BFC_E_INVALID,
                     "no store was named, and HOME is not set: name one, or set BFC_STORE");
}

BFCI_DEFINE_AUTO(bfc_store, bfc_store_close)

int bfc_store_open(const char *uri, bfc_store **out, bfc_err *err)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO_FREE char *fallback = NULL;
    const bfci_backend *backend = NULL;
    const char *location = NULL;

    if (!uri) {
        BFC_TRY(default_uri(&fallback, err));
        uri = fallback;
    }
    BFC_TRY(find_backend(uri, &backend, &location, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *store, &store, err));
    BFC_TRY(backend->open(location, &store->state, &store->uri, err));
    store->backend = backend;
    *out = bfci_steal(&store);
    return 0;
}

void bfc_store_set_hooks(bfc_store *store, const bfc_hooks *hooks)
{
    store->hooks = hooks;
}

void bfc_store_set_keys(bfc_store *store, const bfc_keys *keys)
{
    store->keys = keys;
}

const char *bfc_store_uri(const bfc_store *store)
{
    return store->uri;
}

void bfc_store_close(bfc_store *store)
{
    if (!store)
        return;
    if (store->backend)
        store->backend->close(store->state);
    free(store->uri);
    free(store);
}
