/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: the current version of each image as `zfs send` writes it. Where the far end has an
 * earlier version of the image, or the version of the image that it is a clone of, only the
 * difference is sent; what it has is known by root digests, and by what was sent before in the same
 * stream. */
#include "store/zfs.h"

#include "base/hooks.h"
#include "codec/digest.h"
#include "store/facts.h"
#include "store/transfer.h"
#include "store/zfs_stream.h"

struct outgoing {
    bfci_reference ref;
    uint8_t digest[BFC_DIGEST_SIZE];
    char *dataset, *snapshot;
    char *origin; /* "-", or the snapshot that the dataset is a clone of */
    bool sent;    /* or the far end has it */
};

struct sending {
    bfc_store *store;
    const bfci_zfsstore *z;
    int fd;
    const char *const *have;
    const bfc_hooks *hooks;
    struct outgoing *image;
    size_t count, cap;
    uint64_t done;
};

static void sending_release(struct sending *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->image[i].dataset);
        free(s->image[i].snapshot);
        free(s->image[i].origin);
    }
    free(s->image);
}

/* ── What is to be sent ── */

/* Where a kill kept it from being taken. What is there is enough, also on a pool that is read-only.
 */
static int need_version(const bfci_zfsstore *z, const struct outgoing *o,
                        const bfc_image_info *info, bfc_err *err)
{
    bool there = false;

    BFC_TRY(bfci_zfs_exists(&z->tool, o->snapshot, &there, err));
    return there ? 0 : bfci_zfs_take_version(z, o->dataset, info, err);
}

/* The container says which version it is. */
static int add_image(struct sending *s, const bfci_reference *ref, const char *path, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    BFC_TRY(bfci_facts_read(path, ref->text, NULL, NULL, &info, err));
    BFC_TRY(bfci_reserve(&s->image, &s->cap, s->count + 1, sizeof *s->image, err));
    struct outgoing *o = &s->image[s->count++];
    *o = (struct outgoing){.ref = *ref};
    memcpy(o->digest, info->root_digest, sizeof o->digest);
    bfci_zfs_version_name(o->digest, version);
    BFC_TRY(bfci_zfs_dataset_of(s->z, ref, &o->dataset, err));
    BFC_TRY(bfci_asprintf(&o->snapshot, err, "%s@%s", o->dataset, version));
    BFC_TRY(need_version(s->z, o, info, err));
    return bfci_zfs_get(&s->z->tool, o->dataset, "origin", &o->origin, err);
}

static int add_found(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct sending *s = ctx;
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_zfs_find(s->store, found->ref, &path, err));
    int rc = add_image(s, found->ref, path, err);
    return rc < 0 ? bfci_wrap(err, rc, "image '%s'", found->ref->text) : 0;
}

/* ── From what the far end has ── */

static bool far_end_has(const struct sending *s, const uint8_t digest[BFC_DIGEST_SIZE])
{
    char hex[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(digest, BFC_DIGEST_SIZE, hex);
    for (size_t i = 0; s->have && s->have[i]; i++)
        if (strcmp(s->have[i], hex) == 0)
            return true;
    return false;
}

/* Whether a snapshot is a version of this image that the far end has. */
static int try_version(const struct sending *s, const struct outgoing *o, const char *snapshot,
                       bfci_transfer *t, bfc_err *err)
{
    AUTO_FREE char *image = NULL;
    AUTO_FREE char *digest = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];
    uint8_t base[BFC_DIGEST_SIZE];

    BFC_TRY(bfci_zfs_get(&s->z->tool, snapshot, bfci_zfs_property[ZFS_DIGEST], &digest, err));
    BFC_TRY(bfci_zfs_get(&s->z->tool, snapshot, bfci_zfs_property[ZFS_IMAGE], &image, err));
    if (!bfci_unhex(digest, base, BFC_DIGEST_SIZE) || strcmp(image, o->ref.text) != 0)
        return 0;
    bfci_zfs_version_name(base, version); /* others inherit what the dataset has */
    if (strcmp(strchr(snapshot, '@') + 1, version) != 0 || !far_end_has(s, base))
        return 0;
    t->has_base = true;
    t->base = o->ref;
    memcpy(t->base_digest, base, sizeof t->base_digest);
    return 0;
}

/* The last version before the one that is sent that the far end has. (After a rollback there are
 * later ones; from these ZFS makes no difference.) */
static int find_version(const struct sending *s, const struct outgoing *o, bfci_transfer *t,
                        char **snapshot, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items all = {NULL, NULL, 0};
    size_t i = 0;

    if (!s->have || !s->have[0])
        return 0;
    BFC_TRY(bfci_zfs_list(&s->z->tool, o->dataset, "snapshot", 1, "type", &all, err));
    while (i < all.count && strcmp(all.item[i].name, o->snapshot) != 0)
        i++; /* zfs lists the oldest first */
    for (; i > 0 && !t->has_base; i--) {
        BFC_TRY(try_version(s, o, all.item[i - 1].name, t, err));
        if (t->has_base)
            BFC_TRY(bfci_strdup(all.item[i - 1].name, snapshot, err));
    }
    return 0;
}

static bool was_sent(const struct sending *s, const char *snapshot)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->image[i].sent && strcmp(s->image[i].snapshot, snapshot) == 0)
            return true;
    return false;
}

/* The version that it is a clone of, where that was sent before or is there anyway. */
static int find_origin(const struct sending *s, const struct outgoing *o, bfci_transfer *t,
                       char **snapshot, bfc_err *err)
{
    AUTO_FREE char *image = NULL;
    AUTO_FREE char *digest = NULL;

    if (!strchr(o->origin, '@'))
        return 0;
    BFC_TRY(bfci_zfs_get(&s->z->tool, o->origin, bfci_zfs_property[ZFS_IMAGE], &image, err));
    BFC_TRY(bfci_zfs_get(&s->z->tool, o->origin, bfci_zfs_property[ZFS_DIGEST], &digest, err));
    if (!bfci_reference_is_canonical(image, &t->base) ||
        !bfci_unhex(digest, t->base_digest, BFC_DIGEST_SIZE) ||
        !(was_sent(s, o->origin) || far_end_has(s, t->base_digest)))
        return 0;
    t->has_base = true;
    return bfci_strdup(o->origin, snapshot, err);
}

/* ── Sending one ── */

struct stream {
    struct sending *sending;
    const char *snapshot, *base;
};

/* Blocks as they are on disk (-L), where this zfs knows of large ones. */
static int call_zfs(const struct stream *s, int fd, bool large, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    call.endless = true;
    call.out_fd = fd;
    bfci_zfs_add(&call, "send");
    if (large)
        bfci_zfs_add(&call, "-L");
    if (s->base) {
        bfci_zfs_add(&call, "-i");
        bfci_zfs_add(&call, s->base);
    }
    bfci_zfs_add(&call, s->snapshot);
    return bfci_zfs_run(&s->sending->z->tool, &call, NULL, err);
}

static int run_zfs(void *ctx, int fd, bfc_err *err)
{
    const struct stream *s = ctx;
    bfc_err why = BFC_ERR_INIT;
    int rc = BFC_E_INVALID;

    if (!s->sending->z->tool.fuse)
        rc = call_zfs(s, fd, true, &why);
    if (rc < 0 && (s->sending->z->tool.fuse || strstr(why.msg, "invalid option")))
        return call_zfs(s, fd, false, err);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int copy(void *ctx, int fd, bfc_err *err)
{
    struct sending *s = ((const struct stream *)ctx)->sending;

    return bfci_transfer_put_stream(s->fd, fd, s->hooks, &s->done, err);
}

static int send_one(struct sending *s, struct outgoing *o, bfc_err *err)
{
    AUTO_FREE char *base = NULL;
    bfci_transfer t = {.ref = o->ref};

    if (far_end_has(s, o->digest)) {
        bfci_log(s->hooks, BFC_LOG_INFO, "store", "image '%s': the far end has it", o->ref.text);
        o->sent = true;
        return 0;
    }
    memcpy(t.root_digest, o->digest, sizeof t.root_digest);
    BFC_TRY(find_version(s, o, &t, &base, err));
    if (!base)
        BFC_TRY(find_origin(s, o, &t, &base, err));
    struct stream stream = {s, o->snapshot, base};
    BFC_TRY(bfci_transfer_put_header(s->fd, &t, s->hooks, err));
    BFC_TRY(bfci_zfs_stream_run(&(bfci_zfs_stream){run_zfs, copy, &stream, true}, err));
    BFC_TRY(bfci_transfer_put_end(s->fd, s->hooks, err));
    o->sent = true;
    return 0;
}

/* ── All ── */

static bool waits(const struct sending *s, const struct outgoing *o)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->image[i].sent && strcmp(s->image[i].snapshot, o->origin) == 0)
            return true;
    return false;
}

/* What others are clones of goes before them. */
static int send_all(struct sending *s, bfc_err *err)
{
    for (size_t left = s->count; left > 0;) {
        size_t before = left;
        for (size_t i = 0; i < s->count; i++) {
            struct outgoing *o = &s->image[i];
            if (o->sent || waits(s, o))
                continue;
            int rc = send_one(s, o, err);
            if (rc < 0)
                return bfci_wrap(err, rc, "send image '%s'", o->ref.text);
            left--;
        }
        if (left == before)
            return bfci_fail(err, BFC_E_IO, "datasets are clones of each other in a circle");
    }
    return 0;
}

static int run(struct sending *s, const bfci_reference *ref, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    if (ref) {
        BFC_TRY(bfci_zfs_find(s->store, ref, &path, err));
        BFC_TRY(add_image(s, ref, path, err));
    } else {
        BFC_TRY(bfci_zfs_scan(s->store, add_found, s, err));
    }
    BFC_TRY(bfci_transfer_begin(s->fd, s->hooks, err));
    int rc = send_all(s, err);
    if (rc < 0)
        bfci_transfer_put_failure(s->fd, s->hooks);
    return rc < 0 ? rc : bfci_transfer_put_end(s->fd, s->hooks, err);
}

int bfci_zfs_send(bfc_store *store, const bfci_reference *ref, int fd, const char *const *have,
                  const bfc_hooks *hooks, bfc_err *err)
{
    __attribute__((cleanup(sending_release))) struct sending s = {
        .store = store, .z = bfci_zfs_of(store), .fd = fd, .have = have, .hooks = hooks};

    return run(&s, ref, err);
}
