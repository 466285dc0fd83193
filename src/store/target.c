/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps stores and the trees that go in and out of them apart: extracting into a store would put
 * files among its images, storing a store would store each image again. Paths are compared after
 * their links were resolved. */
#include "store/target.h"

#include <errno.h>
#include <fcntl.h>

#include "base/path.h"
#include "store/image_open.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

static bool has_parent_part(const char *path)
{
    bfci_parts it = {path};
    const char *part = NULL;
    size_t len = 0;

    while (bfci_parts_next(&it, &part, &len))
        if (len == 2 && memcmp(part, "..", 2) == 0)
            return true;
    return false;
}

int bfci_target_resolve(const char *path, char **there, char **rest, bfc_err *err)
{
    AUTO_FREE char *whole = NULL;
    AUTO_FREE char *start = NULL;
    AUTO_FREE char *real = NULL;
    AUTO_FREE char *missing = NULL;

    BFC_TRY(bfci_absolute_path(path, &whole, err));
    BFC_TRY(bfci_strdup(whole, &start, err));
    for (;;) {
        int rc = bfci_real_path(start, &real, err);
        if (rc == 0)
            break;
        if (rc != BFC_E_NOT_FOUND || start[1] == '\0')
            return rc;
        char *slash = strrchr(start, '/');
        slash[slash == start] = '\0'; /* "/a" becomes "/" */
    }
    const char *left = whole + strlen(start);
    if (has_parent_part(left)) /* where it leads cannot be known before it is made */
        return bfci_fail(err, BFC_E_INVALID, "'%s': '..' follows a folder that is not there",
                         BFCI_QUOTE_STR(path));
    BFC_TRY(bfci_strdup(left + strspn(left, "/"), &missing, err));
    *there = bfci_steal(&real);
    *rest = bfci_steal(&missing);
    return 0;
}

const char *bfci_target_below(const char *outer, const char *path)
{
    size_t len = strcmp(outer, "/") == 0 ? 0 : strlen(outer);

    if (strncmp(outer, path, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return NULL;
    return path + len + strspn(path + len, "/");
}

int bfci_target_whole(const char *path, char **out, bfc_err *err)
{
    AUTO_FREE char *there = NULL;
    AUTO_FREE char *rest = NULL;

    BFC_TRY(bfci_target_resolve(path, &there, &rest, err));
    if (!*rest) {
        *out = bfci_steal(&there);
        return 0;
    }
    return bfci_asprintf(out, err, "%s/%s", strcmp(there, "/") == 0 ? "" : there, rest);
}

/* Whether there is a folder; what else may be there, or keep us from seeing it, is an error. */
static int look_for_folder(const char *what, const char *path, enum bfc_code if_other, bool *there,
                           bfc_err *err)
{
    struct stat st;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_stat_at(AT_FDCWD, path, 0, &st, &why);
    if (rc < 0 && rc != BFC_E_NOT_FOUND)
        return bfci_fail_errno(err, why.os_errno, "%s '%s'", what, BFCI_QUOTE_STR(path));
    if (rc == 0 && !S_ISDIR(st.st_mode))
        return bfci_fail(err, if_other, "%s '%s' is not a folder", what, BFCI_QUOTE_STR(path));
    *there = rc == 0;
    return 0;
}

static int check_empty(const char *target, bfc_err *err)
{
    AUTO_FD int fd = -1;
    bfci_dir_list list = BFCI_DIR_LIST_INIT;

    BFC_TRY(bfci_open(AT_FDCWD, target, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    int rc = bfci_dir_read(fd, &list, err);
    size_t count = list.count;
    bfci_dir_list_release(&list);
    BFC_TRY(rc);
    if (count > 0)
        return bfci_fail(err, BFC_E_EXISTS, "folder '%s' is not empty", BFCI_QUOTE_STR(target));
    return 0;
}

int bfci_target_check_outside(const bfc_store *store, const char *target, bfc_err *err)
{
    AUTO_FREE char *real = NULL;
    AUTO_FREE char *root = NULL;

    BFC_TRY(bfci_target_whole(target, &real, err));
    BFC_TRY(bfci_target_whole(store->backend->folder(store), &root, err));
    if (bfci_target_below(root, real))
        return bfci_fail(err, BFC_E_INVALID,
                         "target '%s' is in the store '%s': choose another place",
                         BFCI_QUOTE_STR(target), BFCI_QUOTE_STR(store->uri));
    return 0;
}

int bfci_target_check(const bfc_store *store, const char *target, bool replace, bfc_err *err)
{
    bool there = false;

    if (!target || !*target)
        return bfci_fail(err, BFC_E_INVALID, "the target is empty: it is a folder");
    BFC_TRY(bfci_target_check_outside(store, target, err));
    BFC_TRY(look_for_folder("target", target, BFC_E_EXISTS, &there, err));
    return replace || !there ? 0 : check_empty(target, err);
}

int bfci_target_extract(bfc_store *store, const char *path, const char *target,
                        const bfc_extract_options *options, bfc_extract_report *report,
                        bfc_err *err)
{
    AUTO(bfc_reader) bfc_reader *reader = NULL;

    BFC_TRY(bfci_target_check(store, target, options->replace, err));
    BFC_TRY(bfci_image_open_to_extract(path, options, &reader, err));
    return bfc_extract(reader, target, options, report, err);
}

int bfci_target_check_source(const bfc_store *store, const char *dir, char **below, bfc_err *err)
{
    AUTO_FREE char *real = NULL;
    AUTO_FREE char *root = NULL;
    bool there = false;

    if (!dir || !*dir)
        return bfci_fail(err, BFC_E_INVALID, "the source is empty: it is a folder");
    BFC_TRY(look_for_folder("source", dir, BFC_E_INVALID, &there, err));
    if (!there)
        return bfci_fail_errno(err, ENOENT, "source '%s'", BFCI_QUOTE_STR(dir));
    BFC_TRY(bfci_real_path(dir, &real, err));
    BFC_TRY(bfci_target_whole(store->backend->folder(store), &root, err));
    if (bfci_target_below(root, real))
        return bfci_fail(err, BFC_E_INVALID, "source '%s' is in the store '%s' itself",
                         BFCI_QUOTE_STR(dir), BFCI_QUOTE_STR(store->uri));
    const char *inner = bfci_target_below(real, root);
    return inner ? bfci_strdup(inner, below, err) : 0;
}
