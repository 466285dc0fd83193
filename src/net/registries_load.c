/* SPDX-License-Identifier: Apache-2.0 */
/* Owns which files are read, and in which order. A file that nobody named may be missing; one that
 * cannot be read is an error all the same: it might have said "blocked". */
#include "net/registries_conf.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/dir.h"
#include "sys/file.h"

#define SYSTEM_FOLDER "/etc/containers"
#define CACHE_FOLDER "/var/cache"
#define CONF "registries.conf"
#define ALIASES "containers/short-name-aliases.conf"

void bfci_registries_places_release(bfci_registries_places *p)
{
    free(p->file);
    free(p->folder[0]);
    free(p->folder[1]);
    free(p->last);
    free(p->aliases);
    *p = (bfci_registries_places){NULL, false, {NULL, NULL}, NULL, NULL};
}

/* ── Where they are ── */

/* An absolute folder of the environment; NULL: it names none. */
static const char *folder_of(const char *variable)
{
    const char *value = secure_getenv(variable);
    return value && value[0] == '/' ? value : NULL;
}

static int find_aliases(bfci_registries_places *p, bfc_err *err)
{
    const char *cache = folder_of("XDG_CACHE_HOME"), *home = folder_of("HOME");

    if (geteuid() == 0)
        return bfci_strdup(CACHE_FOLDER "/" ALIASES, &p->aliases, err);
    if (cache)
        return bfci_asprintf(&p->aliases, err, "%s/" ALIASES, cache);
    return home ? bfci_asprintf(&p->aliases, err, "%s/.cache/" ALIASES, home) : 0;
}

static int find_users(char **file, char **folder, bfc_err *err)
{
    const char *config = folder_of("XDG_CONFIG_HOME"), *home = folder_of("HOME");
    const char *base = config ? config : home;
    const char *below = config ? "" : "/.config";

    if (!base)
        return 0;
    BFC_TRY(bfci_asprintf(file, err, "%s%s/containers/" CONF, base, below));
    return bfci_asprintf(folder, err, "%s%s/containers/" CONF ".d", base, below);
}

int bfci_registries_find_places(bfci_registries_places *out, bfc_err *err)
{
    AUTO_REGISTRIES_PLACES bfci_registries_places p = {NULL, false, {NULL, NULL}, NULL, NULL};
    AUTO_FREE char *users = NULL;
    const char *named = secure_getenv("CONTAINERS_REGISTRIES_CONF");
    const char *last = secure_getenv("CONTAINERS_REGISTRIES_CONF_OVERRIDE");

    BFC_TRY(find_users(&users, &p.folder[1], err));
    p.must = named && *named;
    if (p.must)
        BFC_TRY(bfci_strdup(named, &p.file, err));
    else if (users && access(users, F_OK) == 0)
        p.file = bfci_steal(&users);
    bool is_users = p.file && !p.must;
    if (!p.file)
        BFC_TRY(bfci_strdup(SYSTEM_FOLDER "/" CONF, &p.file, err));
    if (!is_users)
        BFC_TRY(bfci_strdup(SYSTEM_FOLDER "/" CONF ".d", &p.folder[0], err));
    if (last && *last)
        BFC_TRY(bfci_strdup(last, &p.last, err));
    BFC_TRY(find_aliases(&p, err));
    *out = p;
    p = (bfci_registries_places){NULL, false, {NULL, NULL}, NULL, NULL};
    return 0;
}

/* ── Reading them ── */

typedef int add_fn(bfci_registries *r, const uint8_t *text, size_t len, const char *path,
                   bfc_err *err);

static int add_file(bfci_registries *r, const char *path, bool must, add_fn *add, bfc_err *err)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;

    int rc = bfci_read_file(AT_FDCWD, path, TOML_SIZE_MAX, &text, &len, err);
    if (rc == BFC_E_NOT_FOUND && !must)
        return 0;
    if (rc < 0)
        return bfci_wrap(err, rc, "configuration of registries '%s'", BFCI_QUOTE_STR(path));
    return add(r, text, len, path, err);
}

static bool is_conf(const bfci_dir_name *name)
{
    static const char end[] = ".conf";
    size_t len = strlen(name->name);

    return name->type != DT_DIR && len >= sizeof end - 1 &&
           strcmp(name->name + len - (sizeof end - 1), end) == 0;
}

static int add_folder(bfci_registries *r, const char *folder, bfc_err *err)
{
    __attribute__((cleanup(bfci_dir_list_release))) bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    int rc = bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_dir_read(fd, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        AUTO_FREE char *path = NULL;
        if (!is_conf(&list.item[i]))
            continue;
        BFC_TRY(bfci_asprintf(&path, err, "%s/%s", folder, list.item[i].name));
        BFC_TRY(add_file(r, path, false, bfci_registries_add, err)); /* it may be gone by now */
    }
    return 0;
}

int bfci_registries_load(const bfci_registries_places *places, bfci_registries *out, bfc_err *err)
{
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    if (places->file)
        BFC_TRY(add_file(&r, places->file, places->must, bfci_registries_add, err));
    for (size_t i = 0; i < ARRAY_LEN(places->folder); i++)
        if (places->folder[i])
            BFC_TRY(add_folder(&r, places->folder[i], err));
    if (places->last)
        BFC_TRY(add_file(&r, places->last, true, bfci_registries_add, err));
    if (places->aliases)
        BFC_TRY(add_file(&r, places->aliases, false, bfci_registries_add_aliases, err));
    *out = r;
    r = (bfci_registries)BFCI_REGISTRIES_INIT;
    return 0;
}
