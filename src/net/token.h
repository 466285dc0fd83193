/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are towards one registry: Basic (RFC 7617), or Bearer with tokens of a token server
 * (distribution's token specification: GET with Basic; OAuth 2 for identity tokens). Logins are
 * looked up when a registry asks for one, and go to nobody else. A token is used by all requests
 * until shortly before it expires, and fetched anew by one of them.
 *
 * Any thread. Tokens are kept in memory that is locked and wiped. */
#ifndef BFCI_NET_TOKEN_H
#define BFCI_NET_TOKEN_H

#include "net/challenge.h"
#include "net/client.h"

typedef struct bfci_auth bfci_auth;

typedef struct bfci_auth_place {
    const char *name;  /* "host[:port]/path", what logins are looked up by */
    const char *shown; /* the registry, for messages and 'bfc login' */
    const char *scope; /* "repository:PATH:pull"; asked for where the challenge names none, or
                          less of the same */
    const bfci_credentials *login; /* to be tried, instead of what is written down; or NULL */
    bool insecure;                 /* any certificate will do, at the token server, too */
    bool plain;                    /* the registry speaks plain HTTP, and so may its token server */
} bfci_auth_place;

/* Strings are copied; the client is borrowed. */
int bfci_auth_new(bfci_client *client, const bfci_auth_place *place, bfci_auth **out, bfc_err *err);
void bfci_auth_free(bfci_auth *a); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_auth, bfci_auth_free)
/* For bfci_ask. Lives as long as `a`. BFC_E_DENIED: there is no login, or it was not taken. */
const bfci_authority *bfci_auth_authority(bfci_auth *a);
/* Whether a login or a token was asked for, and there was one. */
bool bfci_auth_was_asked(bfci_auth *a);

/* ── For tests ── */

typedef struct bfci_token {
    char *text;        /* bfci_secret_free() */
    uint64_t valid_ms; /* 60,000 where the answer does not tell */
} bfci_token;
/* The answer of a token server. BFC_E_CORRUPT: there is no token in it, or one that is none (RFC
 * 6750, section 2.1). */
int bfci_token_parse(const uint8_t *json, size_t len, bfci_token *out, bfc_err *err);
/* realm?account=…&scope=…&service=…; free(). */
int bfci_token_url(const bfci_challenge *c, const char *scope, const char *account, char **out,
                   bfc_err *err);
/* What to ask for: the challenge's scope, or ours if that is for the same repository. */
const char *bfci_token_scope(const char *challenged, const char *ours);

#endif
