/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of a commit: which there are, and choosing the one that a reader looks at. */
#include "container/reader.h"

_Static_assert(sizeof(((bfc_tree_info *)0)->label) == TREE_LABEL_MAX + 1,
               "a label and its end fit");

int bfci_reader_use_tree(bfc_reader *r, uint32_t tree, bfc_err *err)
{
    uint8_t key[4];
    bool found = false;
    bfci_tree t;

    BFC_TRY(bfci_cursor_find(&r->trees, bfci_key_u32(key, tree), &found, err));
    if (!found && tree != ROOT_TREE)
        return bfci_fail(err, BFC_E_NOT_FOUND, "the commit has no tree %u", (unsigned)tree);
    if (!found) /* each commit has this one */
        return bfci_fail(err, BFC_E_CORRUPT, "the commit has no file system tree");
    BFC_TRY(bfci_tree_decode(r->trees.value, &t, err));
    BFC_TRY(bfci_load_inode(&r->inodes, t.root, &r->inode, err));
    if (r->inode.type != BFC_TYPE_DIR)
        return bfci_fail(err, BFC_E_CORRUPT, "the root of the tree is not a folder");
    r->root = t.root;
    return 0;
}

static int take_tree(bfci_cursor *at, bfc_tree_info *out, bfc_err *err)
{
    bfci_tree tree;

    if (at->key.len != 4)
        return bfci_fail(err, BFC_E_CORRUPT, "key of a wrong length in the table of trees");
    BFC_TRY(bfci_tree_decode(at->value, &tree, err));
    *out = (bfc_tree_info){.id = get_u32be(at->key.p), .kind = tree.kind};
    memcpy(out->label, tree.label.p, tree.label.len);
    return 0;
}

int bfc_reader_trees(bfc_reader *r, bfc_tree_info **out, size_t *count, bfc_err *err)
{
    static const uint8_t nothing[1];
    AUTO_CURSOR bfci_cursor at;
    AUTO_FREE bfc_tree_info *list = NULL;
    size_t used = 0, cap = 0;

    bfci_cursor_init(&at, r->tables, TABLE_TREES);
    BFC_TRY(bfci_cursor_seek(&at, (bfci_span){nothing, 0}, err));
    for (; !at.at_end; used++) {
        if (used == TREES_MAX)
            return bfci_fail(err, BFC_E_LIMIT, "the commit has more than %d trees", TREES_MAX);
        BFC_TRY(bfci_reserve(&list, &cap, used + 1, sizeof *list, err));
        BFC_TRY(take_tree(&at, &list[used], err));
        BFC_TRY(bfci_cursor_next(&at, err));
    }
    *out = bfci_steal(&list);
    *count = used;
    return 0;
}
