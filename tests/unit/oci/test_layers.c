/* SPDX-License-Identifier: Apache-2.0 */
/* What layers that lie on each other give (image-spec 1.1, layer.md, "Applying Changesets"), rule
 * by rule, read back from real containers; and what one layer's tar gives that says things twice,
 * out of order, or wrongly. */
#include "layer_fixture.h"

/* ── One on another ── */

static void test_layers__names_come_together(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("etc"), F("etc/a", "1"), F("etc/b", "2"));
    LAYER(&s, D("./"), D("etc"), F("etc/b", "new"), F("etc/c", "3"));
    stack_becomes(&s, "/ etc/ etc/a=1 etc/b=new etc/c=3");
    stack_expect(&s, s.merged[0], "/ etc/ etc/a=1 etc/b=2");
    stack_expect(&s, s.facts[1].tree, "/ etc/ etc/b=new etc/c=3");
    assert_int_equal(s.entries, 5);
    assert_int_equal(s.content, 5);
    stack_close(&s);
}

static void test_layers__attributes_are_replaced(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./", .mode = 0700), D("d", .mode = 0711, .uid = 5),
          F("d/f", "1", .mode = 04755, .uid = 7), D("e", .mode = 0750));
    LAYER(&s, D("d", .mode = 01777, .uid = 6), F("d/g", "2"), F("e/h", "3"));
    stack_becomes(&s, "/:700 d/:1777@6 d/f=1:4755@7 d/g=2 e/:750 e/h=3");
    stack_expect(&s, s.merged[0], "/:700 d/:711@5 d/f=1:4755@7 e/:750");
    stack_expect(&s, s.facts[1].tree, "/? d/:1777@6 d/g=2 e/? e/h=3");
    LAYER(&s, F("n/x", "4"));
    LAYER(&s, D("n"));
    stack_store(&s);
    stack_expect(&s, s.merged[2], "/:700 d/:1777@6 d/f=1:4755@7 d/g=2 e/:750 e/h=3 n/? n/x=4");
    stack_expect(&s, s.merged[3], "/:700 d/:1777@6 d/f=1:4755@7 d/g=2 e/:750 e/h=3 n/ n/x=4");
    stack_close(&s);
}

static void test_layers__kinds_take_each_others_place(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("a"), F("a/x", "1"), F("b", "2"), L("c", "a"), D("d"), D("d/e"),
          F("d/e/f", "3"), N('c', "dev", .major = 1, .minor = 3));
    LAYER(&s, F("a", "file"), D("b"), F("b/y", "4"), D("c"), L("d", "b"), N('p', "dev"));
    stack_becomes(&s, "/ a=file b/ b/y=4 c/ d->b dev|");
    LAYER(&s, N('b', "a", .major = 8, .minor = 1), F("c/under", "5"), L("dev", "a"));
    stack_becomes(&s, "/ a=b8,1 b/ b/y=4 c/ c/under=5 d->b dev->a");
    stack_close(&s);
}

static void test_layers__whiteouts_hide_what_is_below(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("f", "1"), D("d"), D("d/e"), F("d/e/g", "2"), F("d/h", "3"), L("l", "f"));
    LAYER(&s, F(".wh.f", ""), F(".wh.l", ""), F("d/.wh.e", ""), F(".wh.nobody", ""));
    stack_becomes(&s, "/ d/ d/h=3");
    stack_expect(&s, s.facts[1].tree, "/? .wh.f= .wh.l= .wh.nobody= d/? d/.wh.e=");
    LAYER(&s, F(".wh.d", ""));
    stack_becomes(&s, "/");
    stack_close(&s);
}

/* In any order: "whiteouts … only apply to lower layers". */
static void test_layers__whiteouts_spare_their_own_layer(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("f", "old"), D("d"), F("d/old", "1"));
    LAYER(&s, F("f", "new"), F(".wh.f", ""), F(".wh.d", ""), D("d"), F("d/new", "2"), D("e"),
          F("e/.wh.f", ""), F("e/f", "3"));
    stack_becomes(&s, "/ d/ d/new=2 e/ e/f=3 f=new");
    stack_close(&s);
}

static void test_layers__opaque_folders(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("d", .mode = 0700), F("d/a", "1"), D("d/s"), F("d/s/b", "2"),
          F("rest", "3"));
    LAYER(&s, F("d/new", "4"), F("d/.wh..wh..opq", ""), F("d/s/c", "5"));
    stack_becomes(&s, "/ d/:700 d/new=4 d/s/? d/s/c=5 rest=3");
    LAYER(&s, F(".wh..wh..opq", ""), F("only", "6"));
    stack_becomes(&s, "/ only=6");
    stack_close(&s);
}

/* ".wh..wh.": kept for those who made the layer, e.g. ".wh..wh.plnk"; none hides ".wh.plnk". */
static void test_layers__other_meta_names_hide_nothing(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("plnk", "1"), F(".wx.f", "2"), F(".wh", "3"));
    LAYER(&s, F(".wh..wh.plnk", "x"), D(".wh..wh.aufs"), F(".wh..wh.aufs/f", "x"));
    stack_becomes(&s, "/ .wh=3 .wx.f=2 plnk=1");
    stack_close(&s);
}

static void test_layers__whiteouts_in_the_lowest_layer(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F(".wh.f", ""), F("f", "1"), D("d"), F("d/.wh..wh..opq", ""), F("d/g", "2"),
          D("e"), F("e/h", "3"));
    stack_becomes(&s, "/ d/ d/g=2 e/ e/h=3 f=1");
    assert_int_equal(stack_ino(&s, ROOT_TREE, "e"), stack_ino(&s, s.facts[0].tree, "e"));
    assert_int_not_equal(stack_ino(&s, ROOT_TREE, "d"), stack_ino(&s, s.facts[0].tree, "d"));
    stack_close(&s);
}

static void test_layers__whiteouts_below_new_folders(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("a", "1"));
    LAYER(&s, D("n"), D("n/m"), F("n/m/.wh.x", ""), F("n/m/y", "2"), D("n/k"), F("n/k/z", "3"));
    stack_becomes(&s, "/ a=1 n/ n/k/ n/k/z=3 n/m/ n/m/y=2");
    LAYER(&s, F("n/m/x", "back"), F("n/.wh.k", ""));
    stack_becomes(&s, "/ a=1 n/ n/m/ n/m/x=back n/m/y=2");
    stack_close(&s);
}

/* Layers that have nothing at all, also as the only ones. */
static void test_layers__empty_layers(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    stack_put(&s, (const struct made[]){{0}});
    stack_becomes(&s, "/?");
    LAYER(&s, F("a", "1"));
    stack_put(&s, (const struct made[]){{0}});
    stack_becomes(&s, "/? a=1");
    stack_close(&s);
}

/* ── Links ── */

/* "usr-merged" systems: an entry below lib/ lies where the link of the layers below leads. */
static void test_layers__linked_folders(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("usr"), D("usr/lib", .mode = 0711), F("usr/lib/a", "1"),
          L("lib", "usr/lib"), L("abs", "/lib"), L("up", "../../usr"));
    LAYER(&s, F("lib/b", "2"), F("abs/c", "3"), F("up/d", "4"), F("lib/.wh.a", ""));
    stack_becomes(&s, "/ abs->/lib lib->usr/lib up->../../usr usr/ usr/d=4 usr/lib/:711 "
                      "usr/lib/b=2 usr/lib/c=3");
    LAYER(&s, D("lib"), F("lib/own", "5")); /* told of: it takes the link's place */
    stack_becomes(&s, "/ abs->/lib lib/ lib/own=5 up->../../usr usr/ usr/d=4 usr/lib/:711 "
                      "usr/lib/b=2 usr/lib/c=3");
    stack_close(&s);
}

/* Two folders of a layer that are one below: what the one hides is below the layer, not what the
 * other puts there. In either order of the entries. */
static void test_layers__linked_folders_spare_their_own_layer(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct stack s;
        stack_open(&s, *state);
        LAYER(&s, D("./"), D("usr"), D("usr/lib"), F("usr/lib/a", "1"), L("lib", "usr/lib"));
        if (order == 0)
            LAYER(&s, F("usr/lib/.wh..wh..opq", ""), F("lib/b", "2"));
        else
            LAYER(&s, F("lib/b", "2"), F("usr/lib/.wh..wh..opq", ""));
        stack_becomes(&s, "/ lib->usr/lib usr/ usr/lib/ usr/lib/b=2");
        stack_close(&s);
    }
}

static void test_layers__links_that_lead_nowhere(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), L("loop", "pool"), L("pool", "loop"), L("gone", "nothing"), F("file", "1"),
          L("to-file", "file"), F("other", "2"));
    LAYER(&s, F("loop/a", "3"), F("gone/b", "4"), F("to-file/c", "5"), F("other/d", "6"));
    stack_becomes(&s, "/ file=1 gone/? gone/b=4 loop/? loop/a=3 other/? other/d=6 pool->loop "
                      "to-file/? to-file/c=5");
    stack_close(&s);
}

/* Nothing of a layer gets out of the tree: links are followed in it alone. */
static void test_layers__links_within_a_layer(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, L("in", "a/b"), F("in/f", "1"), L("out", "../../../etc"), F("out/passwd", "2"),
          L("root", "/"), F("root/top", "3"));
    stack_becomes(&s, "/? a/? a/b/? a/b/f=1 etc/? etc/passwd=2 in->a/b out->../../../etc root->/ "
                      "top=3");
    stack_close(&s);
}

static void test_layers__hard_links(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("a", "1"), H("b", "a"), H("d/c", "./b"), L("l", "a"), H("m", "/l"),
          F("single", "2"));
    stack_store(&s);
    stack_expect(&s, ROOT_TREE, "/ a=1 b=1 d/? d/c=1 l->a m->a single=2");
    assert_int_equal(stack_ino(&s, ROOT_TREE, "a"), stack_ino(&s, ROOT_TREE, "d/c"));
    assert_int_equal(stack_ino(&s, ROOT_TREE, "l"), stack_ino(&s, ROOT_TREE, "m"));
    assert_int_equal(stack_nlink(&s, "a"), 3);
    assert_int_equal(stack_nlink(&s, "l"), 2);
    assert_int_equal(stack_nlink(&s, "single"), 1);
    assert_int_equal(s.entries, 5);
    assert_int_equal(s.content, 2);
    stack_close(&s);
}

static void link_below(struct stack *s, bool as_base)
{
    LAYER(s, D("./"), D("usr"), F("usr/a", "1"), L("bin", "usr"), F("x", "2"));
    if (as_base)
        stack_store(s);
    LAYER(s, H("b", "usr/a"), H("usr/c", "bin/a"), H("d", "b"), F(".wh.x", ""), H("y", "x"));
    stack_store(s);
    stack_expect(s, ROOT_TREE, "/ b=1 bin->usr d=1 usr/ usr/a=1 usr/c=1 y=2");
    stack_expect(s, s->facts[1].tree, "/? .wh.x= b=1 d=1 usr/? usr/c=1 y=2");
    stack_expect(s, s->merged[0], "/ bin->usr usr/ usr/a=1 x=2");
    assert_int_equal(stack_ino(s, ROOT_TREE, "d"), stack_ino(s, s->facts[0].tree, "usr/a"));
    assert_int_equal(stack_nlink(s, "b"), 4);
    assert_int_equal(stack_nlink(s, "y"), 1);
}

static void test_layers__hard_links_to_lower_layers(void **state)
{
    for (int as_base = 0; as_base < 2; as_base++) {
        struct stack s;
        stack_open(&s, *state);
        link_below(&s, as_base);
        stack_close(&s);
    }
}

/* The number is that of the tree where there are most names. */
static void test_layers__link_counts_over_trees(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, F("a", "1"), H("b", "a"), H("c", "a"));
    LAYER(&s, F(".wh.b", ""), F(".wh.c", ""), H("d", "a"));
    stack_store(&s);
    stack_expect(&s, ROOT_TREE, "/? a=1 d=1");
    assert_int_equal(stack_nlink(&s, "a"), 3);
    LAYER(&s, H("e", "d"), H("f", "d"));
    stack_store(&s);
    assert_int_equal(stack_nlink(&s, "f"), 4);
    LAYER(&s, F(".wh.d", ""), F(".wh.e", ""), F(".wh.f", ""), H("g", "a"));
    stack_store(&s);
    stack_expect(&s, ROOT_TREE, "/? a=1 g=1");
    assert_int_equal(stack_nlink(&s, "a"), 4); /* in the tree before, which is kept */
    LAYER(&s, F(".wh..wh..opq", ""), F("a", "2"));
    stack_store(&s);
    stack_expect(&s, ROOT_TREE, "/? a=2");
    assert_int_equal(stack_nlink(&s, "a"), 1);
    stack_close(&s);
}

/* ── One layer that says things twice ── */

static size_t count_kept(struct stack *s, char names[100])
{
    bfc_reader *r = stack_reader(s, ROOT_TREE);
    bfc_tree_info *tree = NULL;
    size_t count = 0, kept = 0;

    names[0] = '\0';
    care_ok(s->c, bfc_reader_trees(r, &tree, &count, &s->c->err));
    for (size_t i = 0; i < count; i++)
        if (tree[i].kind == TREE_KEPT) {
            AUTO_FREE char *text = stack_text(s, tree[i].id);
            (void)snprintf(names, 100, "%s", text);
            kept++;
        }
    free(tree);
    bfc_reader_close(r);
    return kept;
}

static void test_layers__the_last_entry_counts(void **state)
{
    struct stack s;
    char kept[100];

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("a", "1"), F("b", "2"), F("a", "3", .mode = 0600));
    stack_becomes(&s, "/ a=3:600 b=2");
    assert_int_equal(count_kept(&s, kept), 1);
    assert_string_equal(kept, "/?:700 2=1");
    stack_close(&s);
}

static void test_layers__folders_told_of_twice(void **state)
{
    struct stack s;
    char kept[100];

    stack_open(&s, *state);
    LAYER(&s, F("d/a", "1"), D("d", .mode = 0700), D("d", .mode = 0711, .uid = 3), D("./"),
          D("./", .mode = 0711));
    stack_becomes(&s, "/:711 d/:711@3 d/a=1");
    assert_int_equal(count_kept(&s, kept), 0);
    stack_close(&s);
}

static void test_layers__kinds_change_within_a_layer(void **state)
{
    struct stack s;
    char kept[100];

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("d"), F("d/x", "1"), D("d/e"), F("d", "file"), F("f", "2"), D("f"),
          L("l", "f"), F("l", "3"));
    stack_becomes(&s, "/ d=file f/ l=3");
    assert_int_equal(count_kept(&s, kept), 1);
    assert_string_equal(kept, "/?:700 3=1 6=2");
    stack_close(&s);
}

/* What has another name in the layer is not kept twice; what is linked and then replaced is. */
static void test_layers__links_to_what_is_replaced(void **state)
{
    struct stack s;
    char kept[100];

    stack_open(&s, *state);
    LAYER(&s, F("a", "1"), H("b", "a"), F("a", "2"), H("a", "a"));
    stack_becomes(&s, "/? a=2 b=1");
    assert_int_equal(count_kept(&s, kept), 0);
    assert_int_equal(stack_nlink(&s, "b"), 1);
    LAYER(&s, F("d/x", "3"), H("d", "d/x"), H("y", "d"), F("d", "4"), F("y", "5"));
    stack_becomes(&s, "/? a=2 b=1 d=4 y=5");
    assert_int_equal(count_kept(&s, kept), 1);
    LAYER(&s, L("l", "a"));
    LAYER(&s, H("n", "l"), F("n", "6"), H("q", "b"), D("q")); /* those below have them */
    stack_becomes(&s, "/? a=2 b=1 d=4 l->a n=6 q/ y=5");
    assert_int_equal(count_kept(&s, kept), 1);
    stack_close(&s);
}

/* ── What is refused ── */

static void refuse(struct care *c, const struct made *lower, const struct made *upper, int code,
                   const char *words)
{
    struct stack s;

    stack_open(&s, c);
    if (lower)
        stack_put(&s, lower);
    stack_put(&s, upper);
    stack_refuse(&s, code, words);
    stack_close(&s);
}

#define REFUSE(c, code, words, ...)                                                                \
    refuse(c, NULL, (const struct made[]){__VA_ARGS__, {0}}, code, words)

static void test_layers__refused(void **state)
{
    struct care *c = *state;
    char deep[2 * 4100 + 1];

    REFUSE(c, BFC_E_CORRUPT, "neither before it in the layer nor below it", H("a", "b"),
           F("b", "1"));
    REFUSE(c, BFC_E_CORRUPT, "entry 'a': hard link to 'd', which is a folder", D("d"), H("a", "d"));
    REFUSE(c, BFC_E_CORRUPT, "cannot stand in a tree", H("a", "../b"));
    REFUSE(c, BFC_E_CORRUPT, "cannot stand in a tree", F("a/../../b", "1"));
    REFUSE(c, BFC_E_CORRUPT, "'f' on the way to it is no folder", F("f", "1"), F("f/g", "2"));
    REFUSE(c, BFC_E_CORRUPT, "more than 255 others", L("a", "b"), L("b", "a"), F("a/f", "1"));
    REFUSE(c, BFC_E_CORRUPT, "a whiteout of no name", F(".wh.", ""));
    REFUSE(c, BFC_E_CORRUPT, "a whiteout of no name", F("d/.wh...", ""));
    REFUSE(c, BFC_E_CORRUPT, "the root is not a folder", L("/", "a"));
    REFUSE(c, BFC_E_LIMIT, "device 4096:0", N('c', "a", .major = 4096));
    refuse(c, (const struct made[]){L("a", "b"), L("b", "a"), {0}},
           (const struct made[]){H("c", "a/x"), {0}}, BFC_E_CORRUPT, "more than 255 others");
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 ? '/' : 'd';
    deep[sizeof deep - 1] = '\0';
    REFUSE(c, BFC_E_CORRUPT, "entry 'd/d/d", D(deep));
}

/* What goes through a link to a folder may lie deeper than a path can say. */
static void test_layers__too_deep_through_links(void **state)
{
    struct stack s;
    char deep[2 * 4090], through[2 * 20];

    stack_open(&s, *state);
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 ? '/' : 'd';
    deep[sizeof deep - 1] = '\0';
    memcpy(through, deep, sizeof through);
    through[0] = 'l';
    through[sizeof through - 1] = '\0';
    buf *tar = stack_layer(&s);
    tar_put_made(tar, &(struct made)D(deep));
    tar_put_made(tar, &(struct made)L("l", deep));
    tar_end(tar);
    stack_refuse(&s, BFC_E_LIMIT, "target has 1 to 4095 bytes");
    s.count = 0;
    bfci_buf_free(tar);

    tar = stack_layer(&s);
    tar_put_made(tar, &(struct made)D(deep));
    deep[4095] = '\0';
    tar_put_made(tar, &(struct made)L("l", deep));
    for (size_t i = 0; i < 2; i++)
        tar_put_made(tar, &(struct made)L(i ? "m" : "k", "l/d"));
    tar_end(tar);
    stack_store(&s);
    stack_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_layers__names_come_together),
        CARE_TEST(test_layers__attributes_are_replaced),
        CARE_TEST(test_layers__kinds_take_each_others_place),
        CARE_TEST(test_layers__whiteouts_hide_what_is_below),
        CARE_TEST(test_layers__whiteouts_spare_their_own_layer),
        CARE_TEST(test_layers__opaque_folders),
        CARE_TEST(test_layers__other_meta_names_hide_nothing),
        CARE_TEST(test_layers__whiteouts_in_the_lowest_layer),
        CARE_TEST(test_layers__whiteouts_below_new_folders),
        CARE_TEST(test_layers__empty_layers),
        CARE_TEST(test_layers__linked_folders),
        CARE_TEST(test_layers__linked_folders_spare_their_own_layer),
        CARE_TEST(test_layers__links_that_lead_nowhere),
        CARE_TEST(test_layers__links_within_a_layer),
        CARE_TEST(test_layers__hard_links),
        CARE_TEST(test_layers__hard_links_to_lower_layers),
        CARE_TEST(test_layers__link_counts_over_trees),
        CARE_TEST(test_layers__the_last_entry_counts),
        CARE_TEST(test_layers__folders_told_of_twice),
        CARE_TEST(test_layers__kinds_change_within_a_layer),
        CARE_TEST(test_layers__links_to_what_is_replaced),
        CARE_TEST(test_layers__refused),
        CARE_TEST(test_layers__too_deep_through_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
