/* SPDX-License-Identifier: Apache-2.0 */
/* Names in memory: nodes in one array, names in another, a hash over (parent, name). Indexes are 32
 * bits and never change; what is taken out is only marked, so that a hostile archive which replaces
 * a name again and again pays for each with its own bytes. */
#include "oci/nametree.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/path.h"

enum {
    LINKS_FOLLOWED_MAX = 255, /* as runtimes have it */
    WALKED_MAX = 1 << 16      /* bytes of links' targets and of what follows them, for one path */
};

/* ── Making ── */

static int put_name(bfci_nametree *t, const char *name, size_t len, uint32_t *at, bfc_err *err)
{
    if (t->names_len + len + 1 > UINT32_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "an image's names take more than 4 GiB");
    BFC_TRY(bfci_reserve(&t->names, &t->names_cap, t->names_len + len + 1, 1, err));
    memcpy(t->names + t->names_len, name, len);
    t->names[t->names_len + len] = '\0';
    *at = (uint32_t)t->names_len;
    t->names_len += len + 1;
    return 0;
}

static int put_attr(bfci_nametree *t, uint32_t *at, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&t->attr, &t->attr_cap, t->attr_count + 1, sizeof *t->attr, err));
    t->attr[t->attr_count] = (bfci_dir_attr){.mode = 0755};
    *at = (uint32_t)t->attr_count++;
    return 0;
}

static int put_node(bfci_nametree *t, const bfci_node *node, bfc_err *err)
{
    if (t->count >= NODE_NAMES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "more than %d names", NODE_NAMES_MAX);
    BFC_TRY(bfci_reserve(&t->node, &t->cap, t->count + 1, sizeof *t->node, err));
    t->node[t->count++] = *node;
    return 0;
}

int bfci_nametree_init(bfci_nametree *t, bfc_err *err)
{
    bfci_node root = {.type = BFC_TYPE_DIR, .flags = NODE_MADE_UP};

    *t = (bfci_nametree){0};
    BFC_TRY(put_name(t, "", 0, &root.name, err));
    BFC_TRY(put_attr(t, &root.extra, err));
    return put_node(t, &root, err);
}

void bfci_nametree_release(bfci_nametree *t)
{
    free(t->node);
    free(t->names);
    free(t->attr);
    free(t->size);
    free(t->slot);
    *t = (bfci_nametree){0};
}

/* ── The hash ── */

/* Names are a stranger's: seeded by where the table lies, as in base/hash.h. */
static size_t hash_of(const bfci_nametree *t, uint32_t parent, const char *name, size_t len)
{
    uint64_t h = (uint64_t)len << 32 | parent;

    do {
        uint64_t word = 0;
        size_t n = MIN(len, sizeof word);
        memcpy(&word, name, n);
        h = bfci_hash(t->slot, h, word);
        name += n;
        len -= n;
    } while (len > 0);
    return (size_t)h;
}

static bool is_it(const bfci_nametree *t, uint32_t index, uint32_t parent, const char *name,
                  size_t len)
{
    const bfci_node *n = &t->node[index];

    return !(n->flags & NODE_GONE) && n->parent == parent && n->name_len == len &&
           memcmp(t->names + n->name, name, len) == 0;
}

uint32_t bfci_nametree_find(const bfci_nametree *t, uint32_t parent, const char *name, size_t len)
{
    if (t->slot_cap == 0)
        return NODE_NONE;
    size_t mask = t->slot_cap - 1;
    for (size_t at = hash_of(t, parent, name, len) & mask; t->slot[at]; at = (at + 1) & mask)
        if (is_it(t, t->slot[at], parent, name, len))
            return t->slot[at];
    return NODE_NONE;
}

/* What is gone gives its place to the next that comes by: most often to what replaced it. Else a
 * name that is replaced again and again would be looked for among all that it was. */
static void put_slot(bfci_nametree *t, uint32_t index)
{
    const bfci_node *n = &t->node[index];
    size_t mask = t->slot_cap - 1;
    size_t at = hash_of(t, n->parent, t->names + n->name, n->name_len) & mask;

    while (t->slot[at] && !(t->node[t->slot[at]].flags & NODE_GONE))
        at = (at + 1) & mask;
    t->slot[at] = index;
}

/* What is gone is left out when the table grows. */
static int make_slots(bfci_nametree *t, bfc_err *err)
{
    if (t->slot_cap / 4 * 3 > t->count)
        return 0;
    size_t cap = MAX(2 * t->slot_cap, (size_t)1024);
    uint32_t *slot = NULL;
    BFC_TRY(bfci_alloc_zero(cap, sizeof *slot, &slot, err));
    free(t->slot);
    t->slot = slot;
    t->slot_cap = cap;
    for (size_t i = 1; i < t->count; i++)
        if (!(t->node[i].flags & NODE_GONE))
            put_slot(t, (uint32_t)i);
    return 0;
}

int bfci_nametree_add(bfci_nametree *t, uint32_t parent, const char *name, size_t len, uint8_t type,
                      uint64_t ino, uint32_t *out, bfc_err *err)
{
    bfci_node n = {.ino = ino, .parent = parent, .name_len = (uint8_t)len, .type = type};

    BFC_TRY(make_slots(t, err));
    BFC_TRY(put_name(t, name, len, &n.name, err));
    if (type == BFC_TYPE_DIR) {
        n.flags = NODE_MADE_UP;
        BFC_TRY(put_attr(t, &n.extra, err));
    }
    n.next = t->node[parent].child;
    BFC_TRY(put_node(t, &n, err));
    uint32_t index = (uint32_t)t->count - 1;
    t->node[parent].child = index;
    put_slot(t, index);
    if (out)
        *out = index;
    return 0;
}

void bfci_nametree_remove(bfci_nametree *t, uint32_t index)
{
    t->node[index].flags |= NODE_GONE;
}

int bfci_nametree_set_target(bfci_nametree *t, uint32_t index, const char *target, bfc_err *err)
{
    uint32_t at = 0;

    BFC_TRY(put_name(t, target, strlen(target), &at, err));
    t->node[index].extra = at;
    return 0;
}

int bfci_nametree_set_size(bfci_nametree *t, uint32_t index, uint64_t size, bfc_err *err)
{
    if (size == 0) {
        t->node[index].extra = 0;
        return 0;
    }
    BFC_TRY(bfci_reserve(&t->size, &t->size_cap, t->size_count + 1, sizeof *t->size, err));
    t->size[t->size_count++] = size;
    t->node[index].extra = (uint32_t)t->size_count;
    return 0;
}

uint64_t bfci_nametree_size(const bfci_nametree *t, uint32_t index)
{
    const bfci_node *n = &t->node[index];

    return n->type == BFC_TYPE_FILE && n->extra ? t->size[n->extra - 1] : 0;
}

/* ── Going through ── */

static uint32_t skip_gone(const bfci_nametree *t, uint32_t index)
{
    while (index != NODE_NONE && (t->node[index].flags & NODE_GONE))
        index = t->node[index].next;
    return index;
}

uint32_t bfci_nametree_first(const bfci_nametree *t, uint32_t parent)
{
    return skip_gone(t, t->node[parent].child);
}

uint32_t bfci_nametree_next(const bfci_nametree *t, uint32_t index)
{
    return skip_gone(t, t->node[index].next);
}

bool bfci_nametree_step_over(const bfci_nametree *t, uint32_t top, uint32_t *at, unsigned *depth)
{
    uint32_t next = NODE_NONE;

    while (next == NODE_NONE && *at != top) {
        next = bfci_nametree_next(t, *at);
        if (next == NODE_NONE) {
            *at = t->node[*at].parent;
            (*depth)--;
        }
    }
    *at = next;
    return next != NODE_NONE;
}

bool bfci_nametree_step(const bfci_nametree *t, uint32_t top, uint32_t *at, unsigned *depth)
{
    uint32_t first =
        t->node[*at].type == BFC_TYPE_DIR ? bfci_nametree_first(t, *at) : (uint32_t)NODE_NONE;

    if (first == NODE_NONE)
        return bfci_nametree_step_over(t, top, at, depth);
    (*depth)++;
    *at = first;
    return true;
}

/* A path that is being followed. */
typedef struct trail {
    buf todo;  /* NUL-terminated */
    size_t at; /* what is before it is done */
    unsigned links;
    size_t walked;
    uint32_t here;
    const char *name; /* the part that comes next, in todo */
    size_t len;
    bool last;
} trail;

static int trail_start(trail *w, const char *path, bfc_err *err)
{
    bfci_buf_put(&w->todo, path, strlen(path) + 1);
    return buf_check(&w->todo, err);
}

/* False at the end. "." and ".." are done here. */
static bool trail_next(trail *w, const bfci_nametree *t)
{
    for (;;) {
        const char *todo = (const char *)w->todo.data;
        w->name = todo + w->at + strspn(todo + w->at, "/");
        w->len = strcspn(w->name, "/");
        w->at = (size_t)(w->name - todo) + w->len;
        w->last = w->name[w->len + strspn(w->name + w->len, "/")] == '\0';
        if (w->len == 2 && memcmp(w->name, "..", 2) == 0)
            w->here = t->node[w->here].parent; /* the root's is the root */
        else if (!(w->len == 1 && w->name[0] == '.'))
            return w->len > 0;
    }
}

/* Goes on with a link's target before what is left of the path. */
static int trail_follow(trail *w, const bfci_nametree *t, uint32_t link, bfc_err *err)
{
    AUTO_BUF buf whole = BUF_INIT;
    const char *target = bfci_nametree_target(t, link);
    const char *rest = (const char *)w->todo.data + w->at;

    rest += strspn(rest, "/"); /* they would grow with each link */
    bfci_buf_put(&whole, target, strlen(target));
    buf_u8(&whole, '/');
    bfci_buf_put(&whole, rest, strlen(rest) + 1);
    BFC_TRY(buf_check(&whole, err));
    w->walked += whole.len;
    if (++w->links > LINKS_FOLLOWED_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "symbolic link '%s' leads through more than %d others",
                         BFCI_QUOTE_STR(bfci_nametree_name(t, link)), LINKS_FOLLOWED_MAX);
    if (w->walked > WALKED_MAX)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "symbolic link '%s' leads through links of more than %d bytes in all",
                         BFCI_QUOTE_STR(bfci_nametree_name(t, link)), WALKED_MAX);
    if (*target == '/')
        w->here = NODE_ROOT;
    bfci_buf_free(&w->todo);
    w->todo = whole;
    whole = (buf)BUF_INIT;
    w->at = 0;
    return 0;
}

static int resolve(trail *w, const bfci_nametree *t, bool follow, bool *found, bfc_err *err)
{
    while (trail_next(w, t)) {
        uint32_t child = bfci_nametree_find(t, w->here, w->name, w->len);
        uint8_t type = child == NODE_NONE ? 0 : t->node[child].type;
        if (type == BFC_TYPE_SYMLINK && (follow || !w->last))
            BFC_TRY(trail_follow(w, t, child, err));
        else if (child == NODE_NONE || (type != BFC_TYPE_DIR && !w->last))
            return 0;
        else
            w->here = child;
    }
    *found = true;
    return 0;
}

int bfci_nametree_resolve(const bfci_nametree *t, const char *path, bool follow, uint32_t *out,
                          bool *found, bfc_err *err)
{
    trail w = {0};

    *found = false;
    int rc = trail_start(&w, path, err);
    if (rc == 0)
        rc = resolve(&w, t, follow, found, err);
    *out = w.here;
    bfci_buf_free(&w.todo);
    return rc;
}

static int make_way(trail *w, bfci_nametree *t, bfc_err *err)
{
    while (trail_next(w, t) && !w->last) {
        if (w->len > BFCI_NAME_MAX) /* of a link's target */
            return bfci_fail(err, BFC_E_CORRUPT,
                             "a link on the way to it leads to a name of more "
                             "than %d bytes",
                             BFCI_NAME_MAX);
        uint32_t child = bfci_nametree_find(t, w->here, w->name, w->len);
        if (child == NODE_NONE)
            BFC_TRY(bfci_nametree_add(t, w->here, w->name, w->len, BFC_TYPE_DIR, 0, &child, err));
        if (t->node[child].type == BFC_TYPE_SYMLINK)
            BFC_TRY(trail_follow(w, t, child, err));
        else if (t->node[child].type == BFC_TYPE_DIR)
            w->here = child;
        else
            return bfci_fail(err, BFC_E_CORRUPT, "'%s' on the way to it is no folder",
                             BFCI_QUOTE(w->name, w->len));
    }
    return 0;
}

int bfci_nametree_place(bfci_nametree *t, const char *path, uint32_t *parent, char *name,
                        size_t *len, bfc_err *err)
{
    trail w = {0};

    int rc = trail_start(&w, path, err);
    if (rc == 0)
        rc = make_way(&w, t, err);
    if (rc == 0) {
        *parent = w.here;
        *len = w.len;
        memcpy(name, w.name, w.len);
        name[w.len] = '\0';
    }
    bfci_buf_free(&w.todo);
    return rc;
}

/* As far as there are folders, and links to them. Where something else stands in the way, or
 * nothing, it is left in w->name. */
static int go_beyond(trail *w, const bfci_nametree *t, bfc_err *err)
{
    while (trail_next(w, t) && !w->last) {
        uint32_t child = bfci_nametree_find(t, w->here, w->name, w->len);
        uint8_t type = child == NODE_NONE ? 0 : t->node[child].type;
        if (type == BFC_TYPE_SYMLINK)
            BFC_TRY(trail_follow(w, t, child, err));
        else if (type == BFC_TYPE_DIR)
            w->here = child;
        else
            return 0;
    }
    return 0;
}

int bfci_nametree_blocked(const bfci_nametree *t, const char *path, bool *out, bfc_err *err)
{
    trail w = {0};

    int rc = trail_start(&w, path, err);
    if (rc == 0)
        rc = go_beyond(&w, t, err);
    *out = rc == 0 && !w.last && bfci_nametree_find(t, w.here, w.name, w.len) != NODE_NONE;
    bfci_buf_free(&w.todo);
    return rc;
}

int bfci_nametree_beyond(const bfci_nametree *t, const char *path, char **out, bfc_err *err)
{
    AUTO_FREE char *there = NULL;
    trail w = {0};

    int rc = trail_start(&w, path, err);
    if (rc == 0)
        rc = go_beyond(&w, t, err);
    if (rc == 0)
        rc = bfci_nametree_path(t, w.here, &there, err);
    if (rc == 0)
        rc = bfci_asprintf(out, err, "%s/%s", there, w.name);
    bfci_buf_free(&w.todo);
    return rc;
}

int bfci_nametree_path(const bfci_nametree *t, uint32_t index, char **out, bfc_err *err)
{
    size_t len = 0;
    char *path = NULL;

    for (uint32_t i = index; i != NODE_ROOT; i = t->node[i].parent)
        len += t->node[i].name_len + 1u;
    BFC_TRY(bfci_alloc(len + 1, 1, &path, err));
    path[len ? len - 1 : 0] = '\0';
    size_t end = len ? len - 1 : 0;
    for (uint32_t i = index; i != NODE_ROOT; i = t->node[i].parent) {
        const bfci_node *n = &t->node[i];
        end -= n->name_len;
        memcpy(path + end, t->names + n->name, n->name_len);
        if (n->parent != NODE_ROOT)
            path[--end] = '/';
    }
    *out = path;
    return 0;
}
