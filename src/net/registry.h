/* SPDX-License-Identifier: Apache-2.0 */
/* A session with one repository at one registry: where it is asked, with TLS or without, and as
 * whom. Everything that is asked of it goes through bfci_registry_ask(). Any thread, any number at
 * once. */
#ifndef BFCI_NET_REGISTRY_H
#define BFCI_NET_REGISTRY_H

#include "net/client.h"

typedef struct bfci_registry bfci_registry;

/* `actions`: "pull", "pull,push". What the client points to is borrowed until the session is
 * closed. Where plain HTTP is allowed, the registry is asked first whether it speaks TLS; else
 * nothing is sent. */
int bfci_registry_open(bfci_client *client, const bfci_endpoint *endpoint, const char *actions,
                       bfci_registry **out, bfc_err *err);
/* The same for the registry alone, with no repository: `path` of bfci_registry_ask() is "", which
 * is /v2/. `login` is tried, whatever is written down. */
int bfci_registry_open_host(bfci_client *client, const bfci_endpoint *endpoint,
                            const bfci_credentials *login, bfci_registry **out, bfc_err *err);
void bfci_registry_close(bfci_registry *r); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_registry, bfci_registry_close)

/* The repository in full, "docker.io/library/debian"; lives as long as r. */
const char *bfci_registry_name(const bfci_registry *r);
bfci_client *bfci_registry_client(const bfci_registry *r);
/* Whether an answer so far was 401, and a login or a token has been sent since. */
bool bfci_registry_wanted_login(const bfci_registry *r);

/* Sends ask->request, whose url, insecure, and authority are set here. `path` is what stands behind
 * /v2/NAME/ ("manifests/latest"), in letters that a URL can have; or a whole URL, such as a
 * Location or a Link led to, which gets no Authorization if it is not the registry's. As
 * bfci_client_ask(). */
int bfci_registry_ask(bfci_registry *r, const char *path, bfci_ask *ask, bfci_http_answer *answer,
                      bfc_err *err);

/* Opens the first endpoint for `reference` for which `fn` returns 0, mirrors first. What others
 * failed with is told to the log; where none was good, the last one's failure is returned, or that
 * of one that was not just missing the image. Interrupted, or without memory, it ends at once. */
typedef int bfci_registry_fn(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err);
int bfci_registry_find(bfci_client *client, const char *reference, bfci_registry_fn *fn, void *ctx,
                       bfci_registry **out, bfc_err *err);

#endif
