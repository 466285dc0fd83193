/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is accepted, and that the bytes are those that were asked for. */
#include "net/manifests.h"

#include <stdio.h>

static const char *const accepted[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    NULL,
};

void bfci_remote_manifest_release(bfci_remote_manifest *m)
{
    free(m->media_type);
    free(m->bytes);
    *m = (bfci_remote_manifest){0};
}

void bfci_manifest_name(const bfci_remote_ref *ref, char out[BFCI_TAG_MAX + DIGEST_TEXT_SIZE])
{
    if (ref->has_digest)
        bfci_digest_text(&ref->digest, out);
    else
        (void)snprintf(out, BFCI_TAG_MAX + DIGEST_TEXT_SIZE, "%s", ref->tag);
}

static int ask(bfci_registry *r, enum bfci_http_method method, const char *name,
               bfci_http_answer *answer, bfc_err *err)
{
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT};
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_asprintf(&path, err, "manifests/%s", name));
    ask.request.method = method;
    ask.request.accept = accepted;
    ask.request.body_max = MANIFEST_SIZE_MAX;
    int rc = bfci_registry_ask(r, path, &ask, answer, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_wrap(err, rc, "'%s' has no image '%s'", bfci_registry_name(r), name);
    return rc;
}

static int copy_type(const bfci_http_answer *answer, char **out, bfc_err *err)
{
    const char *type = bfci_http_header_get(answer, "Content-Type", 0);
    const char *from = type ? type : "";

    return bfci_memdup_str(from, strcspn(from, "; \t"), out, err);
}

/* The registry's word; false: it says none, or in an algorithm that we do not know. */
static bool told_digest(const bfci_http_answer *answer, bfci_digest *out)
{
    const char *told = bfci_http_header_get(answer, "Docker-Content-Digest", 0);

    return told && bfci_digest_parse(told, out, NULL) == 0;
}

static int check(const bfci_registry *r, const char *name, const bfci_http_answer *answer,
                 const bfci_digest *came, bfc_err *err)
{
    char has[DIGEST_TEXT_SIZE];
    bfci_digest told;

    bfci_digest_text(came, has);
    if (strchr(name, ':') && strcmp(name, has) != 0)
        return bfci_fail(err, BFC_E_CORRUPT, "'%s': %s was asked for, what came has the digest %s",
                         bfci_registry_name(r), name, has);
    if (told_digest(answer, &told) && !bfci_digest_equal(&told, came)) {
        char text[DIGEST_TEXT_SIZE];
        bfci_digest_text(&told, text);
        return bfci_fail(err, BFC_E_CORRUPT,
                         "'%s': the registry says that '%s' is %s, what came has the digest %s",
                         bfci_registry_name(r), name, text, has);
    }
    return 0;
}

int bfci_manifest_get(bfci_registry *r, const char *name, bfci_remote_manifest *out, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    AUTO_REMOTE_MANIFEST bfci_remote_manifest m = {0};

    BFC_TRY(ask(r, BFCI_HTTP_GET, name, &answer, err));
    if (answer.body_len == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "'%s': the manifest '%s' is empty",
                         bfci_registry_name(r), name);
    BFC_TRY(bfci_sha256(answer.body, answer.body_len, m.digest.bytes, err));
    BFC_TRY(check(r, name, &answer, &m.digest, err));
    BFC_TRY(copy_type(&answer, &m.media_type, err));
    m.bytes = bfci_steal(&answer.body);
    m.len = answer.body_len;
    answer.body_len = 0;
    *out = m;
    m = (bfci_remote_manifest){0};
    return 0;
}

int bfci_manifest_head(bfci_registry *r, const char *name, bool *known, bfci_remote_manifest *out,
                       bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    AUTO_REMOTE_MANIFEST bfci_remote_manifest m = {0};

    BFC_TRY(ask(r, BFCI_HTTP_HEAD, name, &answer, err));
    *known = told_digest(&answer, &m.digest);
    BFC_TRY(copy_type(&answer, &m.media_type, err));
    if (answer.length != BFCI_HTTP_LEN_UNKNOWN)
        m.len = (size_t)answer.length;
    *out = m;
    m = (bfci_remote_manifest){0};
    return 0;
}
