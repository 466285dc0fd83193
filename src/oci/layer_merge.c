/* SPDX-License-Identifier: Apache-2.0 */
/* Laying a layer over those below it (image-spec 1.1, layer.md, "Applying Changesets"): whiteouts
 * concern what lies below only, so they go first; then what the layer has takes its place. All that
 * moves here are names. A folder whose inode tells exactly what is in it keeps it (`ino`): then the
 * merged tree shares it with the layer's. */
#include "oci/image_in.h"

#include "base/path.h"

static bool is_whiteout(const bfci_nametree *t, uint32_t index)
{
    return strncmp(bfci_nametree_name(t, index), WHITEOUT_PREFIX, WHITEOUT_PREFIX_LEN) == 0;
}

/* A folder that is there only since something below it is hidden. It makes none, and replaces
 * nothing. */
static bool only_hides(const bfci_nametree *t, uint32_t index)
{
    return (bfci_nametree_node(t, index)->flags & (NODE_MADE_UP | NODE_HOLDS)) == NODE_MADE_UP;
}

/* Marks the folders above what is no whiteout, each once. */
static void mark_holding(bfci_nametree *layer)
{
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;

    while (bfci_nametree_step(layer, NODE_ROOT, &at, &depth)) {
        if (is_whiteout(layer, at) || (bfci_nametree_node(layer, at)->flags & NODE_MADE_UP))
            continue;
        uint32_t above = at;
        do {
            above = bfci_nametree_node(layer, above)->parent;
            if (bfci_nametree_node(layer, above)->flags & NODE_HOLDS)
                break;
            bfci_nametree_node(layer, above)->flags |= NODE_HOLDS;
        } while (above != NODE_ROOT);
    }
}

/* ── Taking over what is new ── */

static int copy_node(bfci_nametree *to, uint32_t parent, const bfci_nametree *from, uint32_t index,
                     uint32_t *out, bfc_err *err)
{
    const bfci_node *n = bfci_nametree_node(from, index);

    BFC_TRY(bfci_nametree_add(to, parent, bfci_nametree_name(from, index), n->name_len, n->type,
                              n->ino, out, err));
    if (n->type == BFC_TYPE_SYMLINK)
        return bfci_nametree_set_target(to, *out, bfci_nametree_target(from, index), err);
    if (n->type == BFC_TYPE_FILE)
        return bfci_nametree_set_size(to, *out, bfci_nametree_size(from, index), err);
    if (n->type != BFC_TYPE_DIR)
        return 0;
    bfci_nametree_node(to, *out)->flags = n->flags & NODE_MADE_UP;
    *bfci_nametree_attr(to, *out) = *bfci_nametree_attr(from, index);
    return 0;
}

/* The folder's inode does not tell what is in it any more, nor do those above: so many. */
static unsigned mark_changed(bfci_nametree *t, uint32_t index)
{
    unsigned above = 0;

    bfci_nametree_node(t, index)->ino = 0;
    for (; index != NODE_ROOT; above++) {
        index = bfci_nametree_node(t, index)->parent;
        bfci_nametree_node(t, index)->ino = 0;
    }
    return above;
}

/* With all that is below it, less the whiteouts and the folders that are only for them. What a
 * layer has may come to lie deeper than in the layer, through a link. */
static int copy_tree(bfci_nametree *to, uint32_t parent, unsigned depth, const bfci_nametree *from,
                     uint32_t index, bfc_err *err)
{
    uint32_t copy = NODE_NONE;

    if (depth > BFCI_DEPTH_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "folders lie more than %d deep", BFCI_DEPTH_MAX);
    BFC_TRY(copy_node(to, parent, from, index, &copy, err));
    if (bfci_nametree_node(from, index)->type != BFC_TYPE_DIR)
        return 0;
    for (uint32_t c = bfci_nametree_first(from, index); c != NODE_NONE;
         c = bfci_nametree_next(from, c)) {
        if (!is_whiteout(from, c) && !only_hides(from, c))
            BFC_TRY(copy_tree(to, copy, depth + 1, from, c, err));
        else if (bfci_nametree_node(to, copy)->ino != 0)
            (void)mark_changed(to, copy);
    }
    return 0;
}

/* ── Laying over what is there ── */

static void hide_name(bfci_nametree *merged, uint32_t folder, uint32_t index)
{
    if (index == NODE_NONE)
        return;
    bfci_nametree_remove(merged, index);
    (void)mark_changed(merged, folder);
}

static void hide(bfci_nametree *merged, uint32_t folder, const bfci_nametree *layer, uint32_t index)
{
    uint32_t next = NODE_NONE;

    if (bfci_nametree_find(layer, index, WHITEOUT_OPAQUE, strlen(WHITEOUT_OPAQUE)) != NODE_NONE)
        for (uint32_t c = bfci_nametree_first(merged, folder); c != NODE_NONE; c = next) {
            next = bfci_nametree_next(merged, c);
            hide_name(merged, folder, c);
        }
    for (uint32_t c = bfci_nametree_first(layer, index); c != NODE_NONE;
         c = bfci_nametree_next(layer, c)) {
        const char *name = bfci_nametree_name(layer, c);
        if (is_whiteout(layer, c) && strncmp(name, WHITEOUT_META, strlen(WHITEOUT_META)) != 0)
            hide_name(merged, folder,
                      bfci_nametree_find(merged, folder, name + WHITEOUT_PREFIX_LEN,
                                         strlen(name) - WHITEOUT_PREFIX_LEN));
    }
}

/* A folder that no entry told of says only that something lies below it. Where there is a link to a
 * folder below (lib → usr/lib), it is there that it lies. */
static int find_folder(const bfci_nametree *merged, uint32_t there, bool made_up, bool *found,
                       uint32_t *out, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    uint8_t type = bfci_nametree_node(merged, there)->type;

    *out = there; /* after a link it may be the root, whose index is that of no node */
    *found = type == BFC_TYPE_DIR;
    if (type != BFC_TYPE_SYMLINK || !made_up)
        return 0;
    BFC_TRY(bfci_nametree_path(merged, there, &path, err));
    int rc = bfci_nametree_resolve(merged, path, true, out, found, NULL);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    *found = rc == 0 && *found && bfci_nametree_node(merged, *out)->type == BFC_TYPE_DIR;
    return 0;
}

/* All whiteouts go first: two folders of the layer may be one below, through a link, and what the
 * layer puts there must not be hidden by it. */
static int hide_all(bfci_nametree *merged, uint32_t folder, const bfci_nametree *layer,
                    uint32_t index, bfc_err *err)
{
    hide(merged, folder, layer, index);
    for (uint32_t c = bfci_nametree_first(layer, index); c != NODE_NONE;
         c = bfci_nametree_next(layer, c)) {
        const bfci_node *n = bfci_nametree_node(layer, c);
        uint32_t there =
            bfci_nametree_find(merged, folder, bfci_nametree_name(layer, c), n->name_len);
        uint32_t target = NODE_NONE;
        bool found = false;
        if (n->type != BFC_TYPE_DIR || there == NODE_NONE)
            continue;
        BFC_TRY(find_folder(merged, there, (n->flags & NODE_MADE_UP) != 0, &found, &target, err));
        if (found)
            BFC_TRY(hide_all(merged, target, layer, c, err));
    }
    return 0;
}

static int lay_over(bfci_nametree *merged, uint32_t folder, const bfci_nametree *layer,
                    uint32_t index, bfc_err *err);

static int lay_child(bfci_nametree *merged, uint32_t folder, unsigned depth,
                     const bfci_nametree *layer, uint32_t child, bfc_err *err)
{
    const bfci_node *n = bfci_nametree_node(layer, child);
    const char *name = bfci_nametree_name(layer, child);
    uint32_t there = bfci_nametree_find(merged, folder, name, n->name_len);
    bool made_up = (n->flags & NODE_MADE_UP) != 0;
    uint32_t target = NODE_NONE;
    bool found = false;

    if (there != NODE_NONE && n->type == BFC_TYPE_DIR)
        BFC_TRY(find_folder(merged, there, made_up, &found, &target, err));
    if (!found && only_hides(layer, child))
        return 0;
    if (!found) {
        if (there != NODE_NONE)
            bfci_nametree_remove(merged, there);
        return copy_tree(merged, folder, depth + 1, layer, child, err);
    }
    if (!made_up) {
        *bfci_nametree_attr(merged, target) = *bfci_nametree_attr(layer, child);
        bfci_nametree_node(merged, target)->flags = 0;
    }
    return lay_over(merged, target, layer, child, err);
}

static int lay_over(bfci_nametree *merged, uint32_t folder, const bfci_nametree *layer,
                    uint32_t index, bfc_err *err)
{
    unsigned depth = mark_changed(merged, folder);

    for (uint32_t c = bfci_nametree_first(layer, index); c != NODE_NONE;
         c = bfci_nametree_next(layer, c))
        if (!is_whiteout(layer, c))
            BFC_TRY(lay_child(merged, folder, depth, layer, c, err));
    return 0;
}

static bool has_whiteout(const bfci_nametree *t)
{
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;

    while (bfci_nametree_step(t, NODE_ROOT, &at, &depth))
        if (is_whiteout(t, at))
            return true;
    return false;
}

int bfci_layer_merge(bfci_image_in *ii, bfci_nametree *layer, bfc_err *err)
{
    const bfci_node *root = bfci_nametree_node(layer, NODE_ROOT);

    if (!ii->has_merged && !has_whiteout(layer)) {
        bfci_nametree_release(&ii->merged);
        ii->merged = *layer;
        *layer = (bfci_nametree){0};
        ii->has_merged = true;
        return 0;
    }
    if (!ii->has_merged)
        BFC_TRY(bfci_nametree_init(&ii->merged, err));
    ii->has_merged = true;
    if (!(root->flags & NODE_MADE_UP)) {
        *bfci_nametree_attr(&ii->merged, NODE_ROOT) = *bfci_nametree_attr(layer, NODE_ROOT);
        bfci_nametree_node(&ii->merged, NODE_ROOT)->flags = 0;
    }
    mark_holding(layer);
    BFC_TRY(hide_all(&ii->merged, NODE_ROOT, layer, NODE_ROOT, err));
    return lay_over(&ii->merged, NODE_ROOT, layer, NODE_ROOT, err);
}
