/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that keep logins: docker-credential-NAME with one of the words get, store, erase, list,
 * the request on standard input and the answer on standard output, in JSON (the protocol of
 * docker-credential-helpers). They are found in $PATH, get the environment at hand, since a
 * keyring is found by it, and are ended after HELPER_SECONDS. What they write is never told: it may
 * be the secret. Blocks; any thread. */
#ifndef BFCI_NET_CREDENTIAL_HELPER_H
#define BFCI_NET_CREDENTIAL_HELPER_H

#include <bfc/hooks.h>

#include "net/auth_file.h"

enum {
    HELPER_SECONDS = 60 /* somebody may have to unlock the keyring */
};

/* `server` is what the helper knows the registry by. BFC_E_INVALID: NAME is none, or the answer is
 * wrong; BFC_E_NOT_FOUND: there is no such program; BFC_E_DENIED: it failed; BFC_E_BUSY: it took
 * too long; BFC_E_CANCELLED. */
int bfci_helper_get(const char *helper, const char *server, const bfc_hooks *hooks,
                    bfci_credentials *out, bool *found, bfc_err *err);
int bfci_helper_store(const char *helper, const char *server, const char *username,
                      const char *password, const bfc_hooks *hooks, bfc_err *err);
/* *removed is false if it had none. */
int bfci_helper_erase(const char *helper, const char *server, const bfc_hooks *hooks, bool *removed,
                      bfc_err *err);

/* All that it has: an object whose members are called as the servers are ("list"). */
int bfci_helper_list(const char *helper, const bfc_hooks *hooks, bfci_auth_file *out, bfc_err *err);

#endif
