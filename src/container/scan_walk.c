/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of the scan: the plan and the folders on disk, in order. It keeps a bounded number of
 * folders open beside those on its own stack. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>

#include "base/path.h"
#include "container/scan_later.h"
#include "sys/file.h"

/* ── What is stored already, what is left out ── */

static int look_in_base(bfci_scan *s, const bfci_scan_level *l, const char *name, bfci_item *item,
                        bfc_err *err)
{
    if (!l || !l->in_base)
        return 0;
    return bfci_load_dirent(&s->base_names, l->ino, name, strlen(name), &item->was_there,
                            &item->old, err);
}

/* A pattern without '/' is for names, one with it for paths from the root. */
static bool pattern_matches(const char *pattern, const char *path, const char *name)
{
    while (strncmp(pattern, "./", 2) == 0)
        pattern += 2;
    if (!strchr(pattern, '/'))
        return fnmatch(pattern, name, 0) == 0;
    return fnmatch(pattern + (*pattern == '/'), path, 0) == 0;
}

int bfci_scan_excludes(const char *const *patterns, const char *folder, const char *name, bool *out,
                       bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    *out = false;
    if (!patterns || !patterns[0])
        return 0;
    BFC_TRY(bfci_asprintf(&path, err, "%s%s%s", folder, *folder ? "/" : "", name));
    for (const char *const *p = patterns; *p && !*out; p++)
        *out = pattern_matches(*p, path, name);
    return 0;
}

static bool is_container(const bfci_scan *s, const struct stat *st)
{
    for (size_t i = 0; i < ARRAY_LEN(s->config.skip); i++)
        if (s->config.skip[i].ino == st->st_ino && s->config.skip[i].dev == st->st_dev &&
            st->st_ino != 0)
            return true;
    return false;
}

/* ── Files ── */

/* Gives the item its number: a new one, or that of another name of the same inode. */
static int number_file(bfci_scan *s, bfci_item *item, bfc_err *err)
{
    const struct stat *st = &item->st;

    if (st->st_nlink < 2) {
        item->ino = s->next_ino++;
        return 0;
    }
    const uint64_t *known = bfci_map_get(&s->first_name, st->st_dev, st->st_ino);
    if (!known) {
        item->ino = s->next_ino++;
        BFC_TRY(bfci_map_put(&s->first_name, st->st_dev, st->st_ino, item->ino, err));
        return bfci_map_put(&s->names_left, item->ino, 0, 1, err);
    }
    item->ino = *known;
    const uint64_t *seen = bfci_map_get(&s->names_left, item->ino, 0);
    item->link_count = (seen ? *seen : 1) + 1;
    if (item->link_count < st->st_nlink)
        return bfci_map_put(&s->names_left, item->ino, 0, item->link_count, err);
    bfci_map_remove(&s->first_name, st->st_dev, st->st_ino);
    bfci_map_remove(&s->names_left, item->ino, 0);
    return 0;
}

static void count_bytes(bfci_scan *s, const bfci_item *item)
{
    if (S_ISREG(item->st.st_mode) && !item->link_count)
        atomic_fetch_add_explicit(&s->bytes, (uint64_t)item->st.st_size, memory_order_relaxed);
}

/* It gets its number now, as in any other scan. */
static int put_off(bfci_scan *s, const bfci_scan_level *l, const char *name,
                   const bfci_plan_node *plan, const struct stat *st, bfc_err *err)
{
    bfci_item item = {.st = *st};

    BFC_TRY(bfci_check_cancel(s->config.hooks, err));
    if (__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
        return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
    atomic_fetch_add_explicit(&s->entries, 1, memory_order_relaxed);
    BFC_TRY(look_in_base(s, l, name, &item, err));
    BFC_TRY(number_file(s, &item, err));
    count_bytes(s, &item);
    return bfci_later_put(s, name, &item, plan ? plan->source : NULL, err);
}

static int add_file(bfci_scan *s, const bfci_scan_level *l, const char *name,
                    const bfci_plan_node *plan, const struct stat *st, bfc_err *err)
{
    bfci_item *item = NULL;

    if (s->later && S_ISREG(st->st_mode))
        return put_off(s, l, name, plan, st, err);
    BFC_TRY(bfci_scan_add_item(s, l->dir, l->ino, name, plan, st, &item, err));
    BFC_TRY(look_in_base(s, l, name, item, err));
    BFC_TRY(number_file(s, item, err));
    count_bytes(s, item);
    if (!s->config.count_only)
        bfci_scan_expect_content(s, item);
    return 0;
}

/* Something that was listed and is not there any more is told to the writer, who may log. */
static int add_vanished(bfci_scan *s, const bfci_scan_level *l, const char *name,
                        const bfc_err *why, bfc_err *err)
{
    const struct stat none = {.st_mode = S_IFREG};
    bfci_item *item = NULL;

    if (s->config.count_only)
        return 0;
    BFC_TRY(bfci_scan_add_item(s, l->dir, l->ino, name, NULL, &none, &item, err));
    item->rc = BFC_E_NOT_FOUND;
    BFC_TRY(bfci_alloc(1, sizeof *item->err, &item->err, err));
    *item->err = *why;
    return 0;
}

static int add_subdir(bfci_scan_level *l, const char *name, const bfci_plan_node *plan,
                      bfc_err *err)
{
    BFC_TRY(bfci_reserve(&l->sub, &l->sub_cap, l->sub_count + 1, sizeof *l->sub, err));
    l->sub[l->sub_count++] = (bfci_subdir){name, plan, NULL};
    return 0;
}

/* `seen`: what a scout saw of it; or NULL. */
static int stat_name(const bfci_scan_level *l, const char *name, const bfci_plan_node *plan,
                     const struct stat *seen, struct stat *st, bfc_err *err)
{
    if (plan)
        return bfci_stat_at(AT_FDCWD, plan->source, AT_SYMLINK_NOFOLLOW, st, err);
    if (!seen)
        return bfci_stat_at(l->dir->fd, name, AT_SYMLINK_NOFOLLOW, st, err);
    *st = *seen;
    return 0;
}

static int look_at_name(bfci_scan *s, bfci_scan_level *l, const bfci_dir_name *found,
                        const bfci_plan_node *plan, const struct stat *seen, bfc_err *err)
{
    struct stat st;
    bfc_err why = BFC_ERR_INIT;
    const char *name = found->name;
    bool excluded = false;

    BFC_TRY(bfci_scan_excludes(s->config.exclude, l->dir->path, name, &excluded, err));
    if (excluded)
        return 0;
    if (found->type == DT_DIR && !plan)
        return add_subdir(l, name, NULL, err);
    int rc = stat_name(l, name, plan, seen, &st, &why);
    if (rc == BFC_E_NOT_FOUND && !plan)
        return add_vanished(s, l, name, &why, err);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    if (S_ISDIR(st.st_mode))
        return add_subdir(l, name, plan, err);
    return is_container(s, &st) ? 0 : add_file(s, l, name, plan, &st, err);
}

/* Goes through the names on disk and in the plan, both sorted; what the plan names comes from
 * there. */
static int look_at_each(bfci_scan *s, bfci_scan_level *l, const bfci_plan_node *plan,
                        bfci_looks *looks, bfc_err *err)
{
    size_t at = 0, planned = plan ? plan->count : 0;

    for (size_t i = 0; i < l->names.count || at < planned;) {
        int c = at == planned ? -1 : 1;
        if (i < l->names.count && at < planned)
            c = strcmp(l->names.item[i].name, plan->child[at]->name);
        if (c < 0) {
            const struct stat *seen = bfci_looks_at(looks, i);
            BFC_TRY(look_at_name(s, l, &l->names.item[i], NULL, seen, err));
            i++;
        } else {
            const bfci_dir_name planned_name = {plan->child[at]->name, DT_UNKNOWN};
            BFC_TRY(look_at_name(s, l, &planned_name, plan->child[at], NULL, err));
            at++;
            i += c == 0;
        }
    }
    return 0;
}

/* `first`: of a scout; taken over. */
static int look_at_names(bfci_scan *s, bfci_scan_level *l, const bfci_plan_node *plan,
                         bfci_look *first, bfc_err *err)
{
    bfci_looks looks;

    bfci_looks_begin(&looks, &s->scouts, l->dir->fd, &l->names, first);
    int rc = look_at_each(s, l, plan, &looks, err);
    bfci_looks_end(&looks);
    return rc;
}

/* ── Folders ── */

int bfci_scan_wait_for_dirs(bfci_scan *s, bfc_err *err)
{
    pthread_mutex_lock(&s->dirs.lock);
    bool many = s->dirs.open > s->depth + s->dirs.ahead;
    pthread_mutex_unlock(&s->dirs.lock);
    if (!many)
        return 0;
    BFC_TRY(bfci_scan_flush(s, err)); /* or nobody would ever close them */
    pthread_mutex_lock(&s->dirs.lock);
    while (s->dirs.open > s->depth + s->dirs.ahead && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
        bfci_cond_wait(&s->dirs.fewer, &s->dirs.lock);
    pthread_mutex_unlock(&s->dirs.lock);
    return 0;
}

static int push_level(bfci_scan *s, bfci_source_dir *dir, bfc_err *err)
{
    if (s->depth >= BFCI_DEPTH_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "folders are nested more than %d deep", BFCI_DEPTH_MAX);
    BFC_TRY(bfci_reserve(&s->level, &s->cap, s->depth + 1, sizeof *s->level, err));
    s->level[s->depth++] =
        (bfci_scan_level){.dir = bfci_source_dir_ref(dir), .folder = LEVEL_NO_FOLDER};
    return 0;
}

void bfci_scan_pop_level(bfci_scan *s)
{
    bfci_scan_level *l = &s->level[--s->depth];

    for (size_t i = l->sub_next; i < l->sub_count; i++)
        bfci_scout_free(l->sub[i].scout);
    free(l->sub);
    bfci_dir_list_release(&l->names);
    bfci_source_dir_unref(l->dir);
}

static int open_dir(bfci_scan *s, const bfci_subdir *sub, int *fd, struct stat *st, bfc_err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY;
    bool is_root = s->depth == 0;

    if (is_root && !sub->plan->source) {
        *st = (struct stat){.st_mode = S_IFDIR | 0755};
        return 0;
    }
    if (sub->plan && sub->plan->source)
        BFC_TRY(
            bfci_open(AT_FDCWD, sub->plan->source, flags | (is_root ? 0 : O_NOFOLLOW), 0, fd, err));
    else
        BFC_TRY(
            bfci_open(s->level[s->depth - 1].dir->fd, sub->name, flags | O_NOFOLLOW, 0, fd, err));
    return bfci_fstat(*fd, st, err);
}

static int come_to_dir(bfci_scan *s, const bfci_subdir *sub, bfci_arrival *out, bfc_err *err)
{
    if (sub->scout && bfci_scout_report(sub->scout, out))
        return 0;
    return open_dir(s, sub, &out->fd, &out->st, err);
}

/* The folder's item, and its number: the one it had in the commit before, if it was a folder there.
 */
static int add_dir(bfci_scan *s, bfci_source_dir *dir, const char *name, const struct stat *st,
                   bool *in_base, uint64_t *ino, bfc_err *err)
{
    const bfci_scan_level *parent = s->depth ? &s->level[s->depth - 1] : NULL;
    bfci_item *item = NULL;

    BFC_TRY(bfci_scan_add_item(s, dir, parent ? parent->ino : 0, name, NULL, st, &item, err));
    item->synthetic = dir->fd < 0;
    if (!parent) {
        item->ino = s->config.root_ino;
        *in_base = s->base != NULL;
    } else {
        BFC_TRY(look_in_base(s, parent, name, item, err));
        *in_base = item->was_there && item->old.type == BFC_TYPE_DIR;
        item->ino = *in_base ? item->old.ino : s->next_ino++;
    }
    *ino = item->ino;
    return 0;
}

static bool is_foreign(const bfci_scan *s, const bfci_plan_node *plan, const struct stat *st)
{
    return s->config.one_file_system && s->depth > 0 && !(plan && plan->source) &&
           s->level[s->depth - 1].dev != st->st_dev;
}

/* The level of a folder that was come to; what it needs of `a` it takes. */
static int begin_level(bfci_scan *s, const bfci_subdir *sub, bfci_arrival *a, bfc_err *err)
{
    bool foreign = is_foreign(s, sub->plan, &a->st), in_base = false;
    bfci_source_dir *dir = NULL;
    uint64_t ino = 0;

    BFC_TRY(bfci_source_dir_new(a->fd, s->depth ? s->level[s->depth - 1].dir->path : "", sub->name,
                                &s->dirs, &dir, err));
    (void)bfci_steal_fd(&a->fd);
    int rc = add_dir(s, dir, sub->name, &a->st, &in_base, &ino, err);
    if (rc == 0)
        rc = push_level(s, dir, err);
    bfci_source_dir_unref(dir);
    if (rc < 0)
        return rc;
    bfci_scan_level *l = &s->level[s->depth - 1];
    l->ino = ino;
    l->dev = a->st.st_dev;
    l->in_base = in_base;
    l->source = sub->plan ? sub->plan->source : NULL;
    l->names = a->names;
    a->names = (bfci_dir_list)BFCI_DIR_LIST_INIT;
    bool list = !a->listed && l->dir->fd >= 0 && !foreign && (!sub->plan || sub->plan->whole);
    return list ? bfci_dir_read(l->dir->fd, &l->names, err) : 0;
}

static int enter_dir(bfci_scan *s, const bfci_subdir *sub, bfc_err *err)
{
    AUTO_ARRIVAL bfci_arrival a = BFCI_ARRIVAL_INIT;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_scan_wait_for_dirs(s, err));
    int rc = come_to_dir(s, sub, &a, &why);
    if (rc == BFC_E_NOT_FOUND && !sub->plan)
        return add_vanished(s, &s->level[s->depth - 1], sub->name, &why, err);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    BFC_TRY(begin_level(s, sub, &a, err));
    return look_at_names(s, &s->level[s->depth - 1], sub->plan, bfci_steal(&a.first), err);
}

/* To the folders that come after the next one. */
static void send_scouts(bfci_scan *s, bfci_scan_level *l)
{
    const size_t end = MIN(l->sub_count, l->sub_next + 1 + s->scouts.most);

    for (size_t i = MAX(l->sub_scouted, l->sub_next + 1); i < end; i++) {
        if (!l->sub[i].plan)
            l->sub[i].scout = bfci_scout_send(&s->scouts, l->dir->fd, l->sub[i].name, l->dev);
        l->sub_scouted = i + 1;
    }
}

static int next_dir(bfci_scan *s, bfci_scan_level *l, bfc_err *err)
{
    send_scouts(s, l);
    bfci_subdir sub = l->sub[l->sub_next++];
    int rc = enter_dir(s, &sub, err); /* `l` may have moved */
    bfci_scout_free(sub.scout);
    return rc < 0 ? bfci_wrap(err, rc, "folder '%s'", BFCI_QUOTE_STR(sub.name)) : 0;
}

int bfci_scan_walk(bfci_scan *s, bfc_err *err)
{
    const bfci_subdir root = {"", s->config.plan, NULL};

    BFC_TRY(enter_dir(s, &root, err));
    while (s->depth > 0) {
        bfci_scan_level *l = &s->level[s->depth - 1];
        if (l->sub_next < l->sub_count)
            BFC_TRY(next_dir(s, l, err));
        else
            bfci_scan_pop_level(s);
    }
    return bfci_scan_flush(s, err);
}
