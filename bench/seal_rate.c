/* SPDX-License-Identifier: Apache-2.0 */
/* How fast payloads are sealed and opened, by one thread, beside `openssl speed`.
 *
 *     seal_rate SECONDS
 *
 * Messages of 64 KiB with the associated data of a frame. Sealing and opening take turns of a
 * twentieth of a second. Prints one JSON object: bytes per second of CPU time of each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/aead.h"

enum {
    MESSAGE = 64 << 10,
    AD = 40,
    TURN_NS = 50000000
};

typedef struct rate {
    bfci_aead *aead;
    uint64_t counter;
    uint8_t ad[AD], tag[BFCI_TAG_SIZE], first_tag[BFCI_TAG_SIZE];
    uint8_t *message, *first;
} rate;

static int64_t cpu_ns(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int seal(rate *r, bfc_err *err)
{
    uint8_t nonce[BFCI_NONCE_SIZE] = {0};

    r->counter++;
    memcpy(nonce, &r->counter, sizeof r->counter);
    return bfci_aead_seal(r->aead, nonce, r->ad, AD, r->message, MESSAGE, r->message, r->tag, err);
}

/* What was sealed first, again and again. */
static int open_first(rate *r, bfc_err *err)
{
    const uint8_t nonce[BFCI_NONCE_SIZE] = {1};
    bool authentic = false;

    BFC_TRY(bfci_aead_open(r->aead, nonce, r->ad, AD, r->first, MESSAGE, r->first_tag, r->message,
                           &authentic, err));
    return authentic ? 0 : bfci_fail(err, BFC_E_CORRUPT, "the tag does not fit");
}

typedef struct total {
    uint64_t bytes;
    int64_t ns;
} total;

static int turn(rate *r, int (*one)(rate *, bfc_err *), total *t, bfc_err *err)
{
    int64_t start = cpu_ns(), now = start;

    for (; now - start < TURN_NS; now = cpu_ns()) {
        BFC_TRY(one(r, err));
        t->bytes += MESSAGE;
    }
    t->ns += now - start;
    return 0;
}

static double per_second(const total *t)
{
    return (double)t->bytes * 1e9 / (double)t->ns;
}

static int measure(double seconds, bfc_err *err)
{
    AUTO(bfci_aead) bfci_aead *aead = NULL;
    AUTO_FREE uint8_t *message = NULL;
    AUTO_FREE uint8_t *first = NULL;
    uint8_t key[BFCI_KEY_SIZE] = {1};
    total sealed = {0, 0}, opened = {0, 0};

    BFC_TRY(bfci_aead_new(&aead, err));
    BFC_TRY(bfci_aead_set_key(aead, key, err));
    BFC_TRY(bfci_alloc_zero(1, MESSAGE, &message, err));
    BFC_TRY(bfci_alloc_zero(1, MESSAGE, &first, err));
    rate r = {.aead = aead, .message = message, .first = first};
    BFC_TRY(seal(&r, err));
    memcpy(first, message, MESSAGE);
    memcpy(r.first_tag, r.tag, sizeof r.tag);
    while ((double)(sealed.ns + opened.ns) < seconds * 1e9) {
        BFC_TRY(turn(&r, seal, &sealed, err));
        BFC_TRY(turn(&r, open_first, &opened, err));
    }
    printf("{\"seal\": %.0f, \"open\": %.0f}\n", per_second(&sealed), per_second(&opened));
    return 0;
}

int main(int argc, char **argv)
{
    bfc_err err = BFC_ERR_INIT;
    double seconds = argc == 2 ? strtod(argv[1], NULL) : 0;

    if (!(seconds > 0)) {
        fprintf(stderr, "usage: seal_rate SECONDS\n");
        return 2;
    }
    if (measure(seconds, &err) < 0) {
        fprintf(stderr, "seal_rate: %s\n", err.msg);
        return 1;
    }
    return 0;
}
