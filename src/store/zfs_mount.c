/* SPDX-License-Identifier: Apache-2.0 */
/* Where datasets are mounted. The kernel's table of mounts is asked, not zfs: it tells the truth of
 * this process's namespace, also of datasets that were mounted by hand, and costs no command. */
#include "store/zfs.h"

#include <errno.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "sys/clock.h"
#include "sys/mounts.h"
#include "sys/names.h"

#define FOLDER_MODE 0777 /* less the umask */
#define HOLDERS_MAX 4    /* that are named in a message */

/* ── Looking ── */

struct looking {
    const char *dataset;
    char *point;
};

static int look(void *ctx, const bfci_mount *m, bfc_err *err)
{
    struct looking *l = ctx;

    if (!bfci_zfs_is_mount(m) || strcmp(m->root, "/") != 0 || strcmp(m->source, l->dataset) != 0)
        return 0;
    free(bfci_steal(&l->point));
    return bfci_strdup(m->point, &l->point, err);
}

int bfci_zfs_mount_point(const char *dataset, char **point, bfc_err *err)
{
    struct looking l = {dataset, NULL};

    int rc = bfci_mounts_each(look, &l, err);
    if (rc == 0 && !l.point)
        rc =
            bfci_fail(err, BFC_E_NOT_FOUND, "dataset '%s' is not mounted", BFCI_QUOTE_STR(dataset));
    if (rc < 0) {
        free(l.point);
        return rc;
    }
    *point = l.point;
    return 0;
}

/* ── Mounting ── */

static int tell_unmounted(const bfci_zfs_tool *tool, const char *dataset, bfc_err *why,
                          bfc_err *err)
{
    AUTO_FREE char *mountpoint = NULL;
    bfc_err unasked = BFC_ERR_INIT;

    int rc = bfci_zfs_get(tool, dataset, "mountpoint", &mountpoint, &unasked);
    if (rc == 0 && strcmp(mountpoint, "none") == 0)
        return bfci_fail(err, BFC_E_IO,
                         "dataset '%s' is not mounted, since it has no place to be "
                         "(mountpoint=none): give it one with 'zfs set mountpoint=/path %s'",
                         dataset, dataset);
    if (rc == 0 && strcmp(mountpoint, "legacy") == 0)
        return bfci_fail(err, BFC_E_IO,
                         "dataset '%s' is not mounted, and left to mount(8) (mountpoint=legacy): "
                         "mount it, or let ZFS do it with 'zfs inherit mountpoint %s'",
                         dataset, dataset);
    if (err)
        *err = *why;
    return bfci_wrap(err, (int)why->code, "dataset '%s' is not mounted", dataset);
}

/* Right after something else was unmounted there, ZFS-FUSE still says that the place is busy. */
static int mount_it(const bfci_zfs_tool *tool, const char *dataset, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.patience_ms = ZFS_BUSY_MS;
    bfci_zfs_add(&call, "mount");
    bfci_zfs_add(&call, dataset);
    return bfci_zfs_run(tool, &call, NULL, err);
}

int bfci_zfs_mounted(const bfci_zfs_tool *tool, const char *dataset, char **point, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_zfs_mount_point(dataset, point, err);
    if (rc != BFC_E_NOT_FOUND)
        return rc;
    rc = mount_it(tool, dataset, &why);
    if (bfci_zfs_mount_point(dataset, point, rc == 0 ? &why : NULL) == 0)
        return 0; /* by us, or by somebody who was faster */
    return tell_unmounted(tool, dataset, &why, err);
}

/* ── Unmounting ── */

struct holders {
    buf text;
    size_t count;
};

static int note_holder(void *ctx, const bfci_holder *h, bfc_err *err)
{
    struct holders *s = ctx;

    if (s->count++ < HOLDERS_MAX)
        bfci_buf_printf(&s->text, "%s process %ld (%s) %s '%s'", s->text.len ? "," : ":", h->pid,
                        BFCI_QUOTE_STR(h->command), h->how, BFCI_QUOTE_STR(h->where));
    return buf_check(&s->text, err);
}

static int tell_holders(const char *dataset, bfc_err *err)
{
    struct holders s = {BUF_INIT, 0};
    size_t hidden = 0;

    int rc = bfci_holders_each(dataset, note_holder, &s, &hidden, err);
    if (rc == 0 && s.count > HOLDERS_MAX)
        bfci_buf_printf(&s.text, ", and %zu more", s.count - HOLDERS_MAX);
    if (rc == 0 && s.count == 0)
        bfci_buf_printf(&s.text, ", by whom is not to be seen%s",
                        hidden > 0 ? " for this user" : "");
    if (rc == 0)
        rc = buf_check(&s.text, err);
    if (rc == 0)
        rc = bfci_fail(err, BFC_E_BUSY, "dataset '%s' is in use%.*s", dataset, (int)s.text.len,
                       (const char *)s.text.data);
    bfci_buf_free(&s.text);
    return rc;
}

struct mounted {
    const char *dataset;
    char **name; /* of datasets that are mounted, in the order of mounting */
    size_t count, cap;
    char *elsewhere; /* where one of them, or a folder of it, is mounted once more */
};

static void mounted_release(struct mounted *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->name[i]);
    free(m->name);
    free(m->elsewhere);
}

static bool is_known(const struct mounted *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->name[i], name) == 0)
            return true;
    return false;
}

static int gather(void *ctx, const bfci_mount *m, bfc_err *err)
{
    struct mounted *all = ctx;

    if (!bfci_zfs_is_mount(m) || !bfci_zfs_is_within(all->dataset, m->source))
        return 0;
    if (strcmp(m->root, "/") != 0 || is_known(all, m->source)) {
        free(bfci_steal(&all->elsewhere));
        return bfci_strdup(m->point, &all->elsewhere, err);
    }
    BFC_TRY(bfci_reserve(&all->name, &all->cap, all->count + 1, sizeof *all->name, err));
    BFC_TRY(bfci_strdup(m->source, &all->name[all->count], err));
    all->count++;
    return 0;
}

/* zfs would take a bind mount for the dataset's own, and unmount that. */
int bfci_zfs_unmount(const bfci_zfs_tool *tool, const char *dataset, unsigned patience_ms,
                     bfc_err *err)
{
    __attribute__((cleanup(mounted_release))) struct mounted all = {.dataset = dataset};

    BFC_TRY(bfci_mounts_each(gather, &all, err));
    if (all.elsewhere)
        return bfci_fail(err, BFC_E_BUSY, "dataset '%s' is in use: it is mounted at '%s', too",
                         dataset, BFCI_QUOTE_STR(all.elsewhere));
    for (size_t i = all.count; i > 0; i--) {
        AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
        call.patience_ms = patience_ms;
        bfci_zfs_add(&call, "unmount");
        bfci_zfs_add(&call, all.name[i - 1]);
        int rc = bfci_zfs_run(tool, &call, NULL, err);
        if (rc == BFC_E_BUSY)
            return tell_holders(all.name[i - 1], err);
        BFC_TRY(rc);
    }
    return 0;
}

/* ── Renaming ── */

static int rename_once(const bfci_zfs_tool *tool, const char *from, const char *to,
                       unsigned patience_ms, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.patience_ms = patience_ms;
    bfci_zfs_add(&call, "rename");
    bfci_zfs_add(&call, from);
    bfci_zfs_add(&call, to);
    return bfci_zfs_run(tool, &call, NULL, err);
}

int bfci_zfs_rename(const bfci_zfs_tool *tool, const char *from, const char *to, bfc_err *err)
{
    int rc = rename_once(tool, from, to, 0, err);

    if (rc != BFC_E_BUSY)
        return rc;
    BFC_TRY(bfci_zfs_unmount(tool, from, ZFS_BUSY_MS, err));
    rc = rename_once(tool, from, to, ZFS_BUSY_MS, err);
    return rc == BFC_E_BUSY ? tell_holders(from, err) : rc; /* in another mount namespace */
}

/* ── The store ── */

static int make_dataset(const bfci_zfs_tool *tool, const char *dataset, bfc_err *err)
{
    /* -p: no complaint if somebody else makes it at the same time */
    return bfci_zfs(tool, NULL, err, "create", "-p", dataset, NULL);
}

static int make_works(const bfci_zfsstore *z, char **point, bfc_err *err)
{
    bool there = false;

    if (bfci_zfs_mount_point(z->works, point, NULL) == 0)
        return 0;
    BFC_TRY(bfci_zfs_exists(&z->tool, z->works, &there, err));
    if (!there)
        BFC_TRY(make_dataset(&z->tool, z->works, err));
    return bfci_zfs_mounted(&z->tool, z->works, point, err);
}

int bfci_zfs_make_store(const bfci_zfsstore *z, char **point, bfc_err *err)
{
    AUTO_FREE char *works = NULL;
    AUTO_FREE char *locks = NULL;

    BFC_TRY(make_works(z, &works, err));
    BFC_TRY(bfci_asprintf(&locks, err, "%s/.lock", works));
    int rc = bfci_make_folder(locks, FOLDER_MODE, err);
    if (rc < 0 && rc != BFC_E_EXISTS)
        return rc;
    *point = bfci_steal(&works);
    return 0;
}

int bfci_zfs_lock_path(const bfci_zfsstore *z, const char *part, char **path, bfc_err *err)
{
    AUTO_FREE char *point = NULL;

    BFC_TRY(bfci_zfs_make_store(z, &point, err));
    return bfci_asprintf(path, err, "%s/.lock/%s", point, part);
}

static int own_folder(const bfci_zfsstore *z, const char *name, bool make, char **path,
                      bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *folder = NULL;

    if (make)
        BFC_TRY(bfci_zfs_make_store(z, &point, err));
    else
        BFC_TRY(bfci_zfs_mounted(&z->tool, z->works, &point, err));
    BFC_TRY(bfci_asprintf(&folder, err, "%s/%s", point, name));
    int rc = make ? bfci_make_folder(folder, FOLDER_MODE, err) : 0;
    if (rc < 0 && rc != BFC_E_EXISTS)
        return rc;
    *path = bfci_steal(&folder);
    return 0;
}

int bfci_zfs_downloads(bfc_store *store, bool make, char **path, bfc_err *err)
{
    return own_folder(bfci_zfs_of(store), ".downloads", make, path, err);
}

int bfci_zfs_records(bfc_store *store, bool make, char **path, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    bool there = make;

    if (!make)
        BFC_TRY(bfci_zfs_exists(&z->tool, z->works, &there, err));
    if (!there)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no '%s'", z->works);
    return own_folder(z, ".sync", make, path, err);
}

int bfci_zfs_lock(const bfci_zfsstore *z, const bfci_reference *ref, bfci_name_lock *lock,
                  bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *what = NULL;

    BFC_TRY(bfci_zfs_work_of(z, ref, &name, err));
    BFC_TRY(bfci_zfs_lock_path(z, strrchr(name, '/') + 1, &path, err));
    BFC_TRY(bfci_asprintf(&what, err, "image '%s'", ref->text));
    return bfci_name_lock_take(path, what, lock, err);
}
