/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a condition, but not for ever. */
#ifndef BFCI_NET_WAIT_H
#define BFCI_NET_WAIT_H

#include <pthread.h>

/* One whose clock is the monotonic one. */
void bfci_wait_init(pthread_cond_t *cond);
/* Waits for `cond`, `ms` at most; it was made by bfci_wait_init(), and `lock` is held. */
void bfci_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned ms);

#endif
