/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_recover(): cuts off what follows the last whole commit. The lock is taken before the file is
 * looked at, so that an append that is going on is never taken for one that was cut off. */
#include <fcntl.h>

#include "container/source.h"
#include "sys/file.h"

static int recover_fd(int fd, bool dry_run, bfc_recover_report *report, bfc_err *err)
{
    bfci_source s = BFCI_SOURCE_INIT;

    if (!dry_run)
        BFC_TRY(bfci_lock(fd, true, false, err));
    BFC_TRY(bfci_source_open_fd(fd, &s, err)); /* the descriptor stays with the caller */
    bfc_recover_report r = {.torn_bytes = s.file_size - s.end};
    bfci_commit_info(&s.commit, &r.commit);
    if (!dry_run && r.torn_bytes > 0) {
        BFC_TRY(bfci_ftruncate(fd, s.end, err));
        /* The tail is gone for good before that is told: else it could be back after a power loss,
         * behind a commit that was appended in between. */
        BFC_TRY(bfci_fsync(fd, err));
    }
    if (report)
        *report = r;
    return 0;
}

static int recover_file(const char *path, bool dry_run, bfc_recover_report *report, bfc_err *err)
{
    AUTO_FD int fd = -1;
    int access = dry_run ? O_RDONLY : O_RDWR;

    BFC_TRY(bfci_open(AT_FDCWD, path, access | O_NONBLOCK, 0, &fd, err));
    return recover_fd(fd, dry_run, report, err);
}

int bfc_recover(const char *path, bool dry_run, bfc_recover_report *report, bfc_err *err)
{
    int rc = recover_file(path, dry_run, report, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path)) : 0;
}
