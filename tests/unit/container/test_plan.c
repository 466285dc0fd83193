/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a commit: a tree of names out of the paths that were added. */
#include "care_fixture.h"

#include "container/plan.h"

static void show(const bfci_plan_node *n, const char *root, char *out, size_t cap)
{
    size_t at = strlen(out);
    const char *source = n->source ? n->source : "-";

    if (strncmp(source, root, strlen(root)) == 0)
        source += strlen(root);
    (void)snprintf(out + at, cap - at, "%s%s<%s>", n->name, n->whole ? "*" : "", source);
    if (n->count == 0)
        return;
    (void)snprintf(out + strlen(out), cap - strlen(out), "(");
    for (size_t i = 0; i < n->count; i++)
        show(n->child[i], root, out, cap);
    (void)snprintf(out + strlen(out), cap - strlen(out), ")");
}

static void setup_tree(struct care *c)
{
    char path[600];

    (void)snprintf(path, sizeof path, "%s/a/b/c", c->src);
    care_ok(c, bfci_make_dirs(path, 0755, &c->err));
    care_put_text(path, "f", "x");
    care_put_text(c->src, "top", "x");
}

static void expect(struct care *c, bfci_plan_node *plan, const char *want)
{
    char out[2000] = "";

    show(plan, c->src, out, sizeof out);
    assert_string_equal(out, want);
}

static void test_plan__paths_become_a_tree(void **state)
{
    struct care *c = *state;
    AUTO(bfci_plan_node) bfci_plan_node *plan = NULL;

    setup_tree(c);
    care_ok(c, bfci_plan_new(&plan, &c->err));
    assert_true(bfci_plan_is_empty(plan));
    care_ok(c, bfci_plan_add(plan, c->src, "top", &c->err));
    care_ok(c, bfci_plan_add(plan, c->src, "./a//b/c/f", &c->err));
    care_ok(c, bfci_plan_add(plan, c->src, "a/b", &c->err));
    assert_false(bfci_plan_is_empty(plan));
    assert_int_equal(plan->count, 2);
    assert_string_equal(plan->child[0]->name, "a");
    assert_false(plan->child[0]->whole);
    const bfci_plan_node *b = plan->child[0]->child[0];
    assert_true(b->whole && b->count == 1 && strcmp(b->name, "b") == 0);
    assert_true(strcmp(plan->child[1]->name, "top") == 0 && plan->child[1]->whole &&
                plan->child[1]->source);
}

static void test_plan__the_same_twice_is_once(void **state)
{
    struct care *c = *state;
    AUTO(bfci_plan_node) bfci_plan_node *plan = NULL;

    setup_tree(c);
    care_ok(c, bfci_plan_new(&plan, &c->err));
    for (int i = 0; i < 3; i++)
        care_ok(c, bfci_plan_add(plan, c->src, "top", &c->err));
    expect(c, plan, "<->(top*</top>)");
}

static void test_plan__refuses_bad_paths(void **state)
{
    struct care *c = *state;
    AUTO(bfci_plan_node) bfci_plan_node *plan = NULL;

    setup_tree(c);
    care_ok(c, bfci_plan_new(&plan, &c->err));
    assert_int_equal(bfci_plan_add(plan, c->src, "../x", &c->err), BFC_E_INVALID);
    assert_int_equal(bfci_plan_add(plan, c->src, "a/../top", &c->err), BFC_E_INVALID);
    assert_int_equal(bfci_plan_add(plan, c->src, "missing", &c->err), BFC_E_NOT_FOUND);
    assert_true(bfci_plan_is_empty(plan));
    char path[600];
    (void)snprintf(path, sizeof path, "%s/top", c->src);
    assert_int_equal(bfci_plan_add_root(plan, path, &c->err), BFC_E_INVALID);
    assert_int_equal(bfci_plan_add_root(plan, "/does/not/exist", &c->err), BFC_E_NOT_FOUND);
    care_ok(c, bfci_plan_add_root(plan, c->src, &c->err));
    expect(c, plan, "*<>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_plan__paths_become_a_tree),
        CARE_TEST(test_plan__the_same_twice_is_once),
        CARE_TEST(test_plan__refuses_bad_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
