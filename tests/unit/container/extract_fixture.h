/* SPDX-License-Identifier: Apache-2.0 */
/* A scratch folder with a source tree "src", containers made of it, and a comparison of trees that
 * goes by the kernel's word alone. State: struct fixture. */
#ifndef TESTS_UNIT_CONTAINER_EXTRACT_FIXTURE_H
#define TESTS_UNIT_CONTAINER_EXTRACT_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include <bfc/bfc.h>

#include "sys/dir.h"
#include "sys/file.h"

struct fixture {
    char root[256];
    char src[300], out[300], file[300];
    bfc_reader *reader;
    bfc_err err;
};

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    assert_non_null(f);
    umask(022);
    (void)snprintf(f->root, sizeof f->root, "%s/bfc-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    assert_int_equal(chmod(f->root, 0755), 0);
    (void)snprintf(f->src, sizeof f->src, "%s/src", f->root);
    (void)snprintf(f->out, sizeof f->out, "%s/out", f->root);
    (void)snprintf(f->file, sizeof f->file, "%s/a.bfc", f->root);
    assert_int_equal(mkdir(f->src, 0755), 0);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    bfc_err err = BFC_ERR_INIT;
    bfc_reader_close(f->reader);
    if (bfci_remove_tree(AT_FDCWD, f->root, &err) < 0)
        fail_msg("%s", err.msg);
    free(f);
    return 0;
}

#define FIXTURE_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

struct path {
    char text[600];
};
static inline struct path at(const char *folder, const char *name)
{
    struct path p;
    int len = snprintf(p.text, sizeof p.text, "%s/%s", folder, name);
    assert_in_range(len, 1, sizeof p.text - 1);
    return p;
}
#define AT(folder, name) (at((folder), (name)).text)

static inline void put_folder(const char *folder, const char *name, mode_t mode)
{
    assert_int_equal(mkdir(AT(folder, name), 0700), 0);
    assert_int_equal(chmod(AT(folder, name), mode), 0);
}

/* `len` bytes that depend on the seed. */
static inline void put_bytes(const char *folder, const char *name, size_t len, unsigned seed,
                             mode_t mode)
{
    FILE *out = fopen(AT(folder, name), "wx");
    assert_non_null(out);
    uint32_t v = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        v = v * 1664525u + 1013904223u;
        (void)putc((int)(i % 64 < 32 ? 'a' + (int)(seed % 26) : (int)(v >> 24)), out);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(AT(folder, name), mode), 0);
}

static inline void put_text(const char *folder, const char *name, const char *text)
{
    FILE *out = fopen(AT(folder, name), "wx");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static inline bool has_text(const char *folder, const char *name, const char *text)
{
    char got[256] = "";
    FILE *in = fopen(AT(folder, name), "r");
    if (!in)
        return false;
    size_t n = fread(got, 1, sizeof got - 1, in);
    got[n] = '\0';
    (void)fclose(in);
    return strcmp(got, text) == 0;
}

static inline bool is_there(const char *folder, const char *name)
{
    struct stat st;
    return lstat(AT(folder, name), &st) == 0;
}

static inline void set_mtime(const char *folder, const char *name, int64_t seconds, long ns)
{
    const struct timespec times[2] = {{1, 1}, {seconds, ns}};
    assert_int_equal(utimensat(AT_FDCWD, AT(folder, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static inline void store(struct fixture *f, uint32_t block_size)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    o.block_size = block_size;
    o.jobs = 2;
    int rc = bfc_writer_create(f->file, &o, &w, &f->err);
    if (rc == 0)
        rc = bfc_writer_add_root(w, f->src, &f->err);
    if (rc == 0)
        rc = bfc_writer_commit(w, NULL, &f->err);
    bfc_writer_close(w);
    if (rc < 0)
        fail_msg("%s", f->err.msg);
    if (bfc_reader_open(f->file, NULL, &f->reader, &f->err) < 0)
        fail_msg("%s", f->err.msg);
}

static inline int extract(struct fixture *f, const bfc_extract_options *o,
                          bfc_extract_report *report)
{
    f->err = (bfc_err)BFC_ERR_INIT;
    return bfc_extract(f->reader, f->out, o, report, &f->err);
}

static inline void extract_ok(struct fixture *f, const bfc_extract_options *o,
                              bfc_extract_report *report)
{
    if (extract(f, o, report) < 0)
        fail_msg("%s", f->err.msg);
}

/* ── Comparing ── */

static inline void same_content(const char *a, const char *b)
{
    FILE *fa = fopen(a, "r"), *fb = fopen(b, "r");
    static char ba[65536], bb[65536];
    size_t na, nb;
    assert_non_null(fa);
    assert_non_null(fb);
    do {
        na = fread(ba, 1, sizeof ba, fa);
        nb = fread(bb, 1, sizeof bb, fb);
        if (na != nb || memcmp(ba, bb, na) != 0)
            fail_msg("'%s': other content", b);
    } while (na);
    (void)fclose(fa);
    (void)fclose(fb);
}

/* Every attribute of `a` is one of `b`, with the same value. */
static inline size_t covered_xattrs(const char *a, const char *b)
{
    static char names[65536], va[65536], vb[65536];
    ssize_t len = llistxattr(a, names, sizeof names);
    size_t count = 0;
    assert_true(len >= 0 || errno == ENOTSUP);
    for (const char *name = names; len > 0 && name < names + len;
         name += strlen(name) + 1, count++) {
        ssize_t na = lgetxattr(a, name, va, sizeof va), nb = lgetxattr(b, name, vb, sizeof vb);
        if (na < 0 || na != nb || memcmp(va, vb, (size_t)na) != 0)
            fail_msg("'%s': another attribute '%s'", b, name);
    }
    return count;
}

static inline void same_xattrs(const char *a, const char *b)
{
    if (covered_xattrs(a, b) != covered_xattrs(b, a))
        fail_msg("'%s': other attributes", b);
}

static inline void same_entry(const char *a, const char *b)
{
    struct stat sa, sb;
    if (lstat(a, &sa) < 0 || lstat(b, &sb) < 0)
        fail_msg("'%s' or '%s' is missing", a, b);
    if (sa.st_mode != sb.st_mode)
        fail_msg("'%s': mode %o, not %o", b, sb.st_mode, sa.st_mode);
    if (sa.st_uid != sb.st_uid || sa.st_gid != sb.st_gid)
        fail_msg("'%s': owner %u:%u, not %u:%u", b, sb.st_uid, sb.st_gid, sa.st_uid, sa.st_gid);
    if (sa.st_mtim.tv_sec != sb.st_mtim.tv_sec || sa.st_mtim.tv_nsec != sb.st_mtim.tv_nsec)
        fail_msg("'%s': time %lld.%09ld, not %lld.%09ld", b, (long long)sb.st_mtim.tv_sec,
                 sb.st_mtim.tv_nsec, (long long)sa.st_mtim.tv_sec, sa.st_mtim.tv_nsec);
    if (sa.st_rdev != sb.st_rdev)
        fail_msg("'%s': another device", b);
    if (!S_ISDIR(sa.st_mode)) {
        assert_int_equal(sa.st_size, sb.st_size);
        assert_int_equal(sa.st_nlink, sb.st_nlink);
    }
    if (S_ISREG(sa.st_mode))
        same_content(a, b);
    if (S_ISLNK(sa.st_mode)) {
        char ta[4096] = "", tb[4096] = "";
        assert_true(readlink(a, ta, sizeof ta - 1) == readlink(b, tb, sizeof tb - 1));
        assert_string_equal(ta, tb);
    }
    same_xattrs(a, b);
}

static inline size_t count_names(const char *folder)
{
    DIR *d = opendir(folder);
    size_t count = 0;
    assert_non_null(d);
    while (readdir(d))
        count++;
    (void)closedir(d);
    return count;
}

static inline void same_tree(const char *a, const char *b)
{
    same_entry(a, b);
    DIR *d = opendir(a);
    const struct dirent *e;
    if (!d)
        return; /* no folder: compared already */
    if (count_names(a) != count_names(b))
        fail_msg("'%s': another number of names", b);
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            same_tree(AT(a, e->d_name), AT(b, e->d_name));
    (void)closedir(d);
}

#endif
