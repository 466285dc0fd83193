/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the images of a directory store: a folder whose path is a name in its canonical form,
 * with a regular file in it that is called like the last part. Everything else is passed by: the
 * store's own folders, folders of others ("lost+found"), links. A folder that vanishes while we
 * look belonged to an image that was deleted. */
#include "store/dir.h"

#include <fcntl.h>
#include <stdio.h>

#include "sys/dir.h"
#include "sys/file.h"

struct scan {
    const bfci_dirstore *dir;
    bfci_found_fn *fn;
    void *ctx;
};

static int meet_file(const struct scan *s, int folder, const bfci_reference *ref, bfc_err *err)
{
    char name[BFCI_REFERENCE_MAX + sizeof BFCI_DIRSTORE_SUFFIX];
    AUTO_FREE char *path = NULL;
    struct stat st;

    (void)snprintf(name, sizeof name, "%s" BFCI_DIRSTORE_SUFFIX, ref->text + ref->last_at);
    int rc = bfci_stat_at(folder, name, AT_SYMLINK_NOFOLLOW, &st, err);
    if (rc == BFC_E_NOT_FOUND || (rc == 0 && !S_ISREG(st.st_mode)))
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_dirstore_file_of(s->dir, ref, &path, err));
    const bfci_found found = {
        .ref = ref,
        .path = path,
        .size = (uint64_t)st.st_size,
        .disk_bytes = (uint64_t)st.st_blocks * 512,
        .device = st.st_dev,
        .inode = st.st_ino,
    };
    return s->fn(s->ctx, &found, err);
}

int bfci_dirstore_enter(int folder, const char *path, const char *name, int *fd, char **below,
                        bfc_err *err)
{
    struct stat st;

    /* No path is longer than a name: that bounds the descent, too. */
    if (!bfci_reference_part_ok(name) || strlen(path) + 1 + strlen(name) > BFCI_REFERENCE_MAX)
        return 0;
    int rc = bfci_stat_at(folder, name, AT_SYMLINK_NOFOLLOW, &st, err);
    if (rc == 0 && !S_ISDIR(st.st_mode))
        return 0;
    if (rc == 0)
        rc = bfci_asprintf(below, err, "%s%s%s", path, *path ? "/" : "", name);
    if (rc == 0)
        rc = bfci_open(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd, err);
    return rc == BFC_E_NOT_FOUND ? 0 : rc;
}

static int scan_folder(const struct scan *s, int folder, const char *path, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    bfci_reference ref;

    if (bfci_reference_is_canonical(path, &ref))
        BFC_TRY(meet_file(s, folder, &ref, err));
    BFC_TRY(bfci_dir_read(folder, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        AUTO_FREE char *below = NULL;
        AUTO_FD int fd = -1;
        BFC_TRY(bfci_dirstore_enter(folder, path, list.item[i].name, &fd, &below, err));
        if (fd >= 0)
            BFC_TRY(scan_folder(s, fd, below, err));
    }
    return 0;
}

int bfci_dirstore_scan(bfc_store *store, bfci_found_fn *fn, void *ctx, bfc_err *err)
{
    const struct scan s = {bfci_dirstore_of(store), fn, ctx};
    AUTO_FD int root = -1;

    int rc = bfci_open(AT_FDCWD, s.dir->root, O_RDONLY | O_DIRECTORY, 0, &root, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc == 0)
        rc = scan_folder(&s, root, "", err);
    return rc;
}
