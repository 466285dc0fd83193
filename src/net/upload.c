/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of an upload. Where the next one goes is the registry's to say, each time anew; who
 * is asked there, and whether we say who we are, is decided by the address. */
#include "net/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum {
    CANCEL_ANSWER_MS = 2000
};

void bfci_upload_release(bfci_upload *u)
{
    free(u->location);
    bfci_http_answer_release(&u->answer);
}

/* ── What a registry says ── */

/* A registry that was asked with TLS is not left for one without. */
static int take_location(bfci_upload *u, bool must, bfc_err *err)
{
    const char *told = bfci_http_header_get(&u->answer, "Location", 0);
    AUTO_FREE char *next = NULL;

    if (!told || !*told)
        return must ? bfci_fail(err, BFC_E_CORRUPT,
                                "'%s': the registry does not say where the blob is to be sent "
                                "(there is no Location)",
                                bfci_registry_name(u->registry))
                    : 0;
    int rc = bfci_http_resolve(u->answer.url, told, &next, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s': the Location '%s'", bfci_registry_name(u->registry),
                         BFCI_HTTP_SHOW(told));
    if (strncmp(u->answer.url, "https:", 6) == 0 && strncmp(next, "https:", 6) != 0)
        return bfci_fail(err, BFC_E_DENIED,
                         "'%s' wants the blob at '%s', which is not encrypted: the registry, or "
                         "the proxy before it, has to know that it is asked with TLS",
                         bfci_registry_name(u->registry), BFCI_HTTP_SHOW(next));
    free(u->location);
    u->location = bfci_steal(&next);
    return 0;
}

/* "0-N", N the last byte that it has. "0-0" may be one byte, or none: registries differ. */
static bool read_range(const char *text, uint64_t *have)
{
    static const char unit[] = "bytes=";
    char *end = NULL;

    if (strncasecmp(text, unit, sizeof unit - 1) == 0)
        text += sizeof unit - 1;
    if (strncmp(text, "0-", 2) != 0 || text[2] < '0' || text[2] > '9')
        return false;
    const unsigned long long last = strtoull(text + 2, &end, 10);
    if (*end || last == 0 || last >= UINT64_MAX - 1)
        return false;
    *have = last + 1;
    return true;
}

static int take_range(bfci_upload *u, uint64_t most, bool *known, bfc_err *err)
{
    const char *told = bfci_http_header_get(&u->answer, "Range", 0);
    uint64_t have = 0;

    *known = told && read_range(told, &have);
    if (!*known)
        return 0;
    if (have > most)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "'%s': the registry says that it has %" PRIu64
                         " bytes of the blob, of which it was sent %" PRIu64,
                         bfci_registry_name(u->registry), have, most);
    u->at = have;
    return 0;
}

static int check_digest(const bfci_upload *u, bfc_err *err)
{
    const char *told = bfci_http_header_get(&u->answer, "Docker-Content-Digest", 0);
    char sent[DIGEST_TEXT_SIZE];
    bfci_digest got;

    bfci_digest_text(&u->blob->digest, sent);
    if (!told || bfci_digest_parse(told, &got, NULL) < 0 ||
        bfci_digest_equal(&got, &u->blob->digest))
        return 0;
    return bfci_fail(err, BFC_E_CORRUPT, "'%s': blob %s was sent, the registry says it got %s",
                     bfci_registry_name(u->registry), sent, BFCI_QUOTE_STR(told));
}

/* ── Bodies ── */

static int read_body(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    bfci_upload *u = ctx;
    const bfci_blob_source *from = &u->blob->source;

    cap = (size_t)MIN((uint64_t)cap, u->end - u->given);
    BFC_TRY(from->read_at(from->ctx, u->given, bytes, cap, got, err));
    u->given += *got;
    if (u->blob->sent)
        u->blob->sent(u->blob->sent_ctx, u->given);
    return 0;
}

static int rewind_body(void *ctx, bfc_err *err)
{
    bfci_upload *u = ctx;

    (void)err;
    u->given = u->from;
    return 0;
}

static int prepare(void *ctx, bfci_http_request *request, bfc_err *err)
{
    (void)request;
    return rewind_body(ctx, err);
}

/* The bytes from `from` to `end`, `path` being where they go. */
static int send(bfci_upload *u, enum bfci_http_method method, const char *path,
                const char *content_range, bfc_err *err)
{
    const bfci_http_source source = {u, u->end - u->from, read_body, rewind_body};
    const bfci_http_header headers[] = {{"Content-Type", "application/octet-stream"},
                                        {"Content-Range", content_range}};
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT,
                    .once = true,
                    .ctx = u,
                    .prepare = prepare,
                    .stop = u->blob->stop};

    if (u->blob->source.wait)
        BFC_TRY(u->blob->source.wait(u->blob->source.ctx, u->end, err));
    ask.request.method = method;
    ask.request.headers = headers;
    ask.request.header_count = content_range ? 2 : 1;
    if (u->end > u->from)
        ask.request.source = &source;
    return bfci_registry_ask(u->registry, path, &ask, &u->answer, err);
}

/* LOCATION?digest=… */
static int final_path(const bfci_upload *u, char **out, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE];

    bfci_digest_text(&u->blob->digest, digest);
    return bfci_asprintf(out, err, "%s%cdigest=sha256%%3A%s", u->location,
                         strchr(u->location, '?') ? '&' : '?', digest + strlen("sha256:"));
}

/* ── Requests ── */

static int begin_path(const bfci_upload *u, const char *from, char **out, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE];

    if (!from)
        return bfci_strdup("blobs/uploads/", out, err);
    bfci_digest_text(&u->blob->digest, digest);
    return bfci_asprintf(out, err, "blobs/uploads/?mount=%s&from=%s", digest, from);
}

static void take_chunk_min(bfci_upload *u)
{
    const char *told = bfci_http_header_get(&u->answer, "OCI-Chunk-Min-Length", 0);
    char *end = NULL;

    u->chunk_min = 0;
    if (!told || *told < '0' || *told > '9')
        return;
    const unsigned long long least = strtoull(told, &end, 10);
    if (!*end)
        u->chunk_min = least;
}

int bfci_upload_begin(bfci_upload *u, const char *mount_from, bool *mounted, bfc_err *err)
{
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT, .stop = u->blob->stop};
    AUTO_FREE char *path = NULL;

    BFC_TRY(begin_path(u, mount_from, &path, err));
    ask.request.method = BFCI_HTTP_POST;
    int rc = bfci_registry_ask(u->registry, path, &ask, &u->answer, err);
    if (rc < 0 && u->answer.status == 405)
        return bfci_wrap(err, rc, "'%s' takes nothing: the registry is read-only",
                         bfci_registry_name(u->registry));
    BFC_TRY(rc);
    *mounted = mount_from && u->answer.status == 201;
    if (*mounted)
        return check_digest(u, err);
    BFC_TRY(take_location(u, true, err));
    take_chunk_min(u);
    u->at = 0;
    return 0;
}

int bfci_upload_whole(bfci_upload *u, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(final_path(u, &path, err));
    u->from = 0;
    u->end = u->blob->size;
    BFC_TRY(send(u, BFCI_HTTP_PUT, path, NULL, err));
    return check_digest(u, err);
}

int bfci_upload_chunk(bfci_upload *u, uint64_t len, bfc_err *err)
{
    char range[64];
    bool known = false;

    u->from = u->at;
    u->end = u->from + len;
    (void)snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, u->from, u->end - 1);
    BFC_TRY(send(u, BFCI_HTTP_PATCH, u->location, range, err));
    BFC_TRY(take_location(u, false, err));
    BFC_TRY(take_range(u, u->end, &known, err));
    if (!known)
        u->at = u->end;
    return 0;
}

int bfci_upload_finish(bfci_upload *u, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(final_path(u, &path, err));
    u->from = u->end = u->blob->size;
    BFC_TRY(send(u, BFCI_HTTP_PUT, path, NULL, err));
    return check_digest(u, err);
}

int bfci_upload_ask(bfci_upload *u, bool *known, bfc_err *err)
{
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT, .stop = u->blob->stop};

    BFC_TRY(bfci_registry_ask(u->registry, u->location, &ask, &u->answer, err));
    BFC_TRY(take_location(u, false, err));
    return take_range(u, u->end, known, err);
}

void bfci_upload_cancel(bfci_upload *u)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT, .tries_max = 1, .stop = u->blob->stop};

    if (!u->location)
        return;
    ask.request.method = BFCI_HTTP_DELETE;
    ask.request.answer_ms = CANCEL_ANSWER_MS;
    (void)bfci_registry_ask(u->registry, u->location, &ask, &answer, NULL);
    free(bfci_steal(&u->location));
}
