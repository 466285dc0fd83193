/* SPDX-License-Identifier: Apache-2.0 */
/* Clones: who stands on what, and how a dataset goes without taking them with it. Promotion turns a
 * clone and its origin around: the snapshot that both share moves to the clone, and what was its
 * origin can be destroyed. One promotion frees all clones of a snapshot, and of those before it. */
#include "store/zfs.h"

#include <stdio.h>

#include "base/hooks.h"
#include "sys/clock.h"

#define VERSION_PREFIX "bfc-"

int bfci_zfs_origins(const bfci_zfsstore *z, bfci_zfs_items *out, bfc_err *err)
{
    AUTO_FREE char *pool = NULL;

    BFC_TRY(bfci_memdup_str(z->root, strcspn(z->root, "/"), &pool, err));
    return bfci_zfs_list(&z->tool, pool, "filesystem,volume", -1, "origin", out, err);
}

static bool stands_on(const bfci_zfs_item *item, const char *dataset)
{
    return bfci_zfs_is_within(dataset, item->value) && !bfci_zfs_is_within(dataset, item->name);
}

size_t bfci_zfs_count_clones(const bfci_zfs_items *all, const char *dataset)
{
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++)
        count += stands_on(&all->item[i], dataset);
    return count;
}

int bfci_zfs_promotions(const bfci_zfsstore *z, const char *dataset,
                        void (*fn)(void *ctx, const char *clone), void *ctx, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};

    BFC_TRY(bfci_zfs_origins(z, &all, err));
    for (size_t i = 0; i < all.count; i++) {
        bool first = stands_on(&all.item[i], dataset);
        for (size_t k = 0; first && k < i; k++)
            first = !(stands_on(&all.item[k], dataset) &&
                      strcmp(all.item[k].value, all.item[i].value) == 0);
        if (first)
            fn(ctx, all.item[i].name);
    }
    return 0;
}

/* ── Promoting ── */

static const char *snapshot_part(const char *name)
{
    const char *at = strchr(name, '@');

    return at ? at + 1 : "";
}

static bool has_snapshot(const bfci_zfs_items *of, const char *part)
{
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(snapshot_part(of->item[i].name), part) == 0)
            return true;
    return false;
}

/* A clone cannot take over a snapshot of a name that it has. */
static int free_names(const bfci_zfsstore *z, const char *origin, const char *clone, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items ours = {NULL, NULL, 0};
    AUTO_ZFS_ITEMS bfci_zfs_items theirs = {NULL, NULL, 0};
    AUTO_FREE char *dataset = NULL;
    uint32_t token = 0;

    BFC_TRY(bfci_memdup_str(origin, strcspn(origin, "@"), &dataset, err));
    BFC_TRY(bfci_zfs_list(&z->tool, dataset, "snapshot", 1, "type", &ours, err));
    BFC_TRY(bfci_zfs_list(&z->tool, clone, "snapshot", 1, "type", &theirs, err));
    BFC_TRY(bfci_random(&token, sizeof token, err));
    for (size_t i = 0; i < ours.count; i++) {
        AUTO_FREE char *other = NULL;
        if (!has_snapshot(&theirs, snapshot_part(ours.item[i].name)))
            continue;
        BFC_TRY(bfci_asprintf(&other, err, "%s-%08x", ours.item[i].name, token));
        BFC_TRY(bfci_zfs(&z->tool, NULL, err, "rename", ours.item[i].name, other, NULL));
    }
    return 0;
}

/* The versions that a promotion takes out of the store: should a kill keep us from dropping them,
 * prune does it. */
static int mark_versions(const bfci_zfsstore *z, const char *origin, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    AUTO_FREE char *dataset = NULL;

    BFC_TRY(bfci_memdup_str(origin, strcspn(origin, "@"), &dataset, err));
    BFC_TRY(bfci_zfs_list(&z->tool, dataset, "snapshot", 1, "type", &all, err));
    for (size_t i = 0; i < all.count; i++)
        if (strncmp(snapshot_part(all.item[i].name), VERSION_PREFIX, strlen(VERSION_PREFIX)) == 0)
            BFC_TRY(bfci_zfs(&z->tool, NULL, err, "set", BFCI_ZFS_DELETED "=yes", all.item[i].name,
                             NULL));
    return 0;
}

static int promote(const bfci_zfsstore *z, const char *origin, const char *clone, bfc_err *err)
{
    BFC_TRY(mark_versions(z, origin, err));
    int rc = bfci_zfs(&z->tool, NULL, err, "promote", clone, NULL);

    if (rc != BFC_E_EXISTS)
        return rc;
    BFC_TRY(free_names(z, origin, clone, err));
    return bfci_zfs(&z->tool, NULL, err, "promote", clone, NULL);
}

void bfci_zfs_promoted_release(bfci_zfs_promoted *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->clone[i]);
    free(p->clone);
}

/* One after the other, since each changes the origins of others. */
int bfci_zfs_promote_clones(const bfci_zfsstore *z, const char *dataset, bfci_zfs_promoted *p,
                            bfc_err *err)
{
    for (;;) {
        AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
        size_t i = 0;
        BFC_TRY(bfci_zfs_origins(z, &all, err));
        while (i < all.count && !stands_on(&all.item[i], dataset))
            i++;
        if (i == all.count)
            return 0;
        if (p->count > all.count)
            return bfci_fail(err, BFC_E_BUSY, "dataset '%s' gets new clones again and again",
                             dataset);
        BFC_TRY(bfci_reserve(&p->clone, &p->cap, p->count + 1, sizeof *p->clone, err));
        BFC_TRY(bfci_strdup(all.item[i].name, &p->clone[p->count], err));
        p->count++;
        BFC_TRY(promote(z, all.item[i].value, all.item[i].name, err));
    }
}

/* ── Destroying ── */

static int destroy_now(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.patience_ms = ZFS_BUSY_MS;
    bfci_zfs_add(&call, "destroy");
    bfci_zfs_add(&call, "-r");
    bfci_zfs_add(&call, dataset);
    return bfci_zfs_run(&z->tool, &call, NULL, err);
}

/* The versions that came to a clone with its promotion go when nothing stands on them any more: at
 * once, or with the last clone (-d). They are told by the image that they are of: `clone` may have
 * its own. */
static void drop_versions_of(const bfci_zfsstore *z, const char *clone)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    AUTO_FREE char *own = NULL;

    if (bfci_zfs_get(&z->tool, clone, bfci_zfs_property[ZFS_IMAGE], &own, NULL) < 0 ||
        bfci_zfs_list(&z->tool, clone, "snapshot", 1, "type", &all, NULL) < 0)
        return; /* they take no room that is not shared */
    for (size_t i = 0; i < all.count; i++) {
        AUTO_FREE char *image = NULL;
        const char *name = all.item[i].name;
        if (strncmp(snapshot_part(name), VERSION_PREFIX, strlen(VERSION_PREFIX)) != 0 ||
            bfci_zfs_get(&z->tool, name, bfci_zfs_property[ZFS_IMAGE], &image, NULL) < 0 ||
            strcmp(image, own) == 0)
            continue;
        (void)bfci_zfs(&z->tool, NULL, NULL, "destroy", "-d", name, NULL);
    }
}

void bfci_zfs_drop_versions(const bfci_zfsstore *z, const bfci_zfs_promoted *p)
{
    for (size_t i = 0; i < p->count; i++)
        drop_versions_of(z, p->clone[i]);
}

int bfci_zfs_destroy(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    AUTO_ZFS_PROMOTED bfci_zfs_promoted promoted = {NULL, 0, 0};

    BFC_TRY(bfci_zfs_unmount(&z->tool, dataset, ZFS_BUSY_MS, err));
    int rc = destroy_now(z, dataset, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    /* Clones, of which there may be so many that zfs's first words are lost. */
    if (rc != BFC_E_EXISTS && rc != BFC_E_IO)
        return rc;
    BFC_TRY(bfci_zfs_promote_clones(z, dataset, &promoted, err));
    BFC_TRY(destroy_now(z, dataset, err));
    bfci_zfs_drop_versions(z, &promoted);
    return 0;
}
