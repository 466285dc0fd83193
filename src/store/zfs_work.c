/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a ZFS store. A new image is made in a dataset of its own below .bfc-work, gets its
 * properties and the snapshot of its version there, and then its name: the rename is the commit. An
 * image that is replaced stays the same dataset, so that what stands on it does, too: the new
 * container is written beside the old one, whose content its snapshot keeps, and rename(2) is the
 * commit; properties and snapshot follow, and prune makes up for them if a kill comes between. All
 * of it under the name's lock: what is found under .bfc-work then is a dead process's. */
#include "store/zfs.h"

#include <errno.h>
#include <fcntl.h>

#include "base/hooks.h"
#include "store/facts.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/mounts.h"
#include "sys/names.h"

#define RECORD_SIZE "1M"
#define RECORD_SIZE_BEFORE "128K" /* of pools without large blocks */
#define FOLDER_TRIES 10
#define FOLDER_MODE 0777 /* less the umask */

static int wrap_store(bfc_err *err, int rc, const bfc_store *store)
{
    if (err && (err->os_errno == EROFS || strstr(err->msg, "read-only")))
        return bfci_wrap(err, rc, "the store '%s' is read-only", BFCI_QUOTE_STR(store->uri));
    return bfci_wrap(err, rc, "store '%s'", BFCI_QUOTE_STR(store->uri));
}

static int tell_exists(const bfc_store *store, const bfci_reference *ref, bfc_err *err)
{
    return bfci_fail(err, BFC_E_EXISTS, "image '%s' is already in the store '%s'", ref->text,
                     BFCI_QUOTE_STR(store->uri));
}

/* ── The dataset of a new image ── */

static bool is_given(const char *const *properties, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; properties && properties[i]; i++)
        if (strncmp(properties[i], name, len) == 0 && properties[i][len] == '=')
            return true;
    return false;
}

static const struct {
    const char *name, *value;
} defaults[] = {
    {"recordsize", RECORD_SIZE}, /* a container is read and written in long runs */
    {"compression", "off"},      /* it is compressed already */
    {"atime", "off"},
};

/* What was set at the root by hand is meant for the images in it. */
static int add_properties(const bfci_zfsstore *z, bfci_zfs_call *call, const char *const *given,
                          bool large, bfc_err *err)
{
    AUTO_FREE char *at_root = NULL; /* their names, one a line */

    BFC_TRY(bfci_zfs(&z->tool, &at_root, err, "get", "-H", "-o", "property", "-s", "local,received",
                     "recordsize,compression,atime", z->root, NULL));
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!is_given(given, defaults[i].name) && !strstr(at_root, defaults[i].name))
            bfci_zfs_set_option(call, defaults[i].name,
                                i == 0 && !large ? RECORD_SIZE_BEFORE : defaults[i].value);
    for (size_t i = 0; given && given[i]; i++) {
        bfci_zfs_add(call, "-o");
        bfci_zfs_add(call, given[i]);
    }
    return 0;
}

int bfci_zfs_set_defaults(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
        AUTO_FREE char *at_root = NULL;
        if (strcmp(defaults[i].name, "recordsize") == 0)
            continue; /* of what is written, it changes nothing */
        BFC_TRY(bfci_zfs(&z->tool, &at_root, err, "get", "-H", "-o", "property", "-s", "local",
                         defaults[i].name, z->root, NULL));
        if (*at_root)
            continue;
        bfci_zfs_add(&call, "set");
        bfci_zfs_addf(&call, "%s=%s", defaults[i].name, defaults[i].value);
        bfci_zfs_add(&call, dataset);
        BFC_TRY(bfci_zfs_run(&z->tool, &call, NULL, err));
    }
    return 0;
}

/* Makes the dataset, or with `origin` a clone of that snapshot. A pool without large blocks says
 * so. */
static int make_dataset(const bfci_work *work, const char *origin, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);
    int rc = 0;

    for (int large = !z->tool.fuse; large >= 0; large--) {
        AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
        bfci_zfs_add(&call, origin ? "clone" : "create");
        BFC_TRY(add_properties(z, &call, work->how.properties, large, err));
        if (origin)
            bfci_zfs_add(&call, origin);
        bfci_zfs_add(&call, work->place);
        rc = bfci_zfs_run(&z->tool, &call, NULL, err);
        if (rc != BFC_E_INVALID || is_given(work->how.properties, "recordsize"))
            break;
    }
    return rc;
}

/* Datasets between the root and the image hold nothing: they are never mounted. */
static int make_folders(const bfci_zfsstore *z, const char *dataset, bfc_err *err)
{
    AUTO_FREE char *above = NULL;

    BFC_TRY(bfci_strdup(dataset, &above, err));
    for (char *slash = strchr(above + strlen(z->root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        bool there = false;
        *slash = '\0';
        BFC_TRY(bfci_zfs_exists(&z->tool, above, &there, err));
        if (!there) {
            int rc = bfci_zfs(&z->tool, NULL, err, "create", "-o", "canmount=off", "-o",
                              BFCI_ZFS_FOLDER "=yes", above, NULL);
            if (rc < 0 && rc != BFC_E_EXISTS)
                return rc;
        }
        *slash = '/';
    }
    return 0;
}

/* "host:5000" is an image, and the registry of "host:5000/app:1": it cannot be both here. */
static int check_registry(const bfci_zfsstore *z, const bfci_reference *ref, const char *dataset,
                          bfc_err *err)
{
    AUTO_FREE char *above = NULL;
    AUTO_FREE char *image = NULL;
    const size_t root = strlen(z->root) + 1;
    bfci_reference other;

    if (ref->registry_len == 0)
        return 0;
    BFC_TRY(bfci_memdup_str(dataset, root + strcspn(dataset + root, "/"), &above, err));
    if (bfci_zfs_reference_of(z, above, &other) &&
        bfci_zfs_get(&z->tool, above, bfci_zfs_property[ZFS_IMAGE], &image, NULL) == 0 &&
        strcmp(image, other.text) == 0)
        return bfci_fail(err, BFC_E_EXISTS,
                         "image '%s' cannot stand on ZFS beside the image '%s', whose dataset its "
                         "registry would be",
                         ref->text, other.text);
    return 0;
}

static int check_free(const bfci_zfsstore *z, const bfci_reference *ref, const char *dataset,
                      bfc_err *err)
{
    AUTO_FREE char *deleted = NULL;
    bool there = false;

    BFC_TRY(bfci_zfs_exists(&z->tool, dataset, &there, err));
    if (!there)
        return 0;
    BFC_TRY(bfci_zfs(&z->tool, &deleted, err, "get", "-H", "-o", "name", "-s", "local",
                     BFCI_ZFS_DELETED, dataset, NULL));
    if (*deleted)
        return bfci_fail(err, BFC_E_BUSY,
                         "image '%s' was deleted while it was in use, and is so still: 'bfc image "
                         "prune' removes what is left when it is free",
                         ref->text);
    return bfci_fail(err, BFC_E_EXISTS,
                     "dataset '%s' is there, and is no image: rename or destroy it", dataset);
}

/* ── Beginning ── */

int bfci_zfs_drop_beside(const char *point, bfc_err *err)
{
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, point, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    return bfci_remove_tree(fd, BFCI_ZFS_BESIDE, err);
}

/* In a folder of the image's own dataset. */
static int begin_beside(bfci_work *work, const char *file, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *folder = NULL;

    if (work->how.properties && work->how.properties[0])
        return bfci_fail(
            err, BFC_E_INVALID,
            "the dataset of image '%s' is there: its properties are set with 'zfs set'",
            work->ref.text);
    BFC_TRY(bfci_memdup_str(file, (size_t)(strrchr(file, '/') - file), &point, err));
    BFC_TRY(bfci_zfs_drop_beside(point, err)); /* of a dead process */
    BFC_TRY(bfci_asprintf(&folder, err, "%s/" BFCI_ZFS_BESIDE, point));
    BFC_TRY(bfci_make_folder(folder, FOLDER_MODE, err));
    return bfci_asprintf(&work->path, err, "%s/%s", folder, strrchr(file, '/') + 1);
}

static int begin_new(bfci_work *work, bfc_err *err)
{
    bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *point = NULL;

    BFC_TRY(bfci_zfs_dataset_of(z, &work->ref, &dataset, err));
    BFC_TRY(check_registry(z, &work->ref, dataset, err));
    BFC_TRY(check_free(z, &work->ref, dataset, err));
    BFC_TRY(bfci_zfs_work_of(z, &work->ref, &work->place, err));
    int rc = make_dataset(work, NULL, err);
    if (rc == BFC_E_EXISTS) { /* of a dead process */
        BFC_TRY(bfci_zfs_destroy(z, work->place, err));
        rc = make_dataset(work, NULL, err);
    }
    BFC_TRY(rc);
    BFC_TRY(bfci_zfs_mounted(&z->tool, work->place, &point, err));
    return bfci_asprintf(&work->path, err, "%s/%s" BFCI_ZFS_SUFFIX, point,
                         work->ref.text + work->ref.last_at);
}

static int begin(bfci_work *work, bfc_err *err)
{
    bfci_zfsstore *z = bfci_zfs_of(work->store);
    bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *file = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_zfs_lock(z, &work->ref, &lock, err));
    work->lock = lock.path;
    work->lock_fd = lock.fd;
    int rc = bfci_zfs_find(work->store, &work->ref, &file, &why);
    if (rc == BFC_E_NOT_FOUND)
        return begin_new(work, err);
    if (rc == 0)
        return work->how.replace ? begin_beside(work, file, err)
                                 : tell_exists(work->store, &work->ref, err);
    if (err)
        *err = why;
    return rc;
}

int bfci_zfs_work_begin(bfc_store *store, const bfci_reference *ref, const bfci_work_how *how,
                        bfci_work *out, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;

    BFC_TRY(bfci_zfs_check_length(bfci_zfs_of(store), ref, err));
    work.store = store;
    work.ref = *ref;
    work.how = *how;
    int rc = begin(&work, err);
    if (rc == BFC_E_BUSY || rc == BFC_E_EXISTS)
        return rc;
    if (rc < 0)
        return wrap_store(err, rc, store);
    *out = work;
    work = (bfci_work)BFCI_WORK_INIT;
    return 0;
}

/* ── From what is there ── */

struct owner {
    const char *path;
    size_t best;
    char *dataset;
};

static int is_owner(void *ctx, const bfci_mount *m, bfc_err *err)
{
    struct owner *o = ctx;
    size_t len = strlen(m->point);

    if (!bfci_zfs_is_mount(m) || strncmp(m->point, o->path, len) != 0 || o->path[len] != '/' ||
        len < o->best)
        return 0;
    o->best = len;
    free(bfci_steal(&o->dataset));
    return bfci_strdup(m->source, &o->dataset, err);
}

/* The snapshot that should keep the content of the container at `path`, if that is an image of this
 * store; else NULL. */
static int snapshot_of(const bfci_zfsstore *z, const char *path, char **snapshot,
                       bfc_image_info **info, bfc_err *err)
{
    struct owner o = {.path = path};
    char version[BFCI_ZFS_VERSION_LEN + 1];
    bfci_reference ref;
    bool there = false;

    int rc = bfci_mounts_each(is_owner, &o, err);
    AUTO_FREE char *dataset = o.dataset;
    BFC_TRY(rc);
    if (!dataset || !bfci_zfs_reference_of(z, dataset, &ref))
        return 0;
    BFC_TRY(bfci_facts_read(path, ref.text, NULL, NULL, info, err));
    bfci_zfs_version_name((*info)->root_digest, version);
    BFC_TRY(bfci_asprintf(snapshot, err, "%s@%s", dataset, version));
    BFC_TRY(bfci_zfs_exists(&z->tool, *snapshot, &there, err));
    if (!there)
        free(bfci_steal(snapshot));
    return 0;
}

/* Puts another dataset in the place of the one there is. */
static int make_again(bfci_work *work, const char *origin, char **point, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);

    BFC_TRY(bfci_zfs_destroy(z, work->place, err));
    BFC_TRY(make_dataset(work, origin, err));
    return bfci_zfs_mounted(&z->tool, work->place, point, err);
}

/* The empty dataset gives way to a clone, in which the file gets its new name. A snapshot of that
 * name may have been taken by hand: *same is false if it holds another container. */
static int clone_of(bfci_work *work, const char *snapshot, const char *name,
                    const bfc_image_info *wanted, bool *same, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *file = NULL;

    BFC_TRY(make_again(work, snapshot, &point, err));
    BFC_TRY(bfci_asprintf(&file, err, "%s/%s", point, name));
    *same = bfci_facts_read(file, wanted->name, NULL, NULL, &info, NULL) == 0 &&
            memcmp(info->root_digest, wanted->root_digest, sizeof info->root_digest) == 0;
    return *same ? bfci_move(file, work->path, true, err) : 0;
}

int bfci_zfs_work_copy(bfci_work *work, const char *source, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO(bfc_image_info) bfc_image_info *wanted = NULL;
    AUTO_FREE char *snapshot = NULL;
    AUTO_FREE char *point = NULL;
    bool same = false;

    if (work->place)
        BFC_TRY(snapshot_of(z, source, &snapshot, &wanted, err));
    if (snapshot)
        BFC_TRY(clone_of(work, snapshot, strrchr(source, '/') + 1, wanted, &same, err));
    if (same)
        return 0;
    if (snapshot)
        BFC_TRY(make_again(work, NULL, &point, err));
    return bfci_copy_file(source, work->path, err);
}

/* ── Publishing ── */

/* A neighbour's delete may remove the datasets on the way, as long as they are empty. */
static int move_in(const bfci_zfsstore *z, const char *place, const char *dataset, bfc_err *err)
{
    int rc = BFC_E_NOT_FOUND;

    for (int i = 0; rc == BFC_E_NOT_FOUND && i < FOLDER_TRIES; i++) {
        BFC_TRY(make_folders(z, dataset, err));
        rc = bfci_zfs_rename(&z->tool, place, dataset, err);
    }
    return rc;
}

static int publish_new(bfci_work *work, const bfc_image_info *info, char **path, bfc_err *err)
{
    bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *point = NULL;

    BFC_TRY(bfci_zfs_dataset_of(z, &work->ref, &dataset, err));
    BFC_TRY(bfci_zfs_set_facts(z, work->place, info, err));
    BFC_TRY(bfci_zfs_take_version(z, work->place, info, err));
    BFC_TRY(move_in(z, work->place, dataset, err));
    free(bfci_steal(&work->place)); /* nothing is left to be removed */
    free(bfci_steal(&work->path));
    BFC_TRY(bfci_zfs_mounted(&z->tool, dataset, &point, err));
    return bfci_asprintf(path, err, "%s/%s" BFCI_ZFS_SUFFIX, point,
                         work->ref.text + work->ref.last_at);
}

/* Where the dataset is mounted in which the work goes on beside the image. */
static int point_beside(const bfci_work *work, char **point, bfc_err *err)
{
    BFC_TRY(bfci_strdup(work->path, point, err));
    *strrchr(*point, '/') = '\0';
    *strrchr(*point, '/') = '\0';
    return 0;
}

/* The content that is to be replaced must have its snapshot, which a kill may have kept it from. */
static int keep_old(const bfci_work *work, const char *dataset, const char *file, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *old = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_facts_read(file, work->ref.text, NULL, NULL, &old, &why);
    if (rc < 0) {
        bfci_log(work->store->hooks, BFC_LOG_WARNING, "store",
                 "the version that is replaced is not kept: %s", why.msg);
        return 0;
    }
    return bfci_zfs_take_version(bfci_zfs_of(work->store), dataset, old, err);
}

static int publish_beside(bfci_work *work, const bfc_image_info *info, char **path, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *file = NULL;

    BFC_TRY(bfci_zfs_dataset_of(z, &work->ref, &dataset, err));
    BFC_TRY(point_beside(work, &point, err));
    BFC_TRY(bfci_asprintf(&file, err, "%s/%s", point, strrchr(work->path, '/') + 1));
    BFC_TRY(keep_old(work, dataset, file, err));
    BFC_TRY(bfci_move(work->path, file, true, err));
    BFC_TRY(bfci_zfs_drop_beside(point, err));
    BFC_TRY(bfci_sync_folder(point, err));
    /* The properties last: what they still say tells prune that something is missing. */
    BFC_TRY(bfci_zfs_take_version(z, dataset, info, err));
    BFC_TRY(bfci_zfs_set_facts(z, dataset, info, err));
    *path = bfci_steal(&file);
    return 0;
}

int bfci_zfs_work_publish(bfci_work *work, const bfc_image_info *info, char **path, bfc_err *err)
{
    int rc =
        work->place ? publish_new(work, info, path, err) : publish_beside(work, info, path, err);

    if (rc == BFC_E_EXISTS)
        return bfci_wrap(err, rc, "image '%s' appeared while it was made", work->ref.text);
    return rc < 0 ? wrap_store(err, rc, work->store) : 0;
}

void bfci_zfs_work_end(bfci_work *work)
{
    const bfci_zfsstore *z = bfci_zfs_of(work->store);

    AUTO_FREE char *point = NULL;

    /* What cannot be removed is found by prune. */
    if (work->place)
        (void)bfci_zfs_destroy(z, work->place, NULL);
    else if (work->path && point_beside(work, &point, NULL) == 0)
        (void)bfci_zfs_drop_beside(point, NULL);
    bfci_name_lock lock = {work->lock_fd, work->lock};
    bfci_name_lock_drop(&lock); /* last: until then nobody else may touch the place */
    free(work->place);
    free(work->path);
    *work = (bfci_work)BFCI_WORK_INIT;
}
