/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are made under another name in the same folder, written to the disk, and renamed. What
 * is there and no file (a tape, a pipe with a name) is written to as it is. */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_NAME ".bfc-tmp-XXXXXX"

static int tell(struct cli *cli, const char *what, const char *path)
{
    const int number = errno;
    const enum bfc_code code = number == ENOSPC || number == EDQUOT  ? BFC_E_NOSPC
                               : number == EACCES || number == EPERM ? BFC_E_DENIED
                               : number == ENOENT                    ? BFC_E_NOT_FOUND
                               : number == EEXIST                    ? BFC_E_EXISTS
                                                                     : BFC_E_IO;
    AUTO_TEXT struct text shown = {0};

    text_escaped(&shown, path, strlen(path), ESCAPE_QUOTED);
    if (code == BFC_E_EXISTS)
        return cli_error(cli, code, "'%s' is there already; use -f to replace it", text_of(&shown));
    return cli_error(cli, code, "%s '%s': %s", what, text_of(&shown), strerror(number));
}

/* Beside `path`: only there it can be renamed to it. */
static int open_temp(const char *path, struct output_file *out)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
    mode_t mask = umask(0);

    (void)umask(mask);
    out->temp = mem_alloc(folder + sizeof TEMP_NAME, 1);
    memcpy(out->temp, path, folder);
    memcpy(out->temp + folder, TEMP_NAME, sizeof TEMP_NAME);
    out->fd = mkostemp(out->temp, O_CLOEXEC);
    if (out->fd >= 0 && fchmod(out->fd, 0666 & ~mask) == 0)
        return 0;
    if (out->fd < 0) {
        free(out->temp);
        out->temp = NULL;
    }
    return -1;
}

int output_file_open(struct cli *cli, const char *path, bool replace, struct output_file *out)
{
    struct stat st;
    int rc = 0;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        rc = -1;
    } else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
        rc = out->fd;
    } else if (!replace && lstat(path, &st) == 0) {
        errno = EEXIST;
        rc = -1;
    } else {
        rc = open_temp(path, out);
    }
    return rc < 0 ? tell(cli, "write", path) : EXIT_DONE;
}

/* ZFS has no RENAME_NOREPLACE. A second name is refused where there is one, too. */
static int rename_to_free(const char *from, const char *to)
{
    int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
        return rc;
    return link(from, to) == 0 ? unlink(from) : -1;
}

int output_file_publish(struct cli *cli, const char *path, bool replace, struct output_file *out)
{
    if (!out->temp)
        return EXIT_DONE;
    if (fsync(out->fd) < 0 ||
        (replace ? rename(out->temp, path) : rename_to_free(out->temp, path)) < 0)
        return tell(cli, "write", path);
    free(out->temp);
    out->temp = NULL;
    return EXIT_DONE;
}

void output_file_drop(struct output_file *out)
{
    if (out->temp)
        (void)unlink(out->temp);
    free(out->temp);
    if (out->fd >= 0)
        (void)close(out->fd);
    *out = (struct output_file)OUTPUT_FILE_INIT;
}
