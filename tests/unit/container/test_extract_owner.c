/* SPDX-License-Identifier: Apache-2.0 */
/* Files of many owners: made as their owners where that goes, given to them where not, and the same
 * tree either way. The linker puts the functions below between extract and the kernel. */
#include "extract_fixture.h"

#include <stdatomic.h>
#include <sys/fsuid.h>

#include "sys/identity.h"
#include "sys/node.h"

enum {
    ONES = 40, /* files of one owner */
    FILES = 4 * ONES + 3
};

static atomic_uint given, taken;
static atomic_bool refuse_to_take, only_pretend, refuse_to_make, refuse_to_write;

static bool is_another(void)
{
    return setfsuid((uid_t)-1) != 0;
}

int __real_bfci_node_chown(bfci_place at, uint32_t uid, uint32_t gid);
int __wrap_bfci_node_chown(bfci_place at, uint32_t uid, uint32_t gid);
int __wrap_bfci_node_chown(bfci_place at, uint32_t uid, uint32_t gid)
{
    atomic_fetch_add(&given, 1);
    return __real_bfci_node_chown(at, uid, gid);
}

bool __real_bfci_identity_take(uint32_t uid, uint32_t gid);
bool __wrap_bfci_identity_take(uint32_t uid, uint32_t gid);
bool __wrap_bfci_identity_take(uint32_t uid, uint32_t gid)
{
    if (atomic_load(&refuse_to_take))
        return false;
    atomic_fetch_add(&taken, 1);
    return atomic_load(&only_pretend) || __real_bfci_identity_take(uid, gid);
}

int __real_bfci_node_make_file(int dir_fd, const char *name, unsigned mode, int *fd);
int __wrap_bfci_node_make_file(int dir_fd, const char *name, unsigned mode, int *fd);
int __wrap_bfci_node_make_file(int dir_fd, const char *name, unsigned mode, int *fd)
{
    if (atomic_load(&refuse_to_make) && is_another())
        return EACCES;
    return __real_bfci_node_make_file(dir_fd, name, mode, fd);
}

int __real_bfci_pwrite_all(int fd, const void *bytes, size_t len, uint64_t at, bfc_err *err);
int __wrap_bfci_pwrite_all(int fd, const void *bytes, size_t len, uint64_t at, bfc_err *err);
int __wrap_bfci_pwrite_all(int fd, const void *bytes, size_t len, uint64_t at, bfc_err *err)
{
    if (atomic_load(&refuse_to_write) && is_another())
        return bfci_fail_errno(err, ENOSPC, "write");
    return __real_bfci_pwrite_all(fd, bytes, len, at, err);
}

static void own(const char *folder, const char *name, uid_t uid, gid_t gid)
{
    assert_int_equal(lchown(AT(folder, name), uid, gid), 0);
}

static void put_owned(const char *folder, const char *prefix, unsigned i, uid_t uid, gid_t gid)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%03u", prefix, i);
    put_bytes(folder, name, i % 7 ? 20 + 41 * i : 0, i, i % 5 ? 0644 : 0400);
    own(folder, name, uid, gid);
}

/* Long rows of one owner, owners that change with each file, and what chown must come before. */
static void put_owners(struct fixture *f)
{
    put_folder(f->src, "in", 0755);
    for (unsigned i = 0; i < ONES; i++) {
        put_owned(AT(f->src, "in"), "a", i, 1000, 1001);
        put_owned(AT(f->src, "in"), "b", i, i % 2 ? 2000 : 0, 2001);
        put_owned(AT(f->src, "in"), "c", i, 0, 0);
        put_owned(AT(f->src, "in"), "d", i, 3000, i % 20 ? 3000 : 0);
    }
    put_bytes(f->src, "in/e large", 300000, 1, 0644);
    own(f->src, "in/e large", 3000, 3000);
    put_bytes(f->src, "in/e setuid", 100, 2, 0644);
    own(f->src, "in/e setuid", 3000, 3000);
    assert_int_equal(chmod(AT(f->src, "in/e setuid"), 06755), 0);
    assert_int_equal(link(AT(f->src, "in/a001"), AT(f->src, "in/f second")), 0);
    own(f->src, "in", 1000, 1000);
    store(f, 4096);
}

static void owners_are_right(struct fixture *f, unsigned jobs)
{
    bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;
    o.jobs = jobs;
    o.replace = true;
    atomic_store(&given, 0);
    atomic_store(&taken, 0);
    extract_ok(f, &o, NULL);
    same_tree(f->src, f->out);
}

static int setup(void **state)
{
    atomic_store(&refuse_to_take, false);
    atomic_store(&only_pretend, false);
    atomic_store(&refuse_to_make, false);
    atomic_store(&refuse_to_write, false);
    return fixture_setup(state);
}

static bool can_be_tried(struct fixture *f)
{
    if (geteuid() != 0 || !bfci_identity_may_change())
        return false;
    AUTO_FD int fd = open(f->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return bfci_identity_suits(fd);
}

static void test_owner__rows_are_made_as_their_owner(void **state)
{
    struct fixture *f = *state;
    if (!can_be_tried(f))
        skip();
    put_owners(f);
    owners_are_right(f, 1);
    assert_true(atomic_load(&taken) >= 3);
    assert_in_range(atomic_load(&given), 1, 90);
}

static void test_owner__with_several_workers(void **state)
{
    struct fixture *f = *state;
    if (!can_be_tried(f))
        skip();
    put_owners(f);
    owners_are_right(f, 4);
}

/* `given`: at least so many got their owner by chown, as all do that are not user 0's. */
static void given_instead(struct fixture *f, atomic_bool *how, unsigned at_least)
{
    if (!can_be_tried(f))
        skip();
    put_owners(f);
    atomic_store(how, true);
    owners_are_right(f, 2);
    assert_in_range(atomic_load(&given), at_least, FILES + 1);
}

static void test_owner__who_cannot_be_taken(void **state)
{
    given_instead(*state, &refuse_to_take, 3 * ONES);
}

static void test_owner__who_was_not_taken(void **state)
{
    given_instead(*state, &only_pretend, 3 * ONES - 1);
}

static void test_owner__who_may_not_make_files(void **state)
{
    given_instead(*state, &refuse_to_make, 3 * ONES);
}

static void test_owner__for_whom_there_is_no_room(void **state)
{
    given_instead(*state, &refuse_to_write, ONES);
}

static void test_owner__in_a_folder_that_passes_on_its_group(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    put_owners(f);
    assert_int_equal(mkdir(f->out, 0755), 0);
    assert_int_equal(chown(f->out, 0, 4321), 0);
    assert_int_equal(chmod(f->out, 02755), 0);
    owners_are_right(f, 2);
}

static void test_owner__in_a_folder_that_was_there(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    put_owners(f);
    assert_int_equal(mkdir(f->out, 0755), 0);
    put_folder(f->out, "in", 0700);
    own(f->out, "in", 7, 7);
    owners_are_right(f, 2);
    assert_int_equal(atomic_load(&taken), 0);
}

#define OWNER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWNER_TEST(test_owner__rows_are_made_as_their_owner),
        OWNER_TEST(test_owner__with_several_workers),
        OWNER_TEST(test_owner__who_cannot_be_taken),
        OWNER_TEST(test_owner__who_was_not_taken),
        OWNER_TEST(test_owner__who_may_not_make_files),
        OWNER_TEST(test_owner__for_whom_there_is_no_room),
        OWNER_TEST(test_owner__in_a_folder_that_passes_on_its_group),
        OWNER_TEST(test_owner__in_a_folder_that_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
