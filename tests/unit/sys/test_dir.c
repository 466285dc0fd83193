/* SPDX-License-Identifier: Apache-2.0 */
/* Listing: everything is there once, in byte order. */
#include "scratch.h"

#include <dirent.h>

static void read_again(const struct scratch *s, bfci_dir_list *list)
{
    bfc_err err = BFC_ERR_INIT;
    *list = (bfci_dir_list)BFCI_DIR_LIST_INIT;
    assert_int_equal(lseek(s->fd, 0, SEEK_SET), 0);
    if (bfci_dir_read(s->fd, list, &err) < 0)
        fail_msg("%s", err.msg);
}

static void check_order(const bfci_dir_list *list)
{
    for (size_t i = 1; i < list->count; i++)
        assert_true(strcmp(list->item[i - 1].name, list->item[i].name) < 0);
}

static void test_dir__empty(void **state)
{
    bfci_dir_list list;
    read_again(*state, &list);
    assert_int_equal(list.count, 0);
    bfci_dir_list_release(&list);
}

static void test_dir__types_and_bytes(void **state)
{
    struct scratch *s = *state;
    static const char *const want[] = {"-", "...", "A", "\x7f", "\x80", "\xff"};
    bfci_dir_list list;
    scratch_file(s, "\xff", "");
    scratch_file(s, "\x7f", "");
    scratch_link(s, "nowhere", "A");
    scratch_dir(s, "\x80");
    scratch_file(s, "...", "");
    assert_int_equal(mkfifoat(s->fd, "-", 0600), 0);
    read_again(s, &list);
    assert_int_equal(list.count, ARRAY_LEN(want));
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.item[i].name, want[i]);
    if (list.item[0].type != DT_UNKNOWN) {
        assert_int_equal(list.item[0].type, DT_FIFO);
        assert_int_equal(list.item[2].type, DT_LNK);
        assert_int_equal(list.item[4].type, DT_DIR);
        assert_int_equal(list.item[5].type, DT_REG);
    }
    bfci_dir_list_release(&list);
}

/* Names of every length with long common beginnings, and short ones: the sort has to go deep. */
static void test_dir__common_beginnings(void **state)
{
    struct scratch *s = *state;
    char name[256];
    bfci_dir_list list;
    memset(name, 'n', sizeof name);
    for (size_t len = 255; len > 0; len--) {
        name[len] = '\0';
        scratch_file(s, name, "");
        name[len - 1] = len % 2 ? 'a' : 'z';
        scratch_file(s, name, "");
    }
    read_again(s, &list);
    assert_int_equal(list.count, 2 * 255);
    check_order(&list);
    bfci_dir_list_release(&list);
}

static void test_dir__many(void **state)
{
    struct scratch *s = *state;
    enum {
        MANY = 5000
    };
    char name[64];
    bfci_dir_list list;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned mixed = i * 7919u % MANY; /* 7919 is prime to MANY: each once */
        (void)snprintf(name, sizeof name, "a-rather-long-common-part-%u", mixed);
        assert_int_equal(mknodat(s->fd, name, S_IFREG | 0600, 0), 0);
    }
    read_again(s, &list);
    assert_int_equal(list.count, MANY);
    check_order(&list);
    bfci_dir_list_release(&list);
    assert_null(list.item);
}

static void test_dir__not_a_folder(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = -1;
    bfc_err err = BFC_ERR_INIT;
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    scratch_file(s, "file", "");
    assert_int_equal(bfci_open(s->fd, "file", O_RDONLY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_dir_read(fd, &list, &err), BFC_E_INVALID);
    assert_null(list.item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_dir__empty),
        SCRATCH_TEST(test_dir__types_and_bytes),
        SCRATCH_TEST(test_dir__common_beginnings),
        SCRATCH_TEST(test_dir__many),
        SCRATCH_TEST(test_dir__not_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
