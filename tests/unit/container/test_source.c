/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the last whole commit: torn tails of every length, records that are forged or moved,
 * older commits. */
#include "core_fixture.h"

/* Two commits; gives where each ends. */
static void two_commits(struct core *c, uint64_t end[2])
{
    for (int i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < 50; k++)
            c->version[k] = (uint32_t)i + 1;
        core_build(c, 0);
        end[i] = c->end;
    }
}

/* Seq of the commit that is found, or 0. */
static uint64_t found(struct core *c, uint64_t *end)
{
    bfci_source s = BFCI_SOURCE_INIT;
    bfc_err err = BFC_ERR_INIT;
    int fd = dup(c->fd);

    if (bfci_source_open_fd(fd, &s, &err) < 0) {
        assert_int_equal(err.code, BFC_E_CORRUPT);
        (void)close(fd);
        return 0;
    }
    *end = s.end;
    uint64_t seq = s.commit.seq;
    bfci_source_release(&s);
    return seq;
}

static void cut(struct core *c, uint64_t size)
{
    assert_int_equal(ftruncate(c->fd, (off_t)size), 0);
}

static void test_source__every_torn_tail(void **state)
{
    struct core *c = *state;
    uint64_t end[2], at = 0;

    two_commits(c, end);
    assert_int_equal(found(c, &at), 2);
    for (uint64_t size = end[1] - 1; size >= end[0]; size -= size % 4096 == 1 ? 1 : size % 7 + 1) {
        cut(c, size);
        assert_int_equal(found(c, &at), 1);
        assert_true(at == end[0]);
        if (size < end[0] + 8)
            break;
    }
    cut(c, end[0] - 1);
    assert_int_equal(found(c, &at), 0);
    cut(c, 4096);
    assert_int_equal(found(c, &at), 0);
    cut(c, 100);
    assert_int_equal(found(c, &at), 0);
}

static void test_source__garbage_behind_is_passed_over(void **state)
{
    struct core *c = *state;
    uint64_t end[2], at = 0;

    two_commits(c, end);
    uint8_t *noise = malloc(3 << 20);
    assert_non_null(noise);
    for (size_t i = 0; i < 3 << 20; i++)
        noise[i] = (uint8_t)core_random(c, 256);
    for (size_t i = 0; i + 4096 <= 3 << 20; i += 4096)
        memcpy(noise + i, COMMIT_MAGIC, 8);
    core_ok(bfci_pwrite_all(c->fd, noise, 3 << 20, end[1], why));
    free(noise);
    assert_int_equal(found(c, &at), 2);
    assert_true(at == end[1]);
}

static void test_source__copied_and_forged_records_are_passed_over(void **state)
{
    struct core *c = *state;
    uint64_t end[2], at = 0;
    uint8_t record[COMMIT_SIZE];

    two_commits(c, end);
    core_ok(bfci_pread_exact(c->fd, record, sizeof record, end[0] - COMMIT_SIZE, why));
    core_ok(bfci_pwrite_all(c->fd, record, sizeof record, end[1], why)); /* at another place */
    assert_int_equal(found(c, &at), 2);
    put_u64le(record + COMMIT_AT_OFFSET, end[1]); /* its place set, its checksum not */
    core_ok(bfci_pwrite_all(c->fd, record, sizeof record, end[1], why));
    assert_int_equal(found(c, &at), 2);
    record[COMMIT_AT_UUID] ^= 1; /* of another container, whole */
    put_u32le(record + COMMIT_AT_CRC, bfci_crc32c(record + 12, COMMIT_SIZE - 12));
    core_ok(bfci_pwrite_all(c->fd, record, sizeof record, end[1], why));
    assert_int_equal(found(c, &at), 2);
    assert_true(at == end[1]);
}

static void test_source__a_commit_without_frames_is_one(void **state)
{
    struct core *c = *state;
    uint64_t end[2], at = 0;

    two_commits(c, end);
    core_begin(c);
    core_end(c);
    assert_int_equal(found(c, &at), 3);
    assert_true(at == end[1] + COMMIT_SIZE);
}

static void test_source__selects_older_commits(void **state)
{
    struct core *c = *state;
    uint64_t end[2];
    char hex[2 * BFC_DIGEST_SIZE + 1];
    bfc_err err = BFC_ERR_INIT;
    bfci_commit before;

    two_commits(c, end);
    core_ok(bfci_source_previous(&c->source, &c->source.commit, &before, why));
    assert_int_equal(before.seq, 1);
    assert_int_equal(bfci_source_previous(&c->source, &before, &before, &err), BFC_E_NOT_FOUND);
    bfci_hex(before.root_digest, BFC_DIGEST_SIZE, hex);
    assert_int_equal(bfci_source_select(&c->source, "3", &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_source_select(&c->source, "0", &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_source_select(&c->source, "", &err), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_source_select(&c->source, "0000000000", &err), BFC_E_NOT_FOUND);
    assert_int_equal(c->source.commit.seq, 2);
    hex[8] = '\0';
    core_ok(bfci_source_select(&c->source, hex, why));
    assert_int_equal(c->source.commit.seq, 1);
}

static void test_source__a_broken_chain_is_damage(void **state)
{
    struct core *c = *state;
    uint64_t end[2];
    bfci_commit before;
    bfc_err err = BFC_ERR_INIT;
    uint8_t record[COMMIT_SIZE];

    two_commits(c, end);
    core_ok(bfci_pread_exact(c->fd, record, sizeof record, end[0] - COMMIT_SIZE, why));
    record[COMMIT_AT_TIME] ^= 1;
    put_u32le(record + COMMIT_AT_CRC, bfci_crc32c(record + 12, COMMIT_SIZE - 12));
    core_ok(bfci_pwrite_all(c->fd, record, sizeof record, end[0] - COMMIT_SIZE, why));
    assert_int_equal(bfci_source_previous(&c->source, &c->source.commit, &before, &err),
                     BFC_E_CORRUPT);
    assert_int_equal(bfci_source_select(&c->source, "1", &err), BFC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_source__every_torn_tail),
        CORE_TEST(test_source__garbage_behind_is_passed_over),
        CORE_TEST(test_source__copied_and_forged_records_are_passed_over),
        CORE_TEST(test_source__a_commit_without_frames_is_one),
        CORE_TEST(test_source__selects_older_commits),
        CORE_TEST(test_source__a_broken_chain_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
