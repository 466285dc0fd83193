/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry wants to know of us: the header WWW-Authenticate (RFC 9110, section 11.6.1; its
 * lists and parameters 11.2 and 11.3), with the parameters of Basic (RFC 7617) and of Docker's and
 * OAuth's Bearer (RFC 6750, section 3). Pure functions; any thread. */
#ifndef BFCI_NET_CHALLENGE_H
#define BFCI_NET_CHALLENGE_H

#include "base/base.h"

enum {
    CHALLENGE_HEADER_MAX = 16 * 1024,
    CHALLENGES_MAX = 8
};

enum bfci_challenge_scheme {
    CHALLENGE_OTHER,
    CHALLENGE_BASIC,
    CHALLENGE_BEARER
};

/* Parameters that were not there are NULL. A stranger's text: to be quoted in messages. */
typedef struct bfci_challenge {
    enum bfci_challenge_scheme scheme;
    char *realm; /* Bearer: where tokens are given out, a URL that nobody has checked yet */
    char *service, *scope, *error;
} bfci_challenge;

typedef struct bfci_challenges {
    bfci_challenge item[CHALLENGES_MAX];
    size_t count;
} bfci_challenges;
#define BFCI_CHALLENGES_INIT                                                                       \
    {                                                                                              \
        .count = 0                                                                                 \
    }
void bfci_challenges_release(bfci_challenges *c);
#define AUTO_CHALLENGES __attribute__((cleanup(bfci_challenges_release)))

/* Adds the challenges of one header line, the part behind the colon; an answer may have several
 * lines. BFC_E_CORRUPT: it is not by the grammar (values without quotes may hold '/' and ':',
 * as registries write them). BFC_E_LIMIT: longer or more than above. After a failure *out holds
 * what it held. */
int bfci_challenges_add(bfci_challenges *out, const char *header, bfc_err *err);

/* The one to answer: the first Bearer with a realm, else the first Basic; NULL: none. */
const bfci_challenge *bfci_challenges_pick(const bfci_challenges *c);

#endif
