/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: the tree of an image as a dataset below it, that containers are clones of. It is made
 * at the first extract, under the image's lock, and known by its snapshot, which has the version's
 * name: a dataset called so without that snapshot is of an older version. It gives way: destroyed
 * if nothing stands on it, else under the name of its version. Nobody mounts a template. */
#include "store/zfs.h"

#include <stdio.h>

#include "base/hooks.h"
#include "store/dataset.h"
#include "store/facts.h"
#include "sys/names.h"

#define TEMPLATE "rootfs"
#define OLD "old" /* of a version that nothing tells */
#define VERSION_DIGITS 12
#define WAIT_FIRST_MS 100
#define WAIT_MAX_MS 1600

/* "rootfs", ".N" of a file system of lower layers, "-…" of an older version. */
bool bfci_zfs_is_template(const char *part)
{
    size_t len = strlen(TEMPLATE);

    if (strncmp(part, TEMPLATE, len) != 0)
        return false;
    part += len;
    if (*part == '.')
        part += 1 + strspn(part + 1, "0123456789");
    if (*part == '\0' || strcmp(part, "-" OLD) == 0)
        return true;
    return *part == '-' && strlen(part) == 1 + VERSION_DIGITS &&
           strspn(part + 1, "0123456789abcdef") == VERSION_DIGITS;
}

struct request {
    const bfci_zfsstore *z;
    const bfci_reference *ref;
    char *image; /* its dataset */
    char *dataset, *snapshot;
    bfc_image_info *info; /* of the version */
};

static void template_release(struct request *t)
{
    free(t->image);
    free(t->dataset);
    free(t->snapshot);
    bfc_image_info_free(t->info);
}
#define AUTO_TEMPLATE __attribute__((cleanup(template_release)))

/* `path` is the image's container as it is now. */
static int name_it(struct request *t, const char *path, uint32_t tree, bfc_err *err)
{
    char version[BFCI_ZFS_VERSION_LEN + 1];
    char number[16] = "";

    if (tree > 0)
        (void)snprintf(number, sizeof number, ".%u", tree);
    BFC_TRY(bfci_facts_read(path, t->ref->text, NULL, NULL, &t->info, err));
    bfci_zfs_version_name(t->info->root_digest, version);
    BFC_TRY(bfci_zfs_dataset_of(t->z, t->ref, &t->image, err));
    BFC_TRY(bfci_asprintf(&t->dataset, err, "%s/" TEMPLATE "%s", t->image, number));
    return bfci_asprintf(&t->snapshot, err, "%s@%s", t->dataset, version);
}

/* ── One of an older version ── */

static int step_aside(const struct request *t, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items versions = {NULL, NULL, 0};
    AUTO_FREE char *other = NULL;

    /* ZFS-FUSE renames nothing that mounted clones stand on: then they stand on one of themselves.
     */
    if (t->z->tool.fuse)
        return bfci_zfs_destroy(t->z, t->dataset, err);
    BFC_TRY(bfci_zfs_list(&t->z->tool, t->dataset, "snapshot", 1, "type", &versions, err));
    const char *dash = versions.count ? strrchr(versions.item[0].name, '-') : NULL;
    BFC_TRY(bfci_asprintf(&other, err, "%s-%s", t->dataset, dash ? dash + 1 : OLD));
    return bfci_zfs_rename(&t->z->tool, t->dataset, other, err);
}

/* ZFS-FUSE does not rename what mounted clones stand on: there they are promoted, and stand on one
 * of themselves. */
static int make_room(const struct request *t, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    bool there = false;

    BFC_TRY(bfci_zfs_exists(&t->z->tool, t->dataset, &there, err));
    if (!there)
        return 0;
    BFC_TRY(bfci_zfs_origins(t->z, &all, err));
    bool stays = bfci_zfs_count_clones(&all, t->dataset) > 0 && !t->z->tool.fuse;
    return stays ? step_aside(t, err) : bfci_zfs_destroy(t->z, t->dataset, err);
}

/* ── Making ── */

static int finish(const struct request *t, const char *work, bfc_err *err)
{
    BFC_TRY(bfci_zfs_unmount(&t->z->tool, work, ZFS_BUSY_MS, err));
    BFC_TRY(bfci_zfs(&t->z->tool, NULL, err, "set", "canmount=noauto", work, NULL));
    BFC_TRY(bfci_zfs_take_version(t->z, work, t->info, err));
    return bfci_zfs_rename(&t->z->tool, work, t->dataset, err);
}

static int make(const struct request *t, const char *path, const bfc_extract_options *options,
                bfc_extract_report *report, bfc_err *err)
{
    bfc_extract_options own = *options;
    AUTO_FREE char *work = NULL;

    own.dataset = NULL; /* its properties are the container's */
    BFC_TRY(bfci_zfs_work_of(t->z, t->ref, &work, err));
    int rc = bfci_dataset_make(&t->z->tool, path, work, &own, report, err);
    if (rc == BFC_E_EXISTS) { /* of a dead process */
        BFC_TRY(bfci_zfs_destroy(t->z, work, err));
        rc = bfci_dataset_make(&t->z->tool, path, work, &own, report, err);
    }
    BFC_TRY(rc);
    rc = finish(t, work, err);
    if (rc < 0)
        (void)bfci_zfs_destroy(t->z, work, NULL);
    return rc;
}

/* Somebody else may be making the very template that is wanted. Each look costs a `zfs`, which many
 * who wait would take from who works: so they look less and less often. */
static int wait_for_lock(const struct request *t, const bfc_hooks *hooks, bfci_name_lock *lock,
                         bool *there, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bool told = false;

    for (unsigned ms = WAIT_FIRST_MS;; ms = ms < WAIT_MAX_MS ? 2 * ms : ms) {
        int rc = bfci_zfs_lock(t->z, t->ref, lock, &why);
        if (rc == 0)
            return bfci_zfs_exists(&t->z->tool, t->snapshot, there, err);
        if (rc != BFC_E_BUSY) {
            if (err)
                *err = why;
            return rc;
        }
        if (!told)
            bfci_log(hooks, BFC_LOG_INFO, "store", "waiting: %s", why.msg);
        told = true;
        BFC_TRY(bfci_check_cancel(hooks, err));
        BFC_TRY(bfci_zfs_exists(&t->z->tool, t->snapshot, there, err));
        if (*there)
            return 0;
        bfci_pause_ms(ms);
    }
}

int bfci_zfs_template(bfc_store *store, const bfci_reference *ref, const char *path,
                      const bfc_extract_options *options, char **snapshot,
                      bfc_extract_report *report, bfc_err *err)
{
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_TEMPLATE struct request t = {.z = bfci_zfs_of(store), .ref = ref};
    bool there = false;

    BFC_TRY(name_it(&t, path, options->tree, err));
    BFC_TRY(bfci_zfs_exists(&t.z->tool, t.snapshot, &there, err));
    if (!there)
        BFC_TRY(wait_for_lock(&t, options->hooks, &lock, &there, err));
    if (!there) {
        BFC_TRY(make_room(&t, err));
        BFC_TRY(make(&t, path, options, report, err));
    }
    *snapshot = bfci_steal(&t.snapshot);
    return 0;
}
