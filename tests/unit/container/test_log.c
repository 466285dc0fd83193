/* SPDX-License-Identifier: Apache-2.0 */
/* log: all commits, newest first; a chain that is broken is told after the commits before the
 * break. */
#include "care_fixture.h"

struct seen {
    bfc_commit_info commit[8];
    size_t count, stop_at;
};

static int note(void *ctx, const bfc_commit_info *commit)
{
    struct seen *s = ctx;
    assert_true(s->count < ARRAY_LEN(s->commit));
    s->commit[s->count++] = *commit;
    return s->stop_at == s->count;
}

static void three_commits(struct care *c)
{
    care_put_text(c->src, "one", "1");
    care_commit(c, c->file, false);
    care_put_text(c->src, "two", "22");
    care_commit(c, c->file, true);
    care_put_text(c->src, "three", "333");
    care_commit(c, c->file, true);
}

static void test_log__tells_the_newest_first(void **state)
{
    struct care *c = *state;
    struct seen s = {.count = 0};

    three_commits(c);
    care_ok(c, bfc_log(c->file, note, &s, &c->err));
    assert_int_equal(s.count, 3);
    uint64_t sum = SUPER_SIZE;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(s.commit[i].seq, 3 - i);
        assert_int_equal(s.commit[i].files, 3 - i);
        assert_int_equal(s.commit[i].dirs, 1);
        sum += s.commit[i].segment_bytes;
    }
    assert_int_equal(s.commit[0].content_bytes, 6);
    assert_int_equal(sum, care_size(c->file));
}

static void test_log__stops_when_told(void **state)
{
    struct care *c = *state;
    struct seen s = {.stop_at = 2};

    three_commits(c);
    care_ok(c, bfc_log(c->file, note, &s, &c->err));
    assert_int_equal(s.count, 2);
}

static void test_log__tells_a_broken_chain(void **state)
{
    struct care *c = *state;
    struct seen s = {.count = 0};

    three_commits(c);
    care_ok(c, bfc_log(c->file, note, &s, &c->err));
    care_flip(c->file, s.commit[1].offset + COMMIT_AT_FILES);
    s.count = 0;
    assert_int_equal(bfc_log(c->file, note, &s, &c->err), BFC_E_CORRUPT);
    assert_int_equal(s.count, 1);
    assert_int_equal(c->err.offset, s.commit[1].offset);
}

static void test_log__refuses_what_is_no_container(void **state)
{
    struct care *c = *state;
    struct seen s = {.count = 0};

    assert_int_equal(bfc_log(c->file, note, &s, &c->err), BFC_E_NOT_FOUND);
    care_put_text(c->root, "a.bfc", "not a container at all");
    assert_int_equal(bfc_log(c->file, note, &s, &c->err), BFC_E_UNSUPPORTED);
    assert_int_equal(s.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_log__tells_the_newest_first),
        CARE_TEST(test_log__stops_when_told),
        CARE_TEST(test_log__tells_a_broken_chain),
        CARE_TEST(test_log__refuses_what_is_no_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
