/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are not folders: making them, clearing what is in their way, and further names of one
 * inode. What is in the way is removed and made anew, never written through. */
#include "container/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sys/dir.h"
#include "sys/file.h"

enum {
    TRIES_MAX = 8
};

int bfci_x_clear_way(bfci_extraction *x, bfci_xdir *dir, const char *name, bfc_err *err)
{
    if (!x->replace)
        return bfci_fail(err, BFC_E_EXISTS, "'%s' exists in the target and is not to be replaced",
                         bfci_x_path(dir, name).text);
    int e = bfci_node_remove(dir->fd, name);
    if (e == EISDIR || e == ENOTDIR) /* it was replaced in between: now it is what it is */
        e = bfci_node_remove(dir->fd, name);
    if (e == EISDIR || e == ENOTDIR)
        return bfci_fail(err, BFC_E_IO, "what is in its place changes all the time");
    if (e == ENOTEMPTY)
        return bfci_fail(err, BFC_E_EXISTS, "'%s' is a folder in the target, and not empty",
                         bfci_x_path(dir, name).text);
    return e && e != ENOENT ? bfci_fail_errno(err, e, "remove what is in its place") : 0;
}

/* ── Making one name ── */

typedef struct xmake {
    enum {
        MAKE_FILE,
        MAKE_SYMLINK,
        MAKE_SPECIAL,
        MAKE_LINK
    } kind;
    const char *what;
    unsigned mode;
    const bfci_inode *inode; /* symbolic links, special files */
    int from_fd;             /* links */
    const char *from_name;
    int *fd; /* files */
} xmake;

static int make_once(const xmake *m, int dir_fd, const char *name)
{
    switch (m->kind) {
    case MAKE_FILE:
        return bfci_node_make_file(dir_fd, name, m->mode, m->fd);
    case MAKE_SYMLINK:
        return bfci_node_make_symlink(dir_fd, name, m->inode->link);
    case MAKE_SPECIAL:
        return bfci_node_make_special(dir_fd, name, m->mode, m->inode->major, m->inode->minor);
    case MAKE_LINK:
        return bfci_node_make_link(dir_fd, name, m->from_fd, m->from_name);
    }
    return EINVAL;
}

static int make_name(bfci_extraction *x, bfci_xdir *dir, const char *name, const xmake *m,
                     bfc_err *err)
{
    int e = make_once(m, dir->fd, name);

    for (int tries = 0; e == EEXIST && tries < TRIES_MAX; tries++) {
        BFC_TRY(bfci_x_clear_way(x, dir, name, err));
        e = make_once(m, dir->fd, name);
    }
    return e ? bfci_fail_errno(err, e, "%s", m->what) : 0;
}

int bfci_x_make_file(bfci_extraction *x, bfci_xdir *dir, const char *name, unsigned mode, int *fd,
                     bfc_err *err)
{
    return make_name(x, dir, name,
                     &(xmake){.kind = MAKE_FILE, .what = "make the file", .mode = mode, .fd = fd},
                     err);
}

/* ── Links and special files, with their attributes ── */

static int restore_at(bfci_extraction *x, bfci_xdir *dir, const char *name, const bfci_inode *inode,
                      unsigned mode, bfc_err *err)
{
    bfci_xmeta meta;

    BFC_TRY(bfci_xmeta_load(x, inode, &meta, err));
    bfci_xmade made = bfci_x_made_in(dir, mode);
    int rc = bfci_x_restore(x, &meta, &made, (bfci_place){-1, dir->fd, name}, err);
    bfci_xmeta_release(&meta);
    return rc;
}

int bfci_x_make_symlink(bfci_extraction *x, bfci_xdir *dir, const char *name,
                        const bfci_inode *inode, bfc_err *err)
{
    const xmake m = {.kind = MAKE_SYMLINK, .what = "make the symbolic link", .inode = inode};

    BFC_TRY(make_name(x, dir, name, &m, err));
    return restore_at(x, dir, name, inode, 0, err);
}

static unsigned type_bits(uint8_t type)
{
    switch (type) {
    case BFC_TYPE_CHAR:
        return S_IFCHR;
    case BFC_TYPE_BLOCK:
        return S_IFBLK;
    case BFC_TYPE_FIFO:
        return S_IFIFO;
    default:
        return S_IFSOCK;
    }
}

int bfci_x_make_special(bfci_extraction *x, bfci_xdir *dir, const char *name,
                        const bfci_inode *inode, bool *made, bfc_err *err)
{
    const unsigned mode = inode->mode & 0777;
    const xmake m = {.kind = MAKE_SPECIAL,
                     .what = "make the special file",
                     .mode = type_bits(inode->type) | mode,
                     .inode = inode};
    const bool device = inode->type == BFC_TYPE_CHAR || inode->type == BFC_TYPE_BLOCK;

    int rc = make_name(x, dir, name, &m, err);
    *made = rc == 0;
    if (rc < 0 && device && err->os_errno == EPERM)
        return bfci_x_lose(x, &x->lost_device, BFC_E_DENIED, err);
    BFC_TRY(rc);
    return restore_at(x, dir, name, inode, mode & ~x->umask, err);
}

/* ── Further names of an inode ── */

struct xlink {
    uint64_t left; /* names that may still come: so many has the tree that has most of them */
    bool made;
    size_t dir_len; /* of the folder's path at the start of path */
    char path[];    /* of the first name */
};

static struct xlink *find_link(const bfci_extraction *x, uint64_t ino)
{
    const uint64_t *value = bfci_map_get(&x->links, ino, 0);
    return value ? (struct xlink *)(uintptr_t)*value : NULL;
}

int bfci_x_note_link(bfci_extraction *x, const bfci_step *s, uint64_t nlink, bool made,
                     bfc_err *err)
{
    struct xlink *l = NULL;
    size_t name_at = (size_t)(s->name - s->path);

    BFC_TRY(bfci_alloc_zero(1, sizeof *l + s->path_len + 1, &l, err));
    l->left = nlink - 1;
    l->made = made;
    l->dir_len = name_at ? name_at - 1 : 0;
    memcpy(l->path, s->path, s->path_len + 1);
    int rc = bfci_map_put(&x->links, s->ino, 0, (uint64_t)(uintptr_t)l, err);
    if (rc < 0)
        free(l);
    return rc;
}

/* Opens the folder of the first name beneath the target. Paths may be longer than the kernel takes
 * at once. */
static int open_folder_of(const bfci_extraction *x, const struct xlink *l, int *fd, bfc_err *err)
{
    enum {
        STEP_MAX = 4000
    };
    AUTO_FD int at = -1;
    AUTO_FREE char *path = NULL;
    size_t done = 0;

    BFC_TRY(bfci_memdup_str(l->path, l->dir_len, &path, err));
    do {
        size_t end = l->dir_len;
        if (end - done > STEP_MAX)
            for (end = done + STEP_MAX; path[end] != '/';)
                end--;
        path[end] = '\0';
        int next = -1;
        BFC_TRY(bfci_open_beneath(at < 0 ? x->target->fd : at, path + done, O_PATH | O_DIRECTORY, 0,
                                  &next, err));
        bfci_fd_close(&at);
        at = next;
        done = end + 1;
    } while (done < l->dir_len);
    *fd = bfci_steal_fd(&at);
    return 0;
}

static int link_to(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, const struct xlink *l,
                   bfc_err *err)
{
    const size_t name_at = (size_t)(s->name - s->path);
    const bool same_folder =
        (name_at ? name_at - 1 : 0) == l->dir_len && memcmp(s->path, l->path, l->dir_len) == 0;
    AUTO_FD int fd = -1;

    if (!same_folder)
        BFC_TRY(open_folder_of(x, l, &fd, err));
    xmake m = {.kind = MAKE_LINK,
               .what = "make the hard link",
               .from_fd = same_folder ? dir->fd : fd,
               .from_name = l->path + (l->dir_len ? l->dir_len + 1 : 0)};
    int rc = make_name(x, dir, s->name, &m, err);
    return rc < 0 ? bfci_wrap(err, rc, "another name of '%s'", BFCI_QUOTE_STR(l->path)) : 0;
}

int bfci_x_link(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bool *linked, bfc_err *err)
{
    struct xlink *l = find_link(x, s->ino);

    *linked = l != NULL;
    if (!l)
        return 0;
    if (!l->made)
        return bfci_x_lose(x, &x->lost_device, BFC_E_DENIED, err);
    BFC_TRY(link_to(x, dir, s, l, err));
    x->hardlinks++;
    if (l->left > 0 && --l->left == 0) {
        bfci_map_remove(&x->links, s->ino, 0);
        free(l);
    }
    return 0;
}

void bfci_x_release_links(bfci_extraction *x)
{
    size_t at = 0;
    uint64_t a, b, value;

    while (bfci_map_next(&x->links, &at, &a, &b, &value))
        free((struct xlink *)(uintptr_t)value);
    bfci_map_release(&x->links);
}
