/* SPDX-License-Identifier: Apache-2.0 */
/* Links inside a tree: every kind of target, none that leads out, and ways that have no end. */
#include "care_fixture.h"

#include "container/follow.h"

static void put_link(const struct care *c, const char *name, const char *target)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", c->src, name);
    assert_int_equal(symlink(target, path), 0);
}

static void put_folder(const struct care *c, const char *name)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", c->src, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void put_tree(struct care *c)
{
    static const char *const folders[] = {"etc", "usr", "usr/etc", "usr/lib"};
    char name[32], target[32];

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        put_folder(c, folders[i]);
    care_put_text(c->src, "usr/etc/passwd", "inside");
    put_link(c, "etc/passwd", "/usr/etc/passwd");
    put_link(c, "etc/relative", "../usr/lib/../etc/passwd");
    put_link(c, "etc/beyond", "../../../../../../usr/etc/passwd");
    put_link(c, "etc/out", "/../../../../etc/hostname");
    put_link(c, "etc/slash", "/");
    put_link(c, "lib", "usr/lib");
    put_link(c, "usr/lib/up", "..");
    put_link(c, "usr/lib/self", ".");
    put_link(c, "dangling", "/no/where");
    put_link(c, "through", "usr/etc/passwd/../passwd");
    put_link(c, "loop", "loop2");
    put_link(c, "loop2", "/loop");
    put_link(c, "grow", "grow/x");
    put_link(c, "l0", "usr/etc/passwd");
    for (int i = 1; i <= 40; i++) {
        (void)snprintf(name, sizeof name, "l%d", i);
        (void)snprintf(target, sizeof target, "l%d", i - 1);
        put_link(c, name, target);
    }
    care_commit(c, c->file, false);
}

static bfc_reader *open_tree(struct care *c)
{
    bfc_reader *r = NULL;
    put_tree(c);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    return r;
}

static void test_follow__links_stay_inside(void **state)
{
    struct care *c = *state;
    bfc_reader *r = open_tree(c);
    static const char *const same[] = {
        "usr/etc/passwd",
        "/etc/passwd",
        "etc/../etc/./relative",
        "/etc/beyond",
        "lib/up/etc/passwd",
        "//lib/self/self/up/../etc/passwd",
        "../../etc/passwd",
        "etc/slash/etc/slash/etc/passwd",
        "l0",
        "l39",
    };
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        AUTO_FREE uint8_t *data = NULL;
        size_t len = 0;
        if (bfci_reader_file(r, same[i], 6, &data, &len, &c->err) != 0)
            fail_msg("%s", c->err.msg);
        assert_int_equal(len, 6);
        assert_string_equal((const char *)data, "inside");
    }
    bfc_reader_close(r);
}

static void test_follow__folders(void **state)
{
    struct care *c = *state;
    bfc_reader *r = open_tree(c);
    static const struct {
        const char *path, *where;
    } want[] = {
        {"", ""},          {"/..", ""},       {"etc/slash", ""}, {"lib", "usr/lib"},
        {"lib/up", "usr"}, {"lib/..", "usr"}, {"lib/up/..", ""}, {"usr/lib/self/", "usr/lib"},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        bfc_entry e;
        if (bfci_reader_follow(r, want[i].path, &e, &c->err) != 0)
            fail_msg("%s", c->err.msg);
        assert_int_equal(e.type, BFC_TYPE_DIR);
        assert_string_equal(e.path, want[i].where);
    }
    bfc_reader_close(r);
}

static void expect_no_file(struct care *c, bfc_reader *r, const char *path, const char *message)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (bfci_reader_file(r, path, 100, &data, &len, &c->err) != BFC_E_NOT_FOUND)
        fail_msg("%s: code %d: %s", path, c->err.code, c->err.msg);
    if (!strstr(c->err.msg, message))
        fail_msg("%s: '%s' is not in: %s", path, message, c->err.msg);
    assert_null(data);
}

static void test_follow__what_leads_nowhere(void **state)
{
    struct care *c = *state;
    bfc_reader *r = open_tree(c);
    char many[257 * 4], name[300];

    expect_no_file(c, r, "etc/none", "'etc/none'");
    expect_no_file(c, r, "dangling", "'dangling'");
    expect_no_file(c, r, "etc/out", "'etc/out'");
    expect_no_file(c, r, "through", "what is no folder");
    expect_no_file(c, r, "l0/..", "what is no folder");
    expect_no_file(c, r, "loop", "more than 40 symbolic links");
    expect_no_file(c, r, "grow", "more than 40 symbolic links");
    expect_no_file(c, r, "l40", "more than 40 symbolic links");
    expect_no_file(c, r, "etc", "is not a file");
    for (size_t i = 0; i < 257; i++)
        memcpy(many + 4 * i, i % 2 ? "/../" : "/etc", 4);
    many[sizeof many - 1] = '\0';
    expect_no_file(c, r, many, "more than 256 names");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    expect_no_file(c, r, name, "255 bytes");
    bfc_reader_close(r);
}

static void test_follow__files_are_bounded(void **state)
{
    struct care *c = *state;
    bfc_reader *r = open_tree(c);
    uint8_t *data = NULL;
    size_t len = 0;

    assert_int_equal(bfci_reader_file(r, "etc/passwd", 5, &data, &len, &c->err), BFC_E_LIMIT);
    assert_non_null(strstr(c->err.msg, "6 bytes, 5 are allowed"));
    bfc_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_follow__links_stay_inside),
        CARE_TEST(test_follow__folders),
        CARE_TEST(test_follow__what_leads_nowhere),
        CARE_TEST(test_follow__files_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
