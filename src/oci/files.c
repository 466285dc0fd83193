/* SPDX-License-Identifier: Apache-2.0 */
/* Files by name, in a folder or a tar. Links are resolved here, as text, one at a time: the kernel
 * is asked for names without links only, so a link can lead to no place that its text does not
 * show. */
#include "oci/files.h"

#include <errno.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/path.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/inspect.h"

enum {
    LINK_TARGET_MAX = 4096
};

/* What a name or link leads to: a piece, or, where it is a link, the next name. */
struct step {
    bfci_piece piece;
    char *next;
};

static int open_root(bfci_files *f, bfc_err *err)
{
    struct stat st;

    /* Not to wait for the other end of a FIFO. */
    BFC_TRY(bfci_open(AT_FDCWD, f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &f->fd, err));
    BFC_TRY(bfci_fstat(f->fd, &st, err));
    if (S_ISDIR(st.st_mode))
        return 0;
    if (!S_ISREG(st.st_mode))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is neither a file nor a folder",
                         BFCI_QUOTE_STR(f->path));
    f->is_archive = true;
    int rc = bfci_members_read(f, (uint64_t)st.st_size, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(f->path)) : 0;
}

int bfci_files_open(const char *path, bfci_files **out, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *f = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *f, &f, err));
    f->fd = -1;
    BFC_TRY(bfci_strdup(path, &f->path, err));
    BFC_TRY(open_root(f, err));
    *out = bfci_steal(&f);
    return 0;
}

void bfci_files_close(bfci_files *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->member_count; i++) {
        free(f->member[i].name);
        free(f->member[i].link);
    }
    free(f->member);
    bfci_fd_close(&f->fd);
    free(f->path);
    free(f);
}

/* ── Links ── */

static int fail_leads_out(const char *name, const char *target, bfc_err *err)
{
    return bfci_fail(err, BFC_E_CORRUPT, "the link '%s' leads out, to '%s'", BFCI_QUOTE_STR(name),
                     BFCI_QUOTE_STR(target));
}

static size_t parent_len(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/')
        len--;
    return len > 0 ? len - 1 : 0;
}

int bfci_link_resolve(const char *name, const char *target, char **out, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;
    bfci_parts it = {target};
    const char *part = NULL;
    size_t len = 0;

    if (target[0] == '/')
        return fail_leads_out(name, target, err);
    bfci_buf_put(&text, name, parent_len(name, strlen(name)));
    while (bfci_parts_next(&it, &part, &len)) {
        if (len == 2 && part[0] == '.' && part[1] == '.') {
            if (text.len == 0)
                return text.bad ? bfci_fail_nomem(err) : fail_leads_out(name, target, err);
            text.len = parent_len((const char *)text.data, text.len);
            continue;
        }
        if (text.len)
            buf_u8(&text, '/');
        bfci_buf_put(&text, part, len);
    }
    buf_u8(&text, '\0');
    BFC_TRY(buf_check(&text, err));
    *out = (char *)bfci_steal(&text.data);
    return 0;
}

/* ── One name, without following ── */

static int fail_missing(const bfci_files *f, const char *name, bfc_err *err)
{
    return bfci_fail(err, BFC_E_NOT_FOUND, "there is no file '%s' in '%s'", BFCI_QUOTE_STR(name),
                     BFCI_QUOTE_STR(f->path));
}

/* What stands in the way is damage of what the name came from. */
static int fail_in_the_way(const bfc_err *why, bfc_err *err)
{
    return bfci_fail(err, why->code == BFC_E_EXISTS ? BFC_E_CORRUPT : why->code, "%s", why->msg);
}

/* Where the last part of a name is a link, its target. */
static int read_link(const bfci_files *f, const char *name, char **next, bfc_err *err)
{
    AUTO_FD int parent_fd = -1;
    AUTO_FREE char *parent = NULL;
    char target[LINK_TARGET_MAX];
    bfc_err why = BFC_ERR_INIT;
    size_t len = 0, cut = parent_len(name, strlen(name));

    BFC_TRY(bfci_memdup_str(name, cut, &parent, err));
    if (bfci_open_beneath(f->fd, parent, O_PATH | O_DIRECTORY, 0, &parent_fd, &why) < 0)
        return fail_in_the_way(&why, err);
    BFC_TRY(bfci_readlink_at(parent_fd, name + (cut ? cut + 1 : 0), target, sizeof target - 1, &len,
                             err));
    target[len] = '\0';
    return bfci_link_resolve(name, target, next, err);
}

static int step_folder(const bfci_files *f, const char *name, struct step *out, bfc_err *err)
{
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;
    bfc_err why = BFC_ERR_INIT;
    struct stat st;

    int rc = bfci_open_beneath(f->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &piece.fd, &why);
    if (rc == BFC_E_EXISTS && why.os_errno == ELOOP)
        return read_link(f, name, &out->next, err);
    if (rc == BFC_E_NOT_FOUND)
        return fail_missing(f, name, err);
    if (rc < 0)
        return fail_in_the_way(&why, err);
    piece.owns_fd = true;
    BFC_TRY(bfci_fstat(piece.fd, &st, err));
    if (!S_ISREG(st.st_mode))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' in '%s' is not a regular file",
                         BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(f->path));
    piece.size = (uint64_t)st.st_size;
    out->piece = piece;
    piece = (bfci_piece)BFCI_PIECE_INIT;
    return 0;
}

/* The whole name of a hard link's target stands in the archive; what "./" it has is not said. */
static int step_archive(const bfci_files *f, const char *name, struct step *out, bfc_err *err)
{
    const bfci_member *m = bfci_members_find(f, name);

    if (!m)
        return fail_missing(f, name, err);
    if (m->link && m->is_hard)
        return bfci_link_resolve("", m->link, &out->next, err);
    if (m->link)
        return bfci_link_resolve(name, m->link, &out->next, err);
    if (m->is_sparse)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "'%s' in '%s' is stored as a sparse file: make the archive without that",
                         BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(f->path));
    out->piece = (bfci_piece){.fd = f->fd, .offset = m->offset, .size = m->size};
    return 0;
}

/* ── Names ── */

static int normal_name(const char *name, char **out, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    int rc = bfci_path_normalize(name, out, &why);

    if (rc < 0) /* who named it is a document, not the caller */
        return bfci_fail(err, rc == BFC_E_INVALID ? BFC_E_CORRUPT : why.code, "%s", why.msg);
    return 0;
}

int bfci_files_find(const bfci_files *f, const char *name, bfci_piece *out, bfc_err *err)
{
    AUTO_FREE char *at = NULL;

    BFC_TRY(normal_name(name, &at, err));
    for (int links = 0; links <= FILES_LINKS_MAX; links++) {
        struct step step = {BFCI_PIECE_INIT, NULL};
        BFC_TRY(f->is_archive ? step_archive(f, at, &step, err) : step_folder(f, at, &step, err));
        if (!step.next) {
            *out = step.piece;
            return 0;
        }
        free(at);
        at = step.next;
    }
    return bfci_fail(err, BFC_E_CORRUPT, "'%s' in '%s' leads through more than %d links",
                     BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(f->path), FILES_LINKS_MAX);
}

int bfci_files_read(const bfci_files *f, const char *name, size_t max, uint8_t **bytes, size_t *len,
                    bfc_err *err)
{
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;

    BFC_TRY(bfci_files_find(f, name, &piece, err));
    int rc = bfci_piece_read(&piece, max, bytes, len, err);
    return rc < 0
               ? bfci_wrap(err, rc, "'%s' in '%s'", BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(f->path))
               : 0;
}

bool bfci_files_has(const bfci_files *f, const char *name)
{
    struct stat st;

    if (f->is_archive)
        return bfci_members_find(f, name) != NULL;
    return bfci_stat_at(f->fd, name, AT_SYMLINK_NOFOLLOW, &st, NULL) == 0;
}
