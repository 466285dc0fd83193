/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of names in memory: which names a layer has, or an image when layers lie on each other,
 * and which inode of the container each leads to. About 60 bytes a name; nothing else of an image
 * is held in memory. */
#ifndef BFCI_OCI_NAMETREE_H
#define BFCI_OCI_NAMETREE_H

#include <bfc/container.h>

#include "base/base.h"

enum {
    NODE_ROOT = 0,           /* its index */
    NODE_NONE = 0,           /* the root is nobody's child */
    NODE_NAMES_MAX = 1 << 28 /* in one tree */
};

enum {
    NODE_GONE = 1,    /* taken out, with all below */
    NODE_MADE_UP = 2, /* a folder that no entry told of */
    NODE_HOLDS = 4    /* of a layer that is laid over another: there is more in it than whiteouts */
};

typedef struct bfci_node {
    uint64_t ino; /* of a folder: 0 if its inode is yet to be made */
    uint32_t parent, next, child;
    uint32_t name;  /* where it stands in the tree's names */
    uint32_t extra; /* folder: index of its attributes; symbolic link: where its target stands;
                       file: index of its size, counted from 1; 0: it is empty */
    uint8_t name_len, type, flags;
} bfci_node;

/* What a folder's inode says. */
typedef struct bfci_dir_attr {
    uint16_t mode;
    bool has_xattrs;
    uint32_t uid, gid, mtime_ns;
    int64_t mtime;
    uint8_t xattrs[BFC_DIGEST_SIZE];
} bfci_dir_attr;

typedef struct bfci_nametree {
    bfci_node *node;
    size_t count, cap;
    char *names;
    size_t names_len, names_cap;
    bfci_dir_attr *attr;
    size_t attr_count, attr_cap;
    uint64_t *size;
    size_t size_count, size_cap;
    uint32_t *slot; /* hash of (parent, name) → index; 0: free */
    size_t slot_cap;
} bfci_nametree;

/* The root is made up. */
int bfci_nametree_init(bfci_nametree *t, bfc_err *err);
void bfci_nametree_release(bfci_nametree *t);

/* The child of that name, or NODE_NONE. */
uint32_t bfci_nametree_find(const bfci_nametree *t, uint32_t parent, const char *name, size_t len);
/* Adds a name that is not there. A folder gets attributes of its own: mode 0755, made up. */
int bfci_nametree_add(bfci_nametree *t, uint32_t parent, const char *name, size_t len, uint8_t type,
                      uint64_t ino, uint32_t *out, bfc_err *err);
void bfci_nametree_remove(bfci_nametree *t, uint32_t index);
int bfci_nametree_set_target(bfci_nametree *t, uint32_t index, const char *target, bfc_err *err);

/* Of a file. */
int bfci_nametree_set_size(bfci_nametree *t, uint32_t index, uint64_t size, bfc_err *err);
uint64_t bfci_nametree_size(const bfci_nametree *t, uint32_t index);

static inline bfci_node *bfci_nametree_node(const bfci_nametree *t, uint32_t index)
{
    return &t->node[index];
}
static inline const char *bfci_nametree_name(const bfci_nametree *t, uint32_t index)
{
    return t->names + t->node[index].name; /* NUL-terminated */
}
static inline const char *bfci_nametree_target(const bfci_nametree *t, uint32_t index)
{
    return t->names + t->node[index].extra;
}
static inline bfci_dir_attr *bfci_nametree_attr(const bfci_nametree *t, uint32_t index)
{
    return &t->attr[t->node[index].extra];
}

/* First and next child that is not gone; NODE_NONE at the end. In the order they were added,
 * backwards. */
uint32_t bfci_nametree_first(const bfci_nametree *t, uint32_t parent);
uint32_t bfci_nametree_next(const bfci_nametree *t, uint32_t index);

/* The next name in the order "a folder, then what is below it", from `top` on, which comes first
 * (*at is `top` then, and *depth 0). False at the end. */
bool bfci_nametree_step(const bfci_nametree *t, uint32_t top, uint32_t *at, unsigned *depth);

/* The same, without what is below *at. */
bool bfci_nametree_step_over(const bfci_nametree *t, uint32_t top, uint32_t *at, unsigned *depth);

/* Where a path leads: names are taken one by one; symbolic links on the way are followed within the
 * tree, and at its end if `follow`. At most 255 links. *found is false if there is no such name. */
int bfci_nametree_resolve(const bfci_nametree *t, const char *path, bool follow, uint32_t *out,
                          bool *found, bfc_err *err);

/* Where an entry called `path` goes: folders on the way that are not there are made (without an
 * inode), links followed. `path` is one that bfci_path_normalize() gave, and not empty; the name,
 * which has up to 255 bytes, is not looked up. */
int bfci_nametree_place(bfci_nametree *t, const char *path, uint32_t *parent, char *name,
                        size_t *len, bfc_err *err);

/* `path` as it is beyond the links that are on the way to it, as far as the tree has any: another
 * tree may have the rest; free(). */
int bfci_nametree_beyond(const bfci_nametree *t, const char *path, char **out, bfc_err *err);

/* Whether something that is no folder is on the way to an entry called `path`. */
int bfci_nametree_blocked(const bfci_nametree *t, const char *path, bool *out, bfc_err *err);

/* "a/b/c", for messages and look-ups; free(). */
int bfci_nametree_path(const bfci_nametree *t, uint32_t index, char **out, bfc_err *err);

#endif
