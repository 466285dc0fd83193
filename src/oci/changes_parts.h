/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the layer of a commit: what comparing (changes_out.c) and writing (changes_write.c) share.
 */
#ifndef BFCI_OCI_CHANGES_PARTS_H
#define BFCI_OCI_CHANGES_PARTS_H

#include "container/intake.h"
#include "oci/changes_out.h"
#include "oci/image_in.h"
#include "oci/tar.h"

enum {
    NODE_SEEN = 64,     /* the folder has it, too */
    NODE_REPLACED = 128 /* it was a folder, and is none now */
};

/* An entry that may have to be written later. */
typedef struct bfci_change_entry {
    char *path;
    size_t above; /* index of the folder it is in */
    uint8_t type;
    bfci_dir_attr attr; /* of any type */
    uint32_t major, minor;
    char *link; /* of a symbolic link */
    buf xattrs;
} bfci_change_entry;

typedef struct bfci_change_folder {
    bfci_change_entry *entry; /* until it was written */
    size_t parent;
} bfci_change_folder;

/* All names of one file. */
typedef struct bfci_link_group {
    bfci_change_entry first;
    struct bfci_another_name {
        char *path;
        size_t above;
    } * name;
    size_t count, cap;
    uint64_t was; /* the inode that they had in the image; 0: some had none, or another */
    bool changed;
} bfci_link_group;

typedef struct bfci_change_set {
    const bfci_changes *c;
    bfci_tar_out out;
    bfci_plan_node *plan;
    bfci_pool *pool;
    bfci_scan *scan;
    bfci_image_in base; /* only its names */
    bfci_map counts;    /* inode of the image → its names */
    bfci_map node_of;   /* a folder's number in the scan → its node + 1; 0: the image lacks it */
    bfci_map folder_of; /* → its index in `folder` */
    bfci_map folder_of_node;
    bfci_change_folder *folder;
    size_t folder_count, folder_cap;
    bfci_map group_of;
    bfci_link_group *group;
    size_t group_count, group_cap;
    bfci_tar_range *range;
    size_t range_count, range_cap;
    bfci_tar_xattr *xattr;
    size_t xattr_count, xattr_cap;
    bfci_inode old, now; /* the item at hand, in the image and in the folder */
    bfci_inode kept;     /* the entry at hand that was kept for later */
} bfci_change_set;

/* ── changes_same.c ── */

/* Sets g->now: all but the sums of a file that the scan has not read. */
int bfci_changes_fill(bfci_change_set *g, const bfci_item *item, bfc_err *err);
/* Whether it is what the image has at `node`; sets g->old. */
int bfci_changes_same(bfci_change_set *g, const bfci_item *item, uint32_t node, bool *same,
                      bfc_err *err);
/* Opens a file of the scan; sets the size of `n` to what it is now. */
int bfci_changes_open(const bfci_item *item, bfci_inode *n, int *fd, bool *has_holes, bfc_err *err);

/* ── changes_write.c ── */

/* With the attributes that are in g->xattr only for the call. `link`: a hard link to that path. */
int bfci_changes_header(bfci_change_set *g, const char *path, const bfci_inode *n,
                        const buf *xattrs, const char *link, bool sparse, uint64_t data_size,
                        bfc_err *err);
int bfci_changes_entry(bfci_change_set *g, const bfci_change_entry *e, const char *path,
                       const char *link, bfc_err *err);
/* A folder and those above it, each once. */
int bfci_changes_folders(bfci_change_set *g, size_t index, bfc_err *err);
/* A file whose content the scan has read. */
int bfci_changes_small(bfci_change_set *g, const char *path, const bfci_item *item, bfc_err *err);
/* A file that is read now. */
int bfci_changes_open_file(bfci_change_set *g, const char *path, int fd, bool sparse,
                           const buf *xattrs, bfci_inode *n, bfc_err *err);
/* Only reads it: its sums go into `n`. */
int bfci_changes_hash(bfci_change_set *g, int fd, bool sparse, bfci_inode *n, bfc_err *err);
void bfci_changes_drop_xattrs(bfci_change_set *g);
void bfci_change_entry_release(bfci_change_entry *e);

#endif
