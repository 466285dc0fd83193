/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that are kept in the repository: makes the tiny one anew, and tells all that is in
 * one.
 *
 *   golden tiny FILE FOLDER    one folder with one file in it, times, modes and owners fixed (root
 * only) golden tell FILE           entries, attributes, sums, blobs, and what verify finds
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bfc/bfc.h>

#include "base/base.h"
#include "codec/digest.h"
#include "sys/file.h"

static int fail(const bfc_err *err)
{
    fprintf(stderr, "golden: %s\n", err->msg);
    return 1;
}

/* ── tiny ── */

static int put_tree(const char *folder, bfc_err *err)
{
    static const char text[] = "hello, world\n";
    const struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    AUTO_FD int dir = -1, fd = -1;

    if (mkdir(folder, 0755) < 0)
        return bfci_fail(err, BFC_E_IO, "cannot make '%s'", folder);
    BFC_TRY(bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &dir, err));
    BFC_TRY(bfci_open(dir, "hello", O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err));
    BFC_TRY(bfci_write_all(fd, text, sizeof text - 1, err));
    if (fchmod(fd, 0644) < 0 || fchmod(dir, 0755) < 0 || fchown(fd, 1000, 1000) < 0 ||
        fchown(dir, 0, 0) < 0 || futimens(fd, times) < 0 || futimens(dir, times) < 0)
        return bfci_fail(err, BFC_E_DENIED, "cannot set owner, mode and time: this needs root");
    return 0;
}

static int commit(const char *path, const char *folder, bfc_err *err)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;

    o.compression = BFC_COMPRESS_NONE;
    o.reproducible = true;
    o.replace = true;
    int rc = bfc_writer_create(path, &o, &w, err);
    if (rc == 0)
        rc = bfc_writer_add_root(w, folder, err);
    if (rc == 0)
        rc = bfc_writer_commit(w, NULL, err);
    bfc_writer_close(w);
    return rc;
}

static int tiny(const char *path, const char *folder)
{
    bfc_err err = BFC_ERR_INIT;

    if (put_tree(folder, &err) < 0 || commit(path, folder, &err) < 0)
        return fail(&err);
    return 0;
}

/* ── tell ── */

static int tell_xattrs(bfc_reader *r, uint64_t ino, bfc_err *err)
{
    bfc_xattrs *list = NULL;

    BFC_TRY(bfc_reader_xattrs(r, ino, &list, err));
    for (size_t i = 0; list && i < list->count; i++)
        printf("    %s: %zu bytes, crc %08x\n", list->item[i].name, list->item[i].value_len,
               bfci_crc32c(list->item[i].value, list->item[i].value_len));
    bfc_xattrs_free(list);
    return 0;
}

/* The CRC of what reading gives, from the file's start to its end. */
static int tell_content(bfc_reader *r, uint64_t ino, bfc_err *err)
{
    static uint8_t room[1 << 16];
    uint64_t at = 0;
    uint32_t crc = 0;
    size_t got = 0;

    do {
        BFC_TRY(bfc_reader_read(r, ino, at, room, sizeof room, &got, err));
        crc = bfci_crc32c_more(crc, room, got);
        at += got;
    } while (got == sizeof room);
    printf("    content: %" PRIu64 " bytes, crc %08x\n", at, crc);
    return 0;
}

static int tell_entry(bfc_reader *r, const bfc_entry *e, bfc_err *err)
{
    char digest[2 * BFC_DIGEST_SIZE + 1];
    const uint64_t ino = e->ino;
    const bool is_file = e->type == BFC_TYPE_FILE, has_xattrs = e->has_xattrs;

    bfci_hex(e->digest, BFC_DIGEST_SIZE, digest);
    printf("/%s\n    type %d mode %04o owner %u:%u mtime %" PRId64 ".%09u links %" PRIu64
           " size %" PRIu64 " data %" PRIu64 " device %u:%u\n",
           e->path, (int)e->type, e->mode, e->uid, e->gid, e->mtime, e->mtime_ns, e->nlink, e->size,
           e->data_size, e->major, e->minor);
    if (e->link)
        printf("    to %.*s\n", (int)e->link_len, e->link);
    if (is_file)
        printf("    crc %08x digest %s\n", e->crc32c, digest);
    if (has_xattrs)
        BFC_TRY(tell_xattrs(r, ino, err));
    return is_file ? tell_content(r, ino, err) : 0;
}

static int tell_tree(bfc_reader *r, bfc_err *err)
{
    bfc_walk *walk = NULL;
    const bfc_entry *e = NULL;
    int rc;

    BFC_TRY(bfc_walk_open(r, NULL, &walk, err));
    while ((rc = bfc_walk_next(walk, &e, err)) == 0 && e && rc == 0)
        if ((rc = tell_entry(r, e, err)) < 0)
            break;
    bfc_walk_close(walk);
    return rc;
}

static int tell_blobs(bfc_reader *r, bfc_err *err)
{
    static const char *const name[] = {"small", "large", "later"};

    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        AUTO_FREE uint8_t *data = NULL;
        size_t len = 0;
        int rc = bfc_reader_blob(r, name[i], &data, &len, err);
        if (rc == BFC_E_NOT_FOUND)
            continue;
        BFC_TRY(rc);
        printf("blob %s: %zu bytes, crc %08x\n", name[i], len, bfci_crc32c(data, len));
    }
    return 0;
}

static int tell_commit(void *ctx, const bfc_commit_info *c)
{
    char digest[2 * BFC_DIGEST_SIZE + 1];

    (void)ctx;
    bfci_hex(c->root_digest, BFC_DIGEST_SIZE, digest);
    printf("commit %" PRIu64 " at %" PRIu64 " time %" PRId64 ": %" PRIu64 " files, %" PRIu64
           " dirs, %" PRIu64 " symlinks, %" PRIu64 " others, %" PRIu64 " bytes, root %s\n",
           c->seq, c->offset, c->time, c->files, c->dirs, c->symlinks, c->others, c->content_bytes,
           digest);
    return 0;
}

static void tell_problem(void *ctx, const bfc_problem *p)
{
    (void)ctx;
    printf("problem: %s\n", p->what);
}

static int tell_all(const char *path, bfc_err *err)
{
    bfc_reader *r = NULL;
    bfc_verify_options v = BFC_VERIFY_OPTIONS_INIT;
    bfc_verify_report report;

    BFC_TRY(bfc_reader_open(path, NULL, &r, err));
    int rc = tell_tree(r, err);
    if (rc == 0)
        rc = tell_blobs(r, err);
    bfc_reader_close(r);
    BFC_TRY(rc);
    BFC_TRY(bfc_log(path, tell_commit, NULL, err));
    v.deep = true;
    v.problem = tell_problem;
    BFC_TRY(bfc_verify(path, &v, &report, err));
    printf("verified: %" PRIu64 " pages, %" PRIu64 " blocks, %" PRIu64 " entries\n", report.pages,
           report.blocks, report.entries);
    return 0;
}

int main(int argc, char **argv)
{
    bfc_err err = BFC_ERR_INIT;

    if (argc == 4 && strcmp(argv[1], "tiny") == 0)
        return tiny(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "tell") == 0)
        return tell_all(argv[2], &err) < 0 ? fail(&err) : 0;
    fprintf(stderr, "usage: golden tiny FILE FOLDER | golden tell FILE\n");
    return 2;
}
