/* SPDX-License-Identifier: Apache-2.0 */
/* recover: what follows the last whole commit goes, nothing else; a dry run changes nothing; a
 * writer is not disturbed. */
#include "care_fixture.h"

static uint8_t *two_commits(struct care *c, size_t *len)
{
    care_put_text(c->src, "one", "1");
    care_commit(c, c->file, false);
    care_put_text(c->src, "two", "22");
    care_commit(c, c->file, true);
    return care_load(c->file, len);
}

static void expect_bytes(const struct care *c, const uint8_t *bytes, size_t len)
{
    size_t got = 0;
    AUTO_FREE uint8_t *now = care_load(c->file, &got);
    assert_int_equal(got, len);
    assert_memory_equal(now, bytes, len);
}

static void append_noise(const struct care *c, size_t len)
{
    AUTO_FREE uint8_t *noise = malloc(len);
    FILE *out = fopen(c->file, "a");
    assert_non_null(out);
    care_noise(noise, len, 5);
    assert_int_equal(fwrite(noise, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void test_recover__cuts_off_a_torn_tail(void **state)
{
    struct care *c = *state;
    static const size_t tails[] = {1, 4095, 4096, 10000, 3 << 20};
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = two_commits(c, &len);

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        bfc_recover_report r = {0};
        append_noise(c, tails[i]);
        care_ok(c, bfc_recover(c->file, true, &r, &c->err));
        assert_int_equal(r.torn_bytes, tails[i]);
        assert_int_equal(care_size(c->file), len + tails[i]);
        care_ok(c, bfc_recover(c->file, false, &r, &c->err));
        assert_int_equal(r.torn_bytes, tails[i]);
        assert_int_equal(r.commit.seq, 2);
        expect_bytes(c, bytes, len);
    }
}

static void test_recover__goes_back_to_the_commit_before_a_torn_one(void **state)
{
    struct care *c = *state;
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = two_commits(c, &len);
    bfc_recover_report r = {0};

    assert_int_equal(truncate(c->file, (off_t)len - 1), 0);
    care_ok(c, bfc_recover(c->file, false, &r, &c->err));
    assert_int_equal(r.commit.seq, 1);
    assert_int_equal(r.torn_bytes, len - 1 - (r.commit.offset + COMMIT_SIZE));
    expect_bytes(c, bytes, (size_t)r.commit.offset + COMMIT_SIZE);
    care_expect_clean(c, c->file);
}

static void test_recover__leaves_a_whole_container_alone(void **state)
{
    struct care *c = *state;
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = two_commits(c, &len);
    bfc_recover_report r = {.torn_bytes = 7};

    care_ok(c, bfc_recover(c->file, false, &r, &c->err));
    assert_int_equal(r.torn_bytes, 0);
    expect_bytes(c, bytes, len);
}

static void test_recover__does_not_disturb_a_writer(void **state)
{
    struct care *c = *state;
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = two_commits(c, &len);
    bfc_recover_report r = {0};

    append_noise(c, 5000); /* of the append that is going on */
    AUTO_FD int fd = open(c->file, O_RDWR | O_CLOEXEC);
    care_ok(c, bfci_lock(fd, true, false, &c->err));
    assert_int_equal(bfc_recover(c->file, false, &r, &c->err), BFC_E_BUSY);
    assert_int_equal(care_size(c->file), len + 5000);
    care_ok(c, bfc_recover(c->file, true, &r, &c->err)); /* looking is allowed */
    assert_int_equal(r.torn_bytes, 5000);
    assert_int_equal(truncate(c->file, (off_t)len), 0);
    expect_bytes(c, bytes, len);
}

static void test_recover__refuses_when_no_commit_is_left(void **state)
{
    struct care *c = *state;
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = two_commits(c, &len);

    assert_int_equal(truncate(c->file, 6000), 0);
    assert_int_equal(bfc_recover(c->file, false, NULL, &c->err), BFC_E_CORRUPT);
    expect_bytes(c, bytes, 6000);
    assert_int_equal(bfc_recover(c->other, false, NULL, &c->err), BFC_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_recover__cuts_off_a_torn_tail),
        CARE_TEST(test_recover__goes_back_to_the_commit_before_a_torn_one),
        CARE_TEST(test_recover__leaves_a_whole_container_alone),
        CARE_TEST(test_recover__does_not_disturb_a_writer),
        CARE_TEST(test_recover__refuses_when_no_commit_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
