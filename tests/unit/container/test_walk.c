/* SPDX-License-Identifier: Apache-2.0 */
/* Walks: both orders, starts within the tree, skipping, and trees that are none. */
#include "care_fixture.h"

#include "container/reader.h"

static void base(struct craft *k, const char *path)
{
    bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755},
               file = {.type = BFC_TYPE_FILE, .mode = 0644};

    craft_begin(k, path);
    craft_tree(k, ROOT_TREE, 1);
    for (uint64_t ino = 1; ino <= 4; ino++)
        craft_inode(k, ino, &dir);
    for (uint64_t ino = 5; ino <= 9; ino++)
        craft_inode(k, ino, &file);
    craft_name(k, 1, "a", BFC_TYPE_DIR, 2);
    craft_name(k, 1, "a.txt", BFC_TYPE_FILE, 5);
    craft_name(k, 1, "z", BFC_TYPE_FILE, 6);
    craft_name(k, 1, "m", BFC_TYPE_DIR, 3);
    craft_name(k, 2, "deep", BFC_TYPE_DIR, 4);
    craft_name(k, 2, "b", BFC_TYPE_FILE, 7);
    craft_name(k, 4, "c", BFC_TYPE_FILE, 8);
    craft_name(k, 3, "d", BFC_TYPE_FILE, 9);
    k->commit.next_ino = 10;
    k->commit.dirs = 4;
    k->commit.files = 5;
}

/* The paths of a walk, or what ended it. Folders whose name is `skip` are not descended into. */
static int walk(struct care *c, const char *start, enum bfci_walk_order order, const char *skip,
                char *out, size_t cap)
{
    bfc_reader *r = NULL;
    bfci_tree_walk *w = NULL;
    const bfci_step *s = NULL;
    int rc;

    out[0] = '\0';
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    rc = bfci_tree_walk_new(r, start, order, &w, &c->err);
    while (rc == 0 && (rc = bfci_tree_walk_next(w, &s, &c->err)) == 0 && s) {
        (void)snprintf(out + strlen(out), cap - strlen(out), "%u/%s ", s->depth, s->path);
        if (skip && strcmp(s->name, skip) == 0)
            bfci_tree_walk_skip(w);
    }
    bfci_tree_walk_free(w);
    bfc_reader_close(r);
    return rc;
}

static void expect(struct care *c, const char *start, enum bfci_walk_order order, const char *skip,
                   const char *want)
{
    char out[1000];

    assert_int_equal(walk(c, start, order, skip, out, sizeof out), 0);
    assert_string_equal(out, want);
}

/* Names alone need no inodes: a walk of a tree that lacks them shows it. */
static void test_walk__names_only(void **state)
{
    struct care *c = *state;
    struct craft k;
    bfc_reader *r = NULL;
    bfc_walk *w = NULL;
    const bfc_entry *e = NULL;
    char out[200] = "";

    base(&k, c->file);
    craft_name(&k, 4, "gone", BFC_TYPE_FIFO, 77);
    craft_end(&k);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_walk_open(r, "a", &w, &c->err));
    bfc_walk_names_only(w);
    for (;;) {
        care_ok(c, bfc_walk_next(w, &e, &c->err));
        if (!e)
            break;
        assert_true(e->mode == 0 && e->nlink == 0 && e->path_len == strlen(e->path));
        (void)snprintf(out + strlen(out), sizeof out - strlen(out), "%s:%d:%d ", e->path,
                       (int)e->type, (int)e->ino);
    }
    assert_string_equal(out, "a:2:2 a/b:1:7 a/deep:2:4 a/deep/c:1:8 a/deep/gone:6:77 ");
    bfc_walk_close(w);
    care_ok(c, bfc_walk_open(r, "a/deep/gone", &w, &c->err));
    assert_int_equal(bfc_walk_next(w, &e, &c->err), BFC_E_CORRUPT);
    bfc_walk_close(w);
    bfc_reader_close(r);
}

static void test_walk__orders(void **state)
{
    struct care *c = *state;
    struct craft k;

    base(&k, c->file);
    craft_end(&k);
    expect(c, "", WALK_BY_NAME, NULL, "0/ 1/a 2/a/b 2/a/deep 3/a/deep/c 1/a.txt 1/m 2/m/d 1/z ");
    expect(c, "", WALK_FILES_FIRST, NULL,
           "0/ 1/a.txt 1/z 1/a 2/a/b 2/a/deep 3/a/deep/c 1/m 2/m/d ");
    expect(c, "a", WALK_BY_NAME, NULL, "0/a 1/a/b 1/a/deep 2/a/deep/c ");
    expect(c, "/a//deep/", WALK_FILES_FIRST, NULL, "0/a/deep 1/a/deep/c ");
    expect(c, "z", WALK_BY_NAME, NULL, "0/z ");
    expect(c, "", WALK_BY_NAME, "a", "0/ 1/a 1/a.txt 1/m 2/m/d 1/z ");
    expect(c, "", WALK_FILES_FIRST, "m", "0/ 1/a.txt 1/z 1/a 2/a/b 2/a/deep 3/a/deep/c 1/m ");
}

static void test_walk__starts_must_be_there(void **state)
{
    struct care *c = *state;
    struct craft k;
    char out[1000];

    base(&k, c->file);
    craft_end(&k);
    assert_int_equal(walk(c, "none", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_NOT_FOUND);
    assert_int_equal(walk(c, "z/below", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_NOT_FOUND);
    assert_int_equal(walk(c, "a/../z", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_INVALID);
}

static void test_walk__ends_where_a_folder_comes_again(void **state)
{
    struct care *c = *state;
    struct craft k;
    char out[4000];

    base(&k, c->file);
    craft_name(&k, 4, "up", BFC_TYPE_DIR, 2); /* a/deep/up is a */
    craft_end(&k);
    assert_int_equal(walk(c, "", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_CORRUPT);
    assert_non_null(strstr(c->err.msg, "a/deep/up"));
    assert_int_equal(walk(c, "", WALK_FILES_FIRST, NULL, out, sizeof out), BFC_E_CORRUPT);
    assert_int_equal(walk(c, "a/deep", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_CORRUPT);
    base(&k, c->file);
    craft_name(&k, 1, "self", BFC_TYPE_DIR, 1);
    craft_end(&k);
    assert_int_equal(walk(c, "", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_CORRUPT);
    base(&k, c->file);
    craft_name(&k, 3, "second", BFC_TYPE_DIR, 4);
    craft_end(&k);
    assert_int_equal(walk(c, "", WALK_FILES_FIRST, NULL, out, sizeof out), BFC_E_CORRUPT);
}

static void test_walk__types_must_agree(void **state)
{
    struct care *c = *state;
    struct craft k;
    char out[1000];

    base(&k, c->file);
    craft_name(&k, 1, "z", BFC_TYPE_DIR, 6); /* the inode is a file */
    craft_end(&k);
    assert_int_equal(walk(c, "", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_CORRUPT);
    base(&k, c->file);
    craft_name(&k, 1, "z", BFC_TYPE_FILE, 99);
    craft_end(&k);
    assert_int_equal(walk(c, "", WALK_BY_NAME, NULL, out, sizeof out), BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_walk__orders),
        CARE_TEST(test_walk__names_only),
        CARE_TEST(test_walk__starts_must_be_there),
        CARE_TEST(test_walk__ends_where_a_folder_comes_again),
        CARE_TEST(test_walk__types_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
