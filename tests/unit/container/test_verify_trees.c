/* SPDX-License-Identifier: Apache-2.0 */
/* verify over several trees: what shares folders and files rightly passes, and what is wrong in one
 * of them is told, with the tree. */
#include "trees_fixture.h"

static void test_verify_trees__passes_what_is_right(void **state)
{
    struct care *c = *state;
    struct craft k;
    bfc_verify_report r = {0};

    trees_begin(&k, c->file);
    craft_end(&k);
    care_expect_clean(c, c->file);
    care_ok(c, care_verify(c, c->file, false, 1, &r));
    assert_int_equal(r.entries, TREES_NAMES + 4); /* names and roots */
}

/* As in an image of one layer. */
static void test_verify_trees__lets_trees_have_one_root(void **state)
{
    struct care *c = *state;
    struct craft k;

    trees_begin(&k, c->file);
    trees_put(&k, 3, TREE_MERGED, LOWER_ROOT, "the chain of one");
    trees_put(&k, 4, TREE_MERGED, USR, "a folder of others");
    craft_end(&k);
    care_expect_clean(c, c->file);
}

/* ── Each kind of wrong ── */

static void wrong_high(struct craft *k)
{
    craft_number(k, TABLE_LINKS, trees_ino_key(PASSWD), 3);
}

static void wrong_sum(struct craft *k)
{
    craft_number(k, TABLE_LINKS, trees_ino_key(TOOL), 4); /* in all trees together */
}

static void wrong_low(struct craft *k)
{
    craft_name(k, LOWER_ROOT, "third", BFC_TYPE_FILE, PASSWD);
}

static void wrong_untold(struct craft *k)
{
    craft_remove(k, TABLE_LINKS, trees_ino_key(PASSWD));
}

static void wrong_untold_in_a_layer(struct craft *k)
{
    craft_name(k, UPPER_ROOT, "again", BFC_TYPE_FILE, HOSTS);
}

/* Two names, but no tree has both. */
static void wrong_one_each(struct craft *k)
{
    craft_number(k, TABLE_LINKS, trees_ino_key(HOSTS), 2);
}

static void wrong_one(struct craft *k)
{
    craft_number(k, TABLE_LINKS, trees_ino_key(OLD_HOSTS), 2);
}

/* Right in tree 0, which names it once. */
static void wrong_twice_in_a_layer(struct craft *k)
{
    craft_name(k, LOWER_ROOT, "usr2", BFC_TYPE_DIR, USR);
}

static void wrong_ring(struct craft *k)
{
    craft_name(k, UPPER_ETC, "up", BFC_TYPE_DIR, UPPER_ROOT);
}

/* A ring that both trees run into is told of once. */
static void wrong_shared_ring(struct craft *k)
{
    craft_name(k, USR, "usr", BFC_TYPE_DIR, USR);
}

static void wrong_island(struct craft *k)
{
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755};

    craft_inode(k, 30, &dir);
    craft_name(k, 30, "passwd", BFC_TYPE_FILE, PASSWD);
    k->commit.dirs++;
    k->commit.next_ino = 31;
}

static void wrong_no_name(struct craft *k)
{
    uint8_t key[KEY_MAX];
    craft_remove(k, TABLE_DIRENTS, bfci_key_dirent(key, KEPT_ROOT, "14", 2));
}

static void wrong_no_root(struct craft *k)
{
    trees_put(k, 2, TREE_LAYER, 99, "sha256:upper");
}

static void wrong_root(struct craft *k)
{
    trees_put(k, 2, TREE_LAYER, HOSTS, "sha256:upper");
}

static void wrong_no_tree_0(struct craft *k)
{
    craft_remove(k, TABLE_TREES, (bfci_span){(const uint8_t[4]){0}, 4});
    trees_put(k, 3, TREE_MERGED, MERGED_ROOT, "");
}

static void wrong_label(struct craft *k)
{
    craft_put(k, TABLE_TREES, (bfci_span){(const uint8_t[4]){0, 0, 0, 1}, 4}, "\1\3\5abc", 6);
}

static void wrong_kind(struct craft *k)
{
    trees_put(k, 1, TREE_KEPT + 1, LOWER_ROOT, "");
}

static void wrong_kept_name(struct craft *k)
{
    wrong_no_name(k);
    craft_name(k, KEPT_ROOT, "014", BFC_TYPE_FILE, REPLACED);
}

static void wrong_kept_type(struct craft *k)
{
    craft_name(k, KEPT_ROOT, "15", BFC_TYPE_SYMLINK, SHELL);
}

static void wrong_content(struct craft *k)
{
    uint8_t block[TREES_BLOCK] = {0};
    bfci_inode n = craft_file(block, 100, 5, 0);
    craft_inode(k, OLD_HOSTS, &n);
}

static const struct wrong {
    void (*make)(struct craft *k);
    const char *expected;
    uint64_t problems; /* 0: some */
} wrongs[] = {
    {wrong_high, "[etc/passwd] has 2 names in tree 1, the table of links says 3", 1},
    {wrong_sum, "[alias] has 2 names in tree 0, the table of links says 4", 1},
    {wrong_low, "[etc/passwd] has 3 names in tree 1, the table of links says 2", 1},
    {wrong_untold,
     "[etc/passwd] has several names in tree 1, which the table of links does not tell", 1},
    {wrong_untold_in_a_layer,
     "[etc/hosts] has several names in tree 2, which the table of links does not tell", 1},
    {wrong_one_each, "[etc/hosts] has 1 names in tree 0, the table of links says 2", 1},
    {wrong_one, "[etc/hosts] has 1 names in tree 1, the table of links says 2 (in tree 1)", 1},
    {wrong_twice_in_a_layer, "[usr] the folder is entered from more than one place", 1},
    {wrong_ring, "[] the folder is entered from more than one place (in tree 2)", 1},
    {wrong_shared_ring, "[usr] the folder is entered from more than one place", 1},
    {wrong_island, "inode 30: no tree leads to this folder", 1},
    {wrong_no_name, "inode 14: no name leads to it", 1},
    {wrong_no_root, "the root of tree 2, inode 99, is not a folder", 0},
    {wrong_root, "the root of tree 2, inode 12, is not a folder", 0},
    {wrong_no_tree_0, "the commit has no file system tree", 1},
    {wrong_label, "malformed entry of the table of trees", 1},
    {wrong_kind, "malformed entry of the table of trees", 1},
    {wrong_kept_name, "[014] a tree of kept contents has a name that is not the number of a file",
     1},
    {wrong_kept_type, "a tree of kept contents has a name that is not the number of a file", 1},
    {wrong_content, "[etc/hosts] content in block 5, which is not there (in tree 1)", 1},
};

static void test_verify_trees__tells_each_kind_of_wrong(void **state)
{
    struct care *c = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        struct craft k;
        bfc_verify_report r = {0};
        trees_begin(&k, c->file);
        wrongs[i].make(&k);
        craft_end(&k);
        if (care_verify(c, c->file, i % 2 == 0, 1, &r) != BFC_E_CORRUPT)
            fail_msg("'%s' passed", wrongs[i].expected);
        care_expect_problem(c, wrongs[i].expected);
        if (wrongs[i].problems && r.problems != wrongs[i].problems)
            fail_msg("%" PRIu64 " problems, not %" PRIu64 ":\n%s", r.problems, wrongs[i].problems,
                     c->problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_verify_trees__passes_what_is_right),
        CARE_TEST(test_verify_trees__lets_trees_have_one_root),
        CARE_TEST(test_verify_trees__tells_each_kind_of_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
