/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the ZFS backend, shared by its parts. Below the store's root:
 *
 *     ROOT/library/nginx:1.25                     an image: nginx:1.25.bfc in it, and its
 * properties ROOT/library/nginx:1.25@bfc-4f2a90c1d7e3    each version, by the first digits of its
 * root digest ROOT/library/nginx:1.25/rootfs@bfc-4f2a…    the template: its tree, that containers
 * are clones of ROOT/.bfc-work/library nginx:1.25           work on that name, only ever touched
 * under its lock <where .bfc-work is mounted>/.lock/         the locks
 */
#ifndef BFCI_STORE_ZFS_H
#define BFCI_STORE_ZFS_H

#include "store/backend.h"
#include "store/name_lock.h"
#include "store/zfs_tool.h"

#define BFCI_ZFS_SUFFIX ".bfc"

typedef struct bfci_zfsstore {
    bfci_zfs_tool tool;
    char *root;   /* "tank/images" */
    char *works;  /* root/.bfc-work */
    char *folder; /* where the root is mounted, or would be */
} bfci_zfsstore;

static inline bfci_zfsstore *bfci_zfs_of(const bfc_store *store)
{
    bfci_zfsstore *z = store->state;

    z->tool.hooks = store->hooks;
    return z;
}

/* ── zfs_names.c ── */
/* Fails unless `name` is one that we would give a dataset: no '@', '#' or '%', no part that begins
 * with '-', 255 bytes at most. `what` is it called in the message: "store". */
int bfci_zfs_check_name(const char *name, const char *what, bfc_err *err);
int bfci_zfs_dataset_of(const bfci_zfsstore *z, const bfci_reference *ref, char **out,
                        bfc_err *err);
/* False if it is not below the root, or no image can be called so. */
bool bfci_zfs_reference_of(const bfci_zfsstore *z, const char *dataset, bfci_reference *out);
int bfci_zfs_work_of(const bfci_zfsstore *z, const bfci_reference *ref, char **out, bfc_err *err);
bool bfci_zfs_reference_of_work(const char *part, bfci_reference *out);
/* Fails if a name that goes with this image would be too long for ZFS, or too deep. */
int bfci_zfs_check_length(const bfci_zfsstore *z, const bfci_reference *ref, bfc_err *err);
/* True if `name` is `dataset`, or below it, or a snapshot of one of these. */
bool bfci_zfs_is_within(const char *dataset, const char *name);

#define BFCI_ZFS_VERSION_LEN 16 /* of "bfc-4f2a90c1d7e3" */
/* The snapshot's name of a version. */
void bfci_zfs_version_name(const uint8_t root_digest[BFC_DIGEST_SIZE],
                           char out[BFCI_ZFS_VERSION_LEN + 1]);

/* ── zfs_mount.c ── */
/* Where a dataset is mounted; BFC_E_NOT_FOUND if it is not. free(). */
int bfci_zfs_mount_point(const char *dataset, char **point, bfc_err *err);
/* The same; it is mounted if it is not and can be. */
int bfci_zfs_mounted(const bfci_zfs_tool *tool, const char *dataset, char **point, bfc_err *err);
/* Unmounts it and what is below, as far as it is mounted. BFC_E_BUSY tells who uses it. */
int bfci_zfs_unmount(const bfci_zfs_tool *tool, const char *dataset, unsigned patience_ms,
                     bfc_err *err);
/* Renames; where a zfs does not do that with what is mounted, it is unmounted and stays so. */
int bfci_zfs_rename(const bfci_zfs_tool *tool, const char *from, const char *to, bfc_err *err);
/* The root, the folder of work and that of locks; *point is where work is mounted. */
int bfci_zfs_make_store(const bfci_zfsstore *z, char **point, bfc_err *err);
/* The file of the lock of what is called `part` below .bfc-work; the store is made for it. free().
 */
int bfci_zfs_lock_path(const bfci_zfsstore *z, const char *part, char **path, bfc_err *err);
/* The folder of downloads, where work is mounted. */
int bfci_zfs_downloads(bfc_store *store, bool make, char **path, bfc_err *err);
/* That of records of lists, in the same place. */
int bfci_zfs_records(bfc_store *store, bool make, char **path, bfc_err *err);
/* The lock of an image. BFC_E_BUSY: somebody else is changing it. */
int bfci_zfs_lock(const bfci_zfsstore *z, const bfci_reference *ref, bfci_name_lock *lock,
                  bfc_err *err);

/* ── zfs_facts.c ── */
enum {
    ZFS_IMAGE,
    ZFS_DIGEST,
    ZFS_MANIFEST,
    ZFS_CREATED,
    ZFS_SIZE,
    ZFS_COMPRESSION,
    ZFS_ENCRYPTION,
    ZFS_PLATFORM,
    ZFS_LAYERS,
    ZFS_FILES,
    ZFS_CONTENT,
    ZFS_PROPERTIES
};
extern const char *const bfci_zfs_property[ZFS_PROPERTIES]; /* "bfc:image" */

typedef struct bfci_zfs_values {
    char *text[ZFS_PROPERTIES];
} bfci_zfs_values;
void bfci_zfs_values_release(bfci_zfs_values *v);
#define AUTO_ZFS_VALUES __attribute__((cleanup(bfci_zfs_values_release)))

/* What an image's properties are to be. */
int bfci_zfs_values_of(const bfc_image_info *info, bfci_zfs_values *out, bfc_err *err);
/* The facts that properties tell. *wrong is set to the number of one that makes no sense, and *out
 * not; else it is ZFS_PROPERTIES. */
int bfci_zfs_values_read(const char *const text[ZFS_PROPERTIES], const char *name, const char *path,
                         bfc_image_info **out, int *wrong, bfc_err *err);
int bfci_zfs_set_facts(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                       bfc_err *err);
/* `dataset`@bfc-…, with the facts that `zfs inherit` or a rename would not change. One that is
 * there is as good. */
int bfci_zfs_take_version(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                          bfc_err *err);
/* The same properties for a snapshot that came without them. */
int bfci_zfs_mark_version(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                          bfc_err *err);
int bfci_zfs_check(bfc_store *store, const bfc_image_info *info, bool repair, char **told,
                   bfc_err *err);

/* ── zfs_scan.c ── */
int bfci_zfs_find(bfc_store *store, const bfci_reference *ref, char **path, bfc_err *err);
int bfci_zfs_scan(bfc_store *store, bfci_found_fn *fn, void *ctx, bfc_err *err);
int bfci_zfs_facts(bfc_store *store, const bfci_found *found, const bfc_hooks *hooks,
                   bfc_image_info **out, bfc_err *err);
/* The names of what zfs lists, with one property each. */
typedef struct bfci_zfs_item {
    const char *name, *value;
} bfci_zfs_item;
typedef struct bfci_zfs_items {
    char *text;
    bfci_zfs_item *item;
    size_t count;
} bfci_zfs_items;
void bfci_zfs_items_release(bfci_zfs_items *items);
#define AUTO_ZFS_ITEMS __attribute__((cleanup(bfci_zfs_items_release)))
/* `types`: "filesystem,snapshot"; `property`: one whose values are ZFS's own, not a stranger's. All
 * of `dataset` and below, or to that depth alone (-1: all). A dataset that is not there has none.
 */
int bfci_zfs_list(const bfci_zfs_tool *tool, const char *dataset, const char *types, int depth,
                  const char *property, bfci_zfs_items *out, bfc_err *err);

/* ── zfs_work.c ── */
int bfci_zfs_work_begin(bfc_store *store, const bfci_reference *ref, const bfci_work_how *how,
                        bfci_work *out, bfc_err *err);
int bfci_zfs_work_copy(bfci_work *work, const char *source, bfc_err *err);
int bfci_zfs_work_publish(bfci_work *work, const bfc_image_info *info, char **path, bfc_err *err);
void bfci_zfs_work_end(bfci_work *work);
/* Of a dataset that was not made by us: what ours have. */
int bfci_zfs_set_defaults(const bfci_zfsstore *z, const char *dataset, bfc_err *err);
/* The folder in an image's dataset in which its next version is made, and which goes with all in
 * it. */
#define BFCI_ZFS_BESIDE ".bfc-new"
int bfci_zfs_drop_beside(const char *point, bfc_err *err);

/* ── zfs_extract.c ── */
int bfci_zfs_extract(bfc_store *store, const bfci_reference *ref, const char *path,
                     const char *dataset, const bfc_extract_options *options,
                     bfc_extract_report *report, bfc_err *err);

/* ── zfs_template.c ── */
/* The template's snapshot for the tree of the container at `path`, which is made if it is not
 * there; *report is of what is extracted for it. free(). */
int bfci_zfs_template(bfc_store *store, const bfci_reference *ref, const char *path,
                      const bfc_extract_options *options, char **snapshot,
                      bfc_extract_report *report, bfc_err *err);
/* True if a dataset that is called so below an image is a template. */
bool bfci_zfs_is_template(const char *part);

/* ── zfs_clones.c ── */
/* How many datasets outside of `dataset` are clones of a snapshot in it. `all` are those of the
 * pool, with their origins. */
size_t bfci_zfs_count_clones(const bfci_zfs_items *all, const char *dataset);
/* Every file system and volume of the pool, with its origin. */
int bfci_zfs_origins(const bfci_zfsstore *z, bfci_zfs_items *out, bfc_err *err);
/* Tells who is to be promoted before `dataset` can be destroyed. */
int bfci_zfs_promotions(const bfci_zfsstore *z, const char *dataset,
                        void (*fn)(void *ctx, const char *clone), void *ctx, bfc_err *err);
typedef struct bfci_zfs_promoted {
    char **clone;
    size_t count, cap;
} bfci_zfs_promoted;
void bfci_zfs_promoted_release(bfci_zfs_promoted *p);
#define AUTO_ZFS_PROMOTED __attribute__((cleanup(bfci_zfs_promoted_release)))
/* Promotes clones outside of `dataset` until none stands on it. */
int bfci_zfs_promote_clones(const bfci_zfsstore *z, const char *dataset, bfci_zfs_promoted *out,
                            bfc_err *err);
/* After what they were clones of was destroyed: versions that came to them with their promotion go,
 * at once or with the last that stands on them. */
void bfci_zfs_drop_versions(const bfci_zfsstore *z, const bfci_zfs_promoted *p);
/* Destroys a dataset with everything below it; clones that stand outside of it are promoted before,
 * and keep their snapshots only as long as others stand on them. */
int bfci_zfs_destroy(const bfci_zfsstore *z, const char *dataset, bfc_err *err);

/* ── zfs_remove.c ── */
int bfci_zfs_remove(bfc_store *store, const bfci_reference *ref,
                    const bfc_image_delete_options *options, bfc_err *err);
/* Whether it was made to lead to images, and holds nothing itself: it cannot be mounted. */
bool bfci_zfs_is_folder(const bfci_zfsstore *z, const char *dataset);
/* Removes the datasets above `dataset` that were made for it and hold nothing else. */
void bfci_zfs_drop_folders(const bfci_zfsstore *z, const char *dataset);
#define BFCI_ZFS_FOLDER "bfc:folder"
#define BFCI_ZFS_DELETED "bfc:deleted"

/* ── zfs_prune.c ── */
int bfci_zfs_leftovers(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                       bfc_prune_report *report, bfc_err *err);

/* ── zfs_versions.c ── */
int bfci_zfs_versions(bfc_store *store, const bfc_image_info *current, bfc_image_history *out,
                      bfc_err *err);
int bfci_zfs_work_version(bfci_work *work, const uint8_t root_digest[BFC_DIGEST_SIZE],
                          bfc_err *err);

/* ── zfs_send.c, zfs_receive.c ── */
int bfci_zfs_send(bfc_store *store, const bfci_reference *ref, int fd, const char *const *have,
                  const bfc_hooks *hooks, bfc_err *err);
int bfci_zfs_receive(bfc_store *store, int fd, const bfc_image_receive_options *options,
                     bfc_err *err);

/* ── zfs_usage.c ── */
int bfci_zfs_usage(bfc_store *store, bfc_store_usage *sum, bfc_err *err);

#endif
