/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: lines as the kernel writes them and lines that nobody should; and real processes that
 * hold a real file system, in a mount namespace of the test's own. That needs root: else those are
 * skipped. */
#include "scratch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "sys/mounts.h"

#define SOURCE "bfc-test/some data"

/* ── Lines ── */

typedef struct lines {
    size_t count, most;
    char text[2048];
} lines;

static int add_line(void *ctx, const bfci_mount *m, bfc_err *err)
{
    lines *l = ctx;
    size_t len = strlen(l->text);
    (void)err;
    (void)snprintf(l->text + len, sizeof l->text - len, "%llx|%s|%s|%s|%s\n",
                   (unsigned long long)m->device, m->root, m->point, m->type, m->source);
    return ++l->count == l->most ? 7 : 0;
}

static void expect_lines(const struct scratch *s, const char *table, const char *want)
{
    lines l = {0};
    scratch_file(s, "table", table);
    assert_int_equal(bfci_mounts_each_in(s->fd, "table", add_line, &l, NULL), 0);
    assert_string_equal(l.text, want);
    assert_int_equal(unlinkat(s->fd, "table", 0), 0);
}

static void test_mounts__fields(void **state)
{
    struct scratch *s = *state;
    expect_lines(s, "", "");
    expect_lines(s,
                 "36 35 98:1 / /tank/a rw,noatime - zfs tank/a rw,xattr\n"
                 "37 35 0:4095 /sub /mnt rw shared:1 - fuse.zfs tank/b rw\n"
                 "38 35 0:4 / / rw shared:1 master:2 propagate_from:3 unbindable - tmpfs  rw\n"
                 "39 35 0:4 / /last rw - proc none rw",
                 "6200000001|/|/tank/a|zfs|tank/a\n"
                 "fff|/sub|/mnt|fuse.zfs|tank/b\n"
                 "4|/|/|tmpfs|\n"
                 "4|/|/last|proc|none\n");
}

static void test_mounts__escapes(void **state)
{
    struct scratch *s = *state;
    expect_lines(s,
                 "1 1 0:1 /a\\040b /c\\011d\\012e\\134f\\043 rw - zfs tank/g\\040\\134040h rw\n"
                 "1 1 0:1 / /\\04 rw - t\\0400 \\ rw\n"
                 "1 1 0:1 / /\\000\\400\\777\\08a\\303\\274\\ rw - t s rw\n",
                 "1|/a b|/c\td\ne\\f#|zfs|tank/g \\040h\n"
                 "1|/|/\\04|t 0|\\\n"
                 "1|/|/\\000\\400\\777\\08a\xc3\xbc\\|t|s\n");
}

static void test_mounts__malformed_lines_are_passed_by(void **state)
{
    struct scratch *s = *state;
    expect_lines(s,
                 "\n \n-\n- - -\n          \n"
                 "1 1 0:1 / /a rw\n"
                 "1 1 0:1 / /a rw shared:1 zfs tank rw\n"
                 "1 1 0:1 / /a - zfs tank rw\n"
                 "1 1 0:1 / /a rw -\n"
                 "1 1 0:1 / /a rw - zfs\n"
                 "1 1 0:1 / /a rw - zfs tank\n"
                 "1 1 01 / /a rw - zfs tank rw\n"
                 "1 1 0: / /a rw - zfs tank rw\n"
                 "1 1 :1 / /a rw - zfs tank rw\n"
                 "1 1 0:1x / /a rw - zfs tank rw\n"
                 "1 1 0:+1 / /a rw - zfs tank rw\n"
                 "1 1 -1:1 / /a rw - zfs tank rw\n"
                 "1 1 4294967296:1 / /a rw - zfs tank rw\n"
                 "1 1 0:99999999999999999999 / /a rw - zfs tank rw\n"
                 "1 1 4294967295:0 / /good rw - zfs tank rw\n",
                 "ffffffff00000000|/|/good|zfs|tank\n");
}

static void test_mounts__the_caller_ends_it(void **state)
{
    struct scratch *s = *state;
    lines l = {.most = 2};
    bfc_err err = BFC_ERR_INIT;
    scratch_file(s, "table",
                 "1 1 0:1 / /a rw - t s rw\n1 1 0:1 / /b rw - t s rw\n1 1 0:1 / /c rw - t s rw\n");
    assert_int_equal(bfci_mounts_each_in(s->fd, "table", add_line, &l, NULL), 7);
    assert_int_equal(l.count, 2);
    assert_int_equal(bfci_mounts_each_in(s->fd, "none", add_line, &l, &err), BFC_E_NOT_FOUND);
}

static void test_mounts__devices(void **state)
{
    (void)state;
    uint64_t device = 5;
    assert_true(bfci_device_parse("fd:0a", 16, &device));
    assert_int_equal(device, (uint64_t)0xfd << 32 | 0x0a);
    assert_false(bfci_device_parse("fd:0a", 10, &device));
    assert_false(bfci_device_parse("0x1:1", 16, &device));
    assert_false(bfci_device_parse("fd:g", 16, &device));
    assert_int_equal(device, (uint64_t)0xfd << 32 | 0x0a);
}

static int find_proc(void *ctx, const bfci_mount *m, bfc_err *err)
{
    (void)err;
    if (strcmp(m->point, "/proc") == 0 && strcmp(m->type, "proc") == 0)
        *(uint64_t *)ctx = m->device;
    return 0;
}

static void test_mounts__the_real_ones(void **state)
{
    (void)state;
    struct stat st;
    uint64_t device = 0;
    assert_int_equal(bfci_mounts_each(find_proc, &device, NULL), 0);
    assert_int_equal(bfci_stat_at(AT_FDCWD, "/proc", 0, &st, NULL), 0);
    assert_int_equal(device, (uint64_t)gnu_dev_major(st.st_dev) << 32 | gnu_dev_minor(st.st_dev));
}

/* ── Holders ── */

static bool may_mount; /* in a namespace of the test's own */

static int enter_namespace(void **state)
{
    (void)state;
    may_mount = unshare(CLONE_NEWNS) == 0 && mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!may_mount)
        print_message("no mount namespace (%s): tests of holders are skipped\n", strerror(errno));
    return 0;
}

/* A file system with a file, and with a program that sleeps. */
static int mount_setup(void **state)
{
    scratch_setup(state);
    struct scratch *s = *state;
    if (!may_mount)
        return 0;
    if (mount(SOURCE, s->path, "tmpfs", 0, "size=4m") < 0)
        return -1;
    close(s->fd);
    s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch_file(s, "file", "some words\n");
    scratch_dir(s, "folder");
    return 0;
}

static int mount_teardown(void **state)
{
    struct scratch *s = *state;
    if (may_mount)
        (void)umount2(s->path, MNT_DETACH);
    return scratch_teardown(state);
}

#define MOUNT_TEST(fn) cmocka_unit_test_setup_teardown(fn, mount_setup, mount_teardown)

#define NEED_MOUNTS()                                                                              \
    do {                                                                                           \
        if (!may_mount)                                                                            \
            skip();                                                                                \
    } while (0)

typedef bool hold_fn(const struct scratch *s);

/* A process that has done what it is to do, and then sleeps. */
static pid_t start_holder(const struct scratch *s, hold_fn *hold)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(s->fd);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && hold(s) && write(ready[1], "1", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(ready[1]);
    ssize_t got = read(ready[0], &byte, 1); /* 0: it went on to another program */
    close(ready[0]);
    assert_true(got >= 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    return pid;
}

static void end_holder(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

typedef struct found {
    size_t count, most;
    struct {
        pid_t pid;
        char command[64], how[64], where[600];
    } holder[8];
} found;

static int add_holder(void *ctx, const bfci_holder *h, bfc_err *err)
{
    found *f = ctx;
    (void)err;
    assert_true(f->count < ARRAY_LEN(f->holder));
    f->holder[f->count].pid = (pid_t)h->pid;
    (void)snprintf(f->holder[f->count].command, 64, "%s", h->command);
    (void)snprintf(f->holder[f->count].how, 64, "%s", h->how);
    (void)snprintf(f->holder[f->count].where, 600, "%s", h->where);
    return ++f->count == f->most ? 7 : 0;
}

static void look(const char *source, found *f)
{
    size_t hidden = 0; /* root does not see all, either, in a container */
    bfc_err err = BFC_ERR_INIT;
    *f = (found){0};
    if (bfci_holders_each(source, add_holder, f, &hidden, &err) < 0)
        fail_msg("%s", err.msg);
}

static void expect_holder(const struct scratch *s, hold_fn *hold, const char *how, const char *name)
{
    found f;
    char where[512];
    pid_t pid = start_holder(s, hold);
    look(SOURCE, &f);
    end_holder(pid);
    if (*name)
        scratch_path(s, name, where);
    else
        (void)snprintf(where, sizeof where, "%s", s->path);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.holder[0].pid, pid);
    assert_string_equal(f.holder[0].how, how);
    assert_string_equal(f.holder[0].where, where);
    look(SOURCE, &f);
    assert_int_equal(f.count, 0);
}

static int open_path(const struct scratch *s, const char *name, int flags)
{
    char path[512];
    scratch_path(s, name, path);
    return open(path, flags, 0600);
}

static bool hold_file(const struct scratch *s)
{
    return open_path(s, "file", O_RDONLY) >= 0;
}

static bool hold_folder(const struct scratch *s)
{
    return open_path(s, "folder", O_PATH) >= 0;
}

static bool hold_deleted_file(const struct scratch *s)
{
    char path[512];
    scratch_path(s, "gone", path);
    return open_path(s, "gone", O_RDWR | O_CREAT | O_EXCL) >= 0 && unlink(path) == 0;
}

static bool work_in_folder(const struct scratch *s)
{
    char path[512];
    scratch_path(s, "folder", path);
    return chdir(path) == 0;
}

static bool have_root(const struct scratch *s)
{
    return chroot(s->path) == 0;
}

static bool map_file(const struct scratch *s)
{
    int fd = open_path(s, "file", O_RDONLY);
    return fd >= 0 && mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED && close(fd) == 0;
}

static bool do_all(const struct scratch *s)
{
    return work_in_folder(s) && map_file(s) && hold_file(s) && hold_folder(s);
}

static void test_holders__each_way(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    expect_holder(s, hold_file, "keeps open", "file");
    expect_holder(s, hold_folder, "keeps open", "folder");
    expect_holder(s, hold_deleted_file, "keeps open", "gone (deleted)");
    expect_holder(s, work_in_folder, "works in", "folder");
    expect_holder(s, have_root, "has its root in", "");
    expect_holder(s, map_file, "maps", "file");
}

static bool run_sleep(const struct scratch *s)
{
    char path[512];
    scratch_path(s, "a )\n(", path);
    execl(path, path, "60", (char *)NULL);
    return false;
}

static void test_holders__a_program(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    AUTO_FREE uint8_t *program = NULL;
    size_t len = 0;
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_read_file(AT_FDCWD, "/bin/sleep", 1 << 21, &program, &len, NULL), 0);
    assert_int_equal(bfci_open(s->fd, "a )\n(", O_WRONLY | O_CREAT, 0755, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, program, len, NULL), 0);
    bfci_fd_close(&fd);
    expect_holder(s, run_sleep, "runs", "a )\n(");

    pid_t pid = start_holder(s, run_sleep);
    found f;
    look(SOURCE, &f);
    end_holder(pid);
    assert_string_equal(f.holder[0].command, "a )\n(");
}

static void test_holders__each_process_once(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    found f;
    pid_t all = start_holder(s, do_all), file = start_holder(s, hold_file);
    look(SOURCE, &f);
    assert_int_equal(f.count, 2);
    assert_string_equal(f.holder[0].how, "keeps open");
    assert_string_equal(f.holder[1].how, "keeps open");
    assert_true((f.holder[0].pid == all && f.holder[1].pid == file) ||
                (f.holder[0].pid == file && f.holder[1].pid == all));
    assert_string_not_equal(f.holder[0].command, "");
    look("bfc-test/some", &f);
    assert_int_equal(f.count, 0);

    size_t hidden = 99;
    f = (found){.most = 1};
    assert_int_equal(bfci_holders_each(SOURCE, add_holder, &f, &hidden, NULL), 7);
    assert_int_equal(f.count, 1);
    end_holder(all);
    end_holder(file);
}

static bool have_namespace(const struct scratch *s)
{
    (void)s;
    return unshare(CLONE_NEWNS) == 0;
}

static bool have_namespace_with_child(const struct scratch *s)
{
    return have_namespace(s) && (fork() > 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
}

static bool hold_file_in_namespace(const struct scratch *s)
{
    return have_namespace(s) && hold_file(s);
}

static void test_holders__other_namespaces(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    found f;
    expect_holder(s, have_namespace, "keeps in another mount namespace", "");
    /* One of a namespace is enough. */
    pid_t two = start_holder(s, have_namespace_with_child);
    look(SOURCE, &f);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.holder[0].how, "keeps in another mount namespace");
    end_holder(two);
    for (int i = 0; i < 500 && f.count > 0; i++) { /* until the second has ended, too */
        usleep(10000);
        look(SOURCE, &f);
    }
    assert_int_equal(f.count, 0);
}

static void test_holders__not_mounted_here_any_more(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    found f;
    pid_t only = start_holder(s, have_namespace), uses = start_holder(s, hold_file_in_namespace);
    bfci_fd_close(&s->fd);
    assert_int_equal(umount(s->path), 0);
    look(SOURCE, &f);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.holder[0].pid, uses); /* users first, then those that have it mounted */
    assert_string_equal(f.holder[0].how, "keeps open");
    assert_int_equal(f.holder[1].pid, only);
    assert_string_equal(f.holder[1].how, "keeps in another mount namespace");
    assert_string_equal(f.holder[1].where, s->path);
    end_holder(only);
    end_holder(uses);
    s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A FUSE file system whose server never answers: asking it would hang. */
static void test_holders__a_server_that_hangs(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    char options[100], path[512];
    AUTO_FD int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fuse < 0) {
        print_message("/dev/fuse: %s\n", strerror(errno));
        skip();
    }
    scratch_path(s, "folder", path);
    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    assert_int_equal(mount("bfc-test/hangs", path, "fuse.test", MS_NOSUID | MS_NODEV, options), 0);
    found f;
    pid_t pid = start_holder(s, hold_folder);
    alarm(30); /* ends the test where it would wait for ever */
    look("bfc-test/hangs", &f);
    alarm(0);
    end_holder(pid);
    assert_int_equal(umount2(path, MNT_DETACH), 0);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.holder[0].pid, pid);
    assert_string_equal(f.holder[0].where, path);
}

/* For somebody else: 0 if what is held is not seen, but said to be hidden. */
static int look_as_nobody(size_t hidden_from_root)
{
    found f = {0};
    size_t hidden = 0;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 2;
    if (bfci_holders_each(SOURCE, add_holder, &f, &hidden, NULL) < 0 || f.count > 0)
        return 3;
    return hidden > hidden_from_root ? 0 : 1;
}

static void test_holders__what_may_not_be_seen(void **state)
{
    struct scratch *s = *state;
    NEED_MOUNTS();
    found f = {0};
    size_t hidden = SIZE_MAX;
    int status = -1;
    pid_t holder = start_holder(s, hold_file);
    assert_int_equal(bfci_holders_each(SOURCE, add_holder, &f, &hidden, NULL), 0);
    assert_int_equal(f.count, 1);
    pid_t nobody = fork();
    if (nobody == 0)
        _exit(look_as_nobody(hidden));
    assert_int_equal(waitpid(nobody, &status, 0), nobody);
    end_holder(holder);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_mounts__fields),
        SCRATCH_TEST(test_mounts__escapes),
        SCRATCH_TEST(test_mounts__malformed_lines_are_passed_by),
        SCRATCH_TEST(test_mounts__the_caller_ends_it),
        cmocka_unit_test(test_mounts__devices),
        cmocka_unit_test(test_mounts__the_real_ones),
        MOUNT_TEST(test_holders__each_way),
        MOUNT_TEST(test_holders__a_program),
        MOUNT_TEST(test_holders__each_process_once),
        MOUNT_TEST(test_holders__other_namespaces),
        MOUNT_TEST(test_holders__not_mounted_here_any_more),
        MOUNT_TEST(test_holders__a_server_that_hangs),
        MOUNT_TEST(test_holders__what_may_not_be_seen),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
