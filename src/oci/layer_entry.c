/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a layer: which inode one is, where its name goes, what of its content is where.
 * Names come from strangers: they are normalised, and resolved within the layer's own tree. */
#include "base/path.h"
#include "oci/layer_parts.h"

/* ── What an entry is ── */

static uint8_t type_of(enum bfci_tar_kind kind)
{
    switch (kind) {
    case TAR_SYMLINK:
        return BFC_TYPE_SYMLINK;
    case TAR_CHAR:
        return BFC_TYPE_CHAR;
    case TAR_BLOCK_DEVICE:
        return BFC_TYPE_BLOCK;
    case TAR_DIR:
        return BFC_TYPE_DIR;
    case TAR_FIFO:
        return BFC_TYPE_FIFO;
    case TAR_FILE:
    case TAR_HARDLINK:
    case TAR_OTHER:
    default:
        return BFC_TYPE_FILE;
    }
}

static int fill_link(bfci_inode *n, const char *target, bfc_err *err)
{
    size_t len = strlen(target);

    if (len == 0 || len > LINK_MAX_LEN)
        return bfci_fail(err, len ? BFC_E_LIMIT : BFC_E_CORRUPT,
                         "a symbolic link's target has 1 to %d bytes, not %zu", LINK_MAX_LEN, len);
    memcpy(n->link, target, len + 1);
    n->link_len = len;
    return 0;
}

static int fill_inode(bfci_inode *n, const bfci_tar_entry *e, bfc_err *err)
{
    bool device = e->kind == TAR_CHAR || e->kind == TAR_BLOCK_DEVICE;

    n->type = type_of(e->kind);
    n->flags = 0;
    n->mode = (uint16_t)(e->mode & 07777);
    n->uid = (uint32_t)e->uid;
    n->gid = (uint32_t)e->gid;
    n->mtime = e->mtime;
    n->mtime_ns = e->mtime_ns;
    n->size = 0;
    n->crc = 0;
    n->extent_count = 0;
    n->link_len = 0;
    n->link[0] = '\0';
    n->major = device ? e->major : 0;
    n->minor = device ? e->minor : 0;
    if (e->uid > ID_MAX || e->gid > ID_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "owner %llu:%llu is beyond 4294967294",
                         (unsigned long long)e->uid, (unsigned long long)e->gid);
    if (n->major > DEVICE_MAJOR_MAX || n->minor > DEVICE_MINOR_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "device %u:%u is beyond 4095:1048575", n->major,
                         n->minor);
    return e->kind == TAR_SYMLINK ? fill_link(n, e->link, err) : 0;
}

static int fill_xattrs(bfci_layer_in *l, const bfci_tar_entry *e, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&l->item, &l->item_cap, e->xattr_count, sizeof *l->item, err));
    for (size_t i = 0; i < e->xattr_count; i++) {
        const bfci_tar_xattr *x = &e->xattr[i];
        size_t len = strlen(x->name);
        if (len == 0 || len > XATTR_NAME_MAX_LEN || x->len > XATTR_VALUE_MAX_LEN)
            return bfci_fail(err, BFC_E_LIMIT,
                             "extended attribute '%s' of %zu bytes is beyond what Linux has",
                             BFCI_QUOTE_STR(x->name), x->len);
        l->item[i] =
            (bfci_xattr_item){.name = {(const uint8_t *)x->name, len}, .value = {x->value, x->len}};
    }
    return bfci_feed_xattrs(l->feed, l->item, e->xattr_count, &l->inode, err);
}

/* ── Where it goes ── */

static int keep(bfci_layer_in *l, uint64_t ino, uint8_t type, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&l->kept, &l->kept_cap, l->kept_count + 1, sizeof *l->kept, err));
    l->kept[l->kept_count++] = (bfci_kept_entry){ino, type};
    return 0;
}

/* An entry that is there is replaced. Its inodes stay, since the recipe may need their contents; if
 * they have no other name, they are kept in a tree of their own. */
static int replace(bfci_layer_in *l, uint32_t index, bfc_err *err)
{
    uint32_t at = index;
    unsigned depth = 0;

    do {
        const bfci_node *n = bfci_nametree_node(&l->names, at);
        if (n->ino == 0)
            continue; /* a folder that no entry told of */
        BFC_TRY(keep(l, n->ino, n->type, err));
    } while (bfci_nametree_step(&l->names, index, &at, &depth));
    bfci_nametree_remove(&l->names, index);
    return 0;
}

static int start_folder(bfci_layer_in *l, uint32_t index)
{
    bfci_node *n = bfci_nametree_node(&l->names, index);

    l->again = n->ino != 0;
    if (n->ino == 0)
        n->ino = bfci_feed_ino(l->feed);
    n->flags &= (uint8_t)~NODE_MADE_UP;
    l->ino = n->ino;
    l->stores = true;
    bfci_dir_attr_get(&l->inode, bfci_nametree_attr(&l->names, index));
    return 0;
}

static int place(bfci_layer_in *l, uint32_t parent, const char *name, size_t len, uint8_t type,
                 uint64_t ino, uint32_t *out, bfc_err *err)
{
    uint32_t old = bfci_nametree_find(&l->names, parent, name, len);

    if (old != NODE_NONE && type == BFC_TYPE_DIR && l->names.node[old].type == BFC_TYPE_DIR) {
        *out = old;
        return 0;
    }
    if (old != NODE_NONE)
        BFC_TRY(replace(l, old, err));
    return bfci_nametree_add(&l->names, parent, name, len, type, ino, out, err);
}

/* Who names it is the archive, not the caller. */
static int normalize(const char *path, char **out, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_path_normalize(path, out, &why);
    if (rc < 0)
        return bfci_fail(err, rc == BFC_E_INVALID ? BFC_E_CORRUPT : why.code,
                         "a name that cannot stand in a tree: %s", why.msg);
    return 0;
}

/* In this layer, else in those below; else in the one, beyond links that the other has. */
static int find_file(bfci_layer_in *l, const char *path, const bfci_nametree **tree,
                     uint32_t *index, bool *found, bfc_err *err)
{
    const bfci_nametree *trees[] = {&l->names, &l->ii->merged};
    const size_t count = l->ii->has_merged ? 2 : 1;

    *found = false;
    for (size_t i = 0; !*found && i < count; i++) {
        *tree = trees[i];
        BFC_TRY(bfci_nametree_resolve(*tree, path, false, index, found, err));
    }
    for (size_t i = 0; !*found && count == 2 && i < count; i++) {
        AUTO_FREE char *beyond = NULL;
        *tree = trees[1 - i];
        BFC_TRY(bfci_nametree_beyond(trees[i], path, &beyond, err));
        BFC_TRY(bfci_nametree_resolve(*tree, beyond, false, index, found, err));
    }
    return 0;
}

/* What a hard link names. */
static int find_target(bfci_layer_in *l, const char *target, const bfci_nametree **tree,
                       uint32_t *index, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bool found = false;

    int rc = normalize(target, &path, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "hard link");
    BFC_TRY(find_file(l, path, tree, index, &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "hard link to '%s', which is neither before it in the layer nor below it",
                         BFCI_QUOTE_STR(target));
    if (bfci_nametree_node(*tree, *index)->type == BFC_TYPE_DIR)
        return bfci_fail(err, BFC_E_CORRUPT, "hard link to '%s', which is a folder",
                         BFCI_QUOTE_STR(target));
    return 0;
}

static int take_hard_link(bfci_layer_in *l, const bfci_tar_entry *e, uint32_t parent,
                          const char *name, size_t len, bfc_err *err)
{
    const bfci_nametree *tree = NULL;
    AUTO_FREE char *text = NULL; /* a symbolic link's */
    uint32_t index = NODE_NONE;

    BFC_TRY(find_target(l, e->link, &tree, &index, err));
    uint64_t size = bfci_nametree_size(tree, index);
    bfci_node target = *bfci_nametree_node(tree, index);
    uint32_t old = bfci_nametree_find(&l->names, parent, name, len);
    if (old != NODE_NONE && l->names.node[old].ino == target.ino)
        return 0; /* it has the name already */
    if (target.type == BFC_TYPE_SYMLINK)
        BFC_TRY(bfci_strdup(bfci_nametree_target(tree, index), &text, err));
    BFC_TRY(place(l, parent, name, len, target.type, target.ino, &index, err));
    if (text)
        BFC_TRY(bfci_nametree_set_target(&l->names, index, text, err));
    else if (target.type == BFC_TYPE_FILE)
        BFC_TRY(bfci_nametree_set_size(&l->names, index, size, err));
    if (!bfci_map_get(&l->ii->links, target.ino, 0))
        BFC_TRY(bfci_map_put(&l->ii->links, target.ino, 0, 1, err));
    return 0;
}

static int take_node(bfci_layer_in *l, const bfci_tar_entry *e, uint32_t parent, const char *name,
                     size_t len, bfc_err *err)
{
    uint32_t index = NODE_NONE;
    bool folder = e->kind == TAR_DIR;

    BFC_TRY(fill_inode(&l->inode, e, err));
    BFC_TRY(fill_xattrs(l, e, err));
    uint64_t ino = folder ? 0 : bfci_feed_ino(l->feed);
    BFC_TRY(place(l, parent, name, len, l->inode.type, ino, &index, err));
    if (folder)
        return start_folder(l, index);
    if (e->kind == TAR_SYMLINK)
        BFC_TRY(bfci_nametree_set_target(&l->names, index, e->link, err));
    if (e->kind == TAR_FILE)
        BFC_TRY(bfci_nametree_set_size(&l->names, index, e->size, err));
    l->ino = ino;
    l->stores = true;
    return 0;
}

static int take_root(bfci_layer_in *l, const bfci_tar_entry *e, bfc_err *err)
{
    if (e->kind != TAR_DIR)
        return bfci_fail(err, BFC_E_CORRUPT, "the root is not a folder in this layer");
    BFC_TRY(fill_inode(&l->inode, e, err));
    BFC_TRY(fill_xattrs(l, e, err));
    return start_folder(l, NODE_ROOT);
}

/* ".wh." alone, or of "." or "..", hides nothing that could be there. */
static int check_whiteout(const char *name, size_t len, bfc_err *err)
{
    if (len < WHITEOUT_PREFIX_LEN || memcmp(name, WHITEOUT_PREFIX, WHITEOUT_PREFIX_LEN) != 0)
        return 0;
    if (!bfci_name_ok(name + WHITEOUT_PREFIX_LEN, len - WHITEOUT_PREFIX_LEN))
        return bfci_fail(err, BFC_E_CORRUPT, "a whiteout of no name");
    return 0;
}

static int start_content(bfci_layer_in *l, const bfci_tar_entry *e, const char *name, bfc_err *err)
{
    if (e->size > FILE_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a size of %llu bytes", (unsigned long long)e->size);
    BFC_TRY(bfci_tar_content_begin(&l->content, e, err));
    return bfci_feed_begin(l->feed, name, e->size, l->content.sparse, err);
}

static bool is_whiteout_path(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strncmp(slash ? slash + 1 : path, WHITEOUT_PREFIX, WHITEOUT_PREFIX_LEN) == 0;
}

/* Where a folder gave way to a file, umoci hides what was in it, too. There is nothing left to
 * hide, nor a folder in which the whiteout could stand; the recipe may need its content. */
static int take_vain_whiteout(bfci_layer_in *l, const bfci_tar_entry *e, bfc_err *err)
{
    if (e->kind != TAR_FILE || e->size == 0)
        return 0;
    BFC_TRY(fill_inode(&l->inode, e, err));
    BFC_TRY(fill_xattrs(l, e, err));
    l->ino = bfci_feed_ino(l->feed);
    l->stores = true;
    BFC_TRY(keep(l, l->ino, l->inode.type, err));
    return start_content(l, e, e->path, err);
}

static int take(bfci_layer_in *l, const bfci_tar_entry *e, bfc_err *err)
{
    char name[BFCI_NAME_MAX + 1];
    uint32_t parent = NODE_ROOT;
    size_t len = 0;
    bool vain = false;

    BFC_TRY(normalize(e->path, &l->path, err));
    if (l->path[0] == '\0')
        return take_root(l, e, err);
    if (is_whiteout_path(l->path))
        BFC_TRY(bfci_nametree_blocked(&l->names, l->path, &vain, err));
    if (vain)
        return take_vain_whiteout(l, e, err);
    BFC_TRY(bfci_nametree_place(&l->names, l->path, &parent, name, &len, err));
    BFC_TRY(check_whiteout(name, len, err));
    if (e->kind == TAR_HARDLINK)
        return take_hard_link(l, e, parent, name, len, err);
    BFC_TRY(take_node(l, e, parent, name, len, err));
    return e->kind == TAR_FILE ? start_content(l, e, name, err) : 0;
}

int bfci_layer_take_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    bfci_layer_in *l = ctx;

    l->stores = l->again = false;
    l->offset = e->offset;
    l->files++;
    if (e->kind == TAR_OTHER) {
        bfci_log(l->ii->hooks, BFC_LOG_INFO, "layer",
                 "entry '%s' of kind '%c' stands in no file system; only its bytes are kept",
                 BFCI_QUOTE_STR(e->path), e->typeflag);
        return 0;
    }
    free(bfci_steal(&l->path));
    int rc = take(l, e, err);
    return rc < 0 ? bfci_wrap(err, rc, "entry '%s'", BFCI_QUOTE_STR(e->path)) : 0;
}

/* ── Content ── */

static int feed_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return bfci_feed_data((bfci_feed *)ctx, bytes, len, err);
}

static int feed_hole(void *ctx, uint64_t len, bfc_err *err)
{
    return bfci_feed_hole((bfci_feed *)ctx, len, err);
}

static bfci_tar_content_sink feed_sink(bfci_layer_in *l)
{
    return (bfci_tar_content_sink){.ctx = l->feed, .data = feed_data, .hole = feed_hole};
}

int bfci_layer_take_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    bfci_layer_in *l = ctx;
    const bfci_tar_content_sink sink = feed_sink(l);

    return bfci_tar_content_data(&l->content, &sink, bytes, len, err);
}

static int tell_content(bfci_layer_in *l, bfc_err *err)
{
    const bfci_tar_content *c = &l->content;

    if (c->data_size == 0)
        return 0;
    if (!c->sparse)
        return bfci_recipe_whole(l->recipe, l->ino, err);
    for (size_t i = 0; i < c->range_count; i++)
        BFC_TRY(bfci_recipe_content(l->recipe, l->ino, c->range[i].offset, c->range[i].len, err));
    return 0;
}

static int finish_entry(bfci_layer_in *l, bfc_err *err)
{
    if (l->inode.type == BFC_TYPE_FILE) {
        const bfci_tar_content_sink sink = feed_sink(l);
        BFC_TRY(bfci_tar_content_end(&l->content, &sink, err));
        BFC_TRY(bfci_feed_end(l->feed, l->ino, &l->inode, err));
    }
    /* First: telling the recipe may store a part of it, which takes the feed's extents. */
    BFC_TRY(bfci_feed_inode(l->feed, l->ino, &l->inode, l->again, err));
    if (l->inode.type == BFC_TYPE_FILE)
        BFC_TRY(tell_content(l, err));
    l->feed->in->progress.bytes_done = l->ii->blobs_done + bfci_layer_stream_done(l->stream);
    bfci_progress(l->ii->hooks, &l->feed->in->progress);
    return 0;
}

int bfci_layer_take_entry_end(void *ctx, bfc_err *err)
{
    bfci_layer_in *l = ctx;

    if (!l->stores)
        return 0;
    int rc = finish_entry(l, err);
    return rc < 0 ? bfci_wrap(err, rc, "entry '%s'", BFCI_QUOTE_STR(l->path)) : 0;
}
