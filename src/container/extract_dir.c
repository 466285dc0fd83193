/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of an extraction. A new folder is closed to others, by its own mode 0700 or by that of
 * one above it, until it is complete. What is there already is merged, unless it is no real folder.
 * The descriptor stays open as long as something is made beneath; then the folder gets its
 * attributes, the time last. */
#include "container/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sys/dir.h"
#include "sys/file.h"

enum {
    TRIES_MAX = 8
}; /* against somebody who makes what we have just removed */

void bfci_xdir_ref(bfci_xdir *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
}

static void complete(bfci_extraction *x, bfci_xdir *d)
{
    bfc_err err = BFC_ERR_INIT;

    if (d->restore && !bfci_x_stopped(x)) {
        int rc = bfci_x_restore(x, &d->meta, &d->made, (bfci_place){.fd = d->fd}, &err);
        if (rc < 0) {
            (void)bfci_x_wrap(d, NULL, &err, rc);
            bfci_x_fail(x, d->seq, &err);
        }
    }
    if (d->fd >= 0) {
        bfci_fd_close(&d->fd);
        atomic_fetch_sub(&x->open_fds, 1);
    }
    bfci_xmeta_release(&d->meta);
}

void bfci_xdir_unref(bfci_extraction *x, bfci_xdir *d)
{
    while (d && atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1) {
        bfci_xdir *parent = d->parent;
        complete(x, d);
        free(d);
        d = parent;
    }
}

static int dir_new(bfci_extraction *x, bfci_xdir *parent, const char *name, bfci_xdir **out,
                   bfc_err *err)
{
    bfci_xdir *d = NULL;
    size_t len = strlen(name);

    BFC_TRY(bfci_alloc_zero(1, sizeof *d + len + 1, &d, err));
    memcpy(d->name, name, len + 1);
    d->fd = -1;
    d->seq = x->seq;
    atomic_init(&d->refs, 1);
    d->parent = parent;
    if (parent)
        bfci_xdir_ref(parent);
    *out = d;
    return 0;
}

/* ── What a folder does to what is made in it ── */

/* Somebody else made it: who owns what is made in it depends on the file system, so nothing is
 * assumed, and it may pass on an ACL. */
static int adopt(bfci_extraction *x, bfci_xdir *d, bfc_err *err)
{
    struct stat st;

    if (d->parent) /* it may be on another file system */
        atomic_store(&x->as_owners, false);
    BFC_TRY(bfci_fstat(d->fd, &st, err));
    d->default_acl = bfci_node_has_default_acl(d->fd);
    d->made = (bfci_xmade){.owner_known = false, .strip_acl = true, .mode = XMODE_UNKNOWN};
    unsigned needed = st.st_mode & 07777 & ~0700u;
    if (d->restore && !x->privileged && (st.st_mode & 0700) != 0700)
        (void)bfci_node_chmod_fd(d->fd, needed | 0700); /* if it may not be, making entries tells */
    return 0;
}

/* It is ours. What is made in a folder gets the owner that the folder itself got: also with setgid,
 * with group-by-folder mounts, and where a server maps users. So only the first on a way down is
 * asked. */
static int inspect_new(bfci_extraction *x, bfci_xdir *d, unsigned mode, bfc_err *err)
{
    const bfci_xdir *parent = d->parent;
    struct stat st;

    if (parent && parent->default_acl) {
        int e = bfci_node_strip_acl((bfci_place){.fd = d->fd});
        if (e)
            return bfci_fail_errno(err, e, "remove the access control list it inherited");
    }
    if (parent && parent->made.owner_known && !parent->default_acl) {
        d->made = parent->made;
        d->made.mode = (mode & ~x->umask) | (parent->made.mode & S_ISGID);
        return 0;
    }
    BFC_TRY(bfci_fstat(d->fd, &st, err));
    d->made = (bfci_xmade){
        .uid = st.st_uid, .gid = st.st_gid, .owner_known = true, .mode = st.st_mode & 07777};
    return 0;
}

/* ── Making ── */

/* Where nobody else can get at it, a folder has its final mode from the start. */
static unsigned first_mode(const bfci_xdir *parent, const bfci_xmeta *m)
{
    bool final = parent->hidden && (m->mode & 07700) == 0700;
    return final ? m->mode : 0700;
}

/* *made tells a new folder from one that was there. */
static int make_or_open(bfci_extraction *x, bfci_xdir *parent, const char *name, unsigned mode,
                        bool *made, int *fd, bfc_err *err)
{
    for (int tries = 0;; tries++) {
        int e = bfci_node_make_dir(parent->fd, name, mode);
        if (e && e != EEXIST)
            return bfci_fail_errno(err, e, "make the folder");
        *made = e == 0;
        e = bfci_node_open_dir(parent->fd, name, fd);
        if (e == 0)
            return 0;
        if (e != ENOTDIR && e != ELOOP)
            return bfci_fail_errno(err, e, "open the folder");
        if (tries == TRIES_MAX)
            return bfci_fail(err, BFC_E_BUSY, "something else is made there again and again");
        BFC_TRY(bfci_x_clear_way(x, parent, name, err));
    }
}

static int open_dir(bfci_extraction *x, bfci_xdir *d, bool keep, bfc_err *err)
{
    const unsigned mode = first_mode(d->parent, &d->meta);
    bool made = false;

    BFC_TRY(make_or_open(x, d->parent, d->name, mode, &made, &d->fd, err));
    atomic_fetch_add(&x->open_fds, 1);
    d->restore = made || !keep;
    d->hidden = d->parent->hidden || (made && mode == 0700);
    return made ? inspect_new(x, d, mode, err) : adopt(x, d, err);
}

int bfci_xdir_make(bfci_extraction *x, bfci_xdir *parent, const char *name, const bfci_inode *inode,
                   bool keep, bfci_xdir **out, bfc_err *err)
{
    bfci_xdir *d = NULL;
    const bool made_up = (inode->flags & INODE_SYNTHETIC) != 0; /* it knows no better ones */

    BFC_TRY(dir_new(x, parent, name, &d, err));
    int rc = bfci_xmeta_load(x, inode, &d->meta, err);
    if (rc == 0)
        rc = open_dir(x, d, keep || made_up, err);
    if (rc < 0) {
        d->restore = false;
        bfci_xdir_unref(x, d);
        return bfci_x_wrap(parent, name, err, rc);
    }
    *out = d;
    return 0;
}

/* ── The target ── */

static int make_target(const char *path, unsigned mode, bool *made, bfc_err *err)
{
    int e = bfci_node_make_dir(AT_FDCWD, path, mode);

    *made = e == 0;
    if (e == ENOENT) {
        BFC_TRY(bfci_make_dirs(path, 0777, err));
        *made = true;
    } else if (e && e != EEXIST) {
        return bfci_fail_errno(err, e, "make the folder '%s'", BFCI_QUOTE_STR(path));
    }
    return 0;
}

static int open_target(bfci_extraction *x, bfci_xdir *d, const char *path, const bfci_inode *root,
                       bool whole, bfc_err *err)
{
    bool made = false;

    d->restore = whole && !(root->flags & INODE_SYNTHETIC);
    BFC_TRY(bfci_xmeta_load(x, root, &d->meta, err));
    BFC_TRY(make_target(path, d->restore ? 0700 : 0777, &made, err));
    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &d->fd, err));
    atomic_fetch_add(&x->open_fds, 1);
    if (!made)
        return adopt(x, d, err);
    d->default_acl = bfci_node_has_default_acl(d->fd);
    if (d->restore && bfci_node_chmod_fd(d->fd, 0700) == 0)
        d->hidden = true;
    BFC_TRY(inspect_new(x, d, 0700, err));
    d->made.strip_acl = d->default_acl;
    return 0;
}

int bfci_xdir_open_target(bfci_extraction *x, const char *path, bool whole, bfc_err *err)
{
    bfci_xdir *d = NULL;
    bfci_inode *root = NULL;

    BFC_TRY(bfci_alloc(1, sizeof *root, &root, err));
    int rc = bfci_load_inode(&x->reader->inodes, x->reader->root, root, err);
    if (rc == 0)
        rc = dir_new(x, NULL, "", &d, err);
    if (rc == 0)
        rc = open_target(x, d, path, root, whole, err);
    free(root);
    if (rc < 0) {
        if (d) {
            d->restore = false;
            bfci_xdir_unref(x, d);
        }
        return rc;
    }
    x->target = d;
    return 0;
}
