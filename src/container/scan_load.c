/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a batch: what only a look into the files themselves tells. Runs in the pool, for several
 * batches at once; a failure is kept with its item for the writer, who sees the items in order. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "container/hasher.h"
#include "container/scan_batch.h"
#include "sys/attr.h"
#include "sys/file.h"
#include "sys/inspect.h"

/* ── Source folders ── */

int bfci_source_dir_new(int fd, const char *parent_path, const char *name, bfci_dir_count *count,
                        bfci_source_dir **out, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bfci_source_dir *d = NULL;

    BFC_TRY(bfci_asprintf(&path, err, "%s%s%s", parent_path, *parent_path ? "/" : "", name));
    BFC_TRY(bfci_alloc_zero(1, sizeof *d, &d, err));
    atomic_init(&d->refs, 1);
    d->fd = fd;
    d->path = bfci_steal(&path);
    d->count = count;
    pthread_mutex_lock(&count->lock);
    count->open++;
    pthread_mutex_unlock(&count->lock);
    *out = d;
    return 0;
}

int bfci_source_dir_beneath(bfci_source_dir *base, const char *path, bfci_source_dir **out,
                            bfc_err *err)
{
    size_t len = strlen(base->path);
    bfci_source_dir *d = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *d, &d, err));
    int rc = bfci_strdup(path, &d->path, err);
    if (rc < 0) {
        free(d);
        return rc;
    }
    atomic_init(&d->refs, 1);
    d->fd = -1;
    d->base = bfci_source_dir_ref(base);
    d->below = d->path + len + (len > 0 && d->path[len] == '/');
    *out = d;
    return 0;
}

bfci_source_dir *bfci_source_dir_ref(bfci_source_dir *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void bfci_source_dir_unref(bfci_source_dir *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    bfci_dir_count *count = d->count;
    bfci_fd_close(&d->fd);
    bfci_source_dir_unref(d->base);
    free(d->path);
    free(d);
    if (!count)
        return;
    pthread_mutex_lock(&count->lock);
    count->open--;
    pthread_cond_signal(&count->fewer);
    pthread_mutex_unlock(&count->lock);
}

/* ── Items ── */

const char *bfci_item_folder(const bfci_item *item)
{
    return item->dir->path;
}

struct bfci_quoted bfci_item_path(const bfci_item *item)
{
    AUTO_FREE char *path = NULL;
    const char *dir = item->dir->path;

    if (S_ISDIR(item->st.st_mode))
        return bfci_quote_bytes(dir, strlen(dir));
    if (bfci_asprintf(&path, NULL, "%s%s%s", dir, *dir ? "/" : "", item->name) < 0)
        return bfci_quote_bytes(item->name, strlen(item->name));
    return bfci_quote_bytes(path, strlen(path));
}

/* By its path, since its folder is not open. What the path leads through may have been replaced
 * since: then the file is gone. */
static int open_below(const bfci_item *item, int flags, int *fd, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    const bfci_source_dir *dir = item->dir;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_asprintf(&path, err, "%s%s%s", dir->below, *dir->below ? "/" : "", item->name));
    int rc = strlen(path) < PATH_MAX
                 ? bfci_open_beneath(dir->base->fd, path, flags, 0, fd, &why)
                 : bfci_open_beneath_by_name(dir->base->fd, path, flags, 0, fd, &why);
    if (rc == 0)
        return 0;
    if (why.os_errno == ENOTDIR)
        return bfci_fail(err, BFC_E_NOT_FOUND, "%s", why.msg);
    if (err)
        *err = why;
    return rc;
}

static int open_flags(const bfci_item *item, int flags, int *fd, bfc_err *err)
{
    if (item->source)
        return bfci_open(AT_FDCWD, item->source, flags, 0, fd, err);
    if (item->dir->base)
        return open_below(item, flags, fd, err);
    return bfci_open(item->dir->fd, item->name, flags, 0, fd, err);
}

int bfci_item_open(const bfci_item *item, bool noatime, int *out, struct stat *st, bfc_err *err)
{
    const int flags =
        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY; /* a FIFO may stand there by now */
    AUTO_FD int fd = -1;
    bfc_err why = BFC_ERR_INIT;
    int rc = open_flags(item, flags | (noatime ? O_NOATIME : 0), &fd, &why);

    if (rc == BFC_E_DENIED && noatime) /* only the owner may read without a trace */
        rc = open_flags(item, flags, &fd, &why);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    BFC_TRY(bfci_fstat(fd, st, err));
    if (!S_ISREG(st->st_mode))
        return bfci_fail(err, BFC_E_INVALID, "it was a regular file, and is none any more");
    *out = bfci_steal_fd(&fd);
    return 0;
}

static int encode_xattrs(const bfci_attr_list *list, bfci_sha256_ctx *sha, bfci_item *item,
                         bfc_err *err)
{
    AUTO_FREE bfci_xattr_item *items = NULL;

    if (list->count == 0)
        return 0;
    BFC_TRY(bfci_alloc(list->count, sizeof *items, &items, err));
    for (size_t i = 0; i < list->count; i++) {
        const bfci_attr *a = &list->item[i];
        items[i] = (bfci_xattr_item){{(const uint8_t *)a->name, strlen(a->name)},
                                     {a->value, a->value_len}};
    }
    bfci_xattr_set_encode(&item->xattrs, items, list->count);
    BFC_TRY(buf_check(&item->xattrs, err));
    if (item->xattrs.len > XATTR_SET_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "more than %d bytes of extended attributes",
                         XATTR_SET_MAX);
    BFC_TRY(bfci_sha256_start(sha, err));
    BFC_TRY(bfci_sha256_update(sha, item->xattrs.data, item->xattrs.len, err));
    return bfci_sha256_finish(sha, item->xattrs_digest, err);
}

static int load_xattrs(bfci_item *item, int fd, bfci_sha256_ctx *sha, bfc_err *err)
{
    bfci_attr_list list = BFCI_ATTR_LIST_INIT;
    int rc;

    if (fd >= 0)
        rc = bfci_attrs_read_fd(fd, &list, err);
    else
        rc = bfci_attrs_read_at(item->source ? AT_FDCWD : item->dir->fd,
                                item->source ? item->source : item->name, &list, err);
    if (rc == 0)
        rc = encode_xattrs(&list, sha, item, err);
    bfci_attr_list_release(&list);
    return rc;
}

static int load_link(bfci_item *item, bfc_err *err)
{
    char target[LINK_MAX_LEN + 1];

    BFC_TRY(bfci_readlink_at(item->source ? AT_FDCWD : item->dir->fd,
                             item->source ? item->source : item->name, target, sizeof target,
                             &item->link_len, err));
    return bfci_memdup_str(target, item->link_len, &item->link, err);
}

static int hash_content(bfci_item *item, bfci_sha256_ctx *sha, bfc_err *err)
{
    bfci_hasher h;

    BFC_TRY(bfci_hasher_start(&h, sha, item->sparse, err));
    for (size_t at = 0; at < item->data_len;) {
        bool hole = false;
        size_t n = item->data_len - at;
        if (item->sparse)
            n = bfci_next_piece(item->data + at, n, &hole);
        BFC_TRY(hole ? bfci_hasher_hole(&h, n, err)
                     : bfci_hasher_data(&h, item->data + at, n, err));
        at += n;
    }
    return bfci_hasher_finish(&h, &item->crc, item->digest, err);
}

/* `room`: bytes kept for it at `to`, its size when it was scanned. */
static int load_file(bfci_item *item, bool noatime, uint8_t *to, uint64_t room,
                     bfci_sha256_ctx *sha, bfc_err *err)
{
    AUTO_FD int fd = -1;
    struct stat st;

    BFC_TRY(bfci_item_open(item, noatime, &fd, &st, err));
    item->st = st;
    BFC_TRY(load_xattrs(item, fd, sha, err));
    if (st.st_size == 0)
        return 0;
    if (item->streamed || (uint64_t)st.st_size > room) {
        item->streamed = true;
        return 0;
    }
    BFC_TRY(bfci_has_hole(fd, &st, &item->sparse, err));
    item->data = to;
    BFC_TRY(bfci_pread(fd, to, (size_t)st.st_size, 0, &item->data_len, err));
    return hash_content(item, sha, err);
}

static int load_item(bfci_batch *b, bfci_item *item, uint8_t *to, uint64_t room,
                     bfci_sha256_ctx *sha, bfc_err *err)
{
    if (item->synthetic || item->link_count)
        return 0;
    if (S_ISREG(item->st.st_mode))
        return load_file(item, b->noatime, to, room, sha, err);
    if (S_ISDIR(item->st.st_mode))
        return load_xattrs(item, item->dir->fd, sha, err);
    if (S_ISLNK(item->st.st_mode))
        BFC_TRY(load_link(item, err));
    return load_xattrs(item, -1, sha, err);
}

static void keep_failure(bfci_item *item, int rc, const bfc_err *why)
{
    item->rc = rc;
    if (bfci_alloc(1, sizeof *item->err, &item->err, NULL) == 0)
        *item->err = *why;
}

static uint64_t room_of(const bfci_item *item)
{
    bool small = S_ISREG(item->st.st_mode) && !item->streamed && !item->link_count;
    return small ? (uint64_t)item->st.st_size : 0;
}

static int load_all(bfci_batch *b, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_buffer_take(b->pool, &b->data, err));
    uint8_t *to = b->data->bytes;
    for (size_t i = 0; i < b->count; i++) {
        bfci_item *item = &b->item[i];
        uint64_t room = room_of(item);
        bfc_err why = BFC_ERR_INIT;
        if (item->rc == 0) {
            int rc = load_item(b, item, to, room, sha, &why);
            if (rc < 0)
                keep_failure(item, rc, &why);
        }
        to += room;
    }
    return 0;
}

static void count_loaded(const bfci_batch *b)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < b->count; i++)
        bytes += b->item[i].data_len;
    bfci_meter_count(b->count, bytes);
}

void bfci_batch_load(bfci_task *task, unsigned worker)
{
    (void)worker;
    BFCI_METER(STAGE_LOAD);
    bfci_batch *b = (bfci_batch *)((char *)task - offsetof(bfci_batch, task));
    bfc_err why = BFC_ERR_INIT;
    int rc = load_all(b, &why);
    count_loaded(b);

    if (rc < 0)
        keep_failure(&b->item[0], rc, &why);
    pthread_mutex_lock(b->lock);
    b->loaded = true;
    pthread_cond_broadcast(b->bell);
    pthread_mutex_unlock(b->lock);
}

void bfci_batch_free(bfci_batch *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++) {
        bfci_item *item = &b->item[i];
        free(item->name);
        free(item->source);
        free(item->link);
        free(item->err);
        bfci_buf_free(&item->xattrs);
        bfci_source_dir_unref(item->dir);
    }
    bfci_buffer_unref(b->data);
    free(b);
}
