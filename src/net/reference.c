/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a name means when it goes to a registry. The letters that are allowed are the store's
 * business (store/reference); here are digests, and the defaults. */
#include "net/reference.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

static const char transport[] = "docker://";
static const char docker_old_host[] = "index.docker.io";
static const char docker_api_host[] = "registry-1.docker.io";
static const char official[] = "library/";

enum {
    HEX_DIGEST_LEN = 64
};

/* A view into the name. */
struct part {
    const char *at;
    size_t len;
};

struct parts {
    struct part host, path, tag; /* host.len and tag.len are 0 where there is none */
    const char *digest;          /* NULL: none */
};

static struct parts split(const char *text)
{
    const char *at = strchr(text, '@');
    const char *end = at ? at : text + strlen(text);
    const char *slash = memchr(text, '/', (size_t)(end - text));
    struct parts p = {{text, 0}, {text, 0}, {end, 0}, at ? at + 1 : NULL};

    if (slash && bfci_reference_is_registry(text, (size_t)(slash - text))) {
        p.host.len = (size_t)(slash - text);
        p.path.at = slash + 1;
    }
    const char *path_end = end;
    for (const char *c = end; c > p.path.at && c[-1] != '/'; c--)
        if (c[-1] == ':') {
            p.tag = (struct part){c, (size_t)(end - c)};
            path_end = c - 1;
        }
    p.path.len = (size_t)(path_end - p.path.at);
    return p;
}

static bool is_hex_digest(struct part p)
{
    return p.len == HEX_DIGEST_LEN && strspn(p.at, "0123456789abcdef") >= HEX_DIGEST_LEN;
}

static int check_path(const char *text, const struct parts *p, bfc_err *err)
{
    if (p->path.len == 0 || !bfci_reference_path_ok(p->path.at, p->path.len))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no name of an image: '%s' is not allowed: between slashes stand "
                         "lower-case letters and digits, with '.', '_', '__' or '-' between them",
                         BFCI_QUOTE_STR(text), BFCI_QUOTE(p->path.at, p->path.len));
    if (p->host.len == 0 && is_hex_digest(p->path))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is a digest, not the name of an image: put a name and '@sha256:' "
                         "before it",
                         BFCI_QUOTE_STR(text));
    return 0;
}

static int check_parts(const char *text, const struct parts *p, bfc_err *err)
{
    if (p->host.len > REMOTE_HOST_MAX ||
        (p->host.len > 0 && !bfci_reference_registry_ok(p->host.at, p->host.len)))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no name of an image: registry '%s' is not allowed: use a host "
                         "name or an address, then a port if there is one "
                         "('registry.example:5000')",
                         BFCI_QUOTE_STR(text), BFCI_QUOTE(p->host.at, p->host.len));
    BFC_TRY(check_path(text, p, err));
    if (p->path.at + p->path.len != p->tag.at && !bfci_reference_tag_ok(p->tag.at, p->tag.len))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no name of an image: tag '%s' is not allowed: use 1 to %d "
                         "letters, digits, '_', '.' and '-', the first a letter, digit or '_'",
                         BFCI_QUOTE_STR(text), BFCI_QUOTE(p->tag.at, p->tag.len), BFCI_TAG_MAX);
    return 0;
}

static void put(char *out, const char *at, size_t len)
{
    memcpy(out, at, len);
    out[len] = '\0';
}

static void set_host(bfci_remote_ref *ref, const struct parts *p)
{
    ref->is_short = p->host.len == 0;
    put(ref->host, p->host.at, p->host.len);
    for (char *c = ref->host; *c; c++) /* hosts are the same in both cases */
        *c = (char)tolower((unsigned char)*c);
    if (ref->is_short || strcmp(ref->host, docker_old_host) == 0)
        put(ref->host, BFCI_DOCKER_HOST, sizeof BFCI_DOCKER_HOST - 1);
}

static int set_path(bfci_remote_ref *ref, const char *text, struct part path, bfc_err *err)
{
    bool is_official = strcmp(ref->host, BFCI_DOCKER_HOST) == 0 && !memchr(path.at, '/', path.len);
    size_t before = is_official ? sizeof official - 1 : 0;

    if (path.len + before > REMOTE_PATH_MAX)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no name of an image: its path has %zu bytes, %d are allowed",
                         BFCI_QUOTE_STR(text), path.len + before, REMOTE_PATH_MAX);
    memcpy(ref->path, official, before);
    put(ref->path + before, path.at, path.len);
    return 0;
}

static int set_digest(bfci_remote_ref *ref, const char *text, const char *digest, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    if (!digest)
        return 0;
    int rc = bfci_digest_parse(digest, &ref->digest, &why);
    if (rc < 0)
        return bfci_fail(err, rc == BFC_E_CORRUPT ? BFC_E_INVALID : (enum bfc_code)rc,
                         "'%s' is no name of an image: %s", BFCI_QUOTE_STR(text), why.msg);
    ref->has_digest = true;
    return 0;
}

int bfci_remote_ref_parse(const char *text, bfci_remote_ref *out, bfc_err *err)
{
    bfci_remote_ref ref = {.host = ""};

    if (text && strncmp(text, transport, sizeof transport - 1) == 0)
        text += sizeof transport - 1;
    if (!text || !*text)
        return bfci_fail(
            err, BFC_E_INVALID,
            "the name of the image is empty: it is "
            "[registry[:port]/]path[:tag][@sha256:…], such as 'quay.io/fedora/fedora'");

    const struct parts p = split(text);
    BFC_TRY(check_parts(text, &p, err));
    set_host(&ref, &p);
    BFC_TRY(set_path(&ref, text, p.path, err));
    BFC_TRY(set_digest(&ref, text, p.digest, err));
    put(ref.tag, p.tag.at, p.tag.len);
    if (p.tag.len == 0 && !p.digest)
        put(ref.tag, BFCI_TAG_DEFAULT, sizeof BFCI_TAG_DEFAULT - 1);
    *out = ref;
    return 0;
}

int bfci_remote_ref_at(const char *host, const char *typed, bfci_remote_ref *out, bfc_err *err)
{
    AUTO_FREE char *text = NULL;

    BFC_TRY(bfci_asprintf(&text, err, "%s/%s", host, typed));
    if (!bfci_reference_is_registry(host, strlen(host)) &&
        bfci_reference_registry_ok(host, strlen(host)))
        return bfci_fail(
            err, BFC_E_INVALID,
            "'%s' cannot be told from a part of a path: write a registry with a '.' or "
            "with its port",
            BFCI_QUOTE_STR(host));
    return bfci_remote_ref_parse(text, out, err);
}

void bfci_remote_ref_name(const bfci_remote_ref *ref, char out[REMOTE_NAME_SIZE])
{
    (void)snprintf(out, REMOTE_NAME_SIZE, "%s/%s", ref->host, ref->path);
}

void bfci_remote_ref_text(const bfci_remote_ref *ref, char out[REMOTE_TEXT_SIZE])
{
    char digest[DIGEST_TEXT_SIZE] = "";

    if (ref->has_digest)
        bfci_digest_text(&ref->digest, digest);
    (void)snprintf(out, REMOTE_TEXT_SIZE, "%s/%s%s%s%s%s", ref->host, ref->path,
                   ref->tag[0] ? ":" : "", ref->tag, ref->has_digest ? "@" : "", digest);
}

const char *bfci_remote_api_host(const char *host)
{
    return strcmp(host, BFCI_DOCKER_HOST) == 0 ? docker_api_host : host;
}

bool bfci_remote_is_loopback(const char *host)
{
    char name[REMOTE_HOST_MAX + 1];
    struct in_addr v4;
    struct in6_addr v6;
    bool bracketed = host[0] == '[';
    size_t len = bracketed ? strcspn(++host, "]") : strcspn(host, ":");

    if (len > REMOTE_HOST_MAX)
        return false;
    put(name, host, len);
    if (bracketed)
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcasecmp(name, "localhost") == 0;
}
