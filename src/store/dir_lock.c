/* SPDX-License-Identifier: Apache-2.0 */
/* Which file is the lock of which image in a directory store. */
#include "store/dir.h"

struct lock_of {
    char *path, *what;
};

static void lock_of_release(struct lock_of *l)
{
    free(l->path);
    free(l->what);
}
#define AUTO_LOCK_OF __attribute__((cleanup(lock_of_release)))

static int lock_of(const bfci_dirstore *dir, const bfci_reference *ref, struct lock_of *l,
                   bfc_err *err)
{
    char part[BFCI_REFERENCE_MAX + 1];

    bfci_reference_escape(ref, part);
    BFC_TRY(bfci_asprintf(&l->path, err, "%s/%s", dir->locks, part));
    return bfci_asprintf(&l->what, err, "image '%s'", ref->text);
}

int bfci_dirstore_lock_take(const bfci_dirstore *dir, const bfci_reference *ref,
                            bfci_name_lock *lock, bfc_err *err)
{
    AUTO_LOCK_OF struct lock_of l = {NULL, NULL};

    BFC_TRY(lock_of(dir, ref, &l, err));
    return bfci_name_lock_take(l.path, l.what, lock, err);
}

int bfci_dirstore_lock_try(const bfci_dirstore *dir, const bfci_reference *ref,
                           bfci_name_lock *lock, bfc_err *err)
{
    AUTO_LOCK_OF struct lock_of l = {NULL, NULL};

    BFC_TRY(lock_of(dir, ref, &l, err));
    return bfci_name_lock_try(l.path, l.what, lock, err);
}

int bfci_dirstore_lock_probe(const bfci_dirstore *dir, const bfci_reference *ref, bool *held,
                             bfc_err *err)
{
    AUTO_LOCK_OF struct lock_of l = {NULL, NULL};

    BFC_TRY(lock_of(dir, ref, &l, err));
    return bfci_name_lock_probe(l.path, held, err);
}
