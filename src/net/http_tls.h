/* SPDX-License-Identifier: Apache-2.0 */
/* Whom TLS believes, and as whom it speaks: the system's certificates, and the certs.d folders of
 * administrators (containers-certs.d(5)). */
#ifndef BFCI_NET_HTTP_TLS_H
#define BFCI_NET_HTTP_TLS_H

#include "net/curl.h"

/* What the first folder with a host's name holds: *.crt are authorities beside the system's, the
 * first *.cert with its *.key is the client's certificate. */
typedef struct bfci_tls_host {
    char *name;   /* HOST, or HOST:PORT if it is not 443 */
    char *folder; /* NULL: there is none */
    char *ca_pem; /* NULL: the system's alone */
    size_t ca_pem_len;
    char *cert, *key; /* paths; NULL: none */
    bool has_more;    /* there are others, which are not shown */
    struct bfci_tls_host *next;
} bfci_tls_host;

typedef struct bfci_tls bfci_tls;
/* `certs_dirs`, `cert_dir` and `ca_file` as in bfci_http_options; borrowed. */
int bfci_tls_new(const char *const *certs_dirs, const char *cert_dir, const char *ca_file,
                 bfci_tls **out, bfc_err *err);
void bfci_tls_free(bfci_tls *t);
BFCI_DEFINE_AUTO(bfci_tls, bfci_tls_free)

/* Reads the folder once. *out lives as long as t. A folder that we may not read is passed by; files
 * that do not go together are BFC_E_INVALID, which names them. Threads: one at a time. */
int bfci_tls_host_get(bfci_tls *t, const char *host, unsigned port, const bfci_tls_host **out,
                      bfc_err *err);
int bfci_tls_apply(bfci_tls *t, const bfci_tls_host *host, bool insecure, CURL *easy, bfc_err *err);

/* Words for a failure of TLS: what is wrong and what to do. `text` is curl's, fit for a message. */
int bfci_tls_explain(const bfci_tls *t, const bfci_tls_host *host, CURLcode result,
                     long verify_result, const char *text, bfc_err *err);
/* Whether the server ended the connection since it wants to know who we are. */
bool bfci_tls_wants_client(const char *text);

#endif
