/* SPDX-License-Identifier: Apache-2.0 */
/* Part files: who may have one, what stays, what prune takes. */
#include "store/part_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/dir.h"
#include "sys/file.h"

#define AUTO_PART __attribute__((cleanup(bfci_part_close)))

static const bfci_digest digest = {{0xab, 1}};

static int make_folder(void **state)
{
    char folder[] = "/tmp/bfc-part-XXXXXX";

    if (!mkdtemp(folder))
        return -1;
    *state = strdup(folder);
    return 0;
}

static int remove_folder(void **state)
{
    const char *folder = *state;
    bfc_err err = BFC_ERR_INIT;

    int rc = bfci_remove_tree(AT_FDCWD, folder, &err);
    free(*state);
    return rc;
}

static void put(const bfci_part *part, const char *text)
{
    assert_int_equal(bfci_pwrite_all(part->fd, text, strlen(text), 0, NULL), 0);
}

static void a_part_goes_on(void **state)
{
    bfci_part part = BFCI_PART_INIT;

    assert_int_equal(bfci_part_open(*state, &digest, 10, &part, NULL), 0);
    assert_int_equal(part.have, 0);
    put(&part, "12345");
    bfci_part_close(&part);
    assert_int_equal(bfci_part_open(*state, &digest, 10, &part, NULL), 0);
    assert_int_equal(part.have, 5);
    assert_false(part.is_whole);
    put(&part, "1234567890");
    bfci_part_close(&part);
    assert_int_equal(bfci_part_open(*state, &digest, 10, &part, NULL), 0);
    assert_true(part.is_whole);
    bfci_part_close(&part);
    assert_int_equal(bfci_part_open(*state, &digest, 7, &part, NULL), 0); /* of more than 7 */
    assert_int_equal(part.have, 0);
    bfci_part_remove(&part);
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(bfci_part_open(*state, &digest, 7, &part, NULL), BFC_E_NOT_FOUND);
    bfci_part_close(&part);
}

static void one_fetches_many_read(void **state)
{
    AUTO_PART bfci_part first = BFCI_PART_INIT, second = BFCI_PART_INIT, third = BFCI_PART_INIT;

    assert_int_equal(bfci_part_open(*state, &digest, 3, &first, NULL), 0);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &second, NULL), BFC_E_BUSY);
    put(&first, "abc");
    assert_int_equal(bfci_part_open(*state, &digest, 3, &second, NULL), BFC_E_BUSY);
    bfci_part_finish(&first);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &second, NULL), 0);
    assert_true(second.is_whole);
    assert_int_equal(bfci_part_open(*state, &digest, 4, &third, NULL), BFC_E_BUSY);
}

/* Who waited has what the other one had fetched and removed; a beginning alone is worth nothing. */
static void the_name_may_go(void **state)
{
    AUTO_PART bfci_part waiting = BFCI_PART_INIT;
    bfci_part first = BFCI_PART_INIT;

    assert_int_equal(bfci_part_open(*state, &digest, 3, &first, NULL), 0);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &waiting, NULL), BFC_E_BUSY);
    put(&first, "abc");
    bfci_part_remove(&first);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &waiting, NULL), 0);
    assert_true(waiting.is_whole);
    bfci_part_close(&waiting);

    assert_int_equal(bfci_part_open(*state, &digest, 3, &first, NULL), 0);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &waiting, NULL), BFC_E_BUSY);
    put(&first, "ab");
    bfci_part_remove(&first);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &waiting, NULL), 0);
    assert_int_equal(waiting.have, 0);
}

static void what_is_no_file_is_told(void **state)
{
    AUTO_PART bfci_part part = BFCI_PART_INIT;
    char path[300];
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_part_open(*state, &digest, 3, &part, NULL), 0);
    (void)snprintf(path, sizeof path, "%s", part.path);
    bfci_part_remove(&part);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &part, &err), BFC_E_INVALID);
    assert_non_null(strstr(err.msg, "is no file"));
}

static void prune_takes_what_nobody_holds(void **state)
{
    bfci_part held = BFCI_PART_INIT, left = BFCI_PART_INIT;
    const bfci_digest other = {{1}};
    bfc_prune_report report = {0, 0};
    char path[300];

    assert_int_equal(bfci_parts_prune("/does/not/exist", false, NULL, NULL, &report, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/sha256-x.part", (const char *)*state);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* not ours */
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(bfci_part_open(*state, &digest, 3, &held, NULL), 0);
    put(&held, "abc");
    bfci_part_finish(&held);
    assert_int_equal(bfci_part_open(*state, &other, 9, &left, NULL), 0);
    put(&left, "abcd");
    bfci_part_close(&left);
    assert_int_equal(bfci_parts_prune(*state, true, NULL, NULL, &report, NULL), 0);
    assert_int_equal(report.removed, 1);
    assert_int_equal(report.bytes, 4);
    report = (bfc_prune_report){0, 0};
    assert_int_equal(bfci_parts_prune(*state, false, NULL, NULL, &report, NULL), 0);
    assert_int_equal(report.removed, 1);
    assert_int_equal(access(held.path, F_OK), 0);
    bfci_part_close(&held);
    assert_int_equal(bfci_parts_prune(*state, false, NULL, NULL, &report, NULL), 0);
    assert_int_equal(report.removed, 2);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bfci_parts_prune(*state, false, NULL, NULL, &report, NULL), 0);
    assert_int_equal(access(*state, F_OK), -1); /* nothing was in it */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(a_part_goes_on),          TEST(one_fetches_many_read),         TEST(the_name_may_go),
        TEST(what_is_no_file_is_told), TEST(prune_takes_what_nobody_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
