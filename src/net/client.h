/* SPDX-License-Identifier: Apache-2.0 */
/* What every call to a registry stands on: the configuration that was read, the HTTP client, and
 * one way to ask, with what is tried again and when. */
#ifndef BFCI_NET_CLIENT_H
#define BFCI_NET_CLIENT_H

#include <bfc/registry.h>

#include <pthread.h>

#include "net/credentials.h"
#include "net/registries_conf.h"
#include "net/retry.h"

typedef struct bfci_client {
    bfci_http *http;
    bfci_registries conf;
    bfci_credential_options credentials;
    enum bfc_tls_verify tls_verify;
    bfc_name_choice *choose; /* NULL: nobody is asked */
    void *choose_ctx;
    char *aliases;          /* podman's file of short names; NULL: there is none */
    const bfc_hooks *hooks; /* may be NULL */
} bfci_client;

/* Reads the configuration. What the options point to is borrowed until the client is closed; NULL:
 * the defaults. */
int bfci_client_open(const bfc_registry_options *options, bfci_client **out, bfc_err *err);
void bfci_client_close(bfci_client *c); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_client, bfci_client_close)

/* Whether what is known of an endpoint lets us take any certificate, and speak without TLS. */
bool bfci_client_is_insecure(const bfci_client *c, const bfci_endpoint *endpoint);

/* ── Asking ── */

/* Ends one request from another thread, also while it waits for its next try. */
typedef struct bfci_stop {
    pthread_mutex_t lock;
    pthread_cond_t bell;
    bfci_http_call *call; /* under way */
    bool has_ended, is_set;
} bfci_stop;
#define BFCI_STOP_INIT                                                                             \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, false, false                    \
    }
void bfci_stop_set(bfci_stop *stop); /* does not block */
bool bfci_stop_is_set(bfci_stop *stop);

enum {
    BFCI_ASK_ALSO_MAX = 3,
    BFCI_ASK_PROGRESS = 1 << 20 /* bytes after which tries are counted anew */
};

/* Gives what goes into Authorization, and hears that it was not good enough. */
typedef struct bfci_authority {
    void *ctx;
    /* *value NULL: nothing; bfci_secret_free(). `generation` tells one value from the next. */
    int (*get)(void *ctx, char **value, unsigned *generation, bfc_err *err);
    /* A 401 to a request that had this generation. 0: asking again makes sense. A failure is what
     * the request returns. */
    int (*refused)(void *ctx, const bfci_http_answer *answer, unsigned generation, bfc_err *err);
} bfci_authority;

/* A request that may be tried again. */
typedef struct bfci_ask {
    bfci_http_request request;       /* its authorization, and `ended`, are ours */
    const bfci_authority *authority; /* NULL: `authorization` below is sent as it is */
    const char *authorization;       /* may be NULL */
    int also[BFCI_ASK_ALSO_MAX];     /* statuses that are answers as well as 2xx is; 0: none */
    bool once;                       /* what it does is not to be done twice */
    unsigned tries_max;              /* 0: BFCI_RETRY_TRIES_MAX */
    void *ctx;
    /* Before each try: where to begin, what to reset. May be NULL. */
    int (*prepare)(void *ctx, bfci_http_request *request, bfc_err *err);
    /* After a success whose end is not known by its length: false if there must be more to come,
     * which then is a connection that was cut. May be NULL. */
    bool (*is_whole)(void *ctx);
    /* Bytes that are here for good: what brings some of them may be tried as often as it takes. May
     * be NULL. */
    uint64_t (*progress)(void *ctx);
    bfci_stop *stop; /* may be NULL */
} bfci_ask;

/* 0: an answer with 2xx, or a status that is in `also`. Other statuses are failures, with what the
 * registry says of them (distribution-spec 1.1, "Error Codes"). *answer is set as by
 * bfci_http_do(). */
int bfci_client_ask(bfci_client *c, const bfci_ask *ask, bfci_http_answer *answer, bfc_err *err);

/* For who asks once and tries again itself: bfci_retry_next() with this machine's clock and chance;
 * and waits that long, BFC_E_CANCELLED within 0.1 s. */
bool bfci_client_next_try(const bfci_http_answer *answer, unsigned tries, uint64_t *wait_ms);
int bfci_client_wait(const bfci_client *c, bfci_stop *stop, uint64_t wait_ms, bfc_err *err);

/* What a registry says in the body of a failure, fit for a message: "CODE: words". "" if it says
 * nothing that can be understood. */
struct bfci_registry_words {
    char text[400];
};
struct bfci_registry_words bfci_registry_words(const uint8_t *body, size_t len);

#endif
