/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/bell.h"

#include "sys/meter.h"

void bfci_bell_init(bfci_bell *b)
{
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->rung, NULL);
}

void bfci_bell_destroy(bfci_bell *b)
{
    pthread_cond_destroy(&b->rung);
    pthread_mutex_destroy(&b->lock);
}

/* Under the lock to the end: who waited may free the bell as soon as it has it. */
void bfci_bell_ring(bfci_bell *b, bool *away)
{
    pthread_mutex_lock(&b->lock);
    *away = false;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

void bfci_bell_wait(bfci_bell *b, const bool *away)
{
    pthread_mutex_lock(&b->lock);
    while (*away)
        bfci_cond_wait(&b->rung, &b->lock);
    pthread_mutex_unlock(&b->lock);
}
