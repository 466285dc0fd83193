/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_container_peek(): what a container tells without a key. */
#include <fcntl.h>

#include "container/source.h"
#include "sys/file.h"

static int peek_fd(int fd, const char *at, bfc_container_info *out, bfc_err *err)
{
    bfci_source s = BFCI_SOURCE_INIT;

    BFC_TRY(bfci_source_open_fd(fd, &s, err)); /* the descriptor stays with the caller */
    if (at)
        BFC_TRY(bfci_source_select(&s, at, err));
    bfci_source_info(&s, out);
    return 0;
}

static int peek_file(const char *path, const char *at, bfc_container_info *out, bfc_err *err)
{
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    return peek_fd(fd, at, out, err);
}

int bfc_container_peek(const char *path, const char *at, bfc_container_info *out, bfc_err *err)
{
    int rc = peek_file(path, at, out, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path)) : 0;
}
