/* SPDX-License-Identifier: Apache-2.0 */
/* The layer of a commit. The folder is scanned as for a new container; each entry is compared with
 * what the image has under its name. Folders are remembered, so that those above a change can be
 * written before it; files with several names come at the end, when all names are known. */
#include "oci/changes_out.h"

#include <fcntl.h>
#include <stdio.h>

#include "oci/changes_parts.h"
#include "sys/file.h"
#include "sys/inspect.h"

static void changes_release(bfci_change_set *g)
{
    bfci_scan_free(g->scan); /* its thread looks at the plan, and loads run in the pool */
    bfci_plan_free(g->plan);
    bfci_pool_free(g->pool);
    bfci_image_in_release(&g->base);
    for (size_t i = 0; i < g->folder_count; i++) {
        if (g->folder[i].entry)
            bfci_change_entry_release(g->folder[i].entry);
        free(g->folder[i].entry);
    }
    free(g->folder);
    for (size_t i = 0; i < g->group_count; i++) {
        bfci_change_entry_release(&g->group[i].first);
        for (size_t n = 0; n < g->group[i].count; n++)
            free(g->group[i].name[n].path);
        free(g->group[i].name);
    }
    free(g->group);
    bfci_map *maps[] = {&g->counts, &g->node_of, &g->folder_of, &g->folder_of_node, &g->group_of};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        bfci_map_release(maps[i]);
    free(g->range);
    bfci_changes_drop_xattrs(g);
    free(g->xattr);
}
#define AUTO_CHANGES __attribute__((cleanup(changes_release)))

/* ── Where it is ── */

/* `parent`: the folder's number in the scan; the root is the first that was scanned. */
static size_t folder_above(const bfci_change_set *g, uint64_t parent)
{
    const uint64_t *at = bfci_map_get(&g->folder_of, parent, 0);

    return at ? (size_t)*at : 0;
}

static int path_of(const bfci_item *item, char **out, bfc_err *err)
{
    const char *dir = bfci_item_folder(item);

    if (S_ISDIR(item->st.st_mode))
        return bfci_strdup(dir, out, err);
    return bfci_asprintf(out, err, "%s%s%s", dir, *dir ? "/" : "", item->name);
}

/* What the image has under the item's name; NODE_NONE: nothing. The root is its own answer. */
static uint32_t old_node(bfci_change_set *g, const bfci_item *item, bool *there)
{
    *there = item->parent == 0;
    if (*there)
        return NODE_ROOT;
    const uint64_t *parent = bfci_map_get(&g->node_of, item->parent, 0);
    if (!parent || *parent == 0)
        return NODE_NONE;
    uint32_t at = bfci_nametree_find(&g->base.merged, (uint32_t)(*parent - 1), item->name,
                                     strlen(item->name));
    *there = at != NODE_NONE;
    return at;
}

static uint64_t names_in_image(const bfci_change_set *g, uint64_t ino)
{
    const uint64_t *count = bfci_map_get(&g->counts, ino, 0);

    return count ? *count : 1;
}

/* ── Items ── */

static int keep_entry(bfci_change_set *g, const bfci_item *item, bfci_change_entry *out,
                      bfc_err *err)
{
    BFC_TRY(path_of(item, &out->path, err));
    out->above = folder_above(g, item->parent);
    out->type = g->now.type;
    bfci_dir_attr_get(&g->now, &out->attr);
    out->major = g->now.major;
    out->minor = g->now.minor;
    if (out->type == BFC_TYPE_SYMLINK)
        BFC_TRY(bfci_strdup(g->now.link, &out->link, err));
    bfci_buf_put(&out->xattrs, item->xattrs.data ? item->xattrs.data : (const uint8_t *)"",
                 item->xattrs.len);
    return buf_check(&out->xattrs, err);
}

static int take_folder(bfci_change_set *g, const bfci_item *item, uint32_t node, bool there,
                       bool same, bfc_err *err)
{
    bool is_folder = there && bfci_nametree_node(&g->base.merged, node)->type == BFC_TYPE_DIR;

    BFC_TRY(bfci_reserve(&g->folder, &g->folder_cap, g->folder_count + 1, sizeof *g->folder, err));
    size_t index = g->folder_count++;
    bfci_change_folder *f = &g->folder[index];
    *f = (bfci_change_folder){.parent = folder_above(g, item->parent)};
    BFC_TRY(bfci_alloc_zero(1, sizeof *f->entry, &f->entry, err));
    BFC_TRY(keep_entry(g, item, f->entry, err));
    BFC_TRY(bfci_map_put(&g->folder_of, item->ino, 0, index, err));
    BFC_TRY(bfci_map_put(&g->node_of, item->ino, 0, is_folder ? node + UINT64_C(1) : 0, err));
    if (is_folder)
        BFC_TRY(bfci_map_put(&g->folder_of_node, node, 0, index, err));
    return same ? 0 : bfci_changes_folders(g, index, err);
}

static int take_named_again(bfci_change_set *g, bfci_link_group *group, const bfci_item *item,
                            uint32_t node, bool there, bfc_err *err)
{
    struct bfci_another_name another = {.above = folder_above(g, item->parent)};

    if (!there || bfci_nametree_node(&g->base.merged, node)->ino != group->was)
        group->changed = true;
    BFC_TRY(bfci_reserve(&group->name, &group->cap, group->count + 1, sizeof *group->name, err));
    BFC_TRY(path_of(item, &another.path, err));
    group->name[group->count++] = another;
    return 0;
}

static int start_group(bfci_change_set *g, const bfci_item *item, uint32_t node, bool there,
                       bool same, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&g->group, &g->group_cap, g->group_count + 1, sizeof *g->group, err));
    BFC_TRY(bfci_map_put(&g->group_of, item->ino, 0, g->group_count, err));
    bfci_link_group *group = &g->group[g->group_count++];
    *group = (bfci_link_group){.changed = !same};
    if (there)
        group->was = bfci_nametree_node(&g->base.merged, node)->ino;
    return keep_entry(g, item, &group->first, err);
}

static int write_item(bfci_change_set *g, const bfci_item *item, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_FD int fd = -1;
    bool sparse = false;

    BFC_TRY(path_of(item, &path, err));
    BFC_TRY(bfci_changes_folders(g, folder_above(g, item->parent), err));
    if (g->now.type != BFC_TYPE_FILE)
        return bfci_changes_header(g, path, &g->now, &item->xattrs, NULL, false, 0, err);
    if (!item->streamed)
        return bfci_changes_small(g, path, item, err);
    BFC_TRY(bfci_changes_open(item, &g->now, &fd, &sparse, err));
    return bfci_changes_open_file(g, path, fd, sparse, &item->xattrs, &g->now, err);
}

/* What has no place in a layer, nor has anything below it. In the image it is gone. */
static bool has_place(const bfci_change_set *g, const bfci_item *item)
{
    bool is_root = item->parent == 0;

    if (!is_root && !bfci_map_get(&g->folder_of, item->parent, 0))
        return false;
    if (S_ISSOCK(item->st.st_mode)) {
        bfci_log(g->c->hooks, BFC_LOG_WARNING, "commit",
                 "'%s' is left out: it is a socket, which no layer can hold",
                 bfci_item_path(item).text);
        return false;
    }
    if (!is_root && strncmp(item->name, WHITEOUT_PREFIX, WHITEOUT_PREFIX_LEN) == 0) {
        bfci_log(g->c->hooks, BFC_LOG_WARNING, "commit",
                 "'%s' is left out: in a layer such a name deletes another",
                 bfci_item_path(item).text);
        return false;
    }
    return true;
}

static int take_item(bfci_change_set *g, const bfci_item *item, bfc_err *err)
{
    bool there = false, same = false;

    if (!has_place(g, item))
        return 0;
    uint32_t node = old_node(g, item, &there);

    if (there) {
        bfci_node *n = bfci_nametree_node(&g->base.merged, node);
        n->flags |= NODE_SEEN;
        if (n->type == BFC_TYPE_DIR && !S_ISDIR(item->st.st_mode))
            n->flags |= NODE_REPLACED;
    }
    const uint64_t *group = bfci_map_get(&g->group_of, item->ino, 0);
    if (item->link_count && group)
        return take_named_again(g, &g->group[*group], item, node, there, err);
    BFC_TRY(bfci_changes_fill(g, item, err));
    if (there)
        BFC_TRY(bfci_changes_same(g, item, node, &same, err));
    if (g->now.type == BFC_TYPE_DIR)
        return take_folder(g, item, node, there, same, err);
    if (item->st.st_nlink > 1)
        return start_group(g, item, node, there, same, err);
    if (same && names_in_image(g, bfci_nametree_node(&g->base.merged, node)->ino) == 1)
        return 0;
    return write_item(g, item, err);
}

static int take_checked(bfci_change_set *g, const bfci_item *item, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    int rc = item->rc;

    if (rc < 0 && item->err)
        why = *item->err;
    if (rc == 0)
        rc = take_item(g, item, &why);
    if (rc == BFC_E_NOT_FOUND) { /* it was there when its folder was read */
        bfci_log(g->c->hooks, BFC_LOG_WARNING, "commit",
                 "'%s' was gone before it could be read; left out", bfci_item_path(item).text);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", bfci_item_path(item).text) : 0;
}

/* ── The end ── */

static int write_first(bfci_change_set *g, const bfci_change_entry *e, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_FD int fd = -1;
    struct stat st;
    bool sparse = false;

    BFC_TRY(bfci_changes_folders(g, e->above, err));
    if (e->type != BFC_TYPE_FILE)
        return bfci_changes_entry(g, e, e->path, NULL, err);
    BFC_TRY(bfci_asprintf(&path, err, "%s/%s", g->c->dir, e->path));
    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &fd, err));
    BFC_TRY(bfci_fstat(fd, &st, err));
    if (!S_ISREG(st.st_mode))
        return bfci_fail(err, BFC_E_INVALID, "it was a regular file, and is none any more");
    BFC_TRY(bfci_has_hole(fd, &st, &sparse, err));
    bfci_dir_attr_put(&e->attr, false, &g->now);
    g->now.type = BFC_TYPE_FILE;
    g->now.size = (uint64_t)st.st_size;
    return bfci_changes_open_file(g, e->path, fd, sparse, &e->xattrs, &g->now, err);
}

static int write_group(bfci_change_set *g, bfci_link_group *group, bfc_err *err)
{
    if (!group->changed && names_in_image(g, group->was) == group->count + 1)
        return 0;
    int rc = write_first(g, &group->first, err);
    for (size_t i = 0; rc == 0 && i < group->count; i++) {
        rc = bfci_changes_folders(g, group->name[i].above, err);
        if (rc == 0)
            rc = bfci_changes_entry(g, &group->first, group->name[i].path, group->first.path, err);
    }
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(group->first.path)) : 0;
}

/* What the image has and the folder has not, unless a folder above it is gone as well. */
static int write_whiteout(bfci_change_set *g, uint32_t node, bfc_err *err)
{
    const bfci_nametree *t = &g->base.merged;
    AUTO_FREE char *above = NULL;
    AUTO_FREE char *path = NULL;
    const char *name = bfci_nametree_name(t, node);
    uint32_t parent = bfci_nametree_node(t, node)->parent;
    bool excluded = false;

    BFC_TRY(bfci_nametree_path(t, parent, &above, err));
    BFC_TRY(bfci_scan_excludes(g->c->exclude, above, name, &excluded, err));
    if (excluded)
        return 0;
    BFC_TRY(bfci_asprintf(&path, err, "%s%s" WHITEOUT_PREFIX "%s", above, *above ? "/" : "", name));
    const uint64_t *index = bfci_map_get(&g->folder_of_node, parent, 0);
    BFC_TRY(bfci_changes_folders(g, index ? (size_t)*index : 0, err));
    const bfci_change_entry whiteout = {.type = BFC_TYPE_FILE};
    return bfci_changes_entry(g, &whiteout, path, NULL, err);
}

static int write_whiteouts(bfci_change_set *g, bfc_err *err)
{
    const bfci_nametree *t = &g->base.merged;
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;

    while (bfci_nametree_step(t, NODE_ROOT, &at, &depth)) {
        const bfci_node *n = bfci_nametree_node(t, at);
        const bfci_node *parent = bfci_nametree_node(t, n->parent);
        bool parent_stays = n->parent == NODE_ROOT ||
                            ((parent->flags & NODE_SEEN) && !(parent->flags & NODE_REPLACED));
        if (parent_stays && !(n->flags & NODE_SEEN))
            BFC_TRY(write_whiteout(g, at, err));
    }
    return 0;
}

/* ── Beginning ── */

static int count_names(bfci_change_set *g, bfc_err *err)
{
    const bfci_nametree *t = &g->base.merged;
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;

    while (bfci_nametree_step(t, NODE_ROOT, &at, &depth)) {
        uint64_t ino = bfci_nametree_node(t, at)->ino, names = 0;
        BFC_TRY(bfci_load_nlink(&g->c->base->links, ino, &names, err));
        if (names < 2)
            continue;
        const uint64_t *so_far = bfci_map_get(&g->counts, ino, 0);
        BFC_TRY(bfci_map_put(&g->counts, ino, 0, so_far ? *so_far + 1 : 1, err));
    }
    return 0;
}

static int scan_folder(bfci_change_set *g, bfc_err *err)
{
    unsigned jobs = g->c->jobs ? g->c->jobs : bfci_processors();

    BFC_TRY(bfci_plan_new(&g->plan, err));
    BFC_TRY(bfci_plan_add_root(g->plan, g->c->dir, err));
    BFC_TRY(bfci_pool_new(jobs, &g->pool, err));
    const bfci_scan_config config = {.plan = g->plan,
                                     .pool = g->pool,
                                     .exclude = g->c->exclude,
                                     .one_file_system = g->c->one_file_system,
                                     .noatime = bfci_may_skip_atime(),
                                     .next_ino = 2,
                                     .root_ino = 1,
                                     .batches = bfci_memory_of(false, jobs).batches,
                                     .hooks = g->c->hooks};
    BFC_TRY(bfci_scan_start(&config, &g->scan, err));
    for (;;) {
        bfci_batch *b = NULL;
        BFC_TRY(bfci_check_cancel(g->c->hooks, err));
        BFC_TRY(bfci_scan_next(g->scan, &b, err));
        if (!b)
            break;
        int rc = 0;
        for (size_t i = 0; rc == 0 && i < bfci_batch_count(b); i++)
            rc = take_checked(g, bfci_batch_item(b, i), err);
        bfci_scan_release_batch(g->scan, b);
        BFC_TRY(rc);
    }
    return 0;
}

int bfci_changes_out(const bfci_changes *c, bfci_write_fn *write, void *ctx, bfc_err *err)
{
    AUTO_CHANGES bfci_change_set g = {.c = c, .out = {.write = write, .ctx = ctx}};

    BFC_TRY(bfci_image_in_begin(&g.base, NULL, c->base, 0, c->hooks, err));
    BFC_TRY(count_names(&g, err));
    BFC_TRY(scan_folder(&g, err));
    for (size_t i = 0; i < g.group_count; i++)
        BFC_TRY(write_group(&g, &g.group[i], err));
    BFC_TRY(write_whiteouts(&g, err));
    return bfci_tar_write_end(&g.out, err);
}
