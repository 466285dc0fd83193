/* SPDX-License-Identifier: Apache-2.0 */
/* One regular file under way: made, written by one or more jobs, completed by whoever is last. A
 * file that did not get all its content is removed again. */
#include "container/extract.h"

#include "sys/file.h"
#include "sys/meter.h"

int bfci_xfile_new(bfci_extraction *x, bfci_xdir *dir, const char *name, const bfci_inode *inode,
                   bfci_xfile **out, bfc_err *err)
{
    bfci_xfile *f = NULL;
    size_t len = strlen(name);

    BFC_TRY(bfci_alloc_zero(1, sizeof *f + len + 1, &f, err));
    int rc = bfci_xmeta_load(x, inode, &f->meta, err);
    if (rc < 0) {
        free(f);
        return rc;
    }
    memcpy(f->name, name, len + 1);
    atomic_init(&f->refs, 1);
    f->fd = -1;
    f->seq = x->seq;
    f->size = inode->size;
    f->has_holes = f->size > 0 && !(inode->extent_count == 1 && inode->extent[0].len == f->size);
    f->dir = dir;
    bfci_xdir_ref(dir);
    f->cost = sizeof *f + len + (f->meta.xattrs ? f->meta.xattrs->bytes : 0);
    atomic_fetch_add_explicit(&x->queued, f->cost, memory_order_relaxed);
    *out = f;
    return 0;
}

int bfci_xfile_make(bfci_extraction *x, bfci_xfile *f, bfc_err *err)
{
    unsigned mode = bfci_x_create_mode(x, &f->meta);

    BFC_TRY(bfci_x_make_file(x, f->dir, f->name, mode, &f->fd, err));
    f->made = bfci_x_made_in(f->dir, mode & ~x->umask);
    atomic_fetch_add_explicit(&x->open_fds, 1, memory_order_relaxed);
    /* With its size from the start: file systems that allocate ahead of the end would fill the
     * holes. */
    return f->has_holes ? bfci_ftruncate(f->fd, f->size, err) : 0;
}

int bfci_xfile_write(bfci_xfile *f, const uint8_t *bytes, size_t len, uint64_t at, bfc_err *err)
{
    bfci_meter_count(0, len);
    return bfci_pwrite_all(f->fd, bytes, len, at, err);
}

void bfci_xfile_fail(bfci_extraction *x, bfci_xfile *f, bfc_err *err)
{
    atomic_store(&f->failed, true);
    (void)bfci_x_wrap(f->dir, f->name, err, (int)err->code);
    bfci_x_fail(x, f->seq, err);
}

static int complete(bfci_extraction *x, bfci_xfile *f, bfc_err *err)
{
    BFC_TRY(bfci_x_restore(x, &f->meta, &f->made, (bfci_place){.fd = f->fd}, err));
    int e = bfci_node_close(&f->fd);
    atomic_fetch_sub_explicit(&x->open_fds, 1, memory_order_relaxed);
    return e ? bfci_fail_errno(err, e, "close the file") : 0;
}

static void discard(bfci_extraction *x, bfci_xfile *f, bool made)
{
    if (f->fd >= 0) {
        bfci_fd_close(&f->fd);
        atomic_fetch_sub_explicit(&x->open_fds, 1, memory_order_relaxed);
    }
    if (made)
        (void)bfci_node_remove(f->dir->fd, f->name);
}

void bfci_xfile_unref(bfci_extraction *x, bfci_xfile *f)
{
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    bool made = f->fd >= 0;
    if (!atomic_load(&f->failed)) {
        bfc_err err = BFC_ERR_INIT;
        if (complete(x, f, &err) < 0) {
            made = made || f->fd >= 0;
            bfci_xfile_fail(x, f, &err);
        } else {
            atomic_fetch_add_explicit(&x->done_entries, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&x->done_bytes, f->hole_bytes, memory_order_relaxed);
        }
    }
    if (atomic_load(&f->failed))
        discard(x, f, made);
    atomic_fetch_sub_explicit(&x->queued, f->cost, memory_order_relaxed);
    bfci_xdir_unref(x, f->dir);
    bfci_xmeta_release(&f->meta);
    free(f);
}
