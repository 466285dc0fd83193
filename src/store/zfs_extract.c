/* SPDX-License-Identifier: Apache-2.0 */
/* An image into a dataset: a clone of its template, or a copy. */
#include "store/zfs.h"

#include "base/hooks.h"
#include "store/dataset.h"

static bool same_pool(const char *a, const char *b)
{
    size_t len = strcspn(a, "/");

    return strcspn(b, "/") == len && memcmp(a, b, len) == 0;
}

/* ── Clones ── */

/* A container that cannot be mounted, by this user or just now, is there all the same. */
static int check_mounted(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_zfs_mounted(&z->tool, dataset, &point, &why);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0)
        bfci_log(z->tool.hooks, BFC_LOG_WARNING, "zfs", "it is whole, but not mounted: %s",
                 why.msg);
    return 0;
}

static int clone(const bfci_zfsstore *z, const char *snapshot, const char *dataset,
                 const bfc_dataset_options *how, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    bfci_zfs_add(&call, "clone");
    bfci_dataset_properties(&call, how, !z->tool.fuse);
    if (how && how->mountpoint)
        bfci_zfs_set_option(&call, "mountpoint", how->mountpoint);
    bfci_zfs_add(&call, snapshot);
    bfci_zfs_add(&call, dataset);
    BFC_TRY(bfci_dataset_make_parents(&z->tool, dataset, how, err));
    BFC_TRY(bfci_zfs_run(&z->tool, &call, NULL, err));
    return call.unmounted ? check_mounted(z, dataset, err) : 0;
}

static int clone_template(bfc_store *store, const bfci_reference *ref, const char *path,
                          const char *dataset, const bfc_extract_options *options,
                          bfc_extract_report *report, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_FREE char *snapshot = NULL;

    if (!same_pool(z->root, dataset))
        return bfci_fail(
            err, BFC_E_INVALID,
            "dataset '%s' is in another pool than the store 'zfs:%s', and a clone stays in "
            "its pool: use --copy",
            dataset, z->root);
    if (options->trust) /* it may have been made of a container that was tampered with */
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a clone is of a template that was extracted before, and a signature says "
                         "nothing of that: use --copy");
    BFC_TRY(bfci_zfs_template(store, ref, path, options, &snapshot, report, err));
    BFC_TRY(clone(z, snapshot, dataset, options->dataset, err));
    bfci_dataset_put_name(report->origin, snapshot);
    return 0;
}

/* ── Copies ── */

/* Under a lock of its own, so that prune knows whether somebody works on it. */
static int copy(const bfci_zfsstore *z, const char *path, const char *dataset,
                const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *work = NULL;
    AUTO_FREE char *file = NULL;
    AUTO_FREE char *what = NULL;

    BFC_TRY(bfci_asprintf(&work, err, "%s/to %s", z->works, dataset));
    for (char *p = work + strlen(z->works) + 1; *p; p++)
        if (*p == '/')
            *p = ' ';
    BFC_TRY(bfci_zfs_check_name(work, "target", err));
    BFC_TRY(bfci_asprintf(&what, err, "dataset '%s'", dataset));
    BFC_TRY(bfci_zfs_lock_path(z, strrchr(work, '/') + 1, &file, err));
    BFC_TRY(bfci_name_lock_take(file, what, &lock, err));
    int rc = bfci_dataset_make(&z->tool, path, work, options, report, err);
    if (rc == BFC_E_EXISTS) { /* of a dead process */
        BFC_TRY(bfci_zfs_destroy(z, work, err));
        rc = bfci_dataset_make(&z->tool, path, work, options, report, err);
    }
    BFC_TRY(rc);
    return bfci_dataset_settle(&z->tool, work, dataset, options->dataset, err);
}

/* ── Either ── */

static int check_outside(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    if (bfci_zfs_is_within(z->root, dataset))
        return bfci_fail(err, BFC_E_INVALID,
                         "dataset '%s' is in the store 'zfs:%s': choose another place", dataset,
                         z->root);
    if (bfci_zfs_is_within(dataset, z->root))
        return bfci_fail(err, BFC_E_INVALID,
                         "the store 'zfs:%s' is in dataset '%s': choose another place", z->root,
                         dataset);
    return 0;
}

/* A template would lie beside an encrypted image for good, with all that it hides, and give it to
 * whoever asks for a clone without the key. */
static int is_sealed(const char *path, bool *out, bfc_err *err)
{
    bfc_container_info info;

    BFC_TRY(bfc_container_peek(path, NULL, &info, err));
    *out = strcmp(info.encryption, "none") != 0;
    return 0;
}

static int extract(bfc_store *store, const bfci_reference *ref, const char *path,
                   const char *dataset, const bfc_extract_options *options,
                   bfc_extract_report *report, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    const bfc_dataset_options *how = options->dataset;
    bool there = false, sealed = false;

    BFC_TRY(check_outside(z, dataset, err));
    BFC_TRY(bfci_dataset_check(&z->tool, dataset, how, &there, err));
    if (there)
        return bfci_dataset_fill(&z->tool, path, dataset, options, report, err);
    BFC_TRY(is_sealed(path, &sealed, err));
    if (!sealed && (!how || !how->copy))
        return clone_template(store, ref, path, dataset, options, report, err);
    if (same_pool(z->root, dataset))
        return copy(z, path, dataset, options, report, err);
    return bfci_dataset_extract(store->hooks, path, dataset, options, report, err);
}

int bfci_zfs_extract(bfc_store *store, const bfci_reference *ref, const char *path,
                     const char *dataset, const bfc_extract_options *options,
                     bfc_extract_report *report, bfc_err *err)
{
    bfc_extract_report own = {0};

    int rc = extract(store, ref, path, dataset, options, &own, err);
    if (rc == BFC_E_NOSPC)
        rc = bfci_wrap(err, rc, "the pool '%.*s', or what dataset '%s' may have of it, is full",
                       (int)strcspn(dataset, "/"), dataset, dataset);
    bfci_dataset_put_name(own.dataset, dataset);
    if (report)
        *report = own;
    return rc;
}
