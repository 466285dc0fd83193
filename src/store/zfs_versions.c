/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of an image: the snapshots of its dataset that say so themselves. Others there are of
 * images that it stands on, or were taken by hand. */
#include "store/zfs.h"

#include <fcntl.h>

#include "store/facts.h"
#include "sys/names.h"

/* ── One snapshot ── */

/* The values that `zfs get -o value` printed for the first four properties, in their order: what is
 * not exactly a line each is a stranger's. */
static bool read_version(char *text, const char *image, bfc_image_version *out)
{
    static const int asked[] = {ZFS_IMAGE, ZFS_DIGEST, ZFS_CREATED, ZFS_SIZE};
    const char *value[ZFS_PROPERTIES];
    bfc_image_info *info = NULL;
    int wrong = 0;

    for (size_t i = 0; i < ZFS_PROPERTIES; i++)
        value[i] = "0";
    value[ZFS_MANIFEST] = value[ZFS_COMPRESSION] = value[ZFS_ENCRYPTION] = "none";
    value[ZFS_PLATFORM] = "unknown";
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        char *end = strchr(text, '\n');
        if (!end)
            return false;
        *end = '\0';
        value[asked[i]] = text;
        text = end + 1;
    }
    if (*text || bfci_zfs_values_read(value, image, "", &info, &wrong, NULL) < 0 || !info)
        return false;
    memcpy(out->root_digest, info->root_digest, sizeof out->root_digest);
    out->created = info->created;
    out->size = info->size;
    bfc_image_info_free(info);
    return true;
}

static int load_version(const bfci_zfsstore *z, const char *snapshot, const char *image,
                        bool *is_one, bfc_image_version *out, bfc_err *err)
{
    AUTO_FREE char *text = NULL;

    BFC_TRY(bfci_zfs(&z->tool, &text, err, "get", "-H", "-o", "value",
                     "bfc:image,bfc:digest,bfc:created,bfc:size", snapshot, NULL));
    *is_one = read_version(text, image, out);
    return 0;
}

/* ── All of them ── */

/* Clones of any template of this image's that has the version's name, outside of the image. */
static uint64_t count_containers(const bfci_zfs_items *origins, const char *dataset,
                                 const uint8_t digest[BFC_DIGEST_SIZE])
{
    char version[BFCI_ZFS_VERSION_LEN + 1];
    uint64_t count = 0;

    bfci_zfs_version_name(digest, version);
    for (size_t i = 0; i < origins->count; i++) {
        const bfci_zfs_item *item = &origins->item[i];
        const char *at = strchr(item->value, '@');
        if (at && strcmp(at + 1, version) == 0 && bfci_zfs_is_within(dataset, item->value) &&
            item->value[strlen(dataset)] == '/' && !bfci_zfs_is_within(dataset, item->name))
            count++;
    }
    return count;
}

int bfci_zfs_versions(bfc_store *store, const bfc_image_info *current, bfc_image_history *out,
                      bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_ZFS_ITEMS bfci_zfs_items snapshots = {NULL, NULL, 0};
    AUTO_ZFS_ITEMS bfci_zfs_items origins = {NULL, NULL, 0};
    AUTO_FREE char *dataset = NULL;
    bfci_reference ref;
    size_t cap = out->count;

    BFC_TRY(bfci_reference_parse(current->name, &ref, err));
    BFC_TRY(bfci_zfs_dataset_of(z, &ref, &dataset, err));
    BFC_TRY(bfci_zfs_list(&z->tool, dataset, "snapshot", 1, "type", &snapshots, err));
    BFC_TRY(bfci_zfs_origins(z, &origins, err));
    out->item[0].containers = count_containers(&origins, dataset, current->root_digest);
    for (size_t i = snapshots.count; i > 0; i--) { /* zfs lists the oldest first */
        bfc_image_version v = {0};
        bool is_one = false;
        BFC_TRY(load_version(z, snapshots.item[i - 1].name, ref.text, &is_one, &v, err));
        if (!is_one || memcmp(v.root_digest, current->root_digest, sizeof v.root_digest) == 0)
            continue;
        v.containers = count_containers(&origins, dataset, v.root_digest);
        BFC_TRY(bfci_reserve(&out->item, &cap, out->count + 1, sizeof *out->item, err));
        out->item[out->count++] = v;
    }
    return 0;
}

/* ── Back to one ── */

static int clone_version(const bfci_zfsstore *z, const char *snapshot, const char *place,
                         bfc_err *err)
{
    int rc = bfci_zfs(&z->tool, NULL, err, "clone", snapshot, place, NULL);

    if (rc != BFC_E_EXISTS)
        return rc;
    BFC_TRY(bfci_zfs_destroy(z, place, err)); /* of a dead process: we have the lock */
    return bfci_zfs(&z->tool, NULL, err, "clone", snapshot, place, NULL);
}

static int copy_version(const bfci_work *work, const char *place,
                        const uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *file = NULL;

    BFC_TRY(bfci_zfs_mounted(&z->tool, place, &point, err));
    BFC_TRY(bfci_asprintf(&file, err, "%s/%s" BFCI_ZFS_SUFFIX, point,
                          work->ref.text + work->ref.last_at));
    BFC_TRY(bfci_facts_read(file, work->ref.text, NULL, NULL, &info, err));
    if (memcmp(info->root_digest, digest, BFC_DIGEST_SIZE) != 0)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the snapshot holds another container than its "
                         "properties say");
    return bfci_copy_file(file, work->path, err);
}

/* Snapshots are not looked into where they are: whether and where they are seen is up to how the
 * dataset is mounted. A clone always is. */
int bfci_zfs_work_version(bfci_work *work, const uint8_t root_digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *snapshot = NULL;
    AUTO_FREE char *place = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    bfci_zfs_version_name(root_digest, version);
    BFC_TRY(bfci_zfs_dataset_of(z, &work->ref, &dataset, err));
    BFC_TRY(bfci_asprintf(&snapshot, err, "%s@%s", dataset, version));
    BFC_TRY(bfci_zfs_work_of(z, &work->ref, &place, err));
    BFC_TRY(clone_version(z, snapshot, place, err));
    int rc = copy_version(work, place, root_digest, err);
    (void)bfci_zfs_destroy(z, place, NULL);
    return rc;
}
