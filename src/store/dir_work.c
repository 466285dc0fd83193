/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a directory store. All work on a name goes on in .bfc-tmp/<escaped name>/ and under
 * the name's lock; one rename() makes the image. Folders on the way to an image are made right
 * before that rename and may be removed by a neighbour's delete or a prune while they are empty:
 * then they are made again. A kill at any step leaves the old image or the new one, and at most a
 * work folder and empty folders, which nobody lists. */
#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>

#include "sys/clock.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

#define FOLDER_MODE 0777 /* less the umask */
#define PUBLISH_NS (10 * UINT64_C(1000000000))

static int wrap_store(bfc_err *err, int rc, const bfc_store *store)
{
    if (rc == BFC_E_DENIED)
        return bfci_wrap(err, rc, "the store '%s' cannot be changed by this user",
                         BFCI_QUOTE_STR(store->uri));
    return bfci_wrap(err, rc, "store '%s'", BFCI_QUOTE_STR(store->uri));
}

static bool is_there(bfc_store *store, const bfci_reference *ref)
{
    AUTO_FREE char *path = NULL;

    return bfci_dirstore_find(store, ref, &path, NULL) == 0;
}

static int tell_exists(const bfc_store *store, const bfci_reference *ref, bfc_err *err)
{
    return bfci_fail(err, BFC_E_EXISTS, "image '%s' is already in the store '%s'", ref->text,
                     BFCI_QUOTE_STR(store->uri));
}

/* Removes a folder and those above it as long as they are empty; never the root. */
static void remove_empty_folders(const bfci_dirstore *dir, const char *folder)
{
    AUTO_FREE char *path = NULL;

    if (bfci_strdup(folder, &path, NULL) < 0)
        return; /* prune finds them */
    while (strlen(path) > strlen(dir->root) && bfci_remove_folder(path, NULL) == 0)
        *strrchr(path, '/') = '\0';
}

/* Makes the names in a folder, and those of the folders above it, safe from a power loss. */
static int sync_folders(const bfci_dirstore *dir, const char *folder, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_strdup(folder, &path, err));
    while (strlen(path) > strlen(dir->root)) {
        int rc = bfci_sync_folder(path, err);
        /* A folder that a neighbour's delete removed had nothing to keep. */
        if (rc < 0 && rc != BFC_E_NOT_FOUND)
            return rc;
        *strrchr(path, '/') = '\0';
    }
    return bfci_sync_folder(dir->root, err);
}

/* ── Beginning ── */

static int make_if_missing(const char *path, bfc_err *err)
{
    int rc = bfci_make_folder(path, FOLDER_MODE, err);

    return rc == BFC_E_EXISTS ? 0 : rc;
}

/* A new root is worth nothing if a power loss takes its name, or that of a folder it is in. */
static int make_root(const bfci_dirstore *dir, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    struct stat st;

    if (bfci_stat_at(AT_FDCWD, dir->root, 0, &st, NULL) == 0)
        return 0;
    BFC_TRY(bfci_make_dirs(dir->root, FOLDER_MODE, err));
    BFC_TRY(bfci_strdup(dir->root, &path, err));
    for (char *slash = strrchr(path, '/'); slash > path; slash = strrchr(path, '/')) {
        *slash = '\0';
        int rc = bfci_sync_folder(path, err);
        if (rc == BFC_E_DENIED) /* one that we may not even read was there before */
            return 0;
        BFC_TRY(rc);
    }
    return 0;
}

static int make_store(const bfci_dirstore *dir, bfc_err *err)
{
    BFC_TRY(make_root(dir, err));
    BFC_TRY(make_if_missing(dir->locks, err));
    return make_if_missing(dir->works, err);
}

/* What a dead process left under this name goes first: the lock says that it is dead. */
static int make_place(const bfci_dirstore *dir, bfci_work *work, bfc_err *err)
{
    char part[BFCI_REFERENCE_MAX + 1];
    AUTO_FD int works = -1;

    bfci_reference_escape(&work->ref, part);
    BFC_TRY(bfci_asprintf(&work->place, err, "%s/%s", dir->works, part));
    BFC_TRY(bfci_asprintf(&work->path, err, "%s/image" BFCI_DIRSTORE_SUFFIX, work->place));
    BFC_TRY(bfci_open(AT_FDCWD, dir->works, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &works, err));
    BFC_TRY(bfci_remove_tree(works, part, err));
    return bfci_make_folder(work->place, FOLDER_MODE, err);
}

int bfci_dirstore_work_begin(bfc_store *store, const bfci_reference *ref, const bfci_work_how *how,
                             bfci_work *out, bfc_err *err)
{
    const bfci_dirstore *dir = bfci_dirstore_of(store);
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;

    if (how->properties && how->properties[0])
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the store '%s' is a folder: only images on ZFS have properties ('%s')",
                         BFCI_QUOTE_STR(store->uri), BFCI_QUOTE_STR(how->properties[0]));
    if (!how->replace && is_there(store, ref))
        return tell_exists(store, ref, err);
    int rc = make_store(dir, err);
    if (rc == 0)
        rc = bfci_dirstore_lock_take(dir, ref, &lock, err);
    if (rc == BFC_E_BUSY)
        return rc;
    if (rc < 0)
        return wrap_store(err, rc, store);
    if (!how->replace && is_there(store, ref)) /* who held the lock before may have made it */
        return tell_exists(store, ref, err);

    AUTO_WORK bfci_work work = BFCI_WORK_INIT;
    work.store = store;
    work.ref = *ref;
    work.how = *how;
    work.lock = bfci_steal(&lock.path);
    work.lock_fd = bfci_steal_fd(&lock.fd);
    rc = make_place(dir, &work, err);
    if (rc < 0)
        return wrap_store(err, rc, store);
    *out = work;
    work = (bfci_work)BFCI_WORK_INIT;
    return 0;
}

/* A link costs nothing. Where the file system or its owner does not let us, there is a copy. */
int bfci_dirstore_work_share(bfci_work *work, const char *source, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_link(source, work->path, &why);
    if (rc == 0)
        return 0;
    if (why.os_errno != EXDEV && why.os_errno != EPERM && why.os_errno != EMLINK &&
        why.os_errno != ENOTSUP) {
        if (err)
            *err = why;
        return rc;
    }
    return bfci_copy_file(source, work->path, err);
}

int bfci_dirstore_work_copy(bfci_work *work, const char *source, bfc_err *err)
{
    return bfci_copy_file(source, work->path, err);
}

/* ── Publishing ── */

/* A neighbour may remove the empty folders between the two steps, but not for ever. */
static int move_in(const bfci_work *work, const char *folder, const char *file, bfc_err *err)
{
    const uint64_t start = bfci_monotonic_ns();

    do {
        int rc = bfci_make_dirs(folder, FOLDER_MODE, err);
        if (rc == 0)
            rc = bfci_move(work->path, file, work->how.replace, err);
        if (rc != BFC_E_NOT_FOUND)
            return rc;
    } while (bfci_monotonic_ns() - start < PUBLISH_NS);
    return bfci_fail(err, BFC_E_BUSY, "folder '%s' is removed again and again by others",
                     BFCI_QUOTE_STR(folder));
}

int bfci_dirstore_work_publish(bfci_work *work, const bfc_image_info *info, char **path,
                               bfc_err *err)
{
    const bfci_dirstore *dir = bfci_dirstore_of(work->store);
    AUTO_FREE char *folder = NULL;
    AUTO_FREE char *file = NULL;

    (void)info; /* the container says all of it */
    BFC_TRY(bfci_dirstore_folder_of(dir, &work->ref, &folder, err));
    BFC_TRY(bfci_dirstore_file_of(dir, &work->ref, &file, err));
    int rc = move_in(work, folder, file, err);
    if (rc == BFC_E_EXISTS)
        return tell_exists(work->store, &work->ref, err);
    if (rc < 0) {
        remove_empty_folders(dir, folder);
        return wrap_store(err, rc, work->store);
    }
    /* From here on the image is there; the sync makes it stay. */
    rc = sync_folders(dir, folder, err);
    if (rc < 0)
        return wrap_store(err, rc, work->store);
    *path = bfci_steal(&file);
    return 0;
}

void bfci_dirstore_work_end(bfci_work *work)
{
    if (work->place) {
        AUTO_FD int works = -1;
        if (bfci_open(AT_FDCWD, bfci_dirstore_of(work->store)->works,
                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &works, NULL) == 0)
            (void)bfci_remove_tree(works, strrchr(work->place, '/') + 1, NULL);
    }
    bfci_name_lock lock = {work->lock_fd, work->lock};
    bfci_name_lock_drop(&lock); /* last: until then nobody else may touch the place */
    free(work->place);
    free(work->path);
    *work = (bfci_work)BFCI_WORK_INIT;
}

/* ── Folders for others ── */

static int own_folder(const bfc_store *store, const char *above, const char *name, bool make,
                      char **path, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;

    BFC_TRY(bfci_asprintf(&folder, err, "%s/%s", above, name));
    int rc = make ? make_store(bfci_dirstore_of(store), err) : 0;
    if (rc == 0 && make)
        rc = make_if_missing(folder, err);
    if (rc < 0)
        return wrap_store(err, rc, store);
    *path = bfci_steal(&folder);
    return 0;
}

int bfci_dirstore_downloads(bfc_store *store, bool make, char **path, bfc_err *err)
{
    return own_folder(store, bfci_dirstore_of(store)->works, "downloads", make, path, err);
}

int bfci_dirstore_records(bfc_store *store, bool make, char **path, bfc_err *err)
{
    return own_folder(store, bfci_dirstore_of(store)->root, ".bfc-sync", make, path, err);
}

/* ── Removing ── */

static int remove_image(bfc_store *store, const bfci_reference *ref, const char *file, bfc_err *err)
{
    const bfci_dirstore *dir = bfci_dirstore_of(store);
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *folder = NULL;

    BFC_TRY(bfci_dirstore_folder_of(dir, ref, &folder, err));
    int rc = make_if_missing(dir->locks, err);
    if (rc == 0)
        rc = bfci_dirstore_lock_take(dir, ref, &lock, err);
    if (rc == BFC_E_BUSY)
        return rc;
    if (rc == 0)
        rc = bfci_remove_file(file, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, rc, "image '%s' was deleted by another process", ref->text);
    if (rc < 0)
        return wrap_store(err, rc, store);
    rc = sync_folders(dir, folder, err);
    remove_empty_folders(dir, folder);
    return rc < 0 ? wrap_store(err, rc, store) : 0;
}

/* Nobody is in the way of a delete: who has the file open reads on. */
int bfci_dirstore_remove(bfc_store *store, const bfci_reference *ref,
                         const bfc_image_delete_options *options, bfc_err *err)
{
    AUTO_FREE char *file = NULL;
    AUTO_FREE char *step = NULL;

    BFC_TRY(bfci_dirstore_find(store, ref, &file, err)); /* before a folder of locks is made */
    if (options->step) {
        BFC_TRY(bfci_asprintf(&step, err, "remove '%s'", BFCI_QUOTE_STR(file)));
        options->step(options->step_ctx, step);
    }
    return options->dry_run ? 0 : remove_image(store, ref, file, err);
}
