/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_extract(): what comes out, of all and of chosen paths, and how it fails. */
#include "extract_fixture.h"

#include <sys/resource.h>
#include <sys/wait.h>

static const bfc_extract_options defaults = BFC_EXTRACT_OPTIONS_INIT;

/* ── Trees ── */

static void put_oddities(const char *src)
{
    char long_name[256];
    memset(long_name, 'n', 255);
    long_name[255] = '\0';
    put_text(src, long_name, "long name");
    put_text(src, "-dash", "dash");
    put_text(src, "new\nline\x01\xff", "odd name");
    put_bytes(src, "empty", 0, 0, 0644);
    put_bytes(src, "mode0", 10, 1, 0);
    put_bytes(src, "read only", 10, 1, 0444);
    put_bytes(src, "setuid", 10, 2, 04755);
    put_bytes(src, "setgid", 10, 2, 02711);
    put_folder(src, "sticky", 01777);
    put_folder(src, "closed", 0555);
    put_folder(src, "setgid folder", 02750);
    put_text(AT(src, "setgid folder"), "in it", "x");
    assert_int_equal(symlink("no/where", AT(src, "link")), 0);
    assert_int_equal(mkfifo(AT(src, "fifo"), 0622), 0);
    assert_int_equal(mknod(AT(src, "socket"), S_IFSOCK | 0700, 0), 0);
    assert_int_equal(link(AT(src, "setuid"), AT(src, "sticky/other name")), 0);
    assert_int_equal(link(AT(src, "link"), AT(src, "closed/linked link")), 0);
    assert_int_equal(link(AT(src, "fifo"), AT(src, "fifo too")), 0);
    if (geteuid() == 0) {
        assert_int_equal(mknod(AT(src, "device"), S_IFCHR | 0640, makedev(5, 1)), 0);
        assert_int_equal(lchown(AT(src, "device"), 3, 4), 0);
        assert_int_equal(lchown(AT(src, "link"), 77, 88), 0);
        assert_int_equal(lchown(AT(src, "read only"), 4294967294u, 5), 0);
        assert_int_equal(chown(AT(src, "setgid"), 12, 13), 0);
        assert_int_equal(chmod(AT(src, "setgid"), 06711), 0);
    }
    set_mtime(src, "empty", -300000000, 1);
    set_mtime(src, "mode0", 5000000000, 999999999);
    set_mtime(src, "link", 12345, 6789);
    set_mtime(src, "fifo", 1, 2);
    set_mtime(src, "closed", 1000000000, 5);
    set_mtime(src, "sticky", 1000000001, 6);
}

static void put_xattrs(const char *src)
{
    static const uint8_t acl[] = {2,    0,    0,    0,    1,    0,    6,  0,    0xff, 0xff, 0xff,
                                  0xff, 2,    0,    4,    0,    9,    0,  0,    0,    4,    0,
                                  4,    0,    0xff, 0xff, 0xff, 0xff, 16, 0,    4,    0,    0xff,
                                  0xff, 0xff, 0xff, 32,   0,    0,    0,  0xff, 0xff, 0xff, 0xff};
    put_text(src, "with", "attributes");
    put_folder(src, "folder with", 0750);
    put_text(AT(src, "folder with"), "child", "must not inherit");
    if (setxattr(AT(src, "with"), "user.one", "1", 1, 0) < 0)
        return; /* this file system has none */
    assert_int_equal(setxattr(AT(src, "with"), "user.none", "", 0, 0), 0);
    assert_int_equal(setxattr(AT(src, "folder with"), "user.two", "22", 2, 0), 0);
    (void)setxattr(AT(src, "with"), "system.posix_acl_access", acl, sizeof acl, 0);
    (void)setxattr(AT(src, "folder with"), "system.posix_acl_default", acl, sizeof acl, 0);
    assert_int_equal(chmod(AT(src, "with"), 0444), 0);
}

static void put_sizes(const char *src)
{
    put_folder(src, "sizes", 0755);
    const size_t size[] = {1,    2047, 2048,  2049,     4095,          4096,
                           4097, 8192, 20000, 1u << 20, (3u << 20) + 1};
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "sizes/%zu", size[i]);
        put_bytes(src, name, size[i], (unsigned)i, 0640);
    }
}

static void put_hole(const char *src, const char *name, off_t data_at, off_t size)
{
    put_bytes(src, name, 0, 0, 0644);
    int fd = open(AT(src, name), O_WRONLY);
    assert_true(fd >= 0);
    for (off_t at = data_at; data_at >= 0 && at < size; at += 3 << 20)
        assert_int_equal(pwrite(fd, "data", 4, at), 4);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

static void put_holes(const char *src)
{
    put_hole(src, "hole only", -1, 10 << 20);
    put_hole(src, "hole first", 5 << 20, (5 << 20) + 4);
    put_hole(src, "hole last", 0, 2 << 20);
    put_hole(src, "many holes", 1 << 20, 64 << 20);
}

static void put_all(const char *src)
{
    put_oddities(src);
    put_xattrs(src);
    put_sizes(src);
    put_holes(src);
    set_mtime(src, ".", 1234567890, 123456789);
}

static void many_files(const char *src, int folders, int files)
{
    for (int i = 0; i < folders; i++) {
        char folder[32];
        (void)snprintf(folder, sizeof folder, "f%03d", i);
        put_folder(src, folder, 0755);
        for (int j = 0; j < files; j++) {
            char name[48];
            (void)snprintf(name, sizeof name, "%s/%d", folder, j);
            put_bytes(src, name, (size_t)(i * 7 + j * 13) % 900, (unsigned)(i % 5), 0644);
        }
    }
}

/* ── All of a tree ── */

static void test_extract__everything(void **state)
{
    struct fixture *f = *state;
    const unsigned jobs[] = {1, 2, 7};
    put_all(f->src);
    store(f, 4096);
    for (size_t i = 0; i < 3; i++) {
        bfc_extract_options o = defaults;
        bfc_extract_report report;
        bfc_reader_close(f->reader); /* each from cold caches */
        assert_int_equal(bfc_reader_open(f->file, NULL, &f->reader, &f->err), 0);
        o.jobs = jobs[i];
        extract_ok(f, &o, &report);
        same_tree(f->src, f->out);
        assert_int_equal(report.hardlinks, 3);
        assert_int_equal(report.lost_owner + report.lost_mode + report.lost_xattrs, 0);
        bfc_container_info info;
        assert_int_equal(bfc_reader_info(f->reader, &info, NULL), 0);
        assert_int_equal(report.files, info.commit.files);
        assert_int_equal(report.dirs, info.commit.dirs);
        assert_int_equal(report.symlinks, info.commit.symlinks);
        assert_int_equal(report.others, info.commit.others);
        assert_int_equal(report.content_bytes, info.commit.content_bytes);
        assert_int_equal(bfci_remove_tree(AT_FDCWD, f->out, NULL), 0);
    }
}

static void test_extract__largest_blocks(void **state)
{
    struct fixture *f = *state;
    put_sizes(f->src);
    put_holes(f->src);
    store(f, 4194304);
    extract_ok(f, NULL, NULL);
    same_tree(f->src, f->out);
}

static void test_extract__holes_stay_holes(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    put_holes(f->src);
    store(f, 0);
    extract_ok(f, NULL, NULL);
    assert_int_equal(stat(AT(f->out, "many holes"), &st), 0);
    assert_true(st.st_blocks < 8192);
    assert_int_equal(stat(AT(f->out, "hole only"), &st), 0);
    assert_int_equal(st.st_blocks, 0);
}

static void test_extract__many_folders_few_descriptors(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, few;
    many_files(f->src, 400, 2);
    store(f, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = extract(f, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    if (rc < 0)
        fail_msg("%s", f->err.msg);
    same_tree(f->src, f->out);
}

static void test_extract__deeper_than_descriptors(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, few;
    int fd = open(f->src, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mkdirat(fd, "d", 0755), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
        assert_int_equal(close(fd), 0);
        fd = next;
    }
    assert_int_equal(close(fd), 0);
    store(f, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = extract(f, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(rc, BFC_E_IO);
    assert_int_equal(f->err.os_errno, EMFILE);
    assert_non_null(strstr(f->err.msg, "ulimit -n"));
    assert_int_equal(bfci_remove_tree(AT_FDCWD, f->out, NULL), 0);
    extract_ok(f, NULL, NULL);
    same_tree(f->src, f->out);
}

/* ── Chosen paths ── */

static void put_small_tree(const char *src)
{
    put_folder(src, "a", 0711);
    put_folder(src, "a/b", 0750);
    put_text(src, "a/b/one", "one");
    put_text(src, "a/b/two", "two");
    put_text(src, "a/three", "three");
    put_folder(src, "a-b", 0755);
    put_text(src, "a-b/four", "four");
    put_text(src, "five", "five");
    set_mtime(src, "a/b", 1000, 1);
    set_mtime(src, "a", 2000, 2);
    set_mtime(src, ".", 3000, 3);
}

static void test_extract__chosen_paths(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = {"a-b", "/a/b/two", "five", "a-b/four", "a/b/two", NULL};
    bfc_extract_options o = defaults;
    bfc_extract_report report;
    put_small_tree(f->src);
    store(f, 0);
    o.paths = paths;
    extract_ok(f, &o, &report);
    assert_true(has_text(f->out, "a/b/two", "two"));
    assert_true(has_text(f->out, "a-b/four", "four"));
    assert_true(has_text(f->out, "five", "five"));
    assert_false(is_there(f->out, "a/b/one"));
    assert_false(is_there(f->out, "a/three"));
    assert_int_equal(report.files, 3);
    struct stat st;
    assert_int_equal(stat(AT(f->out, "a"), &st),
                     0); /* made on the way, with what is stored for it */
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
    assert_int_equal(stat(AT(f->out, "a/b"), &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_int_equal(stat(f->out, &st), 0);
    assert_int_not_equal(st.st_mtim.tv_sec, 3000); /* the target itself was not asked for */
}

static void test_extract__folder_on_the_way_is_kept(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = {"a/b/one", NULL};
    bfc_extract_options o = defaults;
    struct stat st;
    put_small_tree(f->src);
    store(f, 0);
    assert_int_equal(mkdir(f->out, 0755), 0);
    put_folder(f->out, "a", 0777);
    o.paths = paths;
    extract_ok(f, &o, NULL);
    assert_int_equal(stat(AT(f->out, "a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0777);
    assert_int_equal(stat(AT(f->out, "a/b"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_true(has_text(f->out, "a/b/one", "one"));
}

static void test_extract__missing_path_writes_nothing(void **state)
{
    struct fixture *f = *state;
    const char *const paths[] = {"five", "a/nothing", NULL};
    bfc_extract_options o = defaults;
    put_small_tree(f->src);
    store(f, 0);
    o.paths = paths;
    assert_int_equal(extract(f, &o, NULL), BFC_E_NOT_FOUND);
    assert_non_null(strstr(f->err.msg, "'a/nothing'"));
    assert_int_equal(access(f->out, F_OK), -1);
}

/* ── Failing ── */

static void flip(const char *path, off_t at)
{
    unsigned char c;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x40;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void test_extract__damaged_block(void **state)
{
    struct fixture *f = *state;
    put_bytes(f->src, "the file", 300000, 3, 0644);
    store(f, 4096);
    flip(f->file, 4096 + 32 + 100); /* in the first block */
    assert_int_equal(extract(f, NULL, NULL), BFC_E_CORRUPT);
    assert_non_null(strstr(f->err.msg, "'the file'"));
    assert_true(f->err.offset != BFC_NO_OFFSET);
    assert_false(is_there(f->out, "the file"));
}

static void test_extract__first_damage_is_told(void **state)
{
    struct fixture *f = *state;
    put_text(f->src, "small", "in a block of its own");
    store(f, 4096);
    flip(f->file, 4096 + 32 + 1);
    assert_int_equal(extract(f, NULL, NULL), BFC_E_CORRUPT);
    assert_non_null(strstr(f->err.msg, "extract 'small': "));
    assert_false(is_there(f->out, "small"));
}

struct watch {
    bfc_progress last;
    unsigned calls, warnings;
    int cancel;
    unsigned cancel_at;
};

static void on_progress(void *ctx, const bfc_progress *p)
{
    struct watch *w = ctx;
    assert_true(p->bytes_done >= w->last.bytes_done);
    assert_true(p->files_done >= w->last.files_done);
    w->last = *p;
    if (++w->calls == w->cancel_at)
        __atomic_store_n(&w->cancel, 1, __ATOMIC_RELAXED);
}

static void on_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct watch *w = ctx;
    assert_string_equal(module, "extract");
    assert_non_null(msg);
    w->warnings += level == BFC_LOG_WARNING;
}

static void test_extract__progress_reaches_the_totals(void **state)
{
    struct fixture *f = *state;
    struct watch w = {.calls = 0};
    const bfc_hooks hooks = {.progress = on_progress, .log = on_log, .ctx = &w};
    bfc_extract_options o = defaults;
    many_files(f->src, 10, 30);
    put_holes(f->src);
    store(f, 0);
    o.hooks = &hooks;
    extract_ok(f, &o, NULL);
    assert_true(w.calls > 3);
    assert_int_equal(w.warnings, 0);
    assert_string_equal(w.last.phase, "extract");
    assert_int_equal(w.last.bytes_done, w.last.bytes_total);
    assert_int_equal(w.last.files_done, w.last.files_total);
    assert_int_equal(w.last.files_total, 10 * 30 + 10 + 4 + 1);
}

static void test_extract__cancelled(void **state)
{
    struct fixture *f = *state;
    struct watch w = {.cancel_at = 2};
    const bfc_hooks hooks = {.progress = on_progress, .ctx = &w, .cancel = &w.cancel};
    bfc_extract_options o = defaults;
    many_files(f->src, 20, 30);
    store(f, 0);
    o.hooks = &hooks;
    assert_int_equal(extract(f, &o, NULL), BFC_E_CANCELLED);
    assert_false(is_there(f->out, "f019"));
}

static void test_extract__bad_arguments(void **state)
{
    struct fixture *f = *state;
    bfc_extract_options o = {0};
    put_text(f->src, "x", "x");
    store(f, 0);
    assert_int_equal(extract(f, &o, NULL), BFC_E_INVALID);
    assert_int_equal(bfc_extract(f->reader, "", NULL, NULL, NULL), BFC_E_INVALID);
    put_text(f->root, "no folder", "x");
    assert_int_equal(bfc_extract(f->reader, AT(f->root, "no folder"), NULL, NULL, &f->err),
                     f->err.code);
    assert_int_equal(f->err.os_errno, ENOTDIR);
}

/* ── As somebody who may not do everything ── */

static int as_user(struct fixture *f, bool strict)
{
    struct watch w = {.calls = 0};
    const bfc_hooks hooks = {.log = on_log, .ctx = &w};
    bfc_extract_options o = defaults;
    bfc_extract_report report;
    struct stat st;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    o.hooks = &hooks;
    o.strict = strict;
    int rc = extract(f, &o, &report);
    if (strict)
        return rc == BFC_E_DENIED ? 0 : 2;
    if (rc < 0)
        return 3;
    if (report.lost_owner < 3 || report.lost_mode != 1 || report.lost_device != 1 ||
        w.warnings != 3)
        return 4;
    if (stat(AT(f->out, "setuid"), &st) < 0 || (st.st_mode & 07777) != 0755)
        return 5;
    if (stat(AT(f->out, "read only"), &st) < 0 || (st.st_mode & 07777) != 0444)
        return 6;
    if (!has_text(f->out, "closed/file", "x"))
        return 7;
    char value[4];
    if (is_there(f->root, "has-xattrs") &&
        getxattr(AT(f->out, "read only"), "user.kept", value, sizeof value) != 1)
        return 8;
    return 0;
}

static void check_user(struct fixture *f, bool strict)
{
    int status = 0;
    put_bytes(f->src, "setuid", 10, 1, 04755);
    put_bytes(f->src, "read only", 10, 1, 0644);
    if (setxattr(AT(f->src, "read only"), "user.kept", "1", 1, 0) == 0)
        put_text(f->root, "has-xattrs", "");
    assert_int_equal(chmod(AT(f->src, "read only"), 0444), 0);
    put_folder(f->src, "closed", 0555);
    put_text(f->src, "closed/file", "x");
    assert_int_equal(mknod(AT(f->src, "device"), S_IFCHR | 0600, makedev(1, 3)), 0);
    store(f, 0);
    assert_int_equal(chmod(f->root, 0777), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(as_user(f, strict));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_extract__as_a_user(void **state)
{
    if (geteuid() != 0)
        skip();
    check_user(*state, false);
}

static void test_extract__as_a_user_strictly(void **state)
{
    if (geteuid() != 0)
        skip();
    check_user(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_extract__everything),
        FIXTURE_TEST(test_extract__largest_blocks),
        FIXTURE_TEST(test_extract__holes_stay_holes),
        FIXTURE_TEST(test_extract__many_folders_few_descriptors),
        FIXTURE_TEST(test_extract__deeper_than_descriptors),
        FIXTURE_TEST(test_extract__chosen_paths),
        FIXTURE_TEST(test_extract__folder_on_the_way_is_kept),
        FIXTURE_TEST(test_extract__missing_path_writes_nothing),
        FIXTURE_TEST(test_extract__damaged_block),
        FIXTURE_TEST(test_extract__first_damage_is_told),
        FIXTURE_TEST(test_extract__progress_reaches_the_totals),
        FIXTURE_TEST(test_extract__cancelled),
        FIXTURE_TEST(test_extract__bad_arguments),
        FIXTURE_TEST(test_extract__as_a_user),
        FIXTURE_TEST(test_extract__as_a_user_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
