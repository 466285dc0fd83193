/* SPDX-License-Identifier: Apache-2.0 */
/* Names in memory: adding, taking out, going through, and following paths, with links of every
 * kind on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/nametree.h"

enum {
    MANY = 200000,
    HOSTILE = 1 << 20
};

static int setup(void **state)
{
    bfci_nametree *t = calloc(1, sizeof *t);

    assert_non_null(t);
    assert_int_equal(bfci_nametree_init(t, NULL), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    bfci_nametree_release(*state);
    free(*state);
    return 0;
}

#define TREE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static uint32_t add(bfci_nametree *t, uint32_t parent, const char *name, uint8_t type, uint64_t ino)
{
    uint32_t index = NODE_NONE;

    assert_int_equal(bfci_nametree_add(t, parent, name, strlen(name), type, ino, &index, NULL), 0);
    assert_int_not_equal(index, NODE_NONE);
    return index;
}

static uint32_t add_dir(bfci_nametree *t, uint32_t parent, const char *name)
{
    return add(t, parent, name, BFC_TYPE_DIR, 0);
}

static uint32_t add_link(bfci_nametree *t, uint32_t parent, const char *name, const char *target)
{
    uint32_t index = add(t, parent, name, BFC_TYPE_SYMLINK, 9);

    assert_int_equal(bfci_nametree_set_target(t, index, target, NULL), 0);
    return index;
}

static uint32_t find(const bfci_nametree *t, uint32_t parent, const char *name)
{
    return bfci_nametree_find(t, parent, name, strlen(name));
}

/* ── Names ── */

static void test_nametree__find(void **state)
{
    bfci_nametree *t = *state;

    assert_int_equal(find(t, NODE_ROOT, "a"), NODE_NONE);
    uint32_t a = add_dir(t, NODE_ROOT, "a"), ab = add(t, a, "b", BFC_TYPE_FILE, 7);
    uint32_t b = add(t, NODE_ROOT, "b", BFC_TYPE_FIFO, 8);
    assert_int_equal(find(t, NODE_ROOT, "a"), a);
    assert_int_equal(find(t, NODE_ROOT, "b"), b);
    assert_int_equal(find(t, a, "b"), ab);
    assert_int_equal(find(t, a, "a"), NODE_NONE);
    assert_int_equal(find(t, a, ""), NODE_NONE);
    assert_int_equal(bfci_nametree_find(t, a, "bcd", 1), ab);
    assert_int_equal(bfci_nametree_node(t, ab)->ino, 7);
    assert_int_equal(bfci_nametree_node(t, ab)->parent, a);
    assert_string_equal(bfci_nametree_name(t, ab), "b");
}

static void test_nametree__attributes(void **state)
{
    bfci_nametree *t = *state;
    uint32_t d = add_dir(t, NODE_ROOT, "d"), e = add_dir(t, d, "e");
    const bfci_dir_attr attr = {.mode = 0700, .uid = 5, .mtime = -1};

    assert_int_equal(bfci_nametree_attr(t, d)->mode, 0755);
    assert_int_equal(bfci_nametree_attr(t, NODE_ROOT)->mode, 0755);
    assert_true(bfci_nametree_node(t, d)->flags & NODE_MADE_UP);
    assert_true(bfci_nametree_node(t, NODE_ROOT)->flags & NODE_MADE_UP);
    *bfci_nametree_attr(t, d) = attr;
    assert_int_equal(bfci_nametree_attr(t, d)->uid, 5);
    assert_int_equal(bfci_nametree_attr(t, e)->uid, 0);
    assert_int_equal(bfci_nametree_attr(t, NODE_ROOT)->uid, 0);
    assert_false(bfci_nametree_node(t, add(t, d, "f", BFC_TYPE_FILE, 1))->flags);
}

static void test_nametree__sizes_and_targets(void **state)
{
    bfci_nametree *t = *state;
    uint32_t f = add(t, NODE_ROOT, "f", BFC_TYPE_FILE, 1),
             g = add(t, NODE_ROOT, "g", BFC_TYPE_FILE, 2);

    assert_int_equal(bfci_nametree_size(t, f), 0);
    assert_int_equal(bfci_nametree_set_size(t, f, UINT64_MAX, NULL), 0);
    assert_int_equal(bfci_nametree_set_size(t, g, 5, NULL), 0);
    assert_true(bfci_nametree_size(t, f) == UINT64_MAX);
    assert_int_equal(bfci_nametree_size(t, g), 5);
    assert_int_equal(bfci_nametree_set_size(t, f, 0, NULL), 0);
    assert_int_equal(bfci_nametree_size(t, f), 0);
    assert_int_equal(bfci_nametree_size(t, add_dir(t, NODE_ROOT, "d")), 0);
    assert_int_equal(bfci_nametree_size(t, NODE_ROOT), 0);
    uint32_t l = add_link(t, NODE_ROOT, "l", "a/b");
    assert_string_equal(bfci_nametree_target(t, l), "a/b");
    assert_int_equal(bfci_nametree_size(t, l), 0);
}

static void test_nametree__removed_names(void **state)
{
    bfci_nametree *t = *state;
    uint32_t d = add_dir(t, NODE_ROOT, "d"), f = add(t, d, "f", BFC_TYPE_FILE, 1);
    bool found = true;
    uint32_t at = 0;

    bfci_nametree_remove(t, d);
    assert_int_equal(find(t, NODE_ROOT, "d"), NODE_NONE);
    assert_int_equal(bfci_nametree_first(t, NODE_ROOT), NODE_NONE);
    assert_int_equal(bfci_nametree_resolve(t, "d/f", true, &at, &found, NULL), 0);
    assert_false(found);
    uint32_t again = add_dir(t, NODE_ROOT, "d");
    assert_int_not_equal(again, d);
    assert_int_equal(find(t, NODE_ROOT, "d"), again);
    assert_int_equal(find(t, again, "f"), NODE_NONE);
    assert_int_equal(bfci_nametree_node(t, f)->ino, 1);
}

/* As hostile archives do: each name replaces the one before. Were all of them looked at each time,
 * this would take a quarter of an hour. */
static void test_nametree__replaced_again_and_again(void **state)
{
    bfci_nametree *t = *state;

    for (uint32_t i = 0; i < HOSTILE; i++) {
        uint32_t old = find(t, NODE_ROOT, "same");
        if (old != NODE_NONE)
            bfci_nametree_remove(t, old);
        (void)add(t, NODE_ROOT, "same", BFC_TYPE_FILE, i + 1);
    }
    assert_int_equal(bfci_nametree_node(t, find(t, NODE_ROOT, "same"))->ino, HOSTILE);
    bfci_nametree_remove(t, find(t, NODE_ROOT, "same"));
    assert_int_equal(find(t, NODE_ROOT, "same"), NODE_NONE);
    assert_int_equal(bfci_nametree_first(t, NODE_ROOT), NODE_NONE);
}

static void name_of(uint32_t i, char out[16])
{
    (void)snprintf(out, 16, "%x", i * 2654435761u);
}

static void test_nametree__many(void **state)
{
    bfci_nametree *t = *state;
    uint32_t dir[64];
    char name[16];

    for (uint32_t i = 0; i < ARRAY_LEN(dir); i++) {
        name_of(i, name);
        dir[i] = add_dir(t, i ? dir[i / 2] : NODE_ROOT, name);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(i + 1000, name);
        (void)add(t, dir[i % ARRAY_LEN(dir)], name, BFC_TYPE_FILE, i + 1);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(i + 1000, name);
        uint32_t at = find(t, dir[i % ARRAY_LEN(dir)], name);
        assert_int_equal(bfci_nametree_node(t, at)->ino, i + 1);
        assert_int_equal(find(t, dir[(i + 1) % ARRAY_LEN(dir)], name), NODE_NONE);
        if (i % 3 == 0)
            bfci_nametree_remove(t, at);
    }
    uint32_t at = NODE_ROOT, left = 0;
    unsigned depth = 0;
    while (bfci_nametree_step(t, NODE_ROOT, &at, &depth))
        left += bfci_nametree_node(t, at)->type == BFC_TYPE_FILE;
    assert_int_equal(left, MANY - (MANY + 2) / 3);
    assert_int_equal(depth, 0);
}

static void test_nametree__longest_names(void **state)
{
    bfci_nametree *t = *state;
    AUTO_FREE char *path = NULL;
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    uint32_t d = add_dir(t, NODE_ROOT, name), e = add_dir(t, d, name);
    assert_int_equal(find(t, d, name), e);
    assert_int_equal(bfci_nametree_path(t, e, &path, NULL), 0);
    assert_int_equal(strlen(path), 511);
    assert_int_equal(path[255], '/');
}

/* ── Going through ── */

static void put_small_tree(bfci_nametree *t, uint32_t *a, uint32_t *b)
{
    *a = add_dir(t, NODE_ROOT, "a");
    (void)add(t, *a, "1", BFC_TYPE_FILE, 1);
    *b = add_dir(t, *a, "b");
    (void)add(t, *b, "2", BFC_TYPE_FILE, 2);
    (void)add_dir(t, *b, "gone");
    bfci_nametree_remove(t, find(t, *b, "gone"));
    (void)add(t, *a, "3", BFC_TYPE_FILE, 3);
    (void)add_dir(t, NODE_ROOT, "c");
}

static void walk_text(const bfci_nametree *t, uint32_t top, uint32_t over, char out[200])
{
    uint32_t at = top;
    unsigned depth = 0;
    bool more = true;

    out[0] = '\0';
    while (more) {
        size_t len = strlen(out);
        AUTO_FREE char *path = NULL;
        assert_int_equal(bfci_nametree_path(t, at, &path, NULL), 0);
        (void)snprintf(out + len, 200 - len, "%u:%s ", depth, path);
        more = at == over ? bfci_nametree_step_over(t, top, &at, &depth)
                          : bfci_nametree_step(t, top, &at, &depth);
    }
}

static void test_nametree__steps(void **state)
{
    bfci_nametree *t = *state;
    uint32_t a, b;
    char text[200];

    walk_text(t, NODE_ROOT, UINT32_MAX, text);
    assert_string_equal(text, "0: ");
    put_small_tree(t, &a, &b);
    walk_text(t, NODE_ROOT, UINT32_MAX, text);
    assert_string_equal(text, "0: 1:c 1:a 2:a/3 2:a/b 3:a/b/2 2:a/1 ");
    walk_text(t, NODE_ROOT, b, text);
    assert_string_equal(text, "0: 1:c 1:a 2:a/3 2:a/b 2:a/1 ");
    walk_text(t, NODE_ROOT, NODE_ROOT, text);
    assert_string_equal(text, "0: ");
    walk_text(t, a, UINT32_MAX, text);
    assert_string_equal(text, "0:a 1:a/3 1:a/b 2:a/b/2 1:a/1 ");
    walk_text(t, a, a, text);
    assert_string_equal(text, "0:a ");
    walk_text(t, b, UINT32_MAX, text);
    assert_string_equal(text, "0:a/b 1:a/b/2 ");
    walk_text(t, find(t, a, "3"), UINT32_MAX, text);
    assert_string_equal(text, "0:a/3 ");
    bfci_nametree_remove(t, find(t, a, "3"));
    bfci_nametree_remove(t, find(t, a, "1"));
    walk_text(t, a, b, text);
    assert_string_equal(text, "0:a 1:a/b ");
}

/* ── Following ── */

static void expect_resolved(const bfci_nametree *t, const char *path, bool follow, const char *want)
{
    AUTO_FREE char *got = NULL;
    bfc_err err = BFC_ERR_INIT;
    uint32_t index = 0;
    bool found = false;

    if (bfci_nametree_resolve(t, path, follow, &index, &found, &err) != 0)
        fail_msg("'%s': %s", path, err.msg);
    if (!found || !want) {
        if (found != (want != NULL))
            fail_msg("'%s' was %sfound", path, found ? "" : "not ");
        return;
    }
    assert_int_equal(bfci_nametree_path(t, index, &got, NULL), 0);
    assert_string_equal(got, want);
}

static void put_linked_tree(bfci_nametree *t)
{
    uint32_t usr = add_dir(t, NODE_ROOT, "usr"), lib = add_dir(t, usr, "lib");

    (void)add(t, lib, "f", BFC_TYPE_FILE, 1);
    (void)add_link(t, NODE_ROOT, "lib", "usr/lib");
    (void)add_link(t, usr, "up", "../lib/f");
    (void)add_link(t, lib, "top", "/usr");
    (void)add_link(t, lib, "beyond", "../../../../usr");
    (void)add_link(t, lib, "dots", "./.././lib//f");
    (void)add_link(t, lib, "slash", "f/");
    (void)add_link(t, NODE_ROOT, "gone", "usr/nothing");
    (void)add_link(t, NODE_ROOT, "loop", "pool");
    (void)add_link(t, NODE_ROOT, "pool", "loop/x");
    (void)add_link(t, NODE_ROOT, "self", "self");
    (void)add_link(t, NODE_ROOT, "here", ".");
}

static void test_nametree__resolve(void **state)
{
    bfci_nametree *t = *state;

    put_linked_tree(t);
    expect_resolved(t, "", true, "");
    expect_resolved(t, "usr", false, "usr");
    expect_resolved(t, "usr/lib/f", false, "usr/lib/f");
    expect_resolved(t, "usr/lib/g", false, NULL);
    expect_resolved(t, "nothing/at/all", false, NULL);
    expect_resolved(t, "usr/lib/f/g", false, NULL);
    expect_resolved(t, "lib", false, "lib");
    expect_resolved(t, "lib", true, "usr/lib");
    expect_resolved(t, "lib/f", false, "usr/lib/f");
    expect_resolved(t, "usr/up", false, "usr/up");
    expect_resolved(t, "usr/up", true, "usr/lib/f");
    expect_resolved(t, "lib/top/lib/f", true, "usr/lib/f");
    expect_resolved(t, "lib/beyond", true, "usr");
    expect_resolved(t, "lib/dots", true, "usr/lib/f");
    expect_resolved(t, "lib/../lib", true, "usr/lib");
    expect_resolved(t, "usr/lib/../../lib", false, "lib");
    expect_resolved(t, "here/here/here/lib/top", true, "usr");
    expect_resolved(t, "here", true, "");
    expect_resolved(t, "gone", false, "gone");
    expect_resolved(t, "gone", true, NULL);
    expect_resolved(t, "gone/x", true, NULL);
    expect_resolved(t, "loop", false, "loop");
    expect_resolved(t, "../../..", true, "");
}

static void expect_refused(const bfci_nametree *t, const char *path, bool follow, const char *why)
{
    bfc_err err = BFC_ERR_INIT;
    uint32_t index = 0;
    bool found = true;

    assert_int_equal(bfci_nametree_resolve(t, path, follow, &index, &found, &err), BFC_E_CORRUPT);
    assert_false(found);
    if (!strstr(err.msg, why))
        fail_msg("'%s': %s", path, err.msg);
}

static void expect_loop(const bfci_nametree *t, const char *path, bool follow)
{
    expect_refused(t, path, follow, "leads through more than 255 others");
}

static void expect_too_long(const bfci_nametree *t, const char *path)
{
    expect_refused(t, path, true, "leads through links of more than 65536 bytes in all");
}

static void test_nametree__loops(void **state)
{
    bfci_nametree *t = *state;

    put_linked_tree(t);
    expect_loop(t, "self", true);
    expect_loop(t, "self/x", false);
    expect_loop(t, "loop", true);
    expect_loop(t, "loop/a/b", false);
    (void)add_link(t, NODE_ROOT, "grow", "grow/and/grow/and/grow");
    expect_too_long(t, "grow");
}

/* 255 links are followed, not one more. */
static void test_nametree__longest_row_of_links(void **state)
{
    bfci_nametree *t = *state;
    char name[16], target[16];

    (void)add(t, NODE_ROOT, "l0", BFC_TYPE_FILE, 1);
    for (unsigned i = 1; i <= 256; i++) {
        (void)snprintf(name, sizeof name, "l%u", i);
        (void)snprintf(target, sizeof target, "l%u", i - 1);
        (void)add_link(t, NODE_ROOT, name, target);
    }
    expect_resolved(t, "l255", true, "l0");
    expect_loop(t, "l256", true);
}

/* Targets that make the path longer and longer take bounded room, and bounded time. */
static void test_nametree__targets_that_grow(void **state)
{
    bfci_nametree *t = *state;
    char target[4096];

    for (size_t i = 0; i < sizeof target - 1; i++)
        target[i] = "here/"[i % 5];
    target[sizeof target - 1] = '\0';
    (void)add_link(t, NODE_ROOT, "here", ".");
    (void)add_link(t, NODE_ROOT, "bomb", target);
    expect_too_long(t, "bomb");
    memcpy(target, "bomb/", 5);
    (void)add_link(t, NODE_ROOT, "bomb2", target);
    expect_too_long(t, "bomb2");
}

/* ── Placing ── */

static void expect_placed(bfci_nametree *t, const char *path, const char *want_parent,
                          const char *want_name)
{
    AUTO_FREE char *got = NULL;
    bfc_err err = BFC_ERR_INIT;
    uint32_t parent = 0;
    char name[256];
    size_t len = 0;

    if (bfci_nametree_place(t, path, &parent, name, &len, &err) != 0)
        fail_msg("'%s': %s", path, err.msg);
    assert_int_equal(bfci_nametree_path(t, parent, &got, NULL), 0);
    assert_string_equal(got, want_parent);
    assert_string_equal(name, want_name);
    assert_int_equal(len, strlen(want_name));
}

static void test_nametree__place(void **state)
{
    bfci_nametree *t = *state;

    put_linked_tree(t);
    size_t before = t->count;
    expect_placed(t, "new", "", "new");
    expect_placed(t, "usr", "", "usr");
    expect_placed(t, "usr/lib/f", "usr/lib", "f");
    expect_placed(t, "lib/g", "usr/lib", "g");
    expect_placed(t, "lib", "", "lib"); /* the link itself */
    expect_placed(t, "lib/top/x", "usr", "x");
    expect_placed(t, "lib/beyond/x", "usr", "x");
    expect_placed(t, "here/here/x", "", "x");
    assert_int_equal(t->count, before);
    expect_placed(t, "a/b/c", "a/b", "c");
    assert_int_equal(t->count, before + 2);
    uint32_t b = find(t, find(t, NODE_ROOT, "a"), "b");
    assert_int_equal(bfci_nametree_node(t, b)->ino, 0);
    assert_true(bfci_nametree_node(t, b)->flags & NODE_MADE_UP);
    expect_placed(t, "gone/x", "usr/nothing", "x"); /* made where the link leads */
}

static void expect_no_place(bfci_nametree *t, const char *path, const char *words)
{
    bfc_err err = BFC_ERR_INIT;
    uint32_t parent = 0;
    char name[256];
    size_t len = 0;

    assert_int_equal(bfci_nametree_place(t, path, &parent, name, &len, &err), BFC_E_CORRUPT);
    if (!strstr(err.msg, words))
        fail_msg("no '%s' in '%s'", words, err.msg);
}

static void test_nametree__no_place(void **state)
{
    bfci_nametree *t = *state;
    char target[300];

    put_linked_tree(t);
    expect_no_place(t, "usr/lib/f/x", "'f' on the way to it is no folder");
    expect_no_place(t, "usr/up/x", "'f' on the way to it is no folder");
    expect_no_place(t, "self/x", "more than 255 others");
    expect_no_place(t, "loop/x", "more than 255 others");
    memset(target, 'n', sizeof target);
    target[256] = '\0';
    (void)add_link(t, NODE_ROOT, "long", target);
    expect_no_place(t, "long/x", "a name of more than 255 bytes");
    (void)add_link(t, NODE_ROOT, "long2", target + 1);
    expect_placed(t, "long2/x", target + 1, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_nametree__find),
        TREE_TEST(test_nametree__attributes),
        TREE_TEST(test_nametree__sizes_and_targets),
        TREE_TEST(test_nametree__removed_names),
        TREE_TEST(test_nametree__replaced_again_and_again),
        TREE_TEST(test_nametree__many),
        TREE_TEST(test_nametree__longest_names),
        TREE_TEST(test_nametree__steps),
        TREE_TEST(test_nametree__resolve),
        TREE_TEST(test_nametree__loops),
        TREE_TEST(test_nametree__longest_row_of_links),
        TREE_TEST(test_nametree__targets_that_grow),
        TREE_TEST(test_nametree__place),
        TREE_TEST(test_nametree__no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
