/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a container to add to it, and the first steps of whoever does. */
#include "container/locked.h"

#include <fcntl.h>

#include "base/hooks.h"
#include "codec/digest.h"
#include "sys/file.h"

/* The file that has the name now is the one that is locked? It may have been replaced in between.
 */
static int check_same_file(const char *path, int fd, bfc_err *err)
{
    struct stat by_fd, by_name;

    BFC_TRY(bfci_fstat(fd, &by_fd, err));
    BFC_TRY(bfci_stat_at(AT_FDCWD, path, 0, &by_name, err));
    if (by_fd.st_dev != by_name.st_dev || by_fd.st_ino != by_name.st_ino)
        return bfci_fail(err, BFC_E_BUSY, "it was replaced just now; try again");
    return 0;
}

int bfci_source_open_locked(const char *path, bfci_source *out, bfc_err *err)
{
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK, 0, &fd, err));
    BFC_TRY(bfci_lock(fd, true, false, err));
    BFC_TRY(check_same_file(path, fd, err));
    BFC_TRY(bfci_source_open_fd(fd, out, err));
    (void)bfci_steal_fd(&fd);
    return 0;
}

int bfci_source_check_writable(const bfci_source *s, bfc_err *err)
{
    if (s->super.features_read_only)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "this version can read the container but not add to it (features 0x%llx)",
                         (unsigned long long)s->super.features_read_only);
    return 0;
}

int bfci_source_cut_tail(bfci_source *s, const bfc_hooks *hooks, bfc_err *err)
{
    if (s->file_size <= s->end)
        return 0;
    bfci_log(hooks, BFC_LOG_INFO, "append",
             "cutting off %llu bytes of an append that was not finished",
             (unsigned long long)(s->file_size - s->end));
    return bfci_ftruncate(s->fd, s->end, err);
}

int bfci_source_chain(const bfci_source *s, bfci_commit *c, bfc_err *err)
{
    uint8_t record[COMMIT_SIZE];

    c->seq = s->commit.seq + 1;
    c->previous = s->commit.offset;
    BFC_TRY(bfci_pread_exact(s->fd, record, sizeof record, c->previous, err));
    return bfci_sha256(record, sizeof record, c->previous_digest, err);
}
