/* SPDX-License-Identifier: Apache-2.0 */
/* One file with logins: containers-auth.json(5), which is Docker's config.json as far as it is
 * about logins, and the old ~/.dockercfg, which is its "auths" alone. Texts in, values out: nothing
 * here opens a file or runs a program. Any thread.
 *
 * The parser keeps words of the file in ordinary memory while it reads, and does not wipe them;
 * what it handed out is wiped before it is freed. */
#ifndef BFCI_NET_AUTH_FILE_H
#define BFCI_NET_AUTH_FILE_H

#include "codec/secret.h"
#include "oci/json.h"

enum {
    AUTH_FILE_MAX = 1 << 20,
    AUTH_SECRET_MAX = 16 * 1024 /* of a password or token; cloud providers' have some 4 KiB */
};

/* A login. Texts in locked memory that is wiped (bfci_secret_new); NULL: there is none. Either name
 * and password, or an identity token. */
typedef struct bfci_credentials {
    char *username, *password, *identity_token;
} bfci_credentials;
#define BFCI_CREDENTIALS_INIT                                                                      \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }
void bfci_credentials_release(bfci_credentials *c);
#define AUTO_CREDENTIALS __attribute__((cleanup(bfci_credentials_release)))
/* A copy of `len` bytes as a text in such memory. */
int bfci_credentials_text(const char *bytes, size_t len, char **out, bfc_err *err);

typedef struct bfci_auth_file {
    json_t *root;
    const char *path; /* borrowed; for messages */
    bool is_old;      /* ~/.dockercfg */
} bfci_auth_file;
#define BFCI_AUTH_FILE_INIT                                                                        \
    {                                                                                              \
        NULL, NULL, false                                                                          \
    }
void bfci_auth_file_release(bfci_auth_file *f); /* wipes all texts in it */
#define AUTO_AUTH_FILE __attribute__((cleanup(bfci_auth_file_release)))

/* An empty text is an empty file. BFC_E_INVALID: it is not what it should be; no message holds
 * anything of its content but names of registries. */
int bfci_auth_file_parse(const uint8_t *json, size_t len, const char *path, bool is_old,
                         bfci_auth_file *out, bfc_err *err);

/* ── Asking ── `name` is "host[:port][/path]". */

/* The helper that keeps the logins of its registry (credHelpers), and the name under which; NULL:
 * none. Borrowed from the file. */
int bfci_auth_file_helper(const bfci_auth_file *f, const char *name, const char **helper,
                          const char **server, bfc_err *err);
/* The helper for all registries (credsStore); NULL: none. */
int bfci_auth_file_store(const bfci_auth_file *f, const char **helper, bfc_err *err);
/* The login that is written down for the longest part of the name; *found tells whether there is
 * one. */
int bfci_auth_file_find(const bfci_auth_file *f, const char *name, bfci_credentials *out,
                        bool *found, bfc_err *err);

/* ── Changing ── */

/* `key` as it stands in the file. All other members stay. */
int bfci_auth_file_set(bfci_auth_file *f, const char *key, const char *username,
                       const char *password, bfc_err *err);
/* Takes away the entry of exactly this registry or path, in each of its spellings; false: there was
 * none. */
bool bfci_auth_file_remove(bfci_auth_file *f, const char *name);
/* Takes away all entries; false: there was none. *count grows by those that were logins, not just a
 * note that a helper has one. */
bool bfci_auth_file_clear(bfci_auth_file *f, size_t *count);
/* The file's new text in memory of bfci_secret_new(), *len bytes. */
int bfci_auth_file_text(const bfci_auth_file *f, uint8_t **out, size_t *len, bfc_err *err);

/* Docker's name for docker.io, in its files and towards its helpers; any other host is itself. */
const char *bfci_auth_docker_key(const char *host);

#endif
