/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of create, append and extract agree with what is known of a tree, however many threads
 * there are. */
#include "care_fixture.h"

enum {
    SMALL_FILES = 300,
    SMALL = 1000,
    FOLDERS = 10,
    LARGE = 2 << 20,
    LARGER =
        3 << 20, /* of another size, or it would be hashed before, to see whether it is known */
    CONTENT = SMALL_FILES * SMALL + LARGE + LARGER
};

static const bfc_stage_stats *find(const bfc_stats *s, const char *name)
{
    for (size_t i = 0; i < s->stage_count; i++)
        if (strcmp(s->stage[i].name, name) == 0)
            return &s->stage[i];
    return NULL;
}

static void expect(const bfc_stats *s, const char *name, uint64_t items, uint64_t bytes)
{
    const bfc_stage_stats *stage = find(s, name);

    if (!stage)
        fail_msg("no stage '%s'", name);
    if (stage->items != items || stage->bytes != bytes)
        fail_msg("%s: %" PRIu64 " items, %" PRIu64 " bytes; %" PRIu64 " and %" PRIu64 " wanted",
                 name, stage->items, stage->bytes, items, bytes);
}

/* What holds of all of them. */
static void expect_whole(const bfc_stats *s)
{
    uint64_t work = 0;

    for (size_t i = 0; i < s->stage_count; i++) {
        assert_true(s->stage[i].calls > 0);
        assert_true(s->stage[i].serial == (strcmp(s->stage[i].thread, "workers") != 0));
        assert_true(s->stage[i].serial || !s->stage[i].alone);
        work += s->stage[i].busy_ns;
    }
    assert_true(s->work_ns == work && work > 0 && s->wall_ns > 0);
    for (size_t i = 0; i < s->queue_count; i++)
        assert_true(s->queue[i].limit > 0);
}

/* Small files that differ, in folders, and two large ones. */
static void make_tree(struct care *c)
{
    uint8_t *bytes = malloc(LARGER);
    char folder[400], name[30];

    assert_non_null(bytes);
    for (int i = 0; i < SMALL_FILES; i++) {
        (void)snprintf(folder, sizeof folder, "%s/%d", c->src, i % FOLDERS);
        (void)mkdir(folder, 0755);
        (void)snprintf(name, sizeof name, "file%d", i);
        care_noise(bytes, SMALL, (uint64_t)i);
        care_put(folder, name, bytes, SMALL);
    }
    care_noise(bytes, LARGER, 1000);
    care_put(c->src, "large", bytes, LARGE);
    care_put(c->src, "larger", bytes, LARGER);
    free(bytes);
}

static bfc_commit_info store(struct care *c, bool append, unsigned jobs, bfc_stats *stats)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_commit_info info = {0};
    bfc_writer *w = NULL;

    o.jobs = jobs;
    o.replace = true;
    o.stats = stats;
    care_ok(c, append ? bfc_writer_append(c->file, &o, &w, &c->err)
                      : bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, &info, &c->err));
    bfc_writer_close(w);
    return info;
}

static void expect_stored(const bfc_stats *s, const bfc_commit_info *info)
{
    const uint64_t entries = 1 + FOLDERS + SMALL_FILES + 2;
    const uint64_t blocks = find(s, "write") ? find(s, "write")->items : 0;

    expect_whole(s);
    assert_true(blocks >= CONTENT >> 20);
    expect(s, "walk", entries, 0);
    expect(s, "load", entries, SMALL_FILES * SMALL);
    expect(s, "stream", 2 + 3, LARGE + LARGER); /* in parts of a MiB */
    expect(s, "take", entries, CONTENT);
    expect(s, "compress", blocks, info->data_raw);
    expect(s, "sum", blocks, info->data_stored);
    expect(s, "write", blocks, info->data_stored);
    assert_true(find(s, "tables")->items > 0 && find(s, "tables")->bytes > 0);
    assert_int_equal(find(s, "commit")->waits, 2); /* for the two syncs */
    assert_null(find(s, "seal"));
    assert_null(find(s, "decode"));
}

static void test_stats__create_and_append(void **state)
{
    struct care *c = *state;

    make_tree(c);
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        bfc_stats s = BFC_STATS_INIT;
        bfc_commit_info info = store(c, false, jobs, &s);
        assert_int_equal(info.data_raw, CONTENT);
        expect_stored(&s, &info);
    }
    bfc_stats s = BFC_STATS_INIT;
    store(c, true, 2, &s); /* all is there, and found by its digest */
    expect(&s, "take", 1 + FOLDERS + SMALL_FILES + 2, SMALL_FILES * SMALL);
    expect(&s, "stream", 2 + 3, LARGE + LARGER);
    assert_null(find(&s, "compress"));
}

static void extract(struct care *c, unsigned jobs)
{
    bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;
    bfc_stats s = BFC_STATS_INIT;
    bfc_reader *r = NULL;
    char target[300];

    (void)snprintf(target, sizeof target, "%s/out%u", c->root, jobs);
    o.jobs = jobs;
    o.stats = &s;
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_extract(r, target, &o, NULL, &c->err));
    bfc_reader_close(r);

    expect_whole(&s);
    expect(&s, "tree", 1 + FOLDERS + SMALL_FILES + 2, 0);
    expect(&s, "nodes", 1 + FOLDERS, 0);
    assert_true(find(&s, "files")->bytes == CONTENT);
    assert_true(find(&s, "decode")->bytes >= CONTENT);
    assert_null(find(&s, "compress"));
}

static void test_stats__extract(void **state)
{
    struct care *c = *state;

    make_tree(c);
    store(c, false, 2, NULL);
    extract(c, 1);
    extract(c, 3);
}

/* One that fails has counted, too, and says so. */
static void test_stats__after_a_failure(void **state)
{
    struct care *c = *state;
    bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;
    bfc_stats s = BFC_STATS_INIT;
    bfc_reader *r = NULL;

    care_put_text(c->src, "a", "text");
    store(c, false, 2, NULL);
    o.stats = &s;
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_put_text(c->root, "a", "in its way");
    assert_int_equal(bfc_extract(r, c->root, &o, NULL, &c->err), BFC_E_EXISTS);
    bfc_reader_close(r);
    assert_true(find(&s, "tree") && s.wall_ns > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_stats__create_and_append),
        CARE_TEST(test_stats__extract),
        CARE_TEST(test_stats__after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
