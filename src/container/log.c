/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_log(): the commits of a container, from the last back to the first. */
#include <fcntl.h>

#include "container/source.h"
#include "sys/file.h"

static void cleanup_source(bfci_source *s)
{
    bfci_source_release(s);
}

static int walk_back(const bfci_source *s, bfc_log_fn *fn, void *ctx, bfc_err *err)
{
    bfci_commit c = s->commit;

    for (;;) {
        bfc_commit_info info;
        bfci_commit_info(&c, &info);
        if (fn(ctx, &info) != 0 || c.previous == 0)
            return 0;
        BFC_TRY(bfci_source_previous(s, &c, &c, err));
    }
}

static int log_file(const char *path, const bfc_keys *keys, bfc_log_fn *fn, void *ctx, bfc_err *err)
{
    __attribute__((cleanup(cleanup_source))) bfci_source source = BFCI_SOURCE_INIT;
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    BFC_TRY(bfci_source_open_fd(fd, &source, err));
    (void)bfci_steal_fd(&fd);
    if (keys)
        BFC_TRY(bfci_source_unlock(&source, keys, path, err));
    return walk_back(&source, fn, ctx, err);
}

int bfc_log(const char *path, bfc_log_fn *fn, void *ctx, bfc_err *err)
{
    return bfc_log_with(path, NULL, fn, ctx, err);
}

int bfc_log_with(const char *path, const bfc_keys *keys, bfc_log_fn *fn, void *ctx, bfc_err *err)
{
    int rc = log_file(path, keys, fn, ctx, err);
    return rc < 0 ? bfci_source_wrap(err, rc, path) : 0;
}
