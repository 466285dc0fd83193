/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two trees: of one container, of two, and of layers that are merged for it.
 */
#include "layer_fixture.h"

#include "oci/tree_diff.h"

struct found {
    char text[4000]; /* "Aname " for each */
    size_t count, stop_at;
};

static int note(void *ctx, const bfc_image_change *change)
{
    static const char types[] = "?fdlcbps";
    struct found *f = ctx;
    size_t at = strlen(f->text);

    (void)snprintf(f->text + at, sizeof f->text - at, "%c%c:%s ", change->kind, types[change->type],
                   change->path);
    return ++f->count == f->stop_at;
}

static void diff_sides(struct stack *s, bfci_side *from, bfci_side *to, const char *want)
{
    struct found f = {.text = ""};

    care_ok(s->c, bfci_tree_diff(from, to, note, &f, &s->c->err));
    assert_string_equal(f.text, want);
}

/* The trees as they are stored, then the same merged from the layers, then each with each. */
static void expect_diff(struct stack *s, size_t from, size_t to, const char *want)
{
    bfci_side stored[2], merged[2];
    bfc_reader *r[4];

    for (size_t i = 0; i < 2; i++) {
        size_t count = i ? to : from;
        r[i] = stack_reader(s, s->merged[count - 1]);
        r[2 + i] = stack_reader(s, ROOT_TREE);
        care_ok(s->c, bfci_side_load(&stored[i], r[i], &s->c->err));
        care_ok(s->c, bfci_side_merge(&merged[i], r[2 + i], s->facts, count, &s->c->err));
    }
    diff_sides(s, &stored[0], &stored[1], want);
    diff_sides(s, &merged[0], &merged[1], want);
    diff_sides(s, &stored[0], &merged[1], want);
    diff_sides(s, &merged[0], &stored[1], want);
    for (size_t i = 0; i < 2; i++) {
        diff_sides(s, &stored[i], &merged[i], "");
        bfci_side_release(&stored[i]);
        bfci_side_release(&merged[i]);
        bfc_reader_close(r[i]);
        bfc_reader_close(r[2 + i]);
    }
}

static void test_tree_diff__one_container(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), D("a"), F("a/x", "1"), F("a.b", "2"), F("b", "3"), D("c"), D("c/d"),
          F("c/d/e", "4"), L("l", "b"), N('c', "n", .major = 1, .minor = 3));
    LAYER(&s, F("a/y", "5"), F("b", "33"), F(".wh.c", ""), L("l", "a"),
          N('c', "n", .major = 1, .minor = 5), F("new/f", "6"), F(".wh.a.b", ""));
    LAYER(&s, D("a", .mode = 0700), D("b"), F("b/z", "7"), F("l", "8"), D("c"));
    stack_store(&s);
    expect_diff(&s, 1, 2, "Af:a/y Df:a.b Cf:b Dd:c Dd:c/d Df:c/d/e Cl:l Cc:n Ad:new Af:new/f ");
    expect_diff(&s, 2, 3, "Cd:a Cd:b Af:b/z Ad:c Cf:l ");
    expect_diff(&s, 1, 3,
                "Cd:a Af:a/y Df:a.b Cd:b Af:b/z Dd:c/d Df:c/d/e Cf:l Cc:n Ad:new Af:new/f ");
    expect_diff(&s, 3, 2, "Cd:a Cf:b Df:b/z Dd:c Cl:l ");
    expect_diff(&s, 2, 2, "");
    stack_close(&s);
}

/* "a/b" stands before "a.b" and "a-", as the folder comes before them. */
static void test_tree_diff__order_of_names(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"));
    LAYER(&s, F("a.b", "1"), F("a/z/y", "2"), F("a-", "3"), F("a/b", "4"), F("ab", "5"),
          F("\xc3\xa4", "6"), F("B", "7"), F("a!", "8"));
    stack_store(&s);
    expect_diff(&s, 1, 2, "Af:B Ad:a Af:a/b Ad:a/z Af:a/z/y Af:a! Af:a- Af:a.b Af:ab Af:\xc3\xa4 ");
    stack_close(&s);
}

/* The same file again, links that become files: only what is in them counts. */
static void test_tree_diff__equal_entries_of_other_inodes(void **state)
{
    struct stack s;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("a", "1"), F("b", "2"), H("c", "b"), L("l", "x"), D("d"), F("e", ""));
    LAYER(&s, F("a", "1"), F("c", "2"), L("l", "x"), D("d"), F("e", ""), D("./"));
    stack_store(&s);
    assert_int_not_equal(stack_ino(&s, ROOT_TREE, "a"), stack_ino(&s, s.merged[0], "a"));
    expect_diff(&s, 1, 2, "");
    LAYER(&s, F("a", "1", .mode = 0600), F("b", "2", .uid = 1), D("d", .uid = 3),
          D("./", .mode = 0700));
    stack_store(&s);
    expect_diff(&s, 2, 3, "Cd: Cf:a Cf:b Cd:d ");
    stack_close(&s);
}

static void test_tree_diff__times_and_attributes(void **state)
{
    const bfci_tar_xattr x = {"user.a", (const uint8_t *)"1", 1},
                         y = {"user.a", (const uint8_t *)"2", 1};
    bfci_tar_entry e = {.kind = TAR_FILE, .path = "f", .link = "", .mode = 0644, .mtime = 5};
    bfci_tar_entry d = {.kind = TAR_DIR, .path = "d", .link = "", .mode = 0755, .mtime = 5};
    struct stack s;

    stack_open(&s, *state);
    for (unsigned i = 0; i < 6; i++) {
        buf *tar = stack_layer(&s);
        e.mtime_ns = i >= 1;
        e.xattr_count = d.xattr_count = i >= 2;
        e.xattr = i == 3 ? &y : &x;
        d.xattr = i == 4 ? &y : &x;
        d.mtime = i;
        tar_put(tar, &d, NULL);
        tar_put(tar, &e, NULL);
        tar_end(tar);
    }
    stack_store(&s);
    expect_diff(&s, 1, 2, "Cf:f ");
    expect_diff(&s, 2, 3, "Cd:d Cf:f ");
    expect_diff(&s, 3, 4, "Cf:f ");
    expect_diff(&s, 4, 5, "Cd:d Cf:f ");
    expect_diff(&s, 3, 6, "");
    stack_close(&s);
}

/* Inode numbers of one container mean nothing in the other. */
static void test_tree_diff__two_containers(void **state)
{
    struct care *c = *state;
    struct stack s, t;
    bfci_side from, to;

    stack_open(&s, c);
    LAYER(&s, D("./"), F("a", "1"), F("b", "2"), D("d"), F("d/x", "3"));
    stack_store(&s);
    bfc_reader *r = stack_reader(&s, ROOT_TREE);
    assert_int_equal(rename(c->file, c->other), 0);
    stack_open(&t, c);
    LAYER(&t, D("./"), F("a", "2"), F("b", "2"), D("d"), F("d/x", "4"));
    stack_store(&t);
    bfc_reader *other = stack_reader(&t, ROOT_TREE);
    care_ok(c, bfci_side_load(&from, r, &c->err));
    care_ok(c, bfci_side_load(&to, other, &c->err));
    diff_sides(&s, &from, &to, "Cf:a Cf:d/x ");
    bfci_side_release(&from);
    bfci_side_release(&to);
    bfc_reader_close(r);
    bfc_reader_close(other);
    stack_close(&t);
    for (size_t i = 0; i < s.count; i++)
        bfci_buf_free(&s.tar[i]);
}

static void test_tree_diff__can_be_stopped(void **state)
{
    struct stack s;
    bfci_side from, to;

    stack_open(&s, *state);
    LAYER(&s, D("./"), F("a", "1"), D("b"), F("b/c", "2"));
    LAYER(&s, F(".wh.b", ""), F("a", "3"), F("e/f/g", "4"));
    stack_store(&s);
    bfc_reader *r = stack_reader(&s, s.merged[0]), *other = stack_reader(&s, s.merged[1]);
    care_ok(s.c, bfci_side_load(&from, r, &s.c->err));
    care_ok(s.c, bfci_side_load(&to, other, &s.c->err));
    for (size_t i = 1; i <= 6; i++) {
        struct found f = {.text = "", .stop_at = i};
        care_ok(s.c, bfci_tree_diff(&from, &to, note, &f, &s.c->err));
        assert_int_equal(f.count, i);
    }
    bfci_side_release(&from);
    bfci_side_release(&to);
    bfc_reader_close(r);
    bfc_reader_close(other);
    stack_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_tree_diff__one_container),
        CARE_TEST(test_tree_diff__order_of_names),
        CARE_TEST(test_tree_diff__equal_entries_of_other_inodes),
        CARE_TEST(test_tree_diff__times_and_attributes),
        CARE_TEST(test_tree_diff__two_containers),
        CARE_TEST(test_tree_diff__can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
