/* SPDX-License-Identifier: Apache-2.0 */
/* A container's tree into a ZFS dataset of its own. It is extracted into a dataset under another
 * name, which gets the target's when all is there. One that exists already is extracted into where
 * it is mounted: that cannot be undone by a rename, so what it held is kept in a snapshot. */
#include "store/dataset.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/hooks.h"
#include "store/image_open.h"
#include "store/zfs.h"
#include "sys/clock.h"
#include "sys/dir.h"
#include "sys/file.h"

#define AUTO_DIR_LIST __attribute__((cleanup(bfci_dir_list_release)))

void bfci_dataset_put_name(char out[BFC_DATASET_NAME_SIZE], const char *name)
{
    (void)snprintf(out, BFC_DATASET_NAME_SIZE, "%s", name);
}

/* ── Datasets above the target ── */

static int fail_no_pool(const char *dataset, bfc_err *err)
{
    return bfci_fail(err, BFC_E_NOT_FOUND,
                     "there is no pool '%.*s': a pool is made with 'zpool create'",
                     (int)strcspn(dataset, "/"), dataset);
}

static int above(const char *dataset, char **out, bfc_err *err)
{
    const char *slash = strrchr(dataset, '/');

    if (!slash)
        return fail_no_pool(dataset, err);
    return bfci_memdup_str(dataset, (size_t)(slash - dataset), out, err);
}

/* The one above it; of several that are to be made, the pool. */
static int check_above(const bfci_zfs_tool *tool, const char *dataset, bool makes, bfc_err *err)
{
    AUTO_FREE char *parent = NULL;
    bool there = false;

    BFC_TRY(above(dataset, &parent, err));
    if (makes)
        parent[strcspn(parent, "/")] = '\0';
    BFC_TRY(bfci_zfs_exists(tool, parent, &there, err));
    if (there)
        return 0;
    if (makes)
        return fail_no_pool(dataset, err);
    return bfci_fail(err, BFC_E_NOT_FOUND,
                     "there is no dataset '%s' to put '%s' in: make it, or use -p (--parents)",
                     parent, strrchr(dataset, '/') + 1);
}

int bfci_dataset_check(const bfci_zfs_tool *tool, const char *dataset,
                       const bfc_dataset_options *options, bool *there, bfc_err *err)
{
    BFC_TRY(bfci_zfs_check_name(dataset, "target", err));
    BFC_TRY(bfci_zfs_exists(tool, dataset, there, err));
    return *there ? 0 : check_above(tool, dataset, options && options->parents, err);
}

/* 'zfs create -p' of what is there is no error. */
int bfci_dataset_make_parents(const bfci_zfs_tool *tool, const char *dataset,
                              const bfc_dataset_options *options, bfc_err *err)
{
    AUTO_FREE char *parent = NULL;

    if (!options || !options->parents)
        return 0;
    BFC_TRY(above(dataset, &parent, err));
    return bfci_zfs(tool, NULL, err, "create", "-p", parent, NULL);
}

/* ── One that is there ── */

static int is_empty(const char *point, bool *empty, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, point, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    BFC_TRY(bfci_dir_read(fd, &list, err));
    *empty = list.count == 0;
    return 0;
}

static int keep_before(const bfci_zfs_tool *tool, const char *dataset, char **snapshot,
                       bfc_err *err)
{
    struct tm tm = {0};
    int64_t now = 0;
    uint32_t ns = 0;
    char stamp[32];
    char fraction[16];

    bfci_now(&now, &ns);
    time_t seconds = (time_t)now;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &tm);
    (void)snprintf(fraction, sizeof fraction, "%06u", ns / 1000);
    BFC_TRY(bfci_asprintf(snapshot, err, "%s@bfc-before-%s.%sZ", dataset, stamp, fraction));
    return bfci_zfs(tool, NULL, err, "snapshot", *snapshot, NULL);
}

int bfci_dataset_fill(const bfci_zfs_tool *tool, const char *path, const char *dataset,
                      const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    const bfc_dataset_options *how = options->dataset;
    bfc_extract_options own = *options;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *before = NULL;
    bool empty = false;

    if (how && (how->mountpoint || (how->properties && how->properties[0])))
        return bfci_fail(err, BFC_E_INVALID,
                         "dataset '%s' is there: its properties are set with 'zfs set'", dataset);
    BFC_TRY(bfci_image_open_to_extract(path, options, &reader, err));
    BFC_TRY(bfci_zfs_mounted(tool, dataset, &point, err));
    BFC_TRY(is_empty(point, &empty, err));
    if (!empty && !options->replace)
        return bfci_fail(err, BFC_E_EXISTS, "dataset '%s' is not empty", dataset);
    if (!empty)
        BFC_TRY(keep_before(tool, dataset, &before, err));
    own.replace = true;
    int rc = bfc_extract(reader, point, &own, report, err);
    if (before)
        bfci_dataset_put_name(report->snapshot, before);
    if (rc < 0 && before)
        return bfci_wrap(err, rc, "what was there stands in the snapshot '%s'", before);
    return rc;
}

/* ── A new one ── */

void bfci_dataset_properties(bfci_zfs_call *call, const bfc_dataset_options *options, bool acls)
{
    if (acls) {
        bfci_zfs_set_option(call, "acltype", "posixacl");
        bfci_zfs_set_option(call, "xattr", "sa");
    }
    for (size_t i = 0; options && options->properties && options->properties[i]; i++) {
        bfci_zfs_add(call, "-o");
        bfci_zfs_add(call, options->properties[i]);
    }
}

static void drop(const bfci_zfs_tool *tool, const char *work)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.patience_ms = ZFS_BUSY_MS;
    bfci_zfs_add(&call, "destroy");
    bfci_zfs_add(&call, "-r");
    bfci_zfs_add(&call, work);
    (void)bfci_zfs_run(tool, &call, NULL, NULL);
}

static int create(const bfci_zfs_tool *tool, const char *work, const bfc_dataset_options *options,
                  bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    bfci_zfs_add(&call, "create");
    bfci_dataset_properties(&call, options, !tool->fuse);
    bfci_zfs_add(&call, work);
    return bfci_zfs_run(tool, &call, NULL, err);
}

int bfci_dataset_make(const bfci_zfs_tool *tool, const char *path, const char *work,
                      const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    bfc_extract_options own = *options;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_FREE char *point = NULL;

    BFC_TRY(bfci_image_open_to_extract(path, options, &reader, err));
    BFC_TRY(bfci_dataset_make_parents(tool, work, options->dataset, err));
    BFC_TRY(create(tool, work, options->dataset, err));
    int rc = bfci_zfs_mounted(tool, work, &point, err);
    own.replace = false;
    if (rc == 0)
        rc = bfc_extract(reader, point, &own, report, err);
    if (rc < 0)
        drop(tool, work);
    return rc;
}

static int settle(const bfci_zfs_tool *tool, const char *work, const char *dataset,
                  const bfc_dataset_options *options, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    BFC_TRY(bfci_dataset_make_parents(tool, dataset, options, err));
    if (options && options->mountpoint) {
        BFC_TRY(bfci_zfs_unmount(tool, work, ZFS_BUSY_MS, err));
        bfci_zfs_add(&call, "set");
        bfci_zfs_addf(&call, "mountpoint=%s", options->mountpoint);
        bfci_zfs_add(&call, work);
        BFC_TRY(bfci_zfs_run(tool, &call, NULL, err));
    }
    return bfci_zfs_rename(tool, work, dataset, err);
}

int bfci_dataset_settle(const bfci_zfs_tool *tool, const char *work, const char *dataset,
                        const bfc_dataset_options *options, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = settle(tool, work, dataset, options, err);
    if (rc < 0) {
        drop(tool, work);
        return rc;
    }
    if (bfci_zfs_mounted(tool, dataset, &point, &why) < 0)
        bfci_log(tool->hooks, BFC_LOG_WARNING, "zfs", "it is whole, but not mounted: %s", why.msg);
    return 0;
}

/* From a store that is not on ZFS: work goes on beside the target. */
static int make_beside(const bfci_zfs_tool *tool, const char *path, const char *dataset,
                       const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    AUTO_FREE char *work = NULL;
    const char *slash = strrchr(dataset, '/');

    BFC_TRY(
        bfci_asprintf(&work, err, "%.*s/.bfc-work-%s", (int)(slash - dataset), dataset, slash + 1));
    BFC_TRY(bfci_zfs_check_name(work, "target", err));
    int rc = bfci_dataset_make(tool, path, work, options, report, err);
    if (rc == BFC_E_EXISTS)
        return bfci_fail(
            err, BFC_E_BUSY,
            "dataset '%s' is being made by another process, or an interrupted one left "
            "'%s': then 'zfs destroy -r' removes it",
            dataset, work);
    BFC_TRY(rc);
    return bfci_dataset_settle(tool, work, dataset, options->dataset, err);
}

int bfci_dataset_extract(const bfc_hooks *hooks, const char *path, const char *dataset,
                         const bfc_extract_options *options, bfc_extract_report *report,
                         bfc_err *err)
{
    __attribute__((cleanup(bfci_zfs_tool_close))) bfci_zfs_tool tool = {NULL, hooks, false};
    bfc_extract_report own = {0};
    bool there = false;

    BFC_TRY(bfci_zfs_check_name(dataset, "target", err));
    BFC_TRY(bfci_zfs_tool_open(&tool, err));
    BFC_TRY(bfci_dataset_check(&tool, dataset, options->dataset, &there, err));
    int rc = there ? bfci_dataset_fill(&tool, path, dataset, options, &own, err)
                   : make_beside(&tool, path, dataset, options, &own, err);
    bfci_dataset_put_name(own.dataset, dataset);
    if (report)
        *report = own;
    return rc;
}
