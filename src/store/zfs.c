/* SPDX-License-Identifier: Apache-2.0 */
/* Images in a ZFS pool: the backend's table, and what is asked of the store as a whole. */
#include "store/zfs.h"

static void zfs_free(bfci_zfsstore *z)
{
    bfci_zfs_tool_close(&z->tool);
    free(z->root);
    free(z->works);
    free(z->folder);
    free(z);
}
BFCI_DEFINE_AUTO(bfci_zfsstore, zfs_free)

static void zfs_close(void *state)
{
    zfs_free(state);
}

/* Where the root is mounted, or would be below the nearest dataset above it that is. */
static int find_folder(const char *root, char **folder, bfc_err *err)
{
    AUTO_FREE char *above = NULL;
    AUTO_FREE char *point = NULL;

    BFC_TRY(bfci_strdup(root, &above, err));
    for (;;) {
        int rc = bfci_zfs_mount_point(above, &point, err);
        if (rc == 0)
            return bfci_asprintf(folder, err, "%s%s", point, root + strlen(above));
        if (rc != BFC_E_NOT_FOUND)
            return rc;
        char *slash = strrchr(above, '/');
        if (!slash)
            return bfci_asprintf(folder, err, "/%s", root);
        *slash = '\0';
    }
}

static int zfs_open(const char *location, void **state, char **uri, bfc_err *err)
{
    AUTO(bfci_zfsstore) bfci_zfsstore *z = NULL;

    if (!*location)
        return bfci_fail(err, BFC_E_INVALID,
                         "the store has no dataset: a ZFS store is 'zfs:tank/images'");
    BFC_TRY(bfci_zfs_check_name(location, "store", err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *z, &z, err));
    BFC_TRY(bfci_zfs_tool_open(&z->tool, err));
    BFC_TRY(bfci_strdup(location, &z->root, err));
    BFC_TRY(bfci_asprintf(&z->works, err, "%s/.bfc-work", location));
    BFC_TRY(find_folder(location, &z->folder, err));
    BFC_TRY(bfci_asprintf(uri, err, "zfs:%s", location));
    *state = bfci_steal(&z);
    return 0;
}

static const char *zfs_folder(const bfc_store *store)
{
    return bfci_zfs_of(store)->folder;
}

/* Of the nearest dataset that is there: the store may not be made yet. */
static int zfs_free_space(bfc_store *store, uint64_t *bytes, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *available = NULL;

    BFC_TRY(bfci_strdup(z->root, &dataset, err));
    for (;;) {
        int rc = bfci_zfs_get(&z->tool, dataset, "available", &available, err);
        char *slash = strrchr(dataset, '/');
        if (rc == BFC_E_NOT_FOUND && slash) {
            *slash = '\0';
            continue;
        }
        BFC_TRY(rc);
        *bytes = strtoull(available, NULL, 10);
        return 0;
    }
}

const bfci_backend bfci_backend_zfs = {
    .kind = "zfs",
    .open = zfs_open,
    .close = zfs_close,
    .find = bfci_zfs_find,
    .scan = bfci_zfs_scan,
    .facts = bfci_zfs_facts,
    .usage = bfci_zfs_usage,
    .work_begin = bfci_zfs_work_begin,
    .work_share = bfci_zfs_work_copy, /* a clone shares all there is to share */
    .work_copy = bfci_zfs_work_copy,
    .work_publish = bfci_zfs_work_publish,
    .work_end = bfci_zfs_work_end,
    .remove = bfci_zfs_remove,
    .check = bfci_zfs_check,
    .versions = bfci_zfs_versions,
    .work_version = bfci_zfs_work_version,
    .names_datasets = true,
    .extract_dataset = bfci_zfs_extract,
    .leftovers = bfci_zfs_leftovers,
    .send = bfci_zfs_send,
    .receive = bfci_zfs_receive,
    .downloads = bfci_zfs_downloads,
    .records = bfci_zfs_records,
    .folder = zfs_folder,
    .free_space = zfs_free_space,
};
