/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request is tried again after a failure, and when. Clock and chance are given, so that
 * nothing here waits but bfci_retry_wait(). */
#ifndef BFCI_NET_RETRY_H
#define BFCI_NET_RETRY_H

#include "base/hooks.h"
#include "net/http.h"

enum {
    BFCI_RETRY_TRIES_MAX = 5,
    BFCI_RETRY_FIRST_MS = 500,           /* the most that is waited after the first try; doubles */
    BFCI_RETRY_AFTER_MAX_MS = 300 * 1000 /* of what a server may ask for */
};

/* Whether what went wrong may go well the next time: status 408, 429, 500, 502, 503, 504; no
 * connection; time limits; a connection that was cut. Whether the request may be sent twice, and
 * whether its body can be, is for the caller to know. */
bool bfci_retry_helps(enum bfci_http_fault fault, int status);

/* Retry-After (RFC 9110, section 10.2.3): seconds, or a date of one of the three forms of
 * section 5.6.7. `now` is seconds since the epoch. Bounded by BFCI_RETRY_AFTER_MAX_MS, a date in
 * the past is 0. False: it is neither. */
bool bfci_retry_after(const char *value, int64_t now, uint64_t *wait_ms);

/* False: it is to be left at that. `tries` counts those that were made, 1 or more. `random` is any
 * number, all of them equally likely: without Retry-After the wait lies between 0 and 500 ms times
 * 2^(tries-1). */
bool bfci_retry_next(const bfci_http_answer *answer, unsigned tries, int64_t now, uint64_t random,
                     uint64_t *wait_ms);

/* BFC_E_CANCELLED within 0.1 s. */
int bfci_retry_wait(uint64_t wait_ms, const bfc_hooks *hooks, bfc_err *err);

#endif
