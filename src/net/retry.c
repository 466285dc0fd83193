/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again: what is worth it, and how long to wait. A server that says when is believed within
 * a bound; otherwise the wait doubles with each try, and chance takes any part of it ("full
 * jitter"), so that many clients that failed together do not come back together. */
#include "net/retry.h"

#include "net/http_date.h"
#include "sys/clock.h"
#include "sys/names.h"

bool bfci_retry_helps(enum bfci_http_fault fault, int status)
{
    switch (fault) {
    case BFCI_HTTP_FAULT_CONNECT:
    case BFCI_HTTP_FAULT_CONNECT_TIME:
    case BFCI_HTTP_FAULT_ANSWER_TIME:
    case BFCI_HTTP_FAULT_STALL:
    case BFCI_HTTP_FAULT_CUT:
        return true;
    case BFCI_HTTP_FAULT_NONE:
        return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
               status == 504;
    case BFCI_HTTP_FAULT_RESOLVE:
    case BFCI_HTTP_FAULT_TLS:
    case BFCI_HTTP_FAULT_PROTOCOL:
    case BFCI_HTTP_FAULT_REDIRECT:
    case BFCI_HTTP_FAULT_LIMIT:
    case BFCI_HTTP_FAULT_CALLER:
    case BFCI_HTTP_FAULT_CANCELLED:
    case BFCI_HTTP_FAULT_INTERNAL:
        break;
    }
    return false;
}

/* Of any number of digits: a wait that long is beyond the bound in any case. */
static bool seconds(const char *text, uint64_t *out)
{
    uint64_t n = 0;

    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9')
            return false;
        n = MIN(n * 10 + (uint64_t)(*at - '0'), (uint64_t)BFCI_RETRY_AFTER_MAX_MS);
    }
    *out = n;
    return *text != '\0';
}

bool bfci_retry_after(const char *value, int64_t now, uint64_t *wait_ms)
{
    uint64_t wait_s = 0;
    int64_t date = 0;

    if (!seconds(value, &wait_s)) {
        if (!bfci_http_date_parse(value, now, &date))
            return false;
        wait_s = date > now ? MIN((uint64_t)(date - now), (uint64_t)BFCI_RETRY_AFTER_MAX_MS) : 0;
    }
    *wait_ms = MIN(wait_s * 1000, (uint64_t)BFCI_RETRY_AFTER_MAX_MS);
    return true;
}

bool bfci_retry_next(const bfci_http_answer *answer, unsigned tries, int64_t now, uint64_t random,
                     uint64_t *wait_ms)
{
    const char *asked = bfci_http_header_get(answer, "Retry-After", 0);

    if (tries >= BFCI_RETRY_TRIES_MAX || !bfci_retry_helps(answer->fault, answer->status))
        return false;
    if (answer->fault == BFCI_HTTP_FAULT_NONE && asked && bfci_retry_after(asked, now, wait_ms))
        return true;
    const uint64_t most = (uint64_t)BFCI_RETRY_FIRST_MS << (tries > 0 ? tries - 1 : 0);
    *wait_ms = random % (most + 1);
    return true;
}

int bfci_retry_wait(uint64_t wait_ms, const bfc_hooks *hooks, bfc_err *err)
{
    enum {
        LOOK_EVERY_MS = 50
    };
    const uint64_t end_ns = bfci_monotonic_ns() + wait_ms * 1000000;

    for (;;) {
        BFC_TRY(bfci_check_cancel(hooks, err));
        const uint64_t now = bfci_monotonic_ns();
        if (now >= end_ns)
            return 0;
        const uint64_t left_ms = (end_ns - now) / 1000000 + 1;
        bfci_pause_ms((unsigned)MIN(left_ms, (uint64_t)LOOK_EVERY_MS));
    }
}
