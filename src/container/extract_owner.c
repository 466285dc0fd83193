/* SPDX-License-Identifier: Apache-2.0 */
/* Giving files their owner by making them as it. A worker that has given several files in a row to
 * one owner becomes that owner, where that changes nothing else: as user 0 with all capabilities,
 * on file systems that ask the kernel alone, and only while all folders below the target are new,
 * and so on its file system. The first file that is made tells whether it came out right; if not,
 * or if one cannot be made, owners are given by chown, as elsewhere. */
#include "container/extract.h"

#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/identity.h"

enum {
    ROW = 8 /* files after which it pays: becoming somebody takes about as many calls */
};

void bfci_x_start_owners(bfci_extraction *x)
{
    const bool may = x->privileged && !x->no_owners && bfci_identity_may_change() &&
                     bfci_identity_suits(x->target->fd);

    for (unsigned i = 0; i < bfci_pool_count(x->pool); i++)
        x->worker[i].owner = (bfci_xowner){.uid = geteuid(), .gid = getegid()};
    atomic_store(&x->as_owners, may);
}

static void become(bfci_extraction *x, bfci_xowner *o, uint32_t uid, uint32_t gid)
{
    if (!bfci_identity_take(uid, gid)) {
        atomic_store(&x->as_owners, false);
        return;
    }
    *o = (bfci_xowner){
        .uid = uid, .gid = gid, .other = uid != geteuid() || gid != getegid(), .row = 0};
}

void bfci_x_settle_owner(bfci_extraction *x, bfci_xworker *w)
{
    if (w->owner.other && !atomic_load_explicit(&x->as_owners, memory_order_relaxed))
        become(x, &w->owner, geteuid(), getegid());
}

/* Files in a folder that passes on its group, or of which nothing is known, get their owner by
 * chown in any case. */
static bool decides(const bfci_xdir *dir)
{
    return dir->made.owner_known && !(dir->made.mode & S_ISGID);
}

static void choose(bfci_extraction *x, bfci_xowner *o, const bfci_xfile *f)
{
    const bfci_xmeta *m = &f->meta;

    if (!atomic_load_explicit(&x->as_owners, memory_order_relaxed) || !decides(f->dir))
        return;
    if (m->uid == o->uid && m->gid == o->gid) {
        o->row = 0;
        return;
    }
    if (o->row == 0 || m->uid != o->next_uid || m->gid != o->next_gid) {
        o->next_uid = m->uid;
        o->next_gid = m->gid;
        o->row = 0;
    }
    if (++o->row == ROW)
        become(x, o, m->uid, m->gid);
}

/* What a file got that this worker made. */
static int note(bfci_extraction *x, bfci_xowner *o, bfci_xfile *f, bfc_err *err)
{
    struct stat st;

    if (!o->other)
        return 0;
    f->made.owner_known = decides(f->dir);
    if (f->made.owner_known && !o->checked) {
        BFC_TRY(bfci_fstat(f->fd, &st, err));
        o->checked = st.st_uid == o->uid && st.st_gid == o->gid;
        f->made.owner_known = o->checked;
        if (!o->checked)
            atomic_store(&x->as_owners, false);
    }
    f->made.uid = o->uid;
    f->made.gid = o->gid;
    return 0;
}

/* Not as somebody else any more, if it was that: then it is worth another try. */
static bool give_up(bfci_extraction *x, bfci_xworker *w, bfc_err *err)
{
    if (!w->owner.other)
        return false;
    atomic_store(&x->as_owners, false);
    bfci_x_settle_owner(x, w);
    *err = (bfc_err)BFC_ERR_INIT;
    return true;
}

int bfci_x_make_owned(bfci_extraction *x, bfci_xworker *w, bfci_xfile *f, bfc_err *err)
{
    choose(x, &w->owner, f);
    int rc = bfci_xfile_make(x, f, err);
    if (rc < 0 && f->fd < 0 && give_up(x, w, err))
        rc = bfci_xfile_make(x, f, err);
    BFC_TRY(rc);
    return note(x, &w->owner, f, err);
}

/* Some file systems keep their last room for user 0. */
int bfci_x_write_owned(bfci_extraction *x, bfci_xworker *w, bfci_xfile *f, const uint8_t *bytes,
                       size_t len, uint64_t at, bfc_err *err)
{
    int rc = bfci_xfile_write(f, bytes, len, at, err);
    if (rc < 0 && give_up(x, w, err))
        rc = bfci_xfile_write(f, bytes, len, at, err);
    return rc;
}
