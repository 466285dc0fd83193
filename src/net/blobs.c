/* SPDX-License-Identifier: Apache-2.0 */
/* How a blob gets to a registry: what is tried in which order, and what is done about what goes
 * wrong. */
#include "net/blobs.h"

#include "net/upload.h"
#include "sys/file.h"

enum {
    SESSIONS_MAX = 6 /* docker-registry forgets one when a chunk is cut off */
};

/* ── What is there ── */

static int look_for(bfci_registry *r, const bfci_digest *digest, uint64_t size, bfci_stop *stop,
                    bool *there, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT, .also = {404}, .stop = stop};
    char path[sizeof "blobs/" + DIGEST_TEXT_SIZE] = "blobs/";

    bfci_digest_text(digest, path + strlen(path));
    ask.request.method = BFCI_HTTP_HEAD;
    BFC_TRY(bfci_registry_ask(r, path, &ask, &answer, err));
    *there = bfci_http_succeeded(&answer) &&
             (answer.length == BFCI_HTTP_LEN_UNKNOWN || answer.length == size);
    return 0;
}

int bfci_blob_is_there(bfci_registry *r, const bfci_digest *digest, uint64_t size, bool *there,
                       bfc_err *err)
{
    return look_for(r, digest, size, NULL, there, err);
}

/* Who may not read there, or what knows no mounts, is no reason to fail. */
static bool is_refusal(int rc)
{
    return rc == BFC_E_DENIED || rc == BFC_E_NOT_FOUND || rc == BFC_E_INVALID ||
           rc == BFC_E_UNSUPPORTED;
}

static int try_mount(bfci_upload *u, const char *from, bool *mounted, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    *mounted = false;
    int rc = bfci_upload_begin(u, from, mounted, &why);
    if (rc < 0 && is_refusal(rc)) {
        bfci_log(bfci_registry_client(u->registry)->hooks, BFC_LOG_INFO, "net",
                 "'%s' is not mounted from: %s", BFCI_QUOTE_STR(from), why.msg);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int bfci_blob_mount(bfci_registry *r, const bfci_digest *digest, const char *from, bool *mounted,
                    bfc_err *err)
{
    const bfci_blob_sending nothing = {.digest = *digest};
    AUTO_UPLOAD bfci_upload u = BFCI_UPLOAD_INIT(r, &nothing);

    BFC_TRY(try_mount(&u, from, mounted, err));
    if (!*mounted)
        bfci_upload_cancel(&u);
    return 0;
}

/* ── Sending ── */

static int read_file(void *ctx, uint64_t offset, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    return bfci_pread(*(const int *)ctx, bytes, cap, offset, got, err);
}

bfci_blob_source bfci_blob_source_file(const int *fd)
{
    bfci_blob_source source = {.read_at = read_file};

    memcpy(&source.ctx, &fd, sizeof source.ctx);
    return source;
}

typedef struct plan {
    bfci_upload u;
    bool whole, was_whole; /* in one request; that was tried */
    uint64_t chunk;        /* at most in one */
    unsigned tries, sessions;
    uint64_t counted_at; /* where it stood when tries began to be counted */
} plan;

static uint64_t next_len(const plan *p)
{
    const uint64_t left = p->u.blob->size - p->u.at;

    return MIN(left, MAX(p->chunk, p->u.chunk_min));
}

/* *done: the registry has it. */
static int step(plan *p, bool *done, bfc_err *err)
{
    const uint64_t size = p->u.blob->size, at = p->u.at;
    bool mounted = false;

    if (!p->u.location) {
        p->counted_at = 0;
        return bfci_upload_begin(&p->u, NULL, &mounted, err);
    }
    if (!p->whole && at < size) {
        const uint64_t len = next_len(p);
        BFC_TRY(bfci_upload_chunk(&p->u, len, err));
        /* One that takes a byte of each chunk would be sent the whole for ever. */
        if (p->u.at >= at + MIN(len, (uint64_t)BLOB_CHUNK_LEAST))
            return 0;
        return bfci_fail(err, BFC_E_IO,
                         "'%s': the registry takes next to nothing of what it is sent",
                         bfci_registry_name(p->u.registry));
    }
    BFC_TRY(p->whole ? bfci_upload_whole(&p->u, err) : bfci_upload_finish(&p->u, err));
    *done = true;
    return 0;
}

/* ── What went wrong ── */

static int begin_anew(plan *p, int rc)
{
    if (++p->sessions == SESSIONS_MAX)
        return rc;
    bfci_upload_cancel(&p->u);
    return 0;
}

/* Too much in one request: less of it, if that is allowed. */
static int send_less(plan *p, int rc)
{
    if (p->whole)
        p->chunk = MIN(p->u.blob->size, (uint64_t)BLOB_WHOLE_MAX);
    const bool was_whole = p->whole;
    p->whole = false;
    if (p->chunk <= BLOB_CHUNK_LEAST || p->chunk / 2 < p->u.chunk_min)
        return rc;
    p->chunk = MAX(p->chunk / 2, (uint64_t)BLOB_CHUNK_LEAST);
    return was_whole ? begin_anew(p, rc) : 0;
}

/* A server that does not know chunks. */
static bool knows_no_chunks(const plan *p)
{
    const int status = p->u.answer.status;

    return !p->whole && !p->was_whole && p->u.at == 0 && p->u.from == 0 &&
           (status == 405 || status == 501);
}

/* Where the registry stands; a session that it has forgotten begins anew. */
static int look_again(plan *p, int rc, const bfc_err *first, bfc_err *err)
{
    bool known = false;
    bfc_err why = BFC_ERR_INIT;

    int asked = bfci_upload_ask(&p->u, &known, &why);
    if (asked == 0 && known)
        return 0;
    if (asked < 0 && asked != BFC_E_NOT_FOUND && !is_refusal(asked)) {
        if (err)
            *err = why;
        return asked;
    }
    rc = begin_anew(p, rc);
    if (rc < 0 && err)
        *err = *first;
    return rc;
}

/* Requests that were turned away before they began were tried again already. */
static bool was_tried_again(const bfci_http_answer *a)
{
    return a->status == 429 || a->fault == BFCI_HTTP_FAULT_CONNECT ||
           a->fault == BFCI_HTTP_FAULT_CONNECT_TIME;
}

static int wait_for_next(plan *p, int rc, const bfc_err *first, bfc_err *err)
{
    const bfci_client *client = bfci_registry_client(p->u.registry);
    uint64_t wait_ms = 0;

    if (p->u.at >= p->counted_at + BFCI_ASK_PROGRESS) {
        p->counted_at = p->u.at;
        p->tries = 0;
    }
    if (was_tried_again(&p->u.answer) ||
        !bfci_client_next_try(&p->u.answer, ++p->tries, &wait_ms)) {
        if (err)
            *err = *first;
        return rc;
    }
    bfci_log(client->hooks, BFC_LOG_INFO, "net", "%s; going on in %.1f s", first->msg,
             (double)wait_ms / 1000);
    return bfci_client_wait(client, p->u.blob->stop, wait_ms, err);
}

/* The answer to the last request of an upload may be lost, though all is well. */
static int came_through(const plan *p, bool *done)
{
    const bfci_blob_sending *s = p->u.blob;

    return look_for(p->u.registry, &s->digest, s->size, s->stop, done, NULL);
}

/* 0: go on. */
static int recover(plan *p, int rc, const bfc_err *first, bool *done, bfc_err *err)
{
    const bool was_last = p->u.location && (p->whole || p->u.from == p->u.blob->size);
    const int status = p->u.answer.status;
    int how = rc;

    if (rc == BFC_E_CANCELLED || rc == BFC_E_NOMEM || !p->u.location ||
        p->u.answer.fault == BFCI_HTTP_FAULT_CALLER) {
        how = rc;
    } else if (status == 413) {
        how = send_less(p, rc);
    } else if (knows_no_chunks(p)) {
        p->whole = p->was_whole = true;
        how = begin_anew(p, rc);
    } else if (status == 404) {
        how = was_last && came_through(p, done) == 0 && *done ? 0 : begin_anew(p, rc);
    } else if (status == 416 && ++p->tries < BFCI_RETRY_TRIES_MAX) {
        return look_again(p, rc, first, err);
    } else {
        BFC_TRY(wait_for_next(p, rc, first, err));
        if (was_last && came_through(p, done) == 0 && *done)
            return 0;
        if (!p->whole)
            return look_again(p, rc, first, err);
        how = begin_anew(p, rc);
    }
    if (how < 0 && err)
        *err = *first;
    return how;
}

static int send_all(plan *p, bfc_err *err)
{
    bool done = false;

    p->whole = p->was_whole = p->u.blob->size <= BLOB_WHOLE_MAX;
    p->chunk = BLOB_CHUNK;
    while (!done) {
        bfc_err why = BFC_ERR_INIT;
        int rc = step(p, &done, &why);
        if (rc < 0)
            BFC_TRY(recover(p, rc, &why, &done, err));
    }
    return 0;
}

int bfci_blob_send(bfci_registry *r, const bfci_blob_sending *s, enum bfci_blob_way *way,
                   bfc_err *err)
{
    plan p = {.u = BFCI_UPLOAD_INIT(r, s)};
    bool good = false;

    int rc = look_for(r, &s->digest, s->size, s->stop, &good, err);
    *way = BLOB_WAS_THERE;
    if (rc == 0 && !good && s->mount_from) {
        rc = try_mount(&p.u, s->mount_from, &good, err);
        *way = BLOB_MOUNTED;
    }
    if (rc == 0 && !good) {
        rc = send_all(&p, err);
        *way = BLOB_SENT;
        if (rc < 0 && rc != BFC_E_CANCELLED && p.u.answer.status != 0)
            bfci_upload_cancel(&p.u);
    }
    bfci_upload_release(&p.u);
    return rc;
}
