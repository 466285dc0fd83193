/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clocks and its random numbers. */
#include "sys/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "sys/retry.h"

void bfci_now(int64_t *seconds, uint32_t *ns)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail: the clock is always there */
    *seconds = now.tv_sec;
    *ns = (uint32_t)now.tv_nsec;
}

uint64_t bfci_monotonic_ns(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bfci_thread_cpu_ns(void)
{
    struct timespec spent = {0, 0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}

int bfci_random(void *bytes, size_t len, bfc_err *err)
{
    uint8_t *p = bytes;
    while (len > 0) {
        ssize_t n;
        BFCI_RETRY(n, getrandom(p, len, 0));
        if (n < 0)
            return bfci_fail_errno(err, errno, "get random numbers");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
