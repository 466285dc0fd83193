/* SPDX-License-Identifier: Apache-2.0 */
/* A crafted container as an image makes it: a merged tree over two layers that shares a folder and
 * files with them, and a tree of kept contents. Beside care_fixture.h. */
#ifndef TESTS_UNIT_CONTAINER_TREES_FIXTURE_H
#define TESTS_UNIT_CONTAINER_TREES_FIXTURE_H

#include "care_fixture.h"

enum {
    MERGED_ROOT = 1,
    MERGED_ETC,
    LOWER_ROOT,
    LOWER_ETC,
    USR, /* of the lower layer and of the merged tree */
    UPPER_ROOT,
    UPPER_ETC,
    KEPT_ROOT,
    OLD_HOSTS, /* in the lower layer only */
    PASSWD,    /* two names in the lower layer, one in the merged tree */
    TOOL,      /* two names in the merged tree, one in each layer */
    HOSTS,     /* in the upper layer and the merged tree */
    WHITEOUT,
    REPLACED, /* in the tree of kept contents */
    SHELL,    /* a symbolic link */
    TREES_INODES_END,
    TREES_BLOCK = 4096
};

static inline void trees_put(struct craft *k, uint32_t id, uint8_t kind, uint64_t root,
                             const char *label)
{
    uint8_t key[4];
    const bfci_tree t = {kind, root, {(const uint8_t *)label, strlen(label)}};
    buf b = BUF_INIT;
    bfci_tree_encode(&b, &t);
    craft_put_buf(k, TABLE_TREES, bfci_key_u32(key, id), &b);
}

static inline bfci_span trees_ino_key(uint64_t ino)
{
    static uint8_t key[8];
    return bfci_key_u64(key, ino);
}

static inline void trees_inodes(struct craft *k)
{
    static const uint8_t folders[] = {MERGED_ROOT, MERGED_ETC, LOWER_ROOT, LOWER_ETC,
                                      USR,         UPPER_ROOT, UPPER_ETC,  KEPT_ROOT};
    static const uint8_t files[] = {OLD_HOSTS, PASSWD, TOOL, HOSTS, REPLACED};
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755},
                     empty = {.type = BFC_TYPE_FILE, .mode = 0644};
    bfci_inode link = {.type = BFC_TYPE_SYMLINK, .mode = 0777, .link_len = 4};
    uint8_t block[TREES_BLOCK];

    care_noise(block, sizeof block, 3);
    craft_block(k, 0, block, sizeof block);
    for (size_t i = 0; i < sizeof folders; i++)
        craft_inode(k, folders[i], &dir);
    for (size_t i = 0; i < sizeof files; i++) {
        bfci_inode n = craft_file(block + 100 * i, 100, 0, (uint32_t)(100 * i));
        craft_inode(k, files[i], &n);
    }
    craft_inode(k, WHITEOUT, &empty);
    memcpy(link.link, "tool", 5);
    craft_inode(k, SHELL, &link);
    k->commit.files = sizeof files + 1;
    k->commit.dirs = sizeof folders;
    k->commit.symlinks = 1;
    k->commit.content_bytes = 100 * sizeof files;
    k->commit.next_ino = TREES_INODES_END;
    k->commit.next_block = 1;
}

static inline void trees_names(struct craft *k)
{
    char number[8];

    craft_name(k, MERGED_ROOT, "alias", BFC_TYPE_FILE, TOOL);
    craft_name(k, MERGED_ROOT, "etc", BFC_TYPE_DIR, MERGED_ETC);
    craft_name(k, MERGED_ROOT, "usr", BFC_TYPE_DIR, USR);
    craft_name(k, MERGED_ETC, "hosts", BFC_TYPE_FILE, HOSTS);
    craft_name(k, MERGED_ETC, "passwd", BFC_TYPE_FILE, PASSWD);
    craft_name(k, LOWER_ROOT, "etc", BFC_TYPE_DIR, LOWER_ETC);
    craft_name(k, LOWER_ROOT, "usr", BFC_TYPE_DIR, USR);
    craft_name(k, LOWER_ETC, "hosts", BFC_TYPE_FILE, OLD_HOSTS);
    craft_name(k, LOWER_ETC, "passwd", BFC_TYPE_FILE, PASSWD);
    craft_name(k, LOWER_ETC, "passwd-", BFC_TYPE_FILE, PASSWD);
    craft_name(k, USR, "sh", BFC_TYPE_SYMLINK, SHELL);
    craft_name(k, USR, "tool", BFC_TYPE_FILE, TOOL);
    craft_name(k, UPPER_ROOT, "alias", BFC_TYPE_FILE, TOOL);
    craft_name(k, UPPER_ROOT, "etc", BFC_TYPE_DIR, UPPER_ETC);
    craft_name(k, UPPER_ETC, ".wh.passwd-", BFC_TYPE_FILE, WHITEOUT);
    craft_name(k, UPPER_ETC, "hosts", BFC_TYPE_FILE, HOSTS);
    (void)snprintf(number, sizeof number, "%d", REPLACED);
    craft_name(k, KEPT_ROOT, number, BFC_TYPE_FILE, REPLACED);
}

enum {
    TREES_NAMES = 17 /* of trees_names() */
};

static inline void trees_begin(struct craft *k, const char *path)
{
    craft_begin(k, path);
    trees_inodes(k);
    trees_names(k);
    trees_put(k, 0, TREE_MERGED, MERGED_ROOT, "");
    trees_put(k, 1, TREE_LAYER, LOWER_ROOT, "sha256:lower");
    trees_put(k, 2, TREE_LAYER, UPPER_ROOT, "sha256:upper");
    trees_put(k, 7, TREE_KEPT, KEPT_ROOT, "");
    craft_number(k, TABLE_LINKS, trees_ino_key(PASSWD), 2);
    craft_number(k, TABLE_LINKS, trees_ino_key(TOOL), 2);
    craft_put(k, TABLE_BLOBS, (bfci_span){(const uint8_t *)"oci/0/manifest", 14}, "\0{}", 3);
}

#endif
