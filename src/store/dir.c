/* SPDX-License-Identifier: Apache-2.0 */
/* Images in a plain directory: where things stand in it, and the backend's table. The name of an
 * image is the path of its folder, so nothing has to be escaped or remembered, and what is there is
 * what there is. Names that start with '.' are the store's own; no part of an image name can. */
#include "store/dir.h"

#include <fcntl.h>

#include "store/facts.h"
#include "store/target.h"
#include "sys/file.h"
#include "sys/names.h"

static void dir_free(bfci_dirstore *dir)
{
    free(dir->root);
    free(dir->locks);
    free(dir->works);
    free(dir);
}
BFCI_DEFINE_AUTO(bfci_dirstore, dir_free)

static void dir_close(void *state)
{
    dir_free(state);
}

/* A missing root is fine: the first image makes it. */
static int check_root(const char *root, bfc_err *err)
{
    struct stat st;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_stat_at(AT_FDCWD, root, 0, &st, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc == 0 && !S_ISDIR(st.st_mode))
        return bfci_fail(err, BFC_E_INVALID, "store '%s' is not a folder", BFCI_QUOTE_STR(root));
    if (rc < 0)
        return bfci_fail_errno(err, why.os_errno, "store '%s'", BFCI_QUOTE_STR(root));
    return 0;
}

static int dir_open(const char *location, void **state, char **uri, bfc_err *err)
{
    AUTO(bfci_dirstore) bfci_dirstore *dir = NULL;

    if (!*location)
        return bfci_fail(err, BFC_E_INVALID,
                         "the store has no path: a directory store is 'dir:/path'");
    BFC_TRY(bfci_alloc_zero(1, sizeof *dir, &dir, err));
    BFC_TRY(bfci_absolute_path(location, &dir->root, err));
    BFC_TRY(bfci_asprintf(&dir->locks, err, "%s/.bfc-lock", dir->root));
    BFC_TRY(bfci_asprintf(&dir->works, err, "%s/.bfc-tmp", dir->root));
    BFC_TRY(check_root(dir->root, err));
    BFC_TRY(bfci_asprintf(uri, err, "dir:%s", dir->root));
    *state = bfci_steal(&dir);
    return 0;
}

int bfci_dirstore_folder_of(const bfci_dirstore *dir, const bfci_reference *ref, char **out,
                            bfc_err *err)
{
    return bfci_asprintf(out, err, "%s/%s", dir->root, ref->text);
}

int bfci_dirstore_file_of(const bfci_dirstore *dir, const bfci_reference *ref, char **out,
                          bfc_err *err)
{
    return bfci_asprintf(out, err, "%s/%s/%s" BFCI_DIRSTORE_SUFFIX, dir->root, ref->text,
                         ref->text + ref->last_at);
}

int bfci_dirstore_find(bfc_store *store, const bfci_reference *ref, char **path, bfc_err *err)
{
    AUTO_FREE char *file = NULL;
    struct stat st;

    BFC_TRY(bfci_dirstore_file_of(bfci_dirstore_of(store), ref, &file, err));
    int rc = bfci_stat_at(AT_FDCWD, file, AT_SYMLINK_NOFOLLOW, &st, err);
    if (rc == BFC_E_NOT_FOUND || (rc == 0 && !S_ISREG(st.st_mode)))
        return bfci_fail(err, BFC_E_NOT_FOUND, "no image '%s' in the store '%s'", ref->text,
                         BFCI_QUOTE_STR(store->uri));
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", ref->text);
    *path = bfci_steal(&file);
    return 0;
}

/* All that is known stands in the container. */
static int dir_facts(bfc_store *store, const bfci_found *found, const bfc_hooks *hooks,
                     bfc_image_info **out, bfc_err *err)
{
    (void)store;
    return bfci_facts_read(found->path, found->ref->text, hooks, out, err);
}

/* One that was deleted in the meantime shares nothing any more. */
static int dir_shared(bfc_store *store, const bfci_found *found, size_t *max, bfci_shared_fn *fn,
                      void *ctx, bfc_err *err)
{
    AUTO_FD int fd = -1;

    (void)store;
    int rc = bfci_open(AT_FDCWD, found->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    return bfci_shared_extents(fd, max, fn, ctx, err);
}

static int dir_extract(bfc_store *store, const bfci_reference *ref, const char *path,
                       const char *target, const bfc_extract_options *options,
                       bfc_extract_report *report, bfc_err *err)
{
    (void)ref;
    return bfci_target_extract(store, path, target, options, report, err);
}

static const char *dir_folder(const bfc_store *store)
{
    return bfci_dirstore_of(store)->root;
}

/* Asks the nearest folder that is there: the store may not be made yet. */
static int dir_free_space(bfc_store *store, uint64_t *bytes, bfc_err *err)
{
    AUTO_FREE char *there = NULL;
    AUTO_FREE char *rest = NULL;

    BFC_TRY(bfci_target_resolve(bfci_dirstore_of(store)->root, &there, &rest, err));
    return bfci_free_space(there, bytes, err);
}

const bfci_backend bfci_backend_dir = {
    .kind = "dir",
    .open = dir_open,
    .close = dir_close,
    .find = bfci_dirstore_find,
    .scan = bfci_dirstore_scan,
    .facts = dir_facts,
    .shared = dir_shared,
    .work_begin = bfci_dirstore_work_begin,
    .work_share = bfci_dirstore_work_share,
    .work_copy = bfci_dirstore_work_copy,
    .work_publish = bfci_dirstore_work_publish,
    .work_end = bfci_dirstore_work_end,
    .remove = bfci_dirstore_remove,
    .extract = dir_extract,
    .leftovers = bfci_dirstore_leftovers,
    .folder = dir_folder,
    .free_space = dir_free_space,
};
