/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are at a registry: the files of containers-auth.json(5) in podman's order, and the
 * programs that they name. `login` writes where those tools read.
 *
 * Files, in this order (the first login that is found counts):
 *   $REGISTRY_AUTH_FILE alone, if it is set; else $DOCKER_CONFIG/config.json alone, if it is; else
 *   $XDG_RUNTIME_DIR/containers/auth.json (without it /run/containers/UID/auth.json),
 *   $XDG_CONFIG_HOME/containers/auth.json (~/.config), ~/.docker/config.json, ~/.dockercfg
 * In each: credHelpers for the registry, then auths, then credsStore. The first of the files is the
 * one that is written.
 *
 * Names are "host[:port][/path]", docker.io as such. Messages and logs never hold a secret. Blocks
 * on files and programs; any thread, as long as nobody changes the environment. */
#ifndef BFCI_NET_CREDENTIALS_H
#define BFCI_NET_CREDENTIALS_H

#include <bfc/hooks.h>

#include "net/auth_file.h"

typedef struct bfci_credential_options {
    const char *file;           /* instead of all of the above (--authfile); may be NULL */
    const char *const *helpers; /* credential-helpers of registries.conf, ended by NULL;
                                   "containers-auth.json" stands for the files; NULL: only those */
    const bfc_hooks *hooks;     /* may be NULL */
} bfci_credential_options;
#define BFCI_CREDENTIAL_OPTIONS_INIT                                                               \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

/* BFC_E_INVALID, with words, for what is no "host[:port][/path]". */
int bfci_credentials_check_name(const char *name, bfc_err *err);

/* *found is false where nobody has a login. A helper or a file that fails is an error: whether
 * there is a login would be a guess. */
int bfci_credentials_find(const char *name, const bfci_credential_options *options,
                          bfci_credentials *out, bool *found, bfc_err *err);
/* Where that one is kept, in words: a path, or "credential helper NAME"; NULL: there is none.
 * free(). */
int bfci_credentials_where(const char *name, const bfci_credential_options *options, char **where,
                           bfc_err *err);

/* Keeps a login, in place of the one that is there. *where tells it in words: a path, or
 * "credential helper NAME"; free(). The file is made with mode 0600 in a folder of 0700,
 * replaced as a whole, and keeps what it has beside. BFC_E_BUSY: somebody else is at it. */
int bfci_credentials_store(const char *name, const char *username, const char *password,
                           const bfci_credential_options *options, char **where, bfc_err *err);

/* Forgets the login of exactly this name. BFC_E_NOT_FOUND: there is none where store would put
 * it. */
int bfci_credentials_erase(const char *name, const bfci_credential_options *options, bfc_err *err);
/* Forgets every login that store could have kept: those of the file, of the helpers that it names,
 * and of helpers that stand beside it. Other files keep theirs. */
int bfci_credentials_erase_all(const bfci_credential_options *options, size_t *count, bfc_err *err);

#endif
