/* SPDX-License-Identifier: Apache-2.0 */
/* What is left over in a ZFS store: work whose lock can be taken, images that were deleted while
 * somebody used them, files of versions that were not finished, templates on which nothing stands,
 * and datasets that only led to an image. And what a kill came too early for is made up for: an
 * image that is not mounted, properties and the snapshot of a version. Each under the lock of its
 * name; what others work on is passed by. */
#include "store/zfs.h"

#include <fcntl.h>

#include "base/hooks.h"
#include "store/facts.h"
#include "store/part_file.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

#define AUTO_DIR_LIST __attribute__((cleanup(bfci_dir_list_release)))

struct prune {
    bfci_zfsstore *z;
    bfc_store *store;
    bool dry_run;
    char *locks; /* the folder of locks; NULL: there is none, and nobody works */
    bfc_prune_fn *fn;
    void *ctx;
    bfc_prune_report *report;
    bfci_zfs_items origins;
};

static void prune_release(struct prune *p)
{
    free(p->locks);
    bfci_zfs_items_release(&p->origins);
}

static void tell(const struct prune *p, const char *what, uint64_t size)
{
    p->report->removed++;
    p->report->bytes += size;
    if (p->fn)
        p->fn(p->ctx, what, size);
}

/* *lives: somebody works on what has this lock. Otherwise nobody can while we hold it. */
static int claim(const struct prune *p, const char *part, bfci_name_lock *lock, bool *lives,
                 bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    *lives = false;
    if (!p->locks)
        return 0;
    BFC_TRY(bfci_asprintf(&path, err, "%s/%s", p->locks, part));
    if (p->dry_run)
        return bfci_name_lock_probe(path, lives, err);
    int rc = bfci_name_lock_try(path, part, lock, err);
    *lives = rc == BFC_E_BUSY;
    return *lives ? 0 : rc;
}

static int claim_image(const struct prune *p, const bfci_reference *ref, bfci_name_lock *lock,
                       bool *lives, bfc_err *err)
{
    AUTO_FREE char *work = NULL;

    BFC_TRY(bfci_zfs_work_of(p->z, ref, &work, err));
    return claim(p, strrchr(work, '/') + 1, lock, lives, err);
}

static uint64_t bytes_of(const struct prune *p, const char *dataset)
{
    AUTO_FREE char *used = NULL;

    if (bfci_zfs_get(&p->z->tool, dataset, "used", &used, NULL) < 0)
        return 0;
    return strtoull(used, NULL, 10);
}

/* One that is held, or in use after all, stays for the next time. */
static int destroy(const struct prune *p, const char *dataset, bfc_err *err)
{
    uint64_t bytes = bytes_of(p, dataset);
    bfc_err why = BFC_ERR_INIT;

    int rc = p->dry_run ? 0 : bfci_zfs_destroy(p->z, dataset, &why);
    if (rc == BFC_E_BUSY) {
        bfci_log(p->store->hooks, BFC_LOG_WARNING, "store", "%s", why.msg);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    tell(p, dataset, bytes);
    return 0;
}

/* ── Work ── */

static int prune_works(const struct prune *p, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};

    BFC_TRY(bfci_zfs_list(&p->z->tool, p->z->works, "filesystem,volume", 1, "type", &all, err));
    for (size_t i = 0; i < all.count; i++) {
        AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        const char *name = all.item[i].name;
        bool lives = false, there = false;
        if (strcmp(name, p->z->works) == 0)
            continue;
        BFC_TRY(claim(p, strrchr(name, '/') + 1, &lock, &lives, err));
        if (lives)
            continue;
        BFC_TRY(bfci_zfs_exists(&p->z->tool, name, &there, err)); /* or it was done meanwhile */
        if (there)
            BFC_TRY(destroy(p, name, err));
    }
    return 0;
}

/* ── Datasets with a mark of ours ── */

/* The names of those that have the property themselves, and did not inherit it. */
static int marked(const struct prune *p, const char *root, const char *property,
                  bfci_zfs_items *out, bfc_err *err)
{
    AUTO_FREE char *text = NULL;
    bfc_err why = BFC_ERR_INIT;
    size_t cap = 0;

    int rc = bfci_zfs(&p->z->tool, &text, &why, "get", "-H", "-o", "name", "-s", "local", "-r",
                      property, root, NULL);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    for (char *line = text; *line;) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        BFC_TRY(bfci_reserve(&out->item, &cap, out->count + 1, sizeof *out->item, err));
        out->item[out->count++] = (bfci_zfs_item){line, ""};
        line = next;
    }
    out->text = bfci_steal(&text);
    return 0;
}

/* A version that came to a clone when its image was deleted. Where it is still a template's, it
 * goes with that. */
static void drop_version(const struct prune *p, const char *snapshot)
{
    const char *part = snapshot;

    if (strncmp(strchr(snapshot, '@'), "@bfc-", 5) != 0)
        return; /* a mark of a stranger's */
    for (const char *at = snapshot; *at != '@'; at++)
        part = *at == '/' ? at + 1 : part;
    if (!p->dry_run && !(bfci_zfs_is_within(p->z->root, snapshot) && bfci_zfs_is_template(part)))
        (void)bfci_zfs(&p->z->tool, NULL, NULL, "destroy", "-d", snapshot, NULL);
}

/* One that is an image still was to be deleted by somebody who was killed before it was gone. */
static int drop_deleted(const struct prune *p, const char *name, const bfci_reference *ref,
                        bfc_err *err)
{
    AUTO_FREE char *image = NULL;

    BFC_TRY(bfci_zfs_get(&p->z->tool, name, bfci_zfs_property[ZFS_IMAGE], &image, err));
    if (strcmp(image, ref->text) != 0)
        return destroy(p, name, err);
    if (p->dry_run)
        return 0;
    return bfci_zfs(&p->z->tool, NULL, err, "inherit", BFCI_ZFS_DELETED, name, NULL);
}

static int prune_deleted(const struct prune *p, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    AUTO_FREE char *pool = NULL;

    BFC_TRY(bfci_memdup_str(p->z->root, strcspn(p->z->root, "/"), &pool, err));
    BFC_TRY(marked(p, pool, BFCI_ZFS_DELETED, &all, err));
    for (size_t i = 0; i < all.count; i++) {
        AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        const char *name = all.item[i].name;
        bfci_reference ref;
        bool lives = false;
        if (strchr(name, '@'))
            drop_version(p, name);
        if (strchr(name, '@') || !bfci_zfs_reference_of(p->z, name, &ref))
            continue;
        BFC_TRY(claim_image(p, &ref, &lock, &lives, err));
        if (!lives)
            BFC_TRY(drop_deleted(p, name, &ref, err));
        if (!p->dry_run)
            bfci_zfs_drop_folders(p->z, name);
    }
    return 0;
}

static bool has_children(const struct prune *p, const char *dataset)
{
    size_t len = strlen(dataset);

    for (size_t i = 0; i < p->origins.count; i++) {
        const char *name = p->origins.item[i].name;
        if (strncmp(name, dataset, len) == 0 && name[len] == '/')
            return true;
    }
    return false;
}

/* zfs refuses to destroy one that has got a child since. */
static int prune_folders(const struct prune *p, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};

    BFC_TRY(marked(p, p->z->root, BFCI_ZFS_FOLDER, &all, err));
    for (size_t i = all.count; i > 0; i--) {
        const char *name = all.item[i - 1].name;
        if (has_children(p, name) || !bfci_zfs_is_folder(p->z, name))
            continue;
        if (!p->dry_run && bfci_zfs(&p->z->tool, NULL, NULL, "destroy", name, NULL) < 0)
            continue;
        tell(p, name, 0);
        if (!p->dry_run)
            bfci_zfs_drop_folders(p->z, name);
    }
    return 0;
}

/* ── Templates ── */

static int prune_templates(const struct prune *p, bfc_err *err)
{
    for (size_t i = 0; i < p->origins.count; i++) {
        AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        AUTO_ZFS_ITEMS bfci_zfs_items now = {NULL, NULL, 0};
        AUTO_FREE char *image = NULL;
        const char *name = p->origins.item[i].name;
        const char *slash = strrchr(name, '/');
        bfci_reference ref;
        bool lives = false;

        if (!slash || !bfci_zfs_is_template(slash + 1) ||
            bfci_zfs_count_clones(&p->origins, name) > 0)
            continue;
        BFC_TRY(bfci_memdup_str(name, (size_t)(slash - name), &image, err));
        if (!bfci_zfs_reference_of(p->z, image, &ref))
            continue;
        BFC_TRY(claim_image(p, &ref, &lock, &lives, err));
        if (lives)
            continue;
        BFC_TRY(bfci_zfs_origins(p->z, &now, err)); /* a container may have been made of it */
        if (bfci_zfs_count_clones(&now, name) == 0)
            BFC_TRY(destroy(p, name, err));
    }
    return 0;
}

/* ── Images ── */

static bool same_facts(const bfc_image_info *a, const bfc_image_info *b)
{
    return memcmp(a->root_digest, b->root_digest, sizeof a->root_digest) == 0 &&
           a->size == b->size && a->created == b->created;
}

/* False if there is no such folder. */
static bool count_files(const char *folder, uint64_t *bytes)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;
    struct stat st;

    if (bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, NULL) < 0)
        return false;
    if (bfci_dir_read(fd, &list, NULL) < 0)
        return true;
    for (size_t i = 0; i < list.count; i++)
        if (bfci_stat_at(fd, list.item[i].name, AT_SYMLINK_NOFOLLOW, &st, NULL) == 0)
            *bytes += (uint64_t)st.st_size;
    return true;
}

/* What a killed process left of the next version. */
static int drop_beside(const struct prune *p, const bfci_found *found, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *folder = NULL;
    uint64_t bytes = 0;

    BFC_TRY(bfci_memdup_str(found->path, (size_t)(strrchr(found->path, '/') - found->path), &point,
                            err));
    BFC_TRY(bfci_asprintf(&folder, err, "%s/" BFCI_ZFS_BESIDE, point));
    if (!count_files(folder, &bytes))
        return 0;
    if (!p->dry_run)
        BFC_TRY(bfci_zfs_drop_beside(point, err));
    tell(p, folder, bytes);
    return 0;
}

/* A damaged image is for verify to tell of. */
static int mend(const struct prune *p, const bfci_found *found, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *listed = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *dataset = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_facts_read(found->path, found->ref->text, NULL, NULL, &info, &why);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0 || bfci_zfs_facts(p->store, found, NULL, &listed, &why) < 0 ||
        same_facts(info, listed))
        return 0;
    BFC_TRY(bfci_zfs_dataset_of(p->z, found->ref, &dataset, err));
    bfci_log(p->store->hooks, BFC_LOG_INFO, "store", "image '%s': its properties are set right",
             found->ref->text);
    BFC_TRY(bfci_zfs_take_version(p->z, dataset, info, err));
    return bfci_zfs_set_facts(p->z, dataset, info, err); /* last, since they were the sign */
}

static int prune_image(void *ctx, const bfci_found *found, bfc_err *err)
{
    const struct prune *p = ctx;
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *path = NULL;
    bool lives = false;

    BFC_TRY(claim_image(p, found->ref, &lock, &lives, err));
    if (lives || *found->path == '\0')
        return 0;
    if (!p->dry_run && bfci_zfs_find(p->store, found->ref, &path, NULL) < 0)
        return 0; /* that cannot be mounted, or was deleted meanwhile */
    if (path && strcmp(path, found->path) != 0)
        return 0; /* mounted by hand, elsewhere than its property says */
    BFC_TRY(drop_beside(p, found, err));
    return p->dry_run ? 0 : mend(p, found, err);
}

/* ── Locks: they hold nothing, so that they are not worth telling ── */

static int prune_locks(const struct prune *p, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    if (!p->locks || bfci_open(AT_FDCWD, p->locks, O_RDONLY | O_DIRECTORY, 0, &fd, NULL) < 0)
        return 0;
    BFC_TRY(bfci_dir_read(fd, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        bool lives = false;
        BFC_TRY(claim(p, list.item[i].name, &lock, &lives, err)); /* dropping it removes the file */
    }
    return 0;
}

/* ── Downloads ── */

static int prune_downloads(const struct prune *p, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;

    if (!p->locks) /* there is no place for work */
        return 0;
    BFC_TRY(bfci_zfs_downloads(p->store, false, &folder, err));
    return bfci_parts_prune(folder, p->dry_run, p->fn, p->ctx, p->report, err);
}

/* ── All of it ── */

static int find_locks(struct prune *p, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    bool there = false;

    BFC_TRY(bfci_zfs_exists(&p->z->tool, p->z->works, &there, err));
    if (!there)
        return 0;
    BFC_TRY(bfci_zfs_mounted(&p->z->tool, p->z->works, &point, err));
    return bfci_asprintf(&p->locks, err, "%s/.lock", point);
}

int bfci_zfs_leftovers(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                       bfc_prune_report *report, bfc_err *err)
{
    __attribute__((cleanup(prune_release))) struct prune p = {.z = bfci_zfs_of(store),
                                                              .store = store,
                                                              .dry_run = dry_run,
                                                              .fn = fn,
                                                              .ctx = ctx,
                                                              .report = report};

    BFC_TRY(find_locks(&p, err));
    BFC_TRY(prune_works(&p, err));
    BFC_TRY(prune_downloads(&p, err));
    BFC_TRY(prune_deleted(&p, err));
    BFC_TRY(bfci_zfs_scan(store, prune_image, &p, err));
    BFC_TRY(bfci_zfs_origins(p.z, &p.origins, err));
    BFC_TRY(prune_templates(&p, err));
    BFC_TRY(prune_folders(&p, err));
    return dry_run ? 0 : prune_locks(&p, err);
}
