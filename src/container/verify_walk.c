/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of every tree, in memory: each folder is entered once in a tree, none lies too deep, all
 * are reached. Trees may share folders, so that a container made to mislead could ask for trees
 * times folders steps: what is walked again is counted, and there is an end to it. */
#include <inttypes.h>

#include "container/verify.h"

enum {
    SHARED_FACTOR = 64, /* folders may on average stand in so many trees */
    SHARED_FLOOR = 1 << 20
};

typedef struct step {
    uint32_t dir;
    uint32_t next; /* edge */
} step;

typedef struct walk {
    bfci_verify *v;
    step *stack; /* BFCI_DEPTH_MAX + 1 */
    size_t depth;
    uint32_t tree; /* counted from 1 */
    uint64_t again;
} walk;

static uint32_t edges_end(const bfci_verify *v, uint32_t dir)
{
    return dir + 1 < v->dir_count ? v->dir[dir + 1].first_edge : (uint32_t)v->edge_count;
}

static void descend(walk *w, uint32_t dir)
{
    bfci_verify_dir *d = &w->v->dir[dir];

    d->tree = w->tree;
    w->stack[w->depth++] = (step){dir, d->first_edge};
}

static int enter(walk *w, uint32_t from, uint32_t dir, bfc_err *err)
{
    bfci_verify *v = w->v;
    bfci_verify_dir *d = &v->dir[dir];

    if (d->tree == w->tree)
        return bfci_verify_file_problem(v, d->ino, BFC_NO_OFFSET, err,
                                        "the folder is entered from more than one place");
    if (d->parent == BFCI_NO_DIR)
        d->parent = from;
    else
        w->again++;
    if (w->depth > BFCI_DEPTH_MAX || (w->depth == BFCI_DEPTH_MAX && d->has_entries)) {
        d->tree = w->tree;
        return bfci_verify_file_problem(v, d->ino, BFC_NO_OFFSET, err, "lies deeper than %d names",
                                        BFCI_DEPTH_MAX);
    }
    descend(w, dir);
    return 0;
}

static int walk_tree(walk *w, uint32_t root, bfc_err *err)
{
    bfci_verify *v = w->v;

    if (v->dir[root].parent == BFCI_NO_DIR)
        v->dir[root].parent = root;
    descend(w, root);
    while (w->depth > 0) {
        step *s = &w->stack[w->depth - 1];
        if (s->next == edges_end(v, s->dir))
            w->depth--;
        else
            BFC_TRY(enter(w, s->dir, v->edge[s->next++], err));
    }
    return 0;
}

static int walk_root(walk *w, uint64_t ino, bfc_err *err)
{
    bfci_verify *v = w->v;
    uint32_t root = bfci_verify_dir_of(v, ino);

    v->report.entries++;
    if (root != BFCI_NO_DIR)
        return walk_tree(w, root, err);
    if (!v->damaged[TABLE_INODES])
        bfci_verify_problem(v, BFC_NO_OFFSET,
                            "the root of a tree, inode %" PRIu64 ", is not a folder", ino);
    return 0;
}

static int report_unreached(bfci_verify *v, bfc_err *err)
{
    for (size_t i = 0; i < v->dir_count; i++)
        if (v->dir[i].parent == BFCI_NO_DIR)
            BFC_TRY(bfci_verify_file_problem(v, v->dir[i].ino, BFC_NO_OFFSET, err,
                                             "no tree leads to this folder"));
    return 0;
}

int bfci_verify_walk(bfci_verify *v, bfc_err *err)
{
    AUTO_FREE step *stack = NULL;
    walk w = {.v = v};
    uint64_t again_max = (uint64_t)v->dir_count * SHARED_FACTOR + SHARED_FLOOR;

    BFC_TRY(bfci_alloc(BFCI_DEPTH_MAX + 2, sizeof *stack, &stack, err));
    w.stack = stack;
    for (size_t i = 0; i < v->root_count; i++) {
        w.tree++;
        BFC_TRY(bfci_check_cancel(v->options.hooks, err));
        BFC_TRY(walk_root(&w, v->root[i], err));
        if (w.again > again_max) {
            bfci_verify_problem(v, BFC_NO_OFFSET, "trees share too many folders to walk them all");
            break;
        }
    }
    v->tree_is_known = true;
    if (v->damaged[TABLE_DIRENTS] || v->damaged[TABLE_TREES] || v->damaged[TABLE_INODES])
        return 0; /* what leads there is among what is lost, and was reported */
    return report_unreached(v, err);
}
