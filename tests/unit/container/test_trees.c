/* SPDX-License-Identifier: Apache-2.0 */
/* Containers with several trees: reading and extracting any of them, compacting, and that nothing
 * is appended. */
#include "trees_fixture.h"

static void make(struct care *c)
{
    struct craft k;

    trees_begin(&k, c->file);
    craft_end(&k);
}

static bfc_reader *open_tree(struct care *c, const char *path, uint32_t tree)
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;

    o.tree = tree;
    care_ok(c, bfc_reader_open(path, &o, &r, &c->err));
    return r;
}

/* The paths of a tree, each with its inode. */
static void listing(struct care *c, const char *path, uint32_t tree, char *out, size_t size)
{
    bfc_reader *r = open_tree(c, path, tree);
    bfc_walk *w = NULL;
    const bfc_entry *e = NULL;
    size_t at = 0;

    out[0] = '\0';
    care_ok(c, bfc_walk_open(r, "", &w, &c->err));
    for (;;) {
        care_ok(c, bfc_walk_next(w, &e, &c->err));
        if (!e)
            break;
        at += (size_t)snprintf(out + at, size - at, "%s=%" PRIu64 " ", e->path, e->ino);
    }
    bfc_walk_close(w);
    bfc_reader_close(r);
}

static const struct {
    uint32_t tree;
    const char *listing;
} listings[] = {
    {0, "=1 alias=11 etc=2 etc/hosts=12 etc/passwd=10 usr=5 usr/sh=15 usr/tool=11 "},
    {1, "=3 etc=4 etc/hosts=9 etc/passwd=10 etc/passwd-=10 usr=5 usr/sh=15 usr/tool=11 "},
    {2, "=6 alias=11 etc=7 etc/.wh.passwd-=13 etc/hosts=12 "},
    {7, "=8 14=14 "},
};

static void expect_listings(struct care *c, const char *path)
{
    char text[400];

    for (size_t i = 0; i < ARRAY_LEN(listings); i++) {
        listing(c, path, listings[i].tree, text, sizeof text);
        assert_string_equal(text, listings[i].listing);
    }
}

static void test_trees__are_told(void **state)
{
    struct care *c = *state;
    bfc_tree_info *t = NULL;
    size_t count = 0;

    make(c);
    bfc_reader *r = open_tree(c, c->file, 0);
    care_ok(c, bfc_reader_trees(r, &t, &count, &c->err));
    assert_int_equal(count, 4);
    assert_int_equal(t[0].id, 0);
    assert_int_equal(t[0].kind, TREE_MERGED);
    assert_string_equal(t[0].label, "");
    assert_int_equal(t[2].id, 2);
    assert_int_equal(t[2].kind, TREE_LAYER);
    assert_string_equal(t[2].label, "sha256:upper");
    assert_int_equal(t[3].id, 7);
    assert_int_equal(t[3].kind, TREE_KEPT);
    free(t);
    bfc_reader_close(r);
}

static void test_trees__have_labels_of_any_length(void **state)
{
    struct care *c = *state;
    struct craft k;
    char label[TREE_LABEL_MAX + 1];
    bfc_tree_info *t = NULL;
    size_t count = 0;

    memset(label, 'l', TREE_LABEL_MAX);
    label[TREE_LABEL_MAX] = '\0';
    trees_begin(&k, c->file);
    trees_put(&k, 1, TREE_LAYER, LOWER_ROOT, label);
    craft_end(&k);
    care_expect_clean(c, c->file);
    bfc_reader *r = open_tree(c, c->file, 0);
    care_ok(c, bfc_reader_trees(r, &t, &count, &c->err));
    assert_string_equal(t[1].label, label);
    free(t);
    bfc_reader_close(r);
}

static void test_trees__are_walked(void **state)
{
    struct care *c = *state;

    make(c);
    expect_listings(c, c->file);
}

static void test_trees__are_where_paths_are_looked_up(void **state)
{
    struct care *c = *state;
    bfc_entry e;

    make(c);
    bfc_reader *r = open_tree(c, c->file, 1);
    care_ok(c, bfc_reader_stat(r, "etc/hosts", &e, &c->err));
    assert_int_equal(e.ino, OLD_HOSTS);
    care_ok(c, bfc_reader_stat(r, "etc/passwd", &e, &c->err));
    assert_int_equal(e.nlink, 2);
    assert_int_equal(bfc_reader_stat(r, "alias", &e, &c->err), BFC_E_NOT_FOUND);
    bfc_reader_close(r);
}

static void test_trees__that_are_not_there_are_told(void **state)
{
    struct care *c = *state;
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_extract_options x = BFC_EXTRACT_OPTIONS_INIT;
    bfc_reader *r = NULL;

    make(c);
    o.tree = 3;
    assert_int_equal(bfc_reader_open(c->file, &o, &r, &c->err), BFC_E_NOT_FOUND);
    assert_non_null(strstr(c->err.msg, "the commit has no tree 3"));
    r = open_tree(c, c->file, 0);
    x.tree = UINT32_MAX;
    assert_int_equal(bfc_extract(r, c->src, &x, NULL, &c->err), BFC_E_NOT_FOUND);
    bfc_reader_close(r);
}

/* ── Extracting ── */

static void expect_file(struct care *c, const char *name, unsigned part, unsigned names)
{
    uint8_t block[TREES_BLOCK], *data;
    char path[600];
    struct stat st;
    size_t len = 0;

    care_noise(block, sizeof block, 3);
    (void)snprintf(path, sizeof path, "%s/%s", c->src, name);
    data = care_load(path, &len);
    assert_int_equal(len, 100);
    assert_memory_equal(data, block + (size_t)100 * part, 100);
    free(data);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_nlink, names);
}

static void expect_nothing(struct care *c, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", c->src, name);
    assert_int_equal(access(path, F_OK), -1);
}

static void extract(struct care *c, uint32_t of_reader, uint32_t tree, bfc_extract_report *report)
{
    bfc_extract_options x = BFC_EXTRACT_OPTIONS_INIT;
    bfc_reader *r = open_tree(c, c->file, of_reader);

    x.tree = tree;
    care_ok(c, bfci_remove_tree(AT_FDCWD, c->src, &c->err));
    care_ok(c, bfc_extract(r, c->src, &x, report, &c->err));
    bfc_reader_close(r);
}

/* The table of links says 2 of passwd: here it has one name. */
static void test_trees__merged_is_extracted(void **state)
{
    struct care *c = *state;
    bfc_extract_report report;

    make(c);
    extract(c, 0, 0, &report);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.hardlinks, 1);
    expect_file(c, "etc/passwd", 1, 1);
    expect_file(c, "etc/hosts", 3, 1);
    expect_file(c, "alias", 2, 2);
    expect_file(c, "usr/tool", 2, 2);
    expect_nothing(c, "etc/passwd-");
}

static void test_trees__layers_are_extracted(void **state)
{
    struct care *c = *state;
    bfc_extract_report report;

    make(c);
    extract(c, 0, 1, &report);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.hardlinks, 1);
    expect_file(c, "etc/passwd", 1, 2);
    expect_file(c, "etc/passwd-", 1, 2);
    expect_file(c, "etc/hosts", 0, 1);
    expect_file(c, "usr/tool", 2, 1);
    expect_nothing(c, "alias");
    extract(c, 2, 0, &report); /* the reader's own tree */
    expect_file(c, "alias", 2, 1);
    expect_file(c, "etc/hosts", 3, 1);
    extract(c, 2, 7, &report);
    expect_file(c, "14", 4, 1);
    assert_int_equal(report.dirs, 1);
}

static void test_trees__a_reader_keeps_its_own_over_an_extraction(void **state)
{
    struct care *c = *state;
    bfc_extract_options x = BFC_EXTRACT_OPTIONS_INIT;
    bfc_entry e;

    make(c);
    bfc_reader *r = open_tree(c, c->file, 2);
    x.tree = 1;
    care_ok(c, bfc_extract(r, c->src, &x, NULL, &c->err));
    care_ok(c, bfc_reader_stat(r, "alias", &e, &c->err));
    assert_int_equal(e.ino, TOOL);
    bfc_reader_close(r);
}

/* A folder whose attributes nobody knows leaves those that one has which is there. */
static void test_trees__made_up_folders_change_nothing(void **state)
{
    struct care *c = *state;
    const bfci_inode dir = {.type = BFC_TYPE_DIR, .mode = 0755, .flags = INODE_SYNTHETIC};
    struct craft k;
    struct stat st;
    char path[600];

    trees_begin(&k, c->file);
    craft_inode(&k, UPPER_ETC, &dir);
    craft_end(&k);
    (void)snprintf(path, sizeof path, "%s/etc", c->src);
    assert_int_equal(mkdir(path, 0700), 0);
    bfc_extract_options x = BFC_EXTRACT_OPTIONS_INIT;
    bfc_reader *r = open_tree(c, c->file, 0);
    x.tree = 2;
    care_ok(c, bfc_extract(r, c->src, &x, NULL, &c->err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    expect_file(c, "etc/hosts", 3, 1);
    x.tree = 1; /* this one's are known */
    x.replace = true;
    care_ok(c, bfc_extract(r, c->src, &x, NULL, &c->err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    bfc_reader_close(r);
}

/* ── Compacting, appending ── */

static void test_trees__are_all_kept_by_compact(void **state)
{
    struct care *c = *state;
    uint8_t *data = NULL;
    size_t len = 0;

    make(c);
    care_ok(c, bfc_compact(c->file, c->other, NULL, NULL, &c->err));
    care_expect_clean(c, c->other);
    expect_listings(c, c->other);
    bfc_reader *r = open_tree(c, c->other, 0);
    care_ok(c, bfc_reader_blob(r, "oci/0/manifest", &data, &len, &c->err));
    assert_string_equal(data, "{}");
    free(data);
    bfc_reader_close(r);
}

static void test_trees__are_not_appended_to(void **state)
{
    struct care *c = *state;
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    size_t before = 0, after = 0;

    make(c);
    uint8_t *old = care_load(c->file, &before);
    o.block_size = 4096;
    assert_int_equal(bfc_writer_append(c->file, &o, &w, &c->err), BFC_E_UNSUPPORTED);
    assert_non_null(strstr(c->err.msg, "it holds an image's layers"));
    assert_null(w);
    uint8_t *now = care_load(c->file, &after);
    assert_int_equal(before, after);
    assert_memory_equal(old, now, before);
    free(old);
    free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_trees__are_told),
        CARE_TEST(test_trees__have_labels_of_any_length),
        CARE_TEST(test_trees__are_walked),
        CARE_TEST(test_trees__are_where_paths_are_looked_up),
        CARE_TEST(test_trees__that_are_not_there_are_told),
        CARE_TEST(test_trees__merged_is_extracted),
        CARE_TEST(test_trees__layers_are_extracted),
        CARE_TEST(test_trees__a_reader_keeps_its_own_over_an_extraction),
        CARE_TEST(test_trees__made_up_folders_change_nothing),
        CARE_TEST(test_trees__are_all_kept_by_compact),
        CARE_TEST(test_trees__are_not_appended_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
