/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: each image goes into a dataset below .bfc-work, its container is checked against the
 * root digest that it was sent under, and then it is published like one that was made here. What
 * was sent as the difference from the current version of an image goes into that image's dataset,
 * as ZFS wants it: zfs takes it wholly or not at all, and if the container turns out to be another,
 * it is rolled back. A stream is a stranger's: what it says of itself is checked before zfs gets
 * it, and what it brought besides the container is refused. */
#include "store/zfs.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/hooks.h"
#include "store/facts.h"
#include "store/image_open.h"
#include "store/transfer.h"
#include "store/zfs_stream.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/pipe.h"

#define AUTO_DIR_LIST __attribute__((cleanup(bfci_dir_list_release)))

struct receiving {
    bfc_store *store;
    bfci_zfsstore *z;
    int fd;
    const bfc_image_receive_options *options;
    uint64_t done;
};

/* ── The stream ── */

struct stream {
    struct receiving *receiving;
    const char *dataset; /* to be */
    bfci_zfs_begin begin;
    int fd; /* of the pipe to zfs */
    bool begun;
};

static int run_zfs(void *ctx, int fd, bfc_err *err)
{
    const struct stream *s = ctx;
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.endless = true;
    call.in_fd = fd;
    bfci_zfs_add(&call, "receive");
    if (s->begin.base_guid != 0)
        bfci_zfs_add(&call, "-F");
    bfci_zfs_add(&call, s->dataset);
    return bfci_zfs_run(&s->receiving->z->tool, &call, NULL, err);
}

static int put_piece(void *ctx, const uint8_t *piece, size_t len, bfc_err *err)
{
    struct stream *s = ctx;

    if (!s->begun)
        BFC_TRY(bfci_zfs_stream_check(piece, len, &s->begin, err));
    s->begun = true;
    return bfci_pipe_write(s->fd, piece, len, s->receiving->options->hooks, err);
}

static int copy(void *ctx, int fd, bfc_err *err)
{
    struct stream *s = ctx;
    struct receiving *r = s->receiving;

    s->fd = fd;
    return bfci_transfer_get_stream(r->fd, put_piece, s, r->options->hooks, &r->done, err);
}

/* "/library/nginx:1.25@bfc-4f2a90c1d7e3" */
static int name_of(const struct receiving *r, const bfci_transfer *t, char **out, bfc_err *err)
{
    AUTO_FREE char *dataset = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    bfci_zfs_version_name(t->root_digest, version);
    BFC_TRY(bfci_zfs_dataset_of(r->z, &t->ref, &dataset, err));
    return bfci_asprintf(out, err, "%s@%s", dataset + strlen(r->z->root), version);
}

/* zfs's words do not tell what to do. */
static int tell_base(const bfci_transfer *t, int rc, bfc_err *err)
{
    if (!t->has_base || !err ||
        !(strstr(err->msg, "does not exist") || strstr(err->msg, "does not match") ||
          strstr(err->msg, "has been modified")))
        return rc;
    return bfci_wrap(err, rc,
                     "it was sent as a difference that cannot be added to what is here: send it "
                     "by its name and without --have");
}

/* `base_guid`: of the last snapshot of a dataset that is there, and gets the next one. What was
 * changed in it since, if only by being mounted, goes first (-F). */
static int pump(struct receiving *r, const bfci_transfer *t, const char *dataset,
                uint64_t base_guid, bfc_err *err)
{
    struct stream s = {.receiving = r, .dataset = dataset};
    AUTO_FREE char *name = NULL;

    BFC_TRY(name_of(r, t, &name, err));
    s.begin = (bfci_zfs_begin){name, t->has_base, base_guid};
    int rc = bfci_zfs_stream_run(&(bfci_zfs_stream){run_zfs, copy, &s, false}, err);
    return rc < 0 ? tell_base(t, rc, err) : 0;
}

static int pass_over(struct receiving *r, bfc_err *err)
{
    return bfci_transfer_get_stream(r->fd, NULL, NULL, r->options->hooks, &r->done, err);
}

/* ── What came ── */

/* An image's dataset holds its container, and folders that other datasets were mounted on. */
static int check_alone(const char *point, const char *name, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;
    struct stat st;

    BFC_TRY(bfci_open(AT_FDCWD, point, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    BFC_TRY(bfci_dir_read(fd, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        BFC_TRY(bfci_stat_at(fd, list.item[i].name, AT_SYMLINK_NOFOLLOW, &st, err));
        bool is_container = strcmp(list.item[i].name, name) == 0 && S_ISREG(st.st_mode);
        if (!is_container && !(S_ISDIR(st.st_mode) && bfci_zfs_is_template(list.item[i].name)))
            return bfci_fail(err, BFC_E_CORRUPT, "beside the container came '%s'",
                             BFCI_QUOTE_STR(list.item[i].name));
    }
    return 0;
}

static int check(const struct receiving *r, const bfci_transfer *t, const char *dataset,
                 bfc_image_info **out, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_verify_options checks = BFC_VERIFY_OPTIONS_INIT;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *file = NULL;

    BFC_TRY(bfci_zfs_mounted(&r->z->tool, dataset, &point, err));
    BFC_TRY(bfci_asprintf(&name, err, "%s" BFCI_ZFS_SUFFIX, t->ref.text + t->ref.last_at));
    BFC_TRY(check_alone(point, name, err));
    BFC_TRY(bfci_asprintf(&file, err, "%s/%s", point, name));
    BFC_TRY(bfci_facts_read(file, t->ref.text, r->options->hooks, r->store->keys, &info, err));
    if (memcmp(info->root_digest, t->root_digest, sizeof t->root_digest) != 0)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the container that came has another root digest than it was sent under");
    checks.root_digest = t->root_digest;
    checks.hooks = r->options->hooks;
    checks.keys = r->store->keys;
    checks.trust = r->options->trust;
    checks.deep = r->options->trust != NULL;
    BFC_TRY(bfc_verify(file, &checks, NULL, err));
    *out = bfci_steal(&info);
    return 0;
}

static void tell(const struct receiving *r, const bfc_image_info *info, bool was_there)
{
    if (r->options->received)
        r->options->received(r->options->received_ctx, info, was_there);
}

/* ── As a new image ── */

static int publish(struct receiving *r, bfci_work *work, bfc_image_info *info, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_zfs_work_publish(work, info, &path, err));
    free(info->path);
    info->path = bfci_steal(&path);
    tell(r, info, false);
    return 0;
}

/* work->place is an empty dataset, which gives way. */
static int receive_new(struct receiving *r, const bfci_transfer *t, bfci_work *work, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_zfs_destroy(r->z, work->place, err));
    BFC_TRY(pump(r, t, work->place, 0, err));
    BFC_TRY(check(r, t, work->place, &info, err));
    BFC_TRY(bfci_zfs_set_defaults(r->z, work->place, err));
    BFC_TRY(bfci_zfs_mark_version(r->z, work->place, info, err));
    return publish(r, work, info, err);
}

/* ── In place of another content ── */

static int copy_new(struct receiving *r, const bfci_transfer *t, bfci_work *work, const char *place,
                    bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_zfs_destroy(r->z, place, err)); /* of a dead process: we have the lock */
    BFC_TRY(pump(r, t, place, 0, err));
    BFC_TRY(check(r, t, place, &info, err));
    BFC_TRY(bfci_copy_file(info->path, work->path, err));
    return publish(r, work, info, err);
}

static int receive_beside(struct receiving *r, const bfci_transfer *t, bfci_work *work,
                          bfc_err *err)
{
    AUTO_FREE char *place = NULL;

    BFC_TRY(bfci_zfs_work_of(r->z, &t->ref, &place, err));
    int rc = copy_new(r, t, work, place, err);
    (void)bfci_zfs_destroy(r->z, place, NULL);
    return rc;
}

/* ── As the next version ── */

/* What ZFS-FUSE receives, or rolls back, under a mount is not seen through it. Unmounted before, it
 * would now and then fail with EIO: the daemon lets go of a dataset only some time after. */
static int mount_anew(const struct receiving *r, const char *dataset, bfc_err *err)
{
    AUTO_FREE char *point = NULL;

    if (!r->z->tool.fuse)
        return 0;
    BFC_TRY(bfci_zfs_unmount(&r->z->tool, dataset, 0, err));
    (void)bfci_zfs_mounted(&r->z->tool, dataset, &point, NULL); /* else who needs it does it */
    return 0;
}

/* The snapshot that came goes, and with it what came; no other is touched. */
static void take_back(const struct receiving *r, const bfci_transfer *t, const char *dataset,
                      const char *snapshot)
{
    AUTO_FREE char *base = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];
    bfc_err err = BFC_ERR_INIT;
    bool there = false;

    bfci_zfs_version_name(t->base_digest, version);
    int rc = bfci_zfs_exists(&r->z->tool, snapshot, &there, &err);
    if (rc == 0 && !there)
        return;
    if (rc == 0)
        rc = bfci_asprintf(&base, &err, "%s@%s", dataset, version);
    if (rc == 0)
        rc = bfci_zfs(&r->z->tool, NULL, &err, "destroy", snapshot, NULL);
    if (rc == 0)
        rc = bfci_zfs(&r->z->tool, NULL, &err, "rollback", base, NULL);
    (void)mount_anew(r, dataset, NULL);
    if (rc < 0)
        bfci_log(r->options->hooks, BFC_LOG_WARNING, "store",
                 "what came cannot be taken back from the dataset '%s': %s", dataset, err.msg);
}

/* -F would destroy what is later than that snapshot: so it must be the last. */
static int find_base(const struct receiving *r, const bfci_transfer *t, const char *dataset,
                     uint64_t *guid, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    AUTO_FREE char *text = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    bfci_zfs_version_name(t->base_digest, version);
    BFC_TRY(bfci_zfs_list(&r->z->tool, dataset, "snapshot", 1, "type", &all, err));
    const bfci_zfs_item *last = all.count ? &all.item[all.count - 1] : NULL;
    if (!last || strcmp(strchr(last->name, '@') + 1, version) != 0)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "what was sent builds on the snapshot '%s', and the last one of '%s' is "
                         "'%s': send it without --have",
                         version, dataset, last ? strchr(last->name, '@') + 1 : "none");
    BFC_TRY(bfci_zfs_get(&r->z->tool, last->name, "guid", &text, err));
    *guid = strtoull(text, NULL, 10);
    return 0;
}

static int add_version(struct receiving *r, const bfci_transfer *t, const char *dataset,
                       bfc_image_info **info, bfc_err *err)
{
    uint64_t guid = 0;

    BFC_TRY(find_base(r, t, dataset, &guid, err));
    BFC_TRY(pump(r, t, dataset, guid, err));
    BFC_TRY(mount_anew(r, dataset, err));
    BFC_TRY(check(r, t, dataset, info, err));
    BFC_TRY(bfci_zfs_mark_version(r->z, dataset, *info, err));
    return bfci_zfs_set_facts(r->z, dataset, *info, err);
}

static int check_new(const struct receiving *r, const bfci_transfer *t, const char *snapshot,
                     bfc_err *err)
{
    bool there = false;

    BFC_TRY(bfci_zfs_exists(&r->z->tool, snapshot, &there, err));
    if (there)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "this version is here, but is not the current one: 'bfc image rollback "
                         "%s %s' makes it that",
                         t->ref.text, strrchr(snapshot, '-') + 1);
    return 0;
}

static int receive_next(struct receiving *r, const bfci_transfer *t, bfc_err *err)
{
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *snapshot = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    bfci_zfs_version_name(t->root_digest, version);
    BFC_TRY(bfci_zfs_lock(r->z, &t->ref, &lock, err));
    BFC_TRY(bfci_zfs_dataset_of(r->z, &t->ref, &dataset, err));
    BFC_TRY(bfci_asprintf(&snapshot, err, "%s@%s", dataset, version));
    BFC_TRY(check_new(r, t, snapshot, err));
    int rc = add_version(r, t, dataset, &info, err);
    if (rc < 0) {
        take_back(r, t, dataset, snapshot);
        return rc;
    }
    tell(r, info, false);
    return 0;
}

/* ── One image ── */

static int find_current(const struct receiving *r, const bfci_reference *ref, bfc_image_info **out,
                        bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_zfs_find(r->store, ref, &path, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    return bfci_facts_read(path, ref->text, NULL, NULL, out, err);
}

static int check_base(const bfci_transfer *t, const bfc_image_info *current, bfc_err *err)
{
    if (!current)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "what was sent builds on a version of the image that is not here: send it "
                         "without --have");
    if (memcmp(current->root_digest, t->base_digest, sizeof t->base_digest) != 0)
        return bfci_fail(
            err, BFC_E_NOT_FOUND,
            "what was sent builds on another version than the one that is current here: "
            "send it without --have, or roll back to that version");
    return 0;
}

/* One that is there is not replaced by the same with a signature: it needs its own. */
static int check_signed(const struct receiving *r, const bfc_image_info *current, bfc_err *err)
{
    const bfci_opening with = {r->options->hooks, r->store->keys, r->options->trust};
    AUTO(bfc_reader) bfc_reader *reader = NULL;

    return with.trust ? bfci_image_open(current->path, with, &reader, err) : 0;
}

static int receive_one(struct receiving *r, const bfci_transfer *t, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;
    AUTO(bfc_image_info) bfc_image_info *current = NULL;
    const bfci_work_how how = {.replace = r->options->replace};

    BFC_TRY(find_current(r, &t->ref, &current, err));
    if (current && memcmp(current->root_digest, t->root_digest, sizeof t->root_digest) == 0) {
        BFC_TRY(check_signed(r, current, err));
        BFC_TRY(pass_over(r, err));
        tell(r, current, true);
        return 0;
    }
    if (t->has_base && strcmp(t->base.text, t->ref.text) == 0) {
        BFC_TRY(check_base(t, current, err));
        return receive_next(r, t, err);
    }
    BFC_TRY(bfci_zfs_work_begin(r->store, &t->ref, &how, &work, err));
    return work.place ? receive_new(r, t, &work, err) : receive_beside(r, t, &work, err);
}

int bfci_zfs_receive(bfc_store *store, int fd, const bfc_image_receive_options *options,
                     bfc_err *err)
{
    struct receiving r = {.store = store, .z = bfci_zfs_of(store), .fd = fd, .options = options};
    bfci_transfer t;
    bool more = false;

    BFC_TRY(bfci_transfer_expect(fd, options->hooks, err));
    for (;;) {
        BFC_TRY(bfci_transfer_get_header(fd, options->hooks, &t, &more, err));
        if (!more)
            return 0;
        int rc = receive_one(&r, &t, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "receive image '%s'", t.ref.text);
    }
}
