/* SPDX-License-Identifier: Apache-2.0 */
/* Who is changing what, as one file for each thing that is being changed. */
#ifndef BFCI_STORE_NAME_LOCK_H
#define BFCI_STORE_NAME_LOCK_H

#include "base/base.h"

typedef struct bfci_name_lock {
    int fd;
    char *path;
} bfci_name_lock;
#define BFCI_NAME_LOCK_INIT                                                                        \
    {                                                                                              \
        -1, NULL                                                                                   \
    }

/* Takes the lock whose file is `path`; its folder must be there. `what` is what it stands for:
 * "image 'app:1'". BFC_E_BUSY tells which process holds it. */
int bfci_name_lock_take(const char *path, const char *what, bfci_name_lock *lock, bfc_err *err);
/* The same without a second try: for prune, which goes on to the next where one is held. */
int bfci_name_lock_try(const char *path, const char *what, bfci_name_lock *lock, bfc_err *err);
/* Whether somebody holds it. Changes nothing, and needs no right to write. */
int bfci_name_lock_probe(const char *path, bool *held, bfc_err *err);
void bfci_name_lock_drop(bfci_name_lock *lock);
#define AUTO_NAME_LOCK __attribute__((cleanup(bfci_name_lock_drop)))

#endif
