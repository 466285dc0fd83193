/* SPDX-License-Identifier: Apache-2.0 */
/* The certs.d folders are those of containers-certs.d(5) and are read as containers/image reads
 * them: the first one that has a folder of the host's name is the only one. A host on port 443 may
 * stand there with the port or without. The authorities of a folder come on top of the system's:
 * one text of PEM has both. */
#include "net/http_tls.h"

#include <fcntl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "base/buf.h"
#include "sys/dir.h"
#include "sys/file.h"

enum {
    PEM_MAX = 16 << 20,
    TLS_PORT = 443
};

struct bfci_tls {
    const char *const *dirs;
    const char *cert_dir; /* in place of all of them; or NULL */
    const char *usual[4]; /* what dirs is where the caller has none */
    char *home;
    char *ca_file; /* NULL: libcurl knows */
    bfci_tls_host *hosts;
};

/* ── The folders ── */

static int find_dirs(bfci_tls *t, bfc_err *err)
{
    const char *home = getenv("HOME");
    size_t n = 0;

    if (home && *home == '/') {
        BFC_TRY(bfci_asprintf(&t->home, err, "%s/.config/containers/certs.d", home));
        t->usual[n++] = t->home;
    }
    t->usual[n++] = "/etc/containers/certs.d";
    t->usual[n++] = "/etc/docker/certs.d";
    t->usual[n] = NULL;
    t->dirs = t->usual;
    return 0;
}

int bfci_tls_new(const char *const *certs_dirs, const char *cert_dir, const char *ca_file,
                 bfci_tls **out, bfc_err *err)
{
    AUTO(bfci_tls) bfci_tls *t = NULL;

    BFC_TRY(bfci_curl_load(err)); /* it knows where the system's certificates are */
    BFC_TRY(bfci_alloc_zero(1, sizeof *t, &t, err));
    t->cert_dir = cert_dir;
    if (certs_dirs)
        t->dirs = certs_dirs;
    else
        BFC_TRY(find_dirs(t, err));
    if (!ca_file)
        ca_file = getenv("SSL_CERT_FILE");
    if (ca_file && *ca_file)
        BFC_TRY(bfci_strdup(ca_file, &t->ca_file, err));
    *out = bfci_steal(&t);
    return 0;
}

static void host_free(bfci_tls_host *h)
{
    free(h->name);
    free(h->folder);
    free(h->ca_pem);
    free(h->cert);
    free(h->key);
    free(h);
}
BFCI_DEFINE_AUTO(bfci_tls_host, host_free)

void bfci_tls_free(bfci_tls *t)
{
    if (!t)
        return;
    while (t->hosts) {
        bfci_tls_host *h = t->hosts;
        t->hosts = h->next;
        host_free(h);
    }
    free(t->home);
    free(t->ca_file);
    free(t);
}

/* ── What a folder holds ── */

static bool ends_in(const char *name, const char *end)
{
    const size_t len = strlen(name), end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* The system's first. Where they are in a folder of hashed names, libcurl looks there as well. */
static int add_system(const bfci_tls *t, buf *pem, bfc_err *err)
{
    const curl_version_info_data *version = bfci_curl.version_info(CURLVERSION_NOW);
    AUTO_FREE uint8_t *data = NULL;
    size_t len = 0;

    const char *path = t->ca_file ? t->ca_file : version->cainfo;
    if (!path)
        return 0;
    int rc = bfci_read_file(AT_FDCWD, path, PEM_MAX, &data, &len, err);
    if (rc == BFC_E_NOT_FOUND && !t->ca_file)
        return 0;
    if (rc < 0)
        return bfci_wrap(err, rc, "the system's certificates, '%s'", path);
    bfci_buf_put(pem, data, len);
    buf_u8(pem, '\n');
    return buf_check(pem, err);
}

static int add_authority(const bfci_tls *t, int dir_fd, const char *name, buf *pem, bfc_err *err)
{
    AUTO_FREE uint8_t *data = NULL;
    size_t len = 0;

    if (pem->len == 0)
        BFC_TRY(add_system(t, pem, err));
    BFC_TRY(bfci_read_file(dir_fd, name, PEM_MAX, &data, &len, err));
    if (!strstr((const char *)data, "-----BEGIN CERTIFICATE-----") &&
        !strstr((const char *)data, "-----BEGIN TRUSTED CERTIFICATE-----"))
        return bfci_fail(err, BFC_E_INVALID, "'%s' has no certificate of PEM in it",
                         BFCI_QUOTE_STR(name));
    bfci_buf_put(pem, data, len);
    buf_u8(pem, '\n');
    return buf_check(pem, err);
}

static bool has_name(const bfci_dir_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].name, name) == 0)
            return true;
    return false;
}

/* `name` is NAME and `have`, and NAME and `other` must be there, too. */
static int check_other(const bfci_dir_list *list, const char *name, const char *have,
                       const char *other, char **found, bfc_err *err)
{
    AUTO_FREE char *want = NULL;

    BFC_TRY(bfci_asprintf(&want, err, "%.*s%s", (int)(strlen(name) - strlen(have)), name, other));
    if (!has_name(list, want))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is there, but not '%s'; certificates of authorities end in '.crt'",
                         BFCI_QUOTE_STR(name), BFCI_QUOTE_STR(want));
    *found = bfci_steal(&want);
    return 0;
}

static int take_client(bfci_tls_host *h, const char *cert, const char *key, bfc_err *err)
{
    if (h->cert) { /* libcurl shows one; the first by name */
        h->has_more = true;
        return 0;
    }
    BFC_TRY(bfci_asprintf(&h->cert, err, "%s/%s", h->folder, cert));
    return bfci_asprintf(&h->key, err, "%s/%s", h->folder, key);
}

static int read_names(const bfci_tls *t, bfci_tls_host *h, int dir_fd, const bfci_dir_list *list,
                      bfc_err *err)
{
    AUTO_BUF buf pem = BUF_INIT;

    for (size_t i = 0; i < list->count; i++) {
        AUTO_FREE char *other = NULL;
        const char *name = list->item[i].name;
        if (ends_in(name, ".crt")) {
            BFC_TRY(add_authority(t, dir_fd, name, &pem, err));
        } else if (ends_in(name, ".cert")) {
            BFC_TRY(check_other(list, name, ".cert", ".key", &other, err));
            BFC_TRY(take_client(h, name, other, err));
        } else if (ends_in(name, ".key")) {
            BFC_TRY(check_other(list, name, ".key", ".cert", &other, err));
        }
    }
    h->ca_pem_len = pem.len;
    h->ca_pem = (char *)bfci_steal(&pem.data);
    return 0;
}

static int read_folder(const bfci_tls *t, bfci_tls_host *h, int dir_fd, bfc_err *err)
{
    bfci_dir_list list = BFCI_DIR_LIST_INIT;

    int rc = bfci_dir_read(dir_fd, &list, err);
    if (rc == 0)
        rc = read_names(t, h, dir_fd, &list, err);
    bfci_dir_list_release(&list);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(h->folder)) : 0;
}

/* *found: there is such a folder, and it was read. */
static int try_folder(const bfci_tls *t, bfci_tls_host *h, const char *dir, const char *name,
                      bool *found, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_FD int fd = -1;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_asprintf(&path, err, "%s/%s", dir, name));
    int rc = bfci_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd, &why);
    if (rc == BFC_E_NOT_FOUND || rc == BFC_E_DENIED) /* Docker's folder is often root's alone */
        return 0;
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    h->folder = bfci_steal(&path);
    *found = true;
    return read_folder(t, h, fd, err);
}

static int find_folder(const bfci_tls *t, bfci_tls_host *h, const char *host, unsigned port,
                       bfc_err *err)
{
    AUTO_FREE char *with_port = NULL;
    bool found = false;

    if (t->cert_dir) {
        BFC_TRY(try_folder(t, h, t->cert_dir, ".", &found, err));
        return found ? 0
                     : bfci_fail(err, BFC_E_NOT_FOUND, "there is no folder '%s' with certificates",
                                 BFCI_QUOTE_STR(t->cert_dir));
    }
    BFC_TRY(bfci_asprintf(&with_port, err, "%s:%u", host, port));
    for (size_t i = 0; t->dirs[i] && !found; i++) {
        if (port == TLS_PORT)
            BFC_TRY(try_folder(t, h, t->dirs[i], host, &found, err));
        if (!found)
            BFC_TRY(try_folder(t, h, t->dirs[i], with_port, &found, err));
    }
    return 0;
}

int bfci_tls_host_get(bfci_tls *t, const char *host, unsigned port, const bfci_tls_host **out,
                      bfc_err *err)
{
    AUTO(bfci_tls_host) bfci_tls_host *h = NULL;
    AUTO_FREE char *name = NULL;

    if (port == TLS_PORT)
        BFC_TRY(bfci_strdup(host, &name, err));
    else
        BFC_TRY(bfci_asprintf(&name, err, "%s:%u", host, port));
    for (const bfci_tls_host *at = t->hosts; at; at = at->next)
        if (strcmp(at->name, name) == 0) {
            *out = at;
            return 0;
        }
    BFC_TRY(bfci_alloc_zero(1, sizeof *h, &h, err));
    h->name = bfci_steal(&name);
    if (!strchr(host, '/') && *host != '.')
        BFC_TRY(find_folder(t, h, host, port, err));
    h->next = t->hosts;
    *out = t->hosts = bfci_steal(&h);
    return 0;
}

/* ── libcurl ── */

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (bfci_curl.easy_setopt(easy, (option), (value)) != CURLE_OK)                            \
            return bfci_fail_nomem(err);                                                           \
    } while (0)

int bfci_tls_apply(bfci_tls *t, const bfci_tls_host *host, bool insecure, CURL *easy, bfc_err *err)
{
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (insecure) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (host->ca_pem) {
        struct curl_blob blob = {host->ca_pem, host->ca_pem_len, CURL_BLOB_NOCOPY};
        SET(CURLOPT_CAINFO_BLOB, &blob);
    } else if (t->ca_file) {
        SET(CURLOPT_CAINFO, t->ca_file);
    }
    if (host->cert) {
        SET(CURLOPT_SSLCERT, host->cert);
        SET(CURLOPT_SSLKEY, host->key);
        SET(CURLOPT_KEYPASSWD, ""); /* else OpenSSL would ask for one on the terminal */
    }
    return 0;
}

/* ── Words ── */

bool bfci_tls_wants_client(const char *text)
{
    return strstr(text, "alert certificate required") || strstr(text, "alert handshake failure") ||
           strstr(text, "alert bad certificate") || strstr(text, "alert unknown ca");
}

/* Where an administrator would put files for this host. */
static struct bfci_quoted place_for(const bfci_tls *t, const bfci_tls_host *host)
{
    char path[sizeof(struct bfci_quoted)];

    if (host->folder)
        (void)snprintf(path, sizeof path, "%s", host->folder);
    else
        (void)snprintf(path, sizeof path, "%s/%s",
                       t->dirs == t->usual ? "/etc/containers/certs.d" : t->dirs[0], host->name);
    return bfci_quote_bytes(path, strlen(path));
}

static int explain_certificate(const bfci_tls *t, const bfci_tls_host *host, long verified,
                               const char *text, bfc_err *err)
{
    switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return bfci_fail(err, BFC_E_DENIED,
                         "the server's certificate has expired: it has to be renewed, or the clock "
                         "here set right; --tls-verify=false takes any certificate");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return bfci_fail(err, BFC_E_DENIED,
                         "the server's certificate is not valid yet: is the clock here right?");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return bfci_fail(
            err, BFC_E_DENIED,
            "the server's certificate is of an authority that is not known here: put the "
            "authority's into '%s/ca.crt', or use --tls-verify=false",
            place_for(t, host).text);
    case X509_V_OK: /* the certificate is sound, the name is another: that is found by libcurl */
    case X509_V_ERR_UNSPECIFIED:
        return bfci_fail(
            err, BFC_E_DENIED,
            "the server's certificate is for another host (%s); --tls-verify=false takes "
            "any certificate",
            text);
    default:
        return bfci_fail(err, BFC_E_DENIED, "the server's certificate is not trusted: %s", text);
    }
}

int bfci_tls_explain(const bfci_tls *t, const bfci_tls_host *host, CURLcode result,
                     long verify_result, const char *text, bfc_err *err)
{
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        return explain_certificate(t, host, verify_result, text, err);
    if (result == CURLE_SSL_CERTPROBLEM && host->cert)
        return bfci_fail(err, BFC_E_INVALID, "'%s' and its key cannot be used: %s",
                         BFCI_QUOTE_STR(host->cert), text);
    if (bfci_tls_wants_client(text) && host->cert)
        return bfci_fail(
            err, BFC_E_DENIED, "the server does not take the client certificate '%s'%s: %s",
            BFCI_QUOTE_STR(host->cert),
            host->has_more ? ", the first by name; there are others beside it, which are "
                             "not tried: give the right one a name that sorts first"
                           : "",
            text);
    if (bfci_tls_wants_client(text))
        return bfci_fail(
            err, BFC_E_DENIED,
            "the server wants a client certificate: put it into '%s' as client.cert, and "
            "its key as client.key (%s)",
            place_for(t, host).text, text);
    if (strstr(text, "wrong version number"))
        return bfci_fail(err, BFC_E_IO,
                         "the server does not speak TLS on this port: if plain HTTP is meant, "
                         "registries.conf has to say 'insecure = true' for it");
    return bfci_fail(err, BFC_E_IO, "no TLS connection: %s", text);
}
