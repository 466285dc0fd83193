/* SPDX-License-Identifier: Apache-2.0 */
/* Time and randomness. */
#ifndef BFCI_SYS_CLOCK_H
#define BFCI_SYS_CLOCK_H

#include "base/base.h"

void bfci_now(int64_t *seconds, uint32_t *ns); /* since the epoch */
uint64_t bfci_monotonic_ns(void);
uint64_t bfci_thread_cpu_ns(void); /* that this thread has had of a processor */
int bfci_random(void *bytes, size_t len, bfc_err *err); /* getrandom */

#endif
