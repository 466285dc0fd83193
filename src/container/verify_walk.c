/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of every tree, in memory: each folder is entered once in a tree, none lies too deep, all
 * are reached; and the names of inodes that may have several are counted. Trees may share folders,
 * so that a container made to mislead could ask for trees times folders steps: what is walked again
 * is counted, and there is an end to it. */
#include <inttypes.h>
#include <stdio.h>

#include "container/verify.h"

enum {
    SHARED_FACTOR = 64, /* what is in a folder may on average stand in so many trees */
    SHARED_FLOOR = 1 << 24
};

typedef struct step {
    uint32_t dir;
    uint32_t next; /* edge */
} step;

typedef struct walk {
    bfci_verify *v;
    step *stack; /* BFCI_DEPTH_MAX + 1 */
    size_t depth;
    uint32_t tree;  /* counted from 1 */
    uint64_t again; /* folders, and what is in them, that an earlier tree had */
} walk;

static uint32_t edges_end(const bfci_verify *v, uint32_t dir)
{
    return dir + 1 < v->dir_count ? v->dir[dir + 1].first_edge : (uint32_t)v->edge_count;
}

static void descend(walk *w, uint32_t dir)
{
    bfci_verify_dir *d = &w->v->dir[dir];

    if (d->tree != 0)
        w->again += 1 + edges_end(w->v, dir) - d->first_edge;
    d->tree = w->tree;
    w->stack[w->depth++] = (step){dir, d->first_edge};
}

/* A folder that many trees share is told of once. */
static int misplaced(walk *w, bfci_verify_dir *d, bfc_err *err, const char *what)
{
    if (d->is_told)
        return 0;
    d->is_told = true;
    return bfci_verify_file_problem(w->v, d->ino, BFC_NO_OFFSET, err, "%s", what);
}

static int enter(walk *w, uint32_t from, uint32_t dir, bfc_err *err)
{
    bfci_verify *v = w->v;
    bfci_verify_dir *d = &v->dir[dir];

    if (d->tree == w->tree)
        return misplaced(w, d, err, "the folder is entered from more than one place");
    if (d->parent == BFCI_NO_DIR)
        d->parent = from;
    if (w->depth > BFCI_DEPTH_MAX || (w->depth == BFCI_DEPTH_MAX && d->has_entries)) {
        char what[64];
        (void)snprintf(what, sizeof what, "lies deeper than %d names", BFCI_DEPTH_MAX);
        d->tree = w->tree;
        v->walk_is_partial = true;
        return misplaced(w, d, err, what);
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
        if (s->next == edges_end(v, s->dir)) {
            w->depth--;
            continue;
        }
        const uint32_t edge = v->edge[s->next++];
        if (edge & BFCI_EDGE_NAME)
            bfci_verify_links_count(&v->link[edge & ~BFCI_EDGE_NAME], w->tree);
        else
            BFC_TRY(enter(w, s->dir, edge, err));
    }
    return 0;
}

static int walk_root(walk *w, const bfci_verify_tree *tree, bfc_err *err)
{
    bfci_verify *v = w->v;
    uint32_t root = bfci_verify_dir_of(v, tree->root);

    v->report.entries++;
    if (root != BFCI_NO_DIR)
        return walk_tree(w, root, err);
    v->walk_is_partial = true;
    if (!v->damaged[TABLE_INODES])
        bfci_verify_problem(v, BFC_NO_OFFSET,
                            "the root of tree %" PRIu32 ", inode %" PRIu64 ", is not a folder",
                            tree->id, tree->root);
    return 0;
}

/* From here on, of a root: the first tree that has it. So paths are told with their tree. */
static void note_roots(bfci_verify *v)
{
    for (size_t i = v->tree_count; i > 0; i--) {
        uint32_t root = bfci_verify_dir_of(v, v->tree[i - 1].root);
        if (root != BFCI_NO_DIR)
            v->dir[root].tree = (uint32_t)i;
    }
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
    uint64_t again_max = (v->dir_count + v->edge_count) * (uint64_t)SHARED_FACTOR + SHARED_FLOOR;

    BFC_TRY(bfci_alloc(BFCI_DEPTH_MAX + 2, sizeof *stack, &stack, err));
    w.stack = stack;
    for (size_t i = 0; i < v->tree_count; i++) {
        w.tree++;
        BFC_TRY(bfci_check_cancel(v->options.hooks, err));
        BFC_TRY(walk_root(&w, &v->tree[i], err));
        if (w.again > again_max) {
            bfci_verify_problem(v, v->source.commit.offset,
                                "trees share too many folders to walk them all");
            v->walk_is_partial = true;
            v->damaged[TABLE_TREES] = true; /* in effect: some lead nowhere */
            break;
        }
    }
    note_roots(v);
    v->tree_is_known = true;
    if (v->damaged[TABLE_DIRENTS] || v->damaged[TABLE_TREES] || v->damaged[TABLE_INODES])
        return 0; /* what leads there is among what is lost, and was reported */
    return report_unreached(v, err);
}
