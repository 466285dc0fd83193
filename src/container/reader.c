/* SPDX-License-Identifier: Apache-2.0 */
/* The public reader: opening a container, looking up paths, reading content, attributes and blobs.
 */
#include "container/reader.h"

#include <fcntl.h>

#include "base/path.h"
#include "codec/digest.h"
#include "container/content.h"
#include "container/trust.h"
#include "container/v1.h"
#include "sys/file.h"

BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)

/* ── Opening ── */

static int open_source(bfc_reader *r, int *fd, const bfc_reader_options *o, bfc_err *err)
{
    bfci_source *s = &r->source;

    BFC_TRY(bfci_source_open_fd(*fd, s, err));
    (void)bfci_steal_fd(fd);
    BFC_TRY(bfci_source_unlock(s, o->keys, r->path, err));
    r->newest = *s;
    if (o->at)
        BFC_TRY(bfci_source_select(s, o->at, err));
    if (o->root_digest) {
        if (memcmp(s->commit.root_digest, o->root_digest, BFC_DIGEST_SIZE) != 0)
            return bfci_fail(err, BFC_E_CORRUPT,
                             "the commit does not have the root digest asked for");
        s->check_digests = true;
    }
    if (o->trust) {
        BFC_TRY(bfci_trust_check(o->trust, &r->newest, s->commit.root_digest, NULL, err));
        s->check_digests = true;
    }
    return 0;
}

static void init_cursors(bfc_reader *r)
{
    bfci_cursor_init(&r->trees, r->tables, TABLE_TREES);
    bfci_cursor_init(&r->inodes, r->tables, TABLE_INODES);
    bfci_cursor_init(&r->dirents, r->tables, TABLE_DIRENTS);
    bfci_cursor_init(&r->links, r->tables, TABLE_LINKS);
    bfci_cursor_init(&r->xattrs, r->tables, TABLE_XATTRS);
    bfci_cursor_init(&r->blocks, r->tables, TABLE_BLOCKS);
    bfci_cursor_init(&r->blobs, r->tables, TABLE_BLOBS);
}

static int reader_start(bfc_reader *r, int *fd, const bfc_reader_options *o, bfc_err *err)
{
    BFC_TRY(open_source(r, fd, o, err));
    BFC_TRY(bfci_tables_new(&r->source, &r->tables, err));
    init_cursors(r);
    BFC_TRY(bfci_block_cache_new(&r->source, r->tables, &r->cache, err));
    return bfci_reader_use_tree(r, o->tree, err);
}

/* Of a version 1 container the shadow is what is looked at. */
static int start(bfc_reader *r, int *fd, const bfc_reader_options *o, bool any, bfc_err *err)
{
    bfc_reader_options own = *o;

    if (any && bfci_v1_sniff(*fd)) {
        BFC_TRY(bfci_v1_view_open(fd, r->path, o, &r->v1, err));
        own.at = NULL;
        own.root_digest = NULL;
    }
    return reader_start(r, fd, &own, err);
}

static int reader_open(const char *path, const bfc_reader_options *options, bool any,
                       bfc_reader **out, bfc_err *err)
{
    static const bfc_reader_options defaults = BFC_READER_OPTIONS_INIT;
    const bfc_reader_options *o = options ? options : &defaults;
    AUTO(bfc_reader) bfc_reader *r = NULL;
    AUTO_FD int fd = -1;

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_READER_OPTIONS_INIT, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *r, &r, err));
    r->source.fd = -1;
    r->hooks = o->hooks;
    BFC_TRY(bfci_strdup(path, &r->path, err));
    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    int rc = start(r, &fd, o, any, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path));
    *out = bfci_steal(&r);
    return 0;
}

int bfc_reader_open(const char *path, const bfc_reader_options *options, bfc_reader **out,
                    bfc_err *err)
{
    return reader_open(path, options, true, out, err);
}

int bfci_reader_open(const char *path, const bfc_reader_options *options, bfc_reader **out,
                     bfc_err *err)
{
    return reader_open(path, options, false, out, err);
}

void bfc_reader_close(bfc_reader *r)
{
    if (!r)
        return;
    bfci_cursor *cursors[] = {&r->trees,  &r->inodes, &r->dirents, &r->links,
                              &r->xattrs, &r->blocks, &r->blobs};
    for (size_t i = 0; i < ARRAY_LEN(cursors); i++)
        bfci_cursor_release(cursors[i]);
    bfci_block_cache_free(r->cache);
    bfci_tables_free(r->tables);
    bfci_source_release(&r->source);
    bfci_v1_view_free(r->v1);
    bfci_buf_free(&r->scratch);
    bfci_buf_free(&r->path_out);
    free(r->path);
    free(r);
}

int bfc_reader_info(bfc_reader *r, bfc_container_info *out, bfc_err *err)
{
    (void)err;
    if (r->v1)
        bfci_v1_info(r->v1->file, out);
    else
        bfci_source_info(&r->source, out);
    return 0;
}

/* ── Entries ── */

static uint64_t data_size(const bfci_extent *extents, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += extents[i].len;
    return sum;
}

static int count_data(bfc_reader *r, uint64_t ino, const bfci_inode *n, uint64_t *out, bfc_err *err)
{
    if (!(n->flags & INODE_SPILLED)) {
        *out = data_size(n->extent, n->extent_count);
        return 0;
    }
    bfci_extent_iter it;
    const bfci_extent *e = NULL;
    uint64_t sum = 0;
    int rc;
    bfci_extent_iter_init(&it, r->tables, ino, n);
    while ((rc = bfci_extent_iter_next(&it, &e, err)) == 0 && e)
        sum += e->len;
    bfci_extent_iter_release(&it);
    *out = sum;
    return rc;
}

static int make_entry(bfc_reader *r, uint64_t ino, const bfci_inode *n, const char *path,
                      size_t path_len, bfc_entry *out, bfc_err *err)
{
    bfc_entry e = {
        .path = path,
        .path_len = path_len,
        .ino = ino,
        .nlink = 1,
        .type = (enum bfc_type)n->type,
        .mode = n->mode,
        .uid = n->uid,
        .gid = n->gid,
        .mtime = n->mtime,
        .mtime_ns = n->mtime_ns,
        .major = n->major,
        .minor = n->minor,
        .size = n->size,
        .crc32c = n->crc,
        .has_xattrs = (n->flags & INODE_XATTRS) != 0,
        .synthetic = (n->flags & INODE_SYNTHETIC) != 0,
    };
    if (n->type == BFC_TYPE_SYMLINK) {
        e.link = n->link;
        e.link_len = e.size = n->link_len;
    }
    if (n->type == BFC_TYPE_FILE && r->v1) {
        e.data_size = n->size;
        e.no_digest = true;
    } else if (n->type == BFC_TYPE_FILE) {
        BFC_TRY(count_data(r, ino, n, &e.data_size, err));
        if (n->size)
            memcpy(e.digest, n->digest, BFC_DIGEST_SIZE);
        else
            BFC_TRY(bfci_sha256("", 0, e.digest, err));
    }
    if (n->type != BFC_TYPE_DIR)
        BFC_TRY(bfci_load_nlink(&r->links, ino, &e.nlink, err));
    *out = e;
    return 0;
}

int bfc_reader_stat(bfc_reader *r, const char *path, bfc_entry *out, bfc_err *err)
{
    AUTO(bfci_tree_walk) bfci_tree_walk *w = NULL;
    const bfci_step *step = NULL;

    BFC_TRY(bfci_tree_walk_new(r, path, WALK_BY_NAME, &w, err));
    BFC_TRY(bfci_tree_walk_next(w, &step, err));
    r->inode = *step->inode;
    buf_clear(&r->path_out);
    bfci_buf_put(&r->path_out, step->path, step->path_len + 1);
    BFC_TRY(buf_check(&r->path_out, err));
    return make_entry(r, step->ino, &r->inode, (const char *)r->path_out.data, step->path_len, out,
                      err);
}

int bfc_reader_read(bfc_reader *r, uint64_t ino, uint64_t offset, void *out, size_t len,
                    size_t *got, bfc_err *err)
{
    uint8_t key[8];
    bool found = false;
    bfci_inode *n = &r->inode;

    BFC_TRY(bfci_cursor_find(&r->inodes, bfci_key_u64(key, ino), &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND, "no inode %llu", (unsigned long long)ino);
    BFC_TRY(bfci_inode_decode(r->inodes.value, n, err));
    if (n->type != BFC_TYPE_FILE)
        return bfci_fail(err, BFC_E_INVALID, "inode %llu is not a regular file",
                         (unsigned long long)ino);
    size_t want = offset >= n->size ? 0 : (size_t)MIN((uint64_t)len, n->size - offset);
    if (want && r->v1)
        BFC_TRY(bfci_v1_view_read(r->v1, ino, offset, out, want, err));
    else if (want)
        BFC_TRY(bfci_reader_content(r, ino, n, offset, out, want, err));
    *got = want;
    return 0;
}

/* ── Extended attributes and blobs ── */

/* Bytes of a value that is inline or in blocks. */
static int read_stored(bfc_reader *r, const bfci_stored *s, buf *out, bfc_err *err)
{
    if (s->is_inline) {
        bfci_buf_put(out, s->bytes.p, s->bytes.len);
        return buf_check(out, err);
    }
    for (size_t i = 0; i < s->extent_count; i++) {
        size_t len = (size_t)s->extent[i].len;
        uint8_t *to = bfci_buf_room(out, len);
        BFC_TRY(buf_check(out, err));
        BFC_TRY(bfci_block_cache_read(r->cache, &s->extent[i], 0, to, len, err));
        out->len += len;
    }
    return 0;
}

int bfci_reader_xattr_set(bfc_reader *r, const uint8_t key[BFC_DIGEST_SIZE], buf *out, bfc_err *err)
{
    bool found = false;
    bfci_stored stored;

    BFC_TRY(bfci_cursor_find(&r->xattrs, (bfci_span){key, BFC_DIGEST_SIZE}, &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT, "a set of extended attributes is missing");
    BFC_TRY(bfci_stored_decode(r->xattrs.value, false, XATTR_SET_MAX, &stored, err));
    buf_clear(out);
    return read_stored(r, &stored, out, err);
}

typedef struct xattr_copy {
    bfc_xattrs *list;
    char *text; /* where the next bytes go */
} xattr_copy;

static int copy_item(void *ctx, const bfci_xattr_item *item, bfc_err *err)
{
    (void)err;
    xattr_copy *c = ctx;
    bfc_xattr *x = &c->list->item[c->list->count++];

    x->name = c->text;
    memcpy(c->text, item->name.p, item->name.len);
    c->text += item->name.len;
    *c->text++ = '\0';
    x->value = (const uint8_t *)c->text;
    x->value_len = item->value.len;
    memcpy(c->text, item->value.p, item->value.len);
    c->text += item->value.len;
    return 0;
}

/* One allocation: the list, its items, then names and values. */
static int copy_set(bfci_span set, bfc_xattrs **out, bfc_err *err)
{
    size_t count = 0;
    AUTO_FREE bfc_xattrs *list = NULL;

    BFC_TRY(bfci_xattr_set_each(set, NULL, NULL, &count, err));
    size_t head = sizeof *list + count * sizeof(bfc_xattr);
    BFC_TRY(bfci_alloc_zero(1, head + set.len + count, &list, err));
    list->item = (bfc_xattr *)(list + 1);
    xattr_copy copy = {list, (char *)list + head};
    BFC_TRY(bfci_xattr_set_each(set, copy_item, &copy, NULL, err));
    *out = bfci_steal(&list);
    return 0;
}

int bfc_reader_xattrs(bfc_reader *r, uint64_t ino, bfc_xattrs **out, bfc_err *err)
{
    uint8_t key[8];
    bool found = false;

    BFC_TRY(bfci_cursor_find(&r->inodes, bfci_key_u64(key, ino), &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND, "no inode %llu", (unsigned long long)ino);
    BFC_TRY(bfci_inode_decode(r->inodes.value, &r->inode, err));
    if (!(r->inode.flags & INODE_XATTRS)) {
        *out = NULL;
        return 0;
    }
    BFC_TRY(bfci_reader_xattr_set(r, r->inode.xattrs, &r->scratch, err));
    return copy_set((bfci_span){r->scratch.data, r->scratch.len}, out, err);
}

void bfc_xattrs_free(bfc_xattrs *xattrs)
{
    free(xattrs);
}

int bfc_reader_blob(bfc_reader *r, const char *name, uint8_t **data, size_t *len, bfc_err *err)
{
    bool found = false;
    bfci_stored stored;
    AUTO_BUF buf out = BUF_INIT;

    BFC_TRY(
        bfci_cursor_find(&r->blobs, (bfci_span){(const uint8_t *)name, strlen(name)}, &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND, "no blob '%s'", BFCI_QUOTE_STR(name));
    BFC_TRY(bfci_stored_decode(r->blobs.value, true, BLOB_SIZE_MAX, &stored, err));
    BFC_TRY(read_stored(r, &stored, &out, err));
    if (!stored.is_inline && bfci_crc32c(out.data, out.len) != stored.crc)
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s': checksum mismatch", BFCI_QUOTE_STR(name));
    buf_u8(&out, 0);
    BFC_TRY(buf_check(&out, err));
    *len = out.len - 1;
    *data = bfci_steal(&out.data);
    return 0;
}

/* ── The public walk ── */

struct bfc_walk {
    bfc_reader *reader;
    bfci_tree_walk *inner;
    bfc_entry entry;
};

void bfc_walk_close(bfc_walk *walk)
{
    if (!walk)
        return;
    bfci_tree_walk_free(walk->inner);
    free(walk);
}

BFCI_DEFINE_AUTO(bfc_walk, bfc_walk_close)

int bfc_walk_open(bfc_reader *r, const char *path, bfc_walk **out, bfc_err *err)
{
    AUTO(bfc_walk) bfc_walk *w = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *w, &w, err));
    w->reader = r;
    BFC_TRY(bfci_tree_walk_new(r, path, WALK_BY_NAME, &w->inner, err));
    *out = bfci_steal(&w);
    return 0;
}

void bfc_walk_names_only(bfc_walk *walk)
{
    bfci_tree_walk_names_only(walk->inner);
}

int bfc_walk_next(bfc_walk *walk, const bfc_entry **entry, bfc_err *err)
{
    const bfci_step *s = NULL;

    BFC_TRY(bfci_tree_walk_next(walk->inner, &s, err));
    if (!s) {
        *entry = NULL;
        return 0;
    }
    if (s->inode)
        BFC_TRY(
            make_entry(walk->reader, s->ino, s->inode, s->path, s->path_len, &walk->entry, err));
    else
        walk->entry = (bfc_entry){.path = s->path,
                                  .path_len = s->path_len,
                                  .ino = s->ino,
                                  .type = (enum bfc_type)s->type};
    *entry = &walk->entry;
    return 0;
}
