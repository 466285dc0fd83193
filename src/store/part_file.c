/* SPDX-License-Identifier: Apache-2.0 */
/* Part files. A name that was removed between open and lock is seen, and opened again. Locks are on
 * descriptors, so that two fetches of one process keep out of each other's way as well. */
#include "store/part_file.h"

#include <fcntl.h>
#include <stdio.h>

#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

#define AUTO_DIR_LIST __attribute__((cleanup(bfci_dir_list_release)))
#define PREFIX "sha256-"
#define SUFFIX ".part"
#define NAME_TRIES 100

enum {
    NAME_SIZE = sizeof PREFIX - 1 + 2 * BFC_DIGEST_SIZE + sizeof SUFFIX
};

static void name_of(const bfci_digest *digest, char out[NAME_SIZE])
{
    char hex[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(digest->bytes, sizeof digest->bytes, hex);
    (void)snprintf(out, NAME_SIZE, PREFIX "%s" SUFFIX, hex);
}

static bool is_name(const char *name)
{
    bfci_digest digest;
    char hex[BFCI_DIGEST_HEX_SIZE];

    if (strlen(name) != NAME_SIZE - 1 || strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
        strcmp(name + NAME_SIZE - sizeof SUFFIX, SUFFIX) != 0)
        return false;
    memcpy(hex, name + strlen(PREFIX), sizeof hex - 1);
    hex[sizeof hex - 1] = '\0';
    return bfci_unhex(hex, digest.bytes, sizeof digest.bytes);
}

static bool still_named(const struct stat *open_file, const char *path)
{
    struct stat named;

    return bfci_stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &named, NULL) == 0 &&
           open_file->st_dev == named.st_dev && open_file->st_ino == named.st_ino;
}

/* ── One part ── */

void bfci_part_close(bfci_part *part)
{
    bfci_fd_close(&part->fd);
    free(bfci_steal(&part->path));
    *part = (bfci_part)BFCI_PART_INIT;
}

void bfci_part_remove(bfci_part *part)
{
    struct stat st;

    if (part->fd >= 0 && bfci_fstat(part->fd, &st, NULL) == 0 && still_named(&st, part->path))
        (void)bfci_remove_file(part->path, NULL);
    bfci_part_close(part);
}

/* The kernel does not change a lock in one step: whoever waited for it may come between. */
void bfci_part_finish(bfci_part *part)
{
    part->is_whole = true;
    (void)bfci_lock(part->fd, false, false, NULL);
}

static int stat_regular(const bfci_part *part, struct stat *st, bfc_err *err)
{
    BFC_TRY(bfci_fstat(part->fd, st, err));
    if (!S_ISREG(st->st_mode))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is no file: remove it",
                         BFCI_QUOTE_STR(part->path));
    return 0;
}

/* A shared lock is had only where another one has it, who has fetched all of it. */
static int share(bfci_part *part, uint64_t size, bfc_err *err)
{
    struct stat st;

    BFC_TRY(bfci_lock(part->fd, false, false, err));
    BFC_TRY(stat_regular(part, &st, err));
    if ((uint64_t)st.st_size != size)
        return bfci_fail(err, BFC_E_BUSY, "'%s' is read by others, who take it for whole",
                         BFCI_QUOTE_STR(part->path));
    part->have = size;
    part->is_whole = true;
    return 0;
}

/* *again: its name is gone, and there is too little in it to be of use. */
static int take(bfci_part *part, uint64_t size, bool *again, bfc_err *err)
{
    struct stat st;

    int rc = bfci_lock(part->fd, true, false, err);
    if (rc == BFC_E_BUSY)
        return share(part, size, err);
    BFC_TRY(rc);
    BFC_TRY(stat_regular(part, &st, err));
    *again = (uint64_t)st.st_size != size && !still_named(&st, part->path);
    if (*again)
        return 0;
    if ((uint64_t)st.st_size > size)
        BFC_TRY(bfci_ftruncate(part->fd, 0, err));
    part->have = (uint64_t)st.st_size > size ? 0 : (uint64_t)st.st_size;
    if (part->have == size)
        bfci_part_finish(part);
    return 0;
}

int bfci_part_open(const char *folder, const bfci_digest *digest, uint64_t size, bfci_part *part,
                   bfc_err *err)
{
    char name[NAME_SIZE];

    name_of(digest, name);
    if (!part->path)
        BFC_TRY(bfci_asprintf(&part->path, err, "%s/%s", folder, name));
    for (int i = 0; i < NAME_TRIES; i++) {
        bool again = false;
        if (part->fd < 0)
            BFC_TRY(bfci_open(AT_FDCWD, part->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
                              0666, &part->fd, err));
        BFC_TRY(take(part, size, &again, err));
        if (!again)
            return 0;
        bfci_fd_close(&part->fd);
    }
    return bfci_fail(err, BFC_E_BUSY, "'%s' is removed again and again by others",
                     BFCI_QUOTE_STR(part->path));
}

/* ── What nobody holds ── */

static int prune_one(const char *folder, int folder_fd, const char *name, bool dry_run,
                     bfc_prune_fn *fn, void *ctx, bfc_prune_report *report, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_FD int fd = -1;
    struct stat st;

    int rc = bfci_open(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc == 0)
        rc = bfci_lock(fd, true, false, err);
    if (rc == BFC_E_BUSY)
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_fstat(fd, &st, err));
    BFC_TRY(bfci_asprintf(&path, err, "%s/%s", folder, name));
    if (!S_ISREG(st.st_mode) || !still_named(&st, path))
        return 0;
    if (!dry_run)
        BFC_TRY(bfci_remove_file(path, err));
    report->removed++;
    report->bytes += (uint64_t)st.st_size;
    if (fn)
        fn(ctx, path, (uint64_t)st.st_size);
    return 0;
}

int bfci_parts_prune(const char *folder, bool dry_run, bfc_prune_fn *fn, void *ctx,
                     bfc_prune_report *report, bfc_err *err)
{
    AUTO_DIR_LIST bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    int rc = bfci_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_dir_read(fd, &list, err));
    for (size_t i = 0; i < list.count; i++)
        if (is_name(list.item[i].name))
            BFC_TRY(prune_one(folder, fd, list.item[i].name, dry_run, fn, ctx, report, err));
    if (!dry_run) /* a folder that is in use is not empty, or is made again */
        (void)bfci_remove_folder(folder, NULL);
    return 0;
}
