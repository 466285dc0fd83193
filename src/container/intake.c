/* SPDX-License-Identifier: Apache-2.0 */
/* Intake: the writer's thread takes items in order; so what is stored, and where, is decided by the
 * order of the tree alone. */
#include "container/intake.h"

#include <sys/sysmacros.h>

#include "sys/file.h"
#include "sys/inspect.h"

static const bfci_kind kind_of_xattrs = {.likeness = 0x5e7};
static const bfci_kind kind_of_blobs = {.likeness = 0xb10b};

void bfci_intake_release(bfci_intake *in)
{
    bfci_ahead_release(&in->ahead);
    bfci_set_release(&in->vanished);
    free(in->extent);
    in->extent = NULL;
}

/* ── Content ── */

int bfci_intake_extent(bfci_intake *in, const bfci_extent *e, bfc_err *err)
{
    BFC_TRY(
        bfci_reserve(&in->extent, &in->extent_cap, in->extent_count + 1, sizeof *in->extent, err));
    in->extent[in->extent_count++] = *e;
    return 0;
}

/* A run that is all there. */
int bfci_intake_piece(bfci_intake *in, bfci_kind kind, uint64_t start, const uint8_t *bytes,
                      size_t len, bfc_err *err)
{
    bfci_extent e;

    BFC_TRY(bfci_pack_piece(in->packer, kind, start, bytes, len, &e, err));
    return bfci_intake_extent(in, &e, err);
}

/* A content that may be stored already. */
int bfci_intake_known(bfci_intake *in, const uint8_t *digest, uint64_t size, bool *found,
                      bfc_err *err)
{
    bfci_extent e;

    BFC_TRY(bfci_dedup_find(in->dedup, digest, size, found, &e, err));
    if (!*found)
        return 0;
    e.start = 0;
    return bfci_intake_extent(in, &e, err);
}

/* The file's content is stored: others may refer to it. */
int bfci_intake_remember(bfci_intake *in, uint64_t ino, const bfci_inode *n, bfc_err *err)
{
    if (in->extent_count != 1 || in->extent[0].len != n->size)
        return 0;
    BFC_TRY(bfci_dedup_add(in->dedup, n->digest, &in->extent[0], err));
    return bfci_stage_content(in->stage, n->digest, ino, err);
}

static int store_sparse(bfci_intake *in, bfci_kind kind, const bfci_item *item, bfc_err *err)
{
    for (size_t at = 0; at < item->data_len;) {
        bool hole = false;
        size_t n = bfci_next_piece(item->data + at, item->data_len - at, &hole);
        if (!hole)
            BFC_TRY(bfci_intake_piece(in, kind, at, item->data + at, n, err));
        at += n;
    }
    return 0;
}

static int store_small(bfci_intake *in, const bfci_item *item, bfc_err *err)
{
    bfci_inode *n = &in->inode;
    bfci_kind kind = bfci_kind_of(item->name);
    bool found = false;

    n->size = item->data_len;
    n->crc = item->crc;
    memcpy(n->digest, item->digest, BFC_DIGEST_SIZE);
    if (n->size == 0)
        return 0;
    bfci_kind_look(&kind, item->data, item->data_len);
    if (item->sparse)
        return store_sparse(in, kind, item, err);
    BFC_TRY(bfci_intake_known(in, n->digest, n->size, &found, err));
    if (found)
        return 0;
    BFC_TRY(bfci_intake_piece(in, kind, 0, item->data, item->data_len, err));
    return bfci_intake_remember(in, item->ino, n, err);
}

/* ── Large files ── */

/* Takes the chunks of a stream into runs; without `store` they are only hashed. */
static int take_chunks(bfci_intake *in, bfci_stream *stream, const char *name, bool store,
                       bfc_err *err)
{
    const bfci_chunk *c = NULL;
    bool in_run = false;
    bfci_kind kind = bfci_kind_of(name);
    bfci_extent e;

    for (;;) {
        BFC_TRY(bfci_check_cancel(in->hooks, err));
        BFC_TRY(bfci_stream_next(stream, &c, err));
        bool data = c && c->data;
        if (!data && in_run) {
            BFC_TRY(bfci_pack_run_end(in->packer, &e, err));
            BFC_TRY(bfci_intake_extent(in, &e, err));
            in_run = false;
        }
        if (!c)
            return 0;
        if (store)
            in->progress.bytes_done += c->len;
        if (store && data) {
            if (c->offset == 0)
                bfci_kind_look(&kind, c->data, (size_t)c->len);
            if (!in_run)
                BFC_TRY(bfci_pack_run_begin(in->packer, kind, c->offset, err));
            in_run = true;
            BFC_TRY(bfci_pack_run_add(in->packer, c->data, (size_t)c->len, c->buffer, err));
            bfci_progress(in->hooks, &in->progress);
        }
    }
}

/* All of the file, by the stream that was begun, or by one more. */
static int stream_file(bfci_intake *in, bfci_large *file, bool store, bfc_err *err)
{
    AUTO(bfci_stream) bfci_stream *stream = bfci_steal(&file->stream);

    if (!stream)
        BFC_TRY(bfci_stream_new(in->pool, file->fd, file->size, file->sparse, &stream, err));
    BFC_TRY(take_chunks(in, stream, file->item->name, store, err));
    return bfci_stream_sums(stream, &in->inode.size, &in->inode.crc, in->inode.digest, err);
}

static int store_opened(bfci_intake *in, bfci_large *file, bfc_err *err)
{
    bool found = false;
    bfci_inode *n = &in->inode;

    if (!file->sparse && bfci_dedup_may_have_size(in->dedup, file->size)) {
        /* Perhaps it need not be stored: hashing is so much cheaper than compressing that it pays.
         */
        BFC_TRY(stream_file(in, file, false, err));
        BFC_TRY(bfci_intake_known(in, n->digest, n->size, &found, err));
        if (found)
            return 0;
    }
    BFC_TRY(stream_file(in, file, true, err));
    if (n->size < file->size)
        bfci_log(in->hooks, BFC_LOG_WARNING, "create",
                 "'%s' became shorter while it was read; stored as far as it went",
                 bfci_item_path(file->item).text);
    if (n->size == 0)
        return 0;
    return file->sparse ? 0 : bfci_intake_remember(in, file->item->ino, n, err);
}

static int store_large(bfci_intake *in, const bfci_item *item, bfc_err *err)
{
    bfci_large file = {0};

    if (!bfci_ahead_take(&in->ahead, item, &file))
        BFC_TRY(bfci_large_open(in->pool, item, in->noatime, &file, err));
    int rc = store_opened(in, &file, err);
    bfci_large_release(&file);
    return rc;
}

/* ── Attributes ── */

/* Bytes that may stand in the table itself, or else in blocks. */
static int store_bytes(bfci_intake *in, bfci_kind kind, const uint8_t *bytes, size_t len,
                       bfci_stored *out, bfc_err *err)
{
    *out = (bfci_stored){.size = len, .is_inline = len <= INLINE_MAX, .bytes = {bytes, len}};
    if (out->is_inline)
        return 0;
    in->extent_count = 0;
    BFC_TRY(bfci_intake_piece(in, kind, 0, bytes, len, err));
    out->extent[0] = in->extent[0];
    out->extent_count = 1;
    return 0;
}

int bfci_intake_xattrs(bfci_intake *in, const uint8_t *set, size_t len,
                       const uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    bool has = false;
    bfci_stored stored;

    BFC_TRY(bfci_stage_has_xattrs(in->stage, digest, &has, err));
    if (has)
        return 0;
    size_t extents = in->extent_count; /* those of the file at hand stay */
    bfci_extent first = extents ? in->extent[0] : (bfci_extent){0};
    BFC_TRY(store_bytes(in, kind_of_xattrs, set, len, &stored, err));
    in->extent_count = extents;
    if (extents)
        in->extent[0] = first;
    return bfci_stage_xattrs(in->stage, digest, &stored, err);
}

static int store_xattrs(bfci_intake *in, const bfci_item *item, bfc_err *err)
{
    if (item->xattrs.len == 0)
        return 0;
    in->inode.flags |= INODE_XATTRS;
    memcpy(in->inode.xattrs, item->xattrs_digest, BFC_DIGEST_SIZE);
    return bfci_intake_xattrs(in, item->xattrs.data, item->xattrs.len, item->xattrs_digest, err);
}

int bfci_intake_store_blob(bfci_intake *in, const uint8_t *bytes, size_t len, bfci_stored *out,
                           bfc_err *err)
{
    BFC_TRY(store_bytes(in, kind_of_blobs, bytes, len, out, err));
    out->has_sums = true;
    out->crc = bfci_crc32c(bytes, len);
    return bfci_sha256(bytes, len, out->digest, err);
}

int bfci_intake_blob(bfci_intake *in, const char *name, const uint8_t *bytes, size_t len,
                     bfc_err *err)
{
    bfci_stored blob;

    BFC_TRY(bfci_intake_store_blob(in, bytes, len, &blob, err));
    return bfci_stage_blob(in->stage, name, &blob, err);
}

static uint8_t type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return BFC_TYPE_FILE;
    case S_IFDIR:
        return BFC_TYPE_DIR;
    case S_IFLNK:
        return BFC_TYPE_SYMLINK;
    case S_IFCHR:
        return BFC_TYPE_CHAR;
    case S_IFBLK:
        return BFC_TYPE_BLOCK;
    case S_IFIFO:
        return BFC_TYPE_FIFO;
    default:
        return BFC_TYPE_SOCKET;
    }
}

int bfci_intake_fill_inode(bfci_inode *n, const bfci_item *item, bfc_err *err)
{
    const struct stat *st = &item->st;
    bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

    n->type = type_of(st->st_mode);
    n->flags = item->synthetic ? INODE_SYNTHETIC : 0;
    n->mode = (uint16_t)(st->st_mode & 07777);
    n->uid = st->st_uid;
    n->gid = st->st_gid;
    n->mtime = st->st_mtim.tv_sec;
    n->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
    n->size = 0;
    n->crc = 0;
    n->extent_count = 0;
    n->link_len = item->link_len;
    memcpy(n->link, item->link ? item->link : "", item->link_len + 1);
    n->major = device ? major(st->st_rdev) : 0;
    n->minor = device ? minor(st->st_rdev) : 0;
    if (n->uid > ID_MAX || n->gid > ID_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "an owner of 4294967295 cannot be stored");
    if (n->major > DEVICE_MAJOR_MAX || n->minor > DEVICE_MINOR_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "device %u:%u is beyond 4095:1048575", n->major,
                         n->minor);
    return 0;
}

/* ── Items ── */

static int note_vanished(bfci_intake *in, const bfci_item *item, bfc_err *err)
{
    bool added;

    bfci_log(in->hooks, BFC_LOG_WARNING, "create",
             "'%s' was gone before it could be read; left out", bfci_item_path(item).text);
    return item->ino ? bfci_set_add(&in->vanished, item->ino, &added, err) : 0;
}

/* What had this name in the commit before goes, unless the item goes on with its inode. */
static int clear_name(bfci_intake *in, const bfci_item *item, bool *existed, bfc_err *err)
{
    *existed = item->was_there && item->old.ino == item->ino;
    if (!item->was_there || *existed)
        return 0;
    return bfci_stage_remove(in->stage, item->parent, item->name, &item->old, err);
}

static int take_hard_link(bfci_intake *in, const bfci_item *item, bfc_err *err)
{
    bool existed = false;

    if (bfci_set_has(&in->vanished, item->ino))
        return note_vanished(in, item, err);
    BFC_TRY(clear_name(in, item, &existed, err));
    BFC_TRY(bfci_stage_dirent(in->stage, item->parent, item->name, type_of(item->st.st_mode),
                              item->ino, err));
    return bfci_stage_links(in->stage, item->ino, item->link_count, err);
}

static int store_content(bfci_intake *in, bfci_item *item, bfc_err *err)
{
    in->extent_count = 0;
    if (in->inode.type != BFC_TYPE_FILE)
        return 0;
    if (item->streamed)
        return store_large(in, item, err);
    if (item->data_len < (uint64_t)item->st.st_size)
        bfci_log(in->hooks, BFC_LOG_WARNING, "create",
                 "'%s' became shorter while it was read; stored as far as it went",
                 bfci_item_path(item).text);
    in->progress.bytes_done += item->data_len;
    return store_small(in, item, err);
}

static int take_inode(bfci_intake *in, bfci_item *item, bfc_err *err)
{
    bool is_root = item->parent == 0, existed = false;
    bfci_inode *n = &in->inode;

    BFC_TRY(bfci_intake_fill_inode(n, item, err));
    if (is_root)
        existed = in->stage->base != NULL;
    else
        BFC_TRY(clear_name(in, item, &existed, err));
    if (existed && item->synthetic)
        return 0; /* nothing is known of the root that would be better than what is there */
    BFC_TRY(store_xattrs(in, item, err));
    BFC_TRY(store_content(in, item, err));
    BFC_TRY(bfci_stage_inode(in->stage, item->ino, n, in->extent, in->extent_count, existed, err));
    if (is_root || existed)
        return 0;
    return bfci_stage_dirent(in->stage, item->parent, item->name, n->type, item->ino, err);
}

int bfci_intake_item(bfci_intake *in, bfci_item *item, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    int rc = item->rc;

    if (rc == BFC_E_NOT_FOUND && !item->source) /* what was named must be there */
        return note_vanished(in, item, err);
    if (rc < 0 && item->err)
        why = *item->err;
    if (rc == 0)
        rc = item->link_count ? take_hard_link(in, item, &why) : take_inode(in, item, &why);
    if (rc == BFC_E_NOT_FOUND && item->streamed && !item->source) /* it is opened only now */
        return note_vanished(in, item, err);
    if (rc < 0) {
        if (err)
            *err = why;
        return bfci_wrap(err, rc, "'%s'", bfci_item_path(item).text);
    }
    in->progress.files_done++;
    return bfci_packer_poll(in->packer, err);
}

int bfci_intake_batch(bfci_intake *in, bfci_batch *b, bfc_err *err)
{
    in->ahead.looked = 0;
    for (size_t i = 0; i < bfci_batch_count(b); i++) {
        bfci_ahead_fill(&in->ahead, in->pool, b, in->noatime, in->streams);
        BFC_TRY(bfci_intake_item(in, bfci_batch_item(b, i), err));
    }
    return 0;
}
