/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting an image: it is unmounted, which fails while somebody uses it; it is renamed below
 * .bfc-work, from when on it is gone; what stands on it is promoted; and it is destroyed. ZFS-FUSE
 * renames nothing that mounted clones stand on: there it loses the property that makes it an image
 * instead. A kill before that leaves the image with all its versions, after it what prune destroys.
 */
#include "store/zfs.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hooks.h"
#include "sys/clock.h"
#include "sys/mounts.h"
#include "sys/names.h"

#define WAIT_STEP_MS 200

struct removal {
    bfci_zfsstore *z;
    bfc_store *store;
    const bfci_reference *ref;
    const bfc_image_delete_options *options;
    char *dataset, *doomed;
};

static void removal_release(struct removal *r)
{
    free(r->dataset);
    free(r->doomed);
}

static void BFCI_PRINTF(2, 3) step(const struct removal *r, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    if (!r->options->step)
        return;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        return; /* a step untold is taken all the same */
    r->options->step(r->options->step_ctx, text);
    free(text);
}

/* ── What is to be deleted ── */

/* Damaged and unmounted ones are images, too, as long as their property says so. */
static int check_image(const struct removal *r, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *image = NULL;

    int rc = bfci_zfs_find(r->store, r->ref, &path, err);
    if (rc == 0 ||
        bfci_zfs_get(&r->z->tool, r->dataset, bfci_zfs_property[ZFS_IMAGE], &image, NULL) < 0)
        return rc;
    return strcmp(image, r->ref->text) == 0 ? 0 : rc;
}

static int check_children(const struct removal *r, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};

    BFC_TRY(bfci_zfs_list(&r->z->tool, r->dataset, "filesystem,volume", 1, "type", &all, err));
    for (size_t i = 0; i < all.count; i++) {
        const char *name = all.item[i].name;
        if (strcmp(name, r->dataset) != 0 && !bfci_zfs_is_template(strrchr(name, '/') + 1))
            return bfci_fail(
                err, BFC_E_EXISTS,
                "dataset '%s' stands below the image and is none of it: rename or destroy "
                "it first",
                name);
    }
    return 0;
}

/* ── Its steps ── */

static int unmount(const struct removal *r, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bool told = false;

    for (;;) {
        int rc = bfci_zfs_unmount(&r->z->tool, r->dataset, 0, &why);
        if (rc != BFC_E_BUSY || !r->options->wait) {
            if (rc < 0 && err)
                *err = why;
            return rc;
        }
        if (!told)
            bfci_log(r->options->hooks, BFC_LOG_WARNING, "store", "%s: waiting", why.msg);
        told = true;
        BFC_TRY(bfci_check_cancel(r->options->hooks, err));
        bfci_pause_ms(WAIT_STEP_MS);
    }
}

/* Without a rename: the dataset loses the property that makes it an image. One that has both is
 * an image; prune takes the mark from it. */
static int disown(const struct removal *r, bfc_err *err)
{
    BFC_TRY(bfci_zfs(&r->z->tool, NULL, err, "set", BFCI_ZFS_DELETED "=yes", r->dataset, NULL));
    return bfci_zfs(&r->z->tool, NULL, err, "inherit", bfci_zfs_property[ZFS_IMAGE], r->dataset,
                    NULL);
}

/* Somebody uses it, so that it can neither be unmounted nor everywhere be renamed. Its file loses
 * its name; what it held is read on by who has it open. */
static int hide(const struct removal *r, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    step(r, "zfs set " BFCI_ZFS_DELETED "=yes %s", r->dataset);
    BFC_TRY(bfci_zfs_find(r->store, r->ref, &path, err));
    BFC_TRY(disown(r, err));
    BFC_TRY(bfci_remove_file(path, err));
    bfci_log(r->options->hooks, BFC_LOG_WARNING, "store",
             "image '%s' is in use: 'bfc image prune' removes what is left when it is free",
             r->ref->text);
    return 0;
}

/* Out of sight: who has files open keeps them, and the dataset can be renamed. Not with ZFS-FUSE,
 * whose daemon keeps what is open. */
static int detach(const struct removal *r, bfc_err *err)
{
    AUTO_FREE char *point = NULL;

    step(r, "umount -l %s", r->dataset);
    BFC_TRY(bfci_zfs_mount_point(r->dataset, &point, err));
    return bfci_detach(point, err);
}

static void tell_promotion(void *ctx, const char *clone)
{
    step(ctx, "zfs promote %s", clone);
}

static int can_rename(const struct removal *r, bool *can, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};

    *can = true;
    if (!r->z->tool.fuse)
        return 0;
    BFC_TRY(bfci_zfs_origins(r->z, &all, err));
    *can = bfci_zfs_count_clones(&all, r->dataset) == 0;
    return 0;
}

static int tell_steps(const struct removal *r, bfc_err *err)
{
    bool renamed = false;

    BFC_TRY(can_rename(r, &renamed, err));
    step(r, "zfs unmount %s", r->dataset);
    if (renamed)
        step(r, "zfs rename %s '%s'", r->dataset, r->doomed);
    else
        step(r, "zfs set " BFCI_ZFS_DELETED "=yes %s", r->dataset);
    BFC_TRY(bfci_zfs_promotions(r->z, r->dataset, tell_promotion, (void *)(uintptr_t)r, err));
    step(r, "zfs destroy -r '%s'", renamed ? r->doomed : r->dataset);
    return 0;
}

bool bfci_zfs_is_folder(const bfci_zfsstore *z, const char *dataset)
{
    AUTO_FREE char *values = NULL;
    size_t len = strlen(z->root);

    return strncmp(dataset, z->root, len) == 0 && dataset[len] == '/' && !strchr(dataset, '@') &&
           bfci_zfs(&z->tool, &values, NULL, "get", "-H", "-o", "value", "-s", "local,received",
                    BFCI_ZFS_FOLDER ",canmount", dataset, NULL) == 0 &&
           strcmp(values, "yes\noff\n") == 0;
}

void bfci_zfs_drop_folders(const bfci_zfsstore *z, const char *dataset)
{
    AUTO_FREE char *above = NULL;

    if (bfci_strdup(dataset, &above, NULL) < 0)
        return; /* prune finds them */
    for (char *slash = strrchr(above, '/'); slash && slash > above + strlen(z->root);
         slash = strrchr(above, '/')) {
        *slash = '\0';
        if (!bfci_zfs_is_folder(z, above) ||
            bfci_zfs(&z->tool, NULL, NULL, "destroy", above, NULL) < 0)
            return;
    }
}

static int destroy(const struct removal *r, const char *dataset, bool in_use, bfc_err *err)
{
    AUTO_ZFS_PROMOTED bfci_zfs_promoted promoted = {NULL, 0, 0};

    BFC_TRY(bfci_zfs_promote_clones(r->z, dataset, &promoted, err));
    int rc = in_use ? bfci_zfs(&r->z->tool, NULL, err, "destroy", "-r", dataset, NULL)
                    : bfci_zfs_destroy(r->z, dataset, err);
    bfci_zfs_drop_versions(r->z, &promoted);
    return rc;
}

static int take_away(const struct removal *r, bool in_use, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bool renamed = false;

    BFC_TRY(can_rename(r, &renamed, err));
    BFC_TRY(renamed ? bfci_zfs_rename(&r->z->tool, r->dataset, r->doomed, err) : disown(r, err));
    /* From here on the image is gone. */
    int rc = destroy(r, renamed ? r->doomed : r->dataset, in_use, &why);
    bfci_zfs_drop_folders(r->z, r->dataset);
    if (rc == BFC_E_BUSY) {
        bfci_log(r->options->hooks, BFC_LOG_WARNING, "store",
                 "%s: 'bfc image prune' removes what is left when it is free", why.msg);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int delete_in_use(const struct removal *r, bfc_err *err)
{
    if (r->z->tool.fuse || detach(r, NULL) < 0)
        return hide(r, err);
    return take_away(r, true, err);
}

static int run(struct removal *r, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(check_image(r, err));
    BFC_TRY(check_children(r, err));
    if (r->options->step)
        BFC_TRY(tell_steps(r, err));
    if (r->options->dry_run)
        return 0;
    int rc = unmount(r, &why);
    if (rc == BFC_E_BUSY && r->options->lazy)
        return delete_in_use(r, err);
    if (rc == BFC_E_BUSY) {
        if (err)
            *err = why;
        return bfci_wrap(err, rc, "image '%s'", r->ref->text);
    }
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    return take_away(r, false, err);
}

/* A name of its own: what an earlier delete left, since somebody holds it, is not in the way. */
static int name_doomed(struct removal *r, bfc_err *err)
{
    AUTO_FREE char *work = NULL;
    uint32_t token = 0;

    BFC_TRY(bfci_random(&token, sizeof token, err));
    BFC_TRY(bfci_zfs_work_of(r->z, r->ref, &work, err));
    return bfci_asprintf(&r->doomed, err, "%s %08x", work, token);
}

/* A pool that is full takes no file for a lock, and is what one deletes for. Without it, what
 * another process does to the image keeps it from being unmounted, or fails for want of room. */
static int unless_full(int rc, const bfc_err *why, bfc_err *err)
{
    if (rc == BFC_E_NOSPC)
        return 0;
    if (rc < 0 && err)
        *err = *why;
    return rc;
}

int bfci_zfs_remove(bfc_store *store, const bfci_reference *ref,
                    const bfc_image_delete_options *options, bfc_err *err)
{
    __attribute__((cleanup(removal_release))) struct removal r = {
        .z = bfci_zfs_of(store), .store = store, .ref = ref, .options = options};
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_NAME_LOCK bfci_name_lock doomed_lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *path = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_zfs_dataset_of(r.z, ref, &r.dataset, err));
    BFC_TRY(check_image(&r, err)); /* before a place for locks is made for it */
    BFC_TRY(name_doomed(&r, err));
    if (options->dry_run)
        return run(&r, err);
    BFC_TRY(unless_full(bfci_zfs_lock(r.z, ref, &lock, &why), &why, err));
    BFC_TRY(bfci_zfs_lock_path(r.z, strrchr(r.doomed, '/') + 1, &path, err));
    BFC_TRY(
        unless_full(bfci_name_lock_take(path, "what is deleted", &doomed_lock, &why), &why, err));
    return run(&r, err);
}
