/* SPDX-License-Identifier: Apache-2.0 */
/* Images as runtime bundles. What config.json will say is known before anything is made, so that an
 * image that cannot be told to a runtime costs no extraction. The folder is locked while we work in
 * it: what is removed after a failure is ours. */
#include <bfc/image.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/hooks.h"
#include "container/follow.h"
#include "oci/artifact.h"
#include "oci/runtime_config.h"
#include "store/backend.h"
#include "store/image_open.h"
#include "store/target.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

#define CONFIG_BLOB "oci/0/config"
#define CONFIG_FILE "config.json"

/* ── What config.json will say ── */

/* A failure that is none of those that were expected. */
static int pass(int rc, const bfc_err *why, bfc_err *err)
{
    if (err)
        *err = *why;
    return rc;
}

static int check_image(bfc_reader *reader, bfc_err *err)
{
    AUTO_FACTS bfci_facts facts = {0};

    BFC_TRY(bfci_facts_load(reader, &facts, err));
    return bfci_artifact_refuse(&facts, err);
}

/* An image from a directory has none: what is empty stands for it. */
static int load_config(bfc_reader *reader, bfci_config *out, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfc_reader_blob(reader, CONFIG_BLOB, &json, &len, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0)
        return pass(rc, &why, err);
    return bfci_config_parse(json, len, "the image's configuration", out, err);
}

/* A file that is not there has no lines. */
static int load_file(bfc_reader *reader, const char *path, uint8_t **data, size_t *len,
                     bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_reader_file(reader, path, USER_FILE_MAX, data, len, &why);
    return rc < 0 && rc != BFC_E_NOT_FOUND ? pass(rc, &why, err) : 0;
}

static int find_user(bfc_reader *reader, const char *spec, bfci_user *out, bfc_err *err)
{
    AUTO_FREE uint8_t *passwd = NULL;
    AUTO_FREE uint8_t *group = NULL;
    bfci_user_files files = {NULL, NULL, 0, 0};

    BFC_TRY(load_file(reader, "/etc/passwd", &passwd, &files.passwd_len, err));
    BFC_TRY(load_file(reader, "/etc/group", &group, &files.group_len, err));
    files.passwd = (const char *)passwd;
    files.group = (const char *)group;
    return bfci_user_resolve(spec, &files, out, err);
}

/* What the image has where its volumes will be; to be freed. */
static int find_volume_dirs(bfc_reader *reader, char *const *volumes, bfci_volume_dir **out,
                            bfc_err *err)
{
    AUTO_FREE bfci_volume_dir *dirs = NULL;
    size_t count = 0;
    bfc_entry entry;

    while (volumes && count < VOLUMES_MAX && volumes[count])
        count++;
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof *dirs, &dirs, err));
    for (size_t i = 0; i < count; i++) {
        bfc_err why = BFC_ERR_INIT;
        int rc = bfci_reader_follow(reader, volumes[i], &entry, &why);
        if (rc < 0 && rc != BFC_E_NOT_FOUND)
            return pass(rc, &why, err);
        if (rc == 0 && entry.type == BFC_TYPE_DIR)
            dirs[i] = (bfci_volume_dir){true, entry.mode, entry.uid, entry.gid};
    }
    *out = bfci_steal(&dirs);
    return 0;
}

static int make_config(bfc_reader *reader, const bfc_image_bundle_options *options, char **json,
                       bfc_err *err)
{
    AUTO_CONFIG bfci_config config = {0};
    AUTO_USER bfci_user user = BFCI_USER_INIT;
    AUTO_FREE bfci_volume_dir *volume_dirs = NULL;
    bfci_runtime_options runtime = {.hostname = options->hostname,
                                    .terminal = options->terminal,
                                    .rootless = options->rootless,
                                    .host_uid = geteuid(),
                                    .host_gid = getegid()};

    BFC_TRY(check_image(reader, err));
    BFC_TRY(load_config(reader, &config, err));
    BFC_TRY(find_user(reader, config.user, &user, err));
    BFC_TRY(find_volume_dirs(reader, config.volumes, &volume_dirs, err));
    runtime.volume_dirs = volume_dirs;
    BFC_TRY(bfci_runtime_config(&config, &user, &runtime, json, err));
    if (options->rootless && (user.uid != 0 || user.gid != 0))
        bfci_log(options->extract.hooks, BFC_LOG_WARNING, "store",
                 "the image's user '%s' (%u:%u) is root in a rootless bundle, which has no other",
                 BFCI_QUOTE_STR(config.user ? config.user : ""), user.uid, user.gid);
    return 0;
}

/* ── The folder ── */

typedef struct bundle {
    char *dir;
    int fd;    /* of it, locked */
    bool made; /* the folder itself is ours, */
    bool ours; /* and what is in it */
} bundle;

/* Whatever is still owned then is removed; that it cannot be is no news after a failure. */
static void bundle_release(bundle *b)
{
    if (b->ours) {
        (void)bfci_remove_tree(b->fd, CONFIG_FILE, NULL);
        (void)bfci_remove_tree(b->fd, BFCI_BUNDLE_ROOTFS, NULL);
    }
    if (b->made)
        (void)bfci_remove_folder(b->dir, NULL);
    bfci_fd_close(&b->fd);
    free(b->dir);
}
#define AUTO_BUNDLE __attribute__((cleanup(bundle_release)))

/* The folders that lead to it are like all others. */
static int make_folder(bundle *b, bfc_err *err)
{
    AUTO_FREE char *parent = NULL;
    bfc_err why = BFC_ERR_INIT;
    const char *slash = strrchr(b->dir, '/');

    if (slash > b->dir) {
        BFC_TRY(bfci_memdup_str(b->dir, (size_t)(slash - b->dir), &parent, err));
        BFC_TRY(bfci_make_dirs(parent, 0777, err));
    }
    int rc = bfci_make_folder(b->dir, 0700, &why);
    if (rc < 0 && rc != BFC_E_EXISTS)
        return pass(rc, &why, err);
    b->made = rc == 0;
    return 0;
}

static int bundle_begin(const bfc_store *store, const char *dir, bundle *b, bfc_err *err)
{
    BFC_TRY(bfci_target_whole(dir, &b->dir, err));
    BFC_TRY(make_folder(b, err));
    BFC_TRY(bfci_open(AT_FDCWD, b->dir, O_RDONLY | O_DIRECTORY, 0, &b->fd, err));
    /* Not every file system locks folders; there, nobody is kept out. */
    int rc = bfci_lock(b->fd, true, false, NULL);
    if (rc == BFC_E_BUSY)
        return bfci_fail(err, rc, "another process makes a bundle in '%s'", BFCI_QUOTE_STR(dir));
    BFC_TRY(bfci_target_check(store, dir, false, err)); /* it may have been filled meanwhile */
    b->ours = true;
    return 0;
}

static int write_config(const bundle *b, const char *json, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file file = BFCI_NEW_FILE_INIT;
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_asprintf(&path, err, "%s/" CONFIG_FILE, b->dir));
    BFC_TRY(bfci_new_file_begin(path, &file, err));
    BFC_TRY(bfci_write_all(file.fd, json, strlen(json), err));
    return bfci_new_file_publish(&file, false, err);
}

static int fill(bfc_reader *reader, const bundle *b, const char *json,
                const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    AUTO_FREE char *rootfs = NULL;
    bfc_extract_options extract = *options;

    extract.replace = false;
    BFC_TRY(bfci_asprintf(&rootfs, err, "%s/" BFCI_BUNDLE_ROOTFS, b->dir));
    BFC_TRY(bfc_extract(reader, rootfs, &extract, report, err));
    BFC_TRY(bfci_check_cancel(extract.hooks, err));
    int rc = write_config(b, json, err);
    return rc < 0 ? bfci_wrap(err, rc, "write the bundle's " CONFIG_FILE) : 0;
}

static int make_bundle(bfc_store *store, const bfci_reference *ref, const char *dir,
                       const bfc_image_bundle_options *options, bfc_extract_report *report,
                       bfc_err *err)
{
    bfc_extract_options extract = options->extract;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_BUNDLE bundle b = {NULL, -1, false, false};
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *json = NULL;

    if (!extract.keys)
        extract.keys = store->keys;
    BFC_TRY(store->backend->find(store, ref, &path, err));
    BFC_TRY(bfci_target_check(store, dir, false, err));
    BFC_TRY(bfci_image_open_to_extract(path, &extract, &reader, err));
    BFC_TRY(make_config(reader, options, &json, err));
    BFC_TRY(bundle_begin(store, dir, &b, err));
    BFC_TRY(fill(reader, &b, json, &options->extract, report, err));
    b.ours = b.made = false; /* it stays */
    return 0;
}

int bfc_image_bundle(bfc_store *store, const char *name, const char *dir,
                     const bfc_image_bundle_options *options, bfc_extract_report *report,
                     bfc_err *err)
{
    static const bfc_image_bundle_options defaults = BFC_IMAGE_BUNDLE_OPTIONS_INIT;
    bfci_reference ref;

    if (report)
        *report = (bfc_extract_report){0};
    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_BUNDLE_OPTIONS_INIT, err));
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    int rc = make_bundle(store, &ref, dir, options, report, err);
    return rc < 0 ? bfci_wrap(err, rc, "bundle of image '%s'", ref.text) : 0;
}
