/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for what somebody else has: a flag says that it is away, and a bell rings when it is
 * back. What was written before the bell rang is seen by who waited. */
#ifndef BFCI_SYS_BELL_H
#define BFCI_SYS_BELL_H

#include <pthread.h>

#include "base/base.h"

/* For any number of flags, and one thread that waits. */
typedef struct bfci_bell {
    pthread_mutex_t lock; /* guards the flags while they are set */
    pthread_cond_t rung;
} bfci_bell;

void bfci_bell_init(bfci_bell *b);
void bfci_bell_destroy(bfci_bell *b);
/* By who has it: *away is false from now on. */
void bfci_bell_ring(bfci_bell *b, bool *away);
/* Until *away is false. A wait of the stage that the thread is in. */
void bfci_bell_wait(bfci_bell *b, const bool *away);

#endif
