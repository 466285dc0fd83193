/* SPDX-License-Identifier: Apache-2.0 */
/* Names that go to a registry: `[registry[:port]/]path[:tag][@sha256:…]`, as container engines
 * write them. The parts are those of the OCI distribution specification 1.1 ("Pulling manifests"),
 * the rules for what is left out are Docker's (distribution's `reference` package): the registry is
 * then docker.io, a path of one part at docker.io gets "library/" before it, and the tag is
 * "latest". All functions are pure; any thread. */
#ifndef BFCI_NET_REFERENCE_H
#define BFCI_NET_REFERENCE_H

#include "oci/digest.h"
#include "store/reference.h"

#define BFCI_DOCKER_HOST "docker.io"

enum {
    REMOTE_HOST_MAX = 253 + 1 + 5, /* a name of DNS, and a port */
    REMOTE_PATH_MAX = 255,
    REMOTE_NAME_SIZE = REMOTE_HOST_MAX + 1 + REMOTE_PATH_MAX + 1,
    REMOTE_TEXT_SIZE = REMOTE_NAME_SIZE + 1 + BFCI_TAG_MAX + DIGEST_TEXT_SIZE
};

/* A plain value. */
typedef struct bfci_remote_ref {
    char host[REMOTE_HOST_MAX + 1]; /* in lower case, with its port: "docker.io", "[::1]:5000" */
    char path[REMOTE_PATH_MAX + 1];
    char tag[BFCI_TAG_MAX + 1]; /* "" where there is only a digest */
    bool has_digest;
    bfci_digest digest;
    bool is_short; /* no registry was named: `host` is the default */
} bfci_remote_ref;

/* "docker://" may stand before it. BFC_E_INVALID and a message that says what is allowed;
 * BFC_E_UNSUPPORTED for a digest that is not sha256. */
int bfci_remote_ref_parse(const char *text, bfci_remote_ref *out, bfc_err *err);

/* The canonical form with everything in it, "docker.io/library/alpine:latest"; and its beginning
 * without tag and digest. */
void bfci_remote_ref_text(const bfci_remote_ref *ref, char out[REMOTE_TEXT_SIZE]);
void bfci_remote_ref_name(const bfci_remote_ref *ref, char out[REMOTE_NAME_SIZE]);

/* The same path, tag and digest at another registry, which must be one; Docker's rules for its own
 * are applied. `typed` is what was written down by the user, without a registry. */
int bfci_remote_ref_at(const char *host, const char *typed, bfci_remote_ref *out, bfc_err *err);

/* Whom to ask for what `host` names: docker.io itself does not speak the protocol. Lives as long as
 * `host`. */
const char *bfci_remote_api_host(const char *host);

/* True for "localhost", 127.0.0.0/8 and [::1], with or without a port: what cannot leave the
 * machine. */
bool bfci_remote_is_loopback(const char *host);

#endif
