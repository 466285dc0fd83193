/* SPDX-License-Identifier: Apache-2.0 */
/* Records of lists: what is put comes back, also when the last line was cut off; who may write. */
#include "store/sync_record.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "sys/dir.h"
#include "sys/file.h"

static const bfci_digest one = {{0x01, 1}}, two = {{0x02, 2}};

struct place {
    char folder[64];
    bfc_store *store;
};

static int make_store(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    if (!p)
        return -1;
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/bfc-record-XXXXXX");
    *state = p;
    return mkdtemp(p->folder) ? bfc_store_open(p->folder, &p->store, NULL) : -1;
}

static int remove_store(void **state)
{
    struct place *p = *state;

    bfc_store_close(p->store);
    int rc = bfci_remove_tree(AT_FDCWD, p->folder, NULL);
    free(p);
    return rc;
}

static bfci_sync_record *open_list(const struct place *p, const char *list, bool read_only)
{
    bfci_sync_record *r = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_sync_record_open(p->store, list, read_only, &r, &err) < 0)
        fail_msg("%s", err.msg);
    return r;
}

/* The one file of the folder of records that is no lock; NULL: there is none. free() */
static char *find_file(const struct place *p)
{
    AUTO_FREE char *folder = NULL;
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;
    char *path = NULL;

    assert_int_equal(bfci_asprintf(&folder, NULL, "%s/.bfc-sync", p->folder), 0);
    if (bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &fd, NULL) < 0)
        return NULL;
    assert_int_equal(bfci_dir_read(fd, &list, NULL), 0);
    for (size_t i = 0; i < list.count; i++)
        if (!strchr(list.item[i].name, '.'))
            assert_int_equal(bfci_asprintf(&path, NULL, "%s/%s", folder, list.item[i].name), 0);
    bfci_dir_list_release(&list);
    return path;
}

static void put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_has(const bfci_sync_record *r, const char *name, const bfci_digest *root)
{
    const bfci_recorded *item = bfci_sync_record_find(r, name);

    assert_non_null(item);
    assert_true(bfci_digest_equal(&item->root, root));
}

static void what_is_put_comes_back(void **state)
{
    bfci_sync_record *r = open_list(*state, "l", false);

    assert_int_equal(bfci_sync_record_count(r), 0);
    assert_int_equal(bfci_sync_record_put(r, "b:1", &one, NULL), 0);
    assert_int_equal(bfci_sync_record_put(r, "c:1", &one, NULL), 0);
    assert_int_equal(bfci_sync_record_put(r, "a:1", &one, NULL), 0);
    assert_int_equal(bfci_sync_record_put(r, "b:1", &two, NULL), 0);
    assert_int_equal(bfci_sync_record_drop(r, "c:1", NULL), 0);
    assert_int_equal(bfci_sync_record_drop(r, "d:1", NULL), 0);
    bfci_sync_record_close(r);
    r = open_list(*state, "l", true);
    assert_int_equal(bfci_sync_record_count(r), 2);
    assert_string_equal(bfci_sync_record_item(r, 0)->name, "a:1");
    assert_has(r, "a:1", &one);
    assert_has(r, "b:1", &two);
    assert_null(bfci_sync_record_find(r, "c:1"));
    bfci_sync_record_close(r);
    r = open_list(*state, "another", false);
    assert_int_equal(bfci_sync_record_count(r), 0);
    bfci_sync_record_close(r);
}

static void a_line_that_was_cut_off_is_none(void **state)
{
    bfci_sync_record *r = open_list(*state, "l", false);

    assert_int_equal(bfci_sync_record_put(r, "a:1", &one, NULL), 0);
    assert_int_equal(bfci_sync_record_put(r, "b:1", &one, NULL), 0);
    bfci_sync_record_close(r);
    AUTO_FREE char *path = find_file(*state);
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;
    assert_int_equal(bfci_read_file(AT_FDCWD, path, 1000, &text, &len, NULL), 0);
    for (size_t cut = len - 1; cut > 0; cut -= MIN(cut, (size_t)9)) {
        AUTO_FD int fd = -1;
        put_text(path, (char *)text);
        assert_int_equal(bfci_open(AT_FDCWD, path, O_WRONLY, 0, &fd, NULL), 0);
        assert_int_equal(bfci_ftruncate(fd, cut, NULL), 0);
        r = open_list(*state, "l", false);
        const size_t whole = bfci_sync_record_count(r);
        assert_true(whole < 2);
        assert_int_equal(bfci_sync_record_put(r, "z:1", &two, NULL), 0);
        bfci_sync_record_close(r);
        r = open_list(*state, "l", false);
        assert_int_equal(bfci_sync_record_count(r), whole + 1);
        assert_has(r, "z:1", &two);
        bfci_sync_record_close(r);
    }
}

static void what_is_no_record_is_refused(void **state)
{
    static const char *const bad[] = {
        "something else\n",
        "bfc.sync/2 l\n",
        "bfc.sync/1 l\n+ 12 a:1\n",
        "bfc.sync/1 l\n+ 0101010101010101010101010101010101010101010101010101010101010101 a\n",
        "bfc.sync/1 l\n+ 0101010101010101010101010101010101010101010101010101010101010101 ../a:1\n",
        "bfc.sync/1 l\n- ..\n",
        "bfc.sync/1 l\n* a:1\n",
        "bfc.sync/1 l\n\n",
    };
    bfci_sync_record *r = open_list(*state, "l", false);

    assert_int_equal(bfci_sync_record_put(r, "a:1", &one, NULL), 0);
    bfci_sync_record_close(r);
    AUTO_FREE char *path = find_file(*state);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct place *p = *state;
        bfc_err err = BFC_ERR_INIT;
        put_text(path, bad[i]);
        assert_int_equal(bfci_sync_record_open(p->store, "l", false, &r, &err), BFC_E_CORRUPT);
        assert_non_null(strstr(err.msg, "no record"));
    }
}

static void one_writes_others_look(void **state)
{
    const struct place *p = *state;
    bfci_sync_record *r = open_list(p, "l", false), *other = NULL;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_sync_record_open(p->store, "l", false, &other, &err), BFC_E_BUSY);
    assert_int_equal(bfci_sync_record_put(r, "a:1", &one, NULL), 0);
    other = open_list(p, "l", true);
    assert_has(other, "a:1", &one);
    bfci_sync_record_close(other);
    other = open_list(p, "another", false);
    bfci_sync_record_close(other);
    bfci_sync_record_close(r);
}

static void looking_leaves_nothing(void **state)
{
    const struct place *p = *state;
    AUTO_FREE char *folder = NULL;
    bfci_sync_record *r = open_list(p, "l", true);
    struct stat st;

    assert_int_equal(bfci_sync_record_count(r), 0);
    bfci_sync_record_close(r);
    assert_int_equal(bfci_asprintf(&folder, NULL, "%s/.bfc-sync", p->folder), 0);
    assert_int_equal(bfci_stat_at(AT_FDCWD, folder, 0, &st, NULL), BFC_E_NOT_FOUND);
}

static void what_is_of_no_use_goes(void **state)
{
    bfci_sync_record *r = open_list(*state, "l", false);
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;

    for (int i = 0; i < 80; i++)
        assert_int_equal(bfci_sync_record_put(r, "a:1", i % 2 ? &one : &two, NULL), 0);
    bfci_sync_record_close(r);
    AUTO_FREE char *path = find_file(*state);
    assert_int_equal(bfci_read_file(AT_FDCWD, path, 1000, &text, &len, NULL), 0);
    r = open_list(*state, "l", false);
    assert_has(r, "a:1", &one);
    assert_int_equal(bfci_sync_record_drop(r, "a:1", NULL), 0);
    bfci_sync_record_close(r);
    assert_null(find_file(*state));
}

int main(void)
{
#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_put_comes_back),       WITH_STORE(a_line_that_was_cut_off_is_none),
        WITH_STORE(what_is_no_record_is_refused), WITH_STORE(one_writes_others_look),
        WITH_STORE(looking_leaves_nothing),       WITH_STORE(what_is_of_no_use_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
