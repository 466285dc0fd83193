/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of an image: names and folders are stored when a tree is complete, links are counted
 * over all trees. */
#include "oci/image_in.h"

#include "base/path.h"

void bfci_dir_attr_get(const bfci_inode *n, bfci_dir_attr *out)
{
    *out = (bfci_dir_attr){.mode = n->mode,
                           .has_xattrs = (n->flags & INODE_XATTRS) != 0,
                           .uid = n->uid,
                           .gid = n->gid,
                           .mtime_ns = n->mtime_ns,
                           .mtime = n->mtime};
    if (out->has_xattrs)
        memcpy(out->xattrs, n->xattrs, sizeof out->xattrs);
}

void bfci_dir_attr_put(const bfci_dir_attr *attr, bool made_up, bfci_inode *n)
{
    n->type = BFC_TYPE_DIR;
    n->flags = (uint8_t)((made_up ? INODE_SYNTHETIC : 0) | (attr->has_xattrs ? INODE_XATTRS : 0));
    n->mode = attr->mode;
    n->uid = attr->uid;
    n->gid = attr->gid;
    n->mtime = attr->mtime;
    n->mtime_ns = attr->mtime_ns;
    n->size = 0;
    n->extent_count = 0;
    n->link_len = 0;
    n->major = n->minor = 0;
    memcpy(n->xattrs, attr->xattrs, sizeof n->xattrs);
}

/* ── Names ── */

static int store_folder(bfci_image_in *ii, bfci_nametree *t, uint32_t index, bfc_err *err)
{
    bfci_node *n = bfci_nametree_node(t, index);
    bfci_inode *inode = &ii->inode;

    n->ino = bfci_feed_ino(ii->feed);
    bfci_dir_attr_put(bfci_nametree_attr(t, index), (n->flags & NODE_MADE_UP) != 0, inode);
    return bfci_stage_inode(ii->feed->stage, n->ino, inode, NULL, 0, false, err);
}

static int count_name(bfci_image_in *ii, bfci_map *counts, uint64_t ino, bfc_err *err)
{
    if (!bfci_map_get(&ii->links, ino, 0))
        return 0;
    const uint64_t *so_far = bfci_map_get(counts, ino, 0);
    return bfci_map_put(counts, ino, 0, so_far ? *so_far + 1 : 1, err);
}

static int store_name(bfci_image_in *ii, bfci_nametree *t, uint32_t at, bool all,
                      uint64_t first_new, bfci_map *counts, bfc_err *err)
{
    const bfci_node *n = bfci_nametree_node(t, at);

    if (n->type == BFC_TYPE_DIR) {
        if (n->ino == 0)
            BFC_TRY(store_folder(ii, t, at, err));
    } else {
        BFC_TRY(count_name(ii, counts, n->ino, err));
    }
    if (at == NODE_ROOT)
        return 0;
    uint64_t parent = bfci_nametree_node(t, n->parent)->ino;
    if (!all && parent < first_new)
        return 0; /* it stands there already */
    return bfci_stage_dirent(ii->feed->stage, parent, bfci_nametree_name(t, at), n->type, n->ino,
                             err);
}

/* Nothing in a folder that is stored already needs to be looked at, but to count links. */
static bool step(const bfci_image_in *ii, const bfci_nametree *t, bool all, uint64_t first_new,
                 uint32_t *at, unsigned *depth)
{
    const bfci_node *n = bfci_nametree_node(t, *at);

    if (!all && ii->links.used == 0 && n->type == BFC_TYPE_DIR && n->ino < first_new)
        return bfci_nametree_step_over(t, NODE_ROOT, at, depth);
    return bfci_nametree_step(t, NODE_ROOT, at, depth);
}

static int store_names(bfci_image_in *ii, bfci_nametree *t, bool all, bfci_map *counts,
                       bfc_err *err)
{
    uint64_t first_new = ii->feed->next_ino;
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;

    do {
        if (depth > BFCI_DEPTH_MAX)
            return bfci_fail(err, BFC_E_LIMIT, "folders lie more than %d deep", BFCI_DEPTH_MAX);
        BFC_TRY(store_name(ii, t, at, all, first_new, counts, err));
    } while (step(ii, t, all, first_new, &at, &depth));
    return 0;
}

int bfci_names_store(bfci_image_in *ii, bfci_nametree *t, bool all, bfc_err *err)
{
    bfci_map counts = BFCI_MAP_INIT;
    uint64_t ino, second, count;
    size_t at = 0;

    int rc = store_names(ii, t, all, &counts, err);
    while (rc == 0 && bfci_map_next(&counts, &at, &ino, &second, &count)) {
        uint64_t *most = bfci_map_get(&ii->links, ino, 0);
        *most = MAX(*most, count);
    }
    bfci_map_release(&counts);
    return rc;
}

/* ── Names of a tree that is stored ── */

static int load_step(bfci_nametree *t, uint32_t *chain, const bfci_step *s, bfc_err *err)
{
    uint32_t index = NODE_ROOT;
    const bfci_inode *n = s->inode;

    if (s->depth > 0)
        BFC_TRY(bfci_nametree_add(t, chain[s->depth - 1], s->name, strlen(s->name), n->type, s->ino,
                                  &index, err));
    bfci_node *node = bfci_nametree_node(t, index);
    node->ino = s->ino;
    if (n->type == BFC_TYPE_SYMLINK)
        return bfci_nametree_set_target(t, index, n->link, err);
    if (n->type == BFC_TYPE_FILE)
        return bfci_nametree_set_size(t, index, n->size, err);
    if (n->type != BFC_TYPE_DIR)
        return 0;
    node->flags = n->flags & INODE_SYNTHETIC ? NODE_MADE_UP : 0;
    bfci_dir_attr_get(n, bfci_nametree_attr(t, index));
    chain[s->depth] = index;
    return 0;
}

int bfci_names_load(bfc_reader *r, bfci_nametree *t, bfc_err *err)
{
    AUTO(bfci_tree_walk) bfci_tree_walk *walk = NULL;
    AUTO_FREE uint32_t *chain = NULL;
    const bfci_step *step = NULL;

    BFC_TRY(bfci_alloc(BFCI_DEPTH_MAX + 2, sizeof *chain, &chain, err));
    BFC_TRY(bfci_nametree_init(t, err));
    BFC_TRY(bfci_tree_walk_new(r, "", WALK_BY_NAME, &walk, err));
    for (;;) {
        BFC_TRY(bfci_tree_walk_next(walk, &step, err));
        if (!step)
            return 0;
        BFC_TRY(load_step(t, chain, step, err));
    }
}

/* ── An image ── */

int bfci_image_in_begin(bfci_image_in *ii, bfci_feed *feed, bfc_reader *base, uint32_t next_tree,
                        const bfc_hooks *hooks, bfc_err *err)
{
    *ii = (bfci_image_in){.feed = feed, .hooks = hooks, .next_tree = next_tree};
    ii->has_merged = base != NULL;
    return base ? bfci_names_load(base, &ii->merged, err) : 0;
}

int bfci_image_in_merged(bfci_image_in *ii, uint32_t tree, const char *label, bfc_err *err)
{
    if (!ii->has_merged)
        BFC_TRY(bfci_nametree_init(&ii->merged, err));
    ii->has_merged = true;
    BFC_TRY(bfci_names_store(ii, &ii->merged, false, err));
    return bfci_stage_tree(ii->feed->stage, tree,
                           &(bfci_tree){.kind = TREE_MERGED,
                                        .root = ii->merged.node[NODE_ROOT].ino,
                                        .label = {(const uint8_t *)label, strlen(label)}},
                           err);
}

static int count_entries(const bfci_nametree *t, bfci_set *seen, uint64_t *entries,
                         uint64_t *content, bfc_err *err)
{
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;
    bool first = true;

    *entries = *content = 0;
    do {
        const bfci_node *n = bfci_nametree_node(t, at);
        if (n->type != BFC_TYPE_DIR)
            BFC_TRY(bfci_set_add(seen, n->ino, &first, err));
        *entries += n->type == BFC_TYPE_DIR || first;
        *content += n->type != BFC_TYPE_DIR && first ? bfci_nametree_size(t, at) : 0;
    } while (bfci_nametree_step(t, NODE_ROOT, &at, &depth));
    return 0;
}

int bfci_image_in_totals(const bfci_image_in *ii, uint64_t *entries, uint64_t *content,
                         bfc_err *err)
{
    bfci_set seen = BFCI_SET_INIT;

    int rc = count_entries(&ii->merged, &seen, entries, content, err);
    bfci_set_release(&seen);
    return rc;
}

void bfci_image_in_restart(bfci_image_in *ii)
{
    bfci_nametree_release(&ii->merged);
    ii->has_merged = false;
}

/* What the commit before says of an inode holds for its trees, which are all kept. */
static int names_before(const bfci_feed *feed, uint64_t ino, uint64_t *count, bfc_err *err)
{
    if (!feed->base || ino >= feed->base->commit.next_ino)
        return 0;
    uint64_t before = 1;
    BFC_TRY(bfci_load_nlink(&feed->stage->links, ino, &before, err));
    *count = MAX(*count, before);
    return 0;
}

int bfci_image_in_finish(bfci_image_in *ii, bfc_err *err)
{
    uint64_t ino, second, count;
    size_t at = 0;

    while (bfci_map_next(&ii->links, &at, &ino, &second, &count)) {
        BFC_TRY(names_before(ii->feed, ino, &count, err));
        if (count > 1)
            BFC_TRY(bfci_stage_links(ii->feed->stage, ino, count, err));
    }
    return 0;
}

void bfci_image_in_release(bfci_image_in *ii)
{
    bfci_nametree_release(&ii->merged);
    bfci_map_release(&ii->links);
}
