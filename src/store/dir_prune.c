/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory store keeps of work that died: work folders, downloads and lock files whose lock
 * can be taken, and empty folders on the way to where an image was to be. Only what this store
 * makes is touched: other names, and folders with anything in them, are left alone. A folder that a
 * living create has just made may go, too, as long as it is empty: create makes it again. */
#include "store/dir.h"

#include <fcntl.h>

#include "store/part_file.h"
#include "sys/file.h"
#include "sys/names.h"

#define DEPTH_MAX 64 /* of a work folder; ours have one level */

struct prune {
    const bfci_dirstore *dir;
    bool dry_run;
    bfc_prune_fn *fn;
    void *ctx;
    bfc_prune_report *report;
};

static void tell(const struct prune *p, const char *path, uint64_t size)
{
    p->report->removed++;
    p->report->bytes += size;
    if (p->fn)
        p->fn(p->ctx, path, size);
}

/* Reads a folder; one that is not there is empty. */
static int read_folder(int parent, const char *name, int *fd, bfci_dir_list *list, bfc_err *err)
{
    int rc = bfci_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd, err);

    if (rc == BFC_E_NOT_FOUND)
        return 0;
    return rc < 0 ? rc : bfci_dir_read(*fd, list, err);
}

/* Bytes that removing a name frees: a file that has another name stays. */
static int count_bytes(int parent, const char *name, unsigned depth, uint64_t *bytes, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;
    struct stat st;

    int rc = bfci_stat_at(parent, name, AT_SYMLINK_NOFOLLOW, &st, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    if (!S_ISDIR(st.st_mode)) {
        *bytes += st.st_nlink == 1 ? (uint64_t)st.st_size : 0;
        return 0;
    }
    if (depth >= DEPTH_MAX)
        return 0;
    BFC_TRY(read_folder(parent, name, &fd, &list, err));
    for (size_t i = 0; i < list.count; i++)
        BFC_TRY(count_bytes(fd, list.item[i].name, depth + 1, bytes, err));
    return 0;
}

/* ── Work folders ── */

/* *lives: somebody works on it. Otherwise nobody can while we hold its lock. */
static int claim(const struct prune *p, const bfci_reference *ref, bfci_name_lock *lock,
                 bool *lives, bfc_err *err)
{
    if (p->dry_run)
        return bfci_dirstore_lock_probe(p->dir, ref, lives, err);
    int rc = bfci_dirstore_lock_try(p->dir, ref, lock, err);
    *lives = rc == BFC_E_BUSY;
    return *lives ? 0 : rc;
}

static int prune_work(const struct prune *p, int works, const char *name, bfc_err *err)
{
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_FREE char *path = NULL;
    bfci_reference ref;
    struct stat st;
    uint64_t bytes = 0;
    bool lives = false;

    if (!bfci_reference_unescape(name, &ref))
        return 0;
    BFC_TRY(claim(p, &ref, &lock, &lives, err));
    if (lives || bfci_stat_at(works, name, AT_SYMLINK_NOFOLLOW, &st, NULL) < 0)
        return 0; /* or it was done since we read the folder */
    BFC_TRY(bfci_asprintf(&path, err, "%s/%s", p->dir->works, name));
    BFC_TRY(count_bytes(works, name, 0, &bytes, err));
    if (!p->dry_run)
        BFC_TRY(bfci_remove_tree(works, name, err));
    tell(p, path, bytes);
    return 0;
}

static int prune_works(const struct prune *p, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    BFC_TRY(read_folder(AT_FDCWD, p->dir->works, &fd, &list, err));
    for (size_t i = 0; i < list.count; i++)
        BFC_TRY(prune_work(p, fd, list.item[i].name, err));
    return 0;
}

/* ── Locks: they hold nothing, so that they are not worth telling ── */

static int prune_locks(const struct prune *p, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    BFC_TRY(read_folder(AT_FDCWD, p->dir->locks, &fd, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
        bfci_reference ref;
        if (!bfci_reference_unescape(list.item[i].name, &ref))
            continue;
        int rc =
            bfci_dirstore_lock_try(p->dir, &ref, &lock, err); /* dropping it removes the file */
        if (rc < 0 && rc != BFC_E_BUSY)
            return rc;
    }
    return 0;
}

/* ── Empty folders ── */

static int prune_below(const struct prune *p, int folder, const char *path, size_t *left,
                       bfc_err *err);

/* Removes the folder if nothing but empty folders is in it. */
static int prune_folder(const struct prune *p, int fd, const char *path, bool *gone, bfc_err *err)
{
    AUTO_FREE char *whole = NULL;
    size_t left = 0;

    BFC_TRY(prune_below(p, fd, path, &left, err));
    if (left > 0)
        return 0;
    BFC_TRY(bfci_asprintf(&whole, err, "%s/%s", p->dir->root, path));
    if (!p->dry_run) {
        int rc = bfci_remove_folder(whole, err);
        if (rc == BFC_E_EXISTS || rc == BFC_E_NOT_FOUND) /* somebody was faster */
            return 0;
        BFC_TRY(rc);
    }
    tell(p, whole, 0);
    *gone = true;
    return 0;
}

/* *left is how many names stay in the folder. */
static int prune_below(const struct prune *p, int folder, const char *path, size_t *left,
                       bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;

    BFC_TRY(bfci_dir_read(folder, &list, err));
    *left = list.count;
    for (size_t i = 0; i < list.count; i++) {
        AUTO_FREE char *below = NULL;
        AUTO_FD int fd = -1;
        bool gone = false;
        BFC_TRY(bfci_dirstore_enter(folder, path, list.item[i].name, &fd, &below, err));
        if (fd >= 0)
            BFC_TRY(prune_folder(p, fd, below, &gone, err));
        *left -= gone;
    }
    return 0;
}

static int prune_folders(const struct prune *p, bfc_err *err)
{
    AUTO_FD int root = -1;
    size_t left = 0;

    int rc = bfci_open(AT_FDCWD, p->dir->root, O_RDONLY | O_DIRECTORY, 0, &root, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    return rc < 0 ? rc : prune_below(p, root, "", &left, err);
}

int bfci_dirstore_leftovers(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                            bfc_prune_report *report, bfc_err *err)
{
    const struct prune p = {bfci_dirstore_of(store), dry_run, fn, ctx, report};
    AUTO_FREE char *downloads = NULL;

    BFC_TRY(prune_works(&p, err));
    BFC_TRY(bfci_dirstore_downloads(store, false, &downloads, err));
    BFC_TRY(bfci_parts_prune(downloads, dry_run, fn, ctx, report, err));
    BFC_TRY(prune_folders(&p, err));
    return dry_run ? 0 : prune_locks(&p, err);
}
