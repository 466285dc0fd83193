/* SPDX-License-Identifier: Apache-2.0 */
/* Images in a plain directory: where things stand in it, and the backend's table. The name of an
 * image is the path of its folder, so nothing has to be escaped or remembered, and what is there is
 * what there is. Names that start with '.' are the store's own; no part of an image name can. */
#include "store/dir.h"

#include <fcntl.h>

#include "store/dataset.h"
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
    return bfci_facts_read(found->path, found->ref->text, hooks, NULL, out, err);
}

/* A file says all of itself, and nothing else says anything of it. */
static int dir_check(bfc_store *store, const bfc_image_info *info, bool repair, char **told,
                     bfc_err *err)
{
    (void)store;
    (void)info;
    (void)repair;
    return bfci_strdup("", told, err);
}

static int dir_versions(bfc_store *store, const bfc_image_info *current, bfc_image_history *out,
                        bfc_err *err)
{
    (void)store;
    (void)current;
    (void)out;
    (void)err;
    return 0;
}

static int dir_work_version(bfci_work *work, const uint8_t root_digest[BFC_DIGEST_SIZE],
                            bfc_err *err)
{
    (void)root_digest;
    return bfci_fail(err, BFC_E_UNSUPPORTED, "the store '%s' is a folder, and keeps no versions",
                     BFCI_QUOTE_STR(work->store->uri));
}

static int dir_extract_dataset(bfc_store *store, const bfci_reference *ref, const char *path,
                               const char *dataset, const bfc_extract_options *options,
                               bfc_extract_report *report, bfc_err *err)
{
    (void)ref;
    return bfci_dataset_extract(store->hooks, path, dataset, options, report, err);
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
    .usage = bfci_dirstore_usage,
    .work_begin = bfci_dirstore_work_begin,
    .work_share = bfci_dirstore_work_share,
    .work_copy = bfci_dirstore_work_copy,
    .work_publish = bfci_dirstore_work_publish,
    .work_end = bfci_dirstore_work_end,
    .remove = bfci_dirstore_remove,
    .check = dir_check,
    .versions = dir_versions,
    .work_version = dir_work_version,
    .extract_dataset = dir_extract_dataset,
    .leftovers = bfci_dirstore_leftovers,
    .downloads = bfci_dirstore_downloads,
    .records = bfci_dirstore_records,
    .folder = dir_folder,
    .free_space = dir_free_space,
};
