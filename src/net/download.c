/* SPDX-License-Identifier: Apache-2.0 */
/* Which blobs are fetched when, and those who read them. A download runs in a thread of its own; as
 * many run as may, but for one that is waited for, which always may. */
#include "net/download_parts.h"
#include "net/wait.h"
#include "sys/file.h"
#include "sys/names.h"

enum {
    LOOK_AGAIN_MS = 100,
    DOCUMENT_MAX = 8 << 20, /* what is read before it is known where files are to go */
    HASH_SIZE = 1 << 20
};

/* ── The list ── */

static void download_free(bfci_download *b)
{
    bfci_part_close(&b->part);
    free(b->memory);
    free(b);
}

static bfci_download *find(bfci_downloads *d, const bfci_digest *digest)
{
    for (size_t i = 0; i < d->count; i++)
        if (bfci_digest_equal(&d->item[i]->digest, digest))
            return d->item[i];
    return NULL;
}

static int add(bfci_downloads *d, const bfci_descriptor *blob, bfci_download **out, bfc_err *err)
{
    bfci_download *b = find(d, &blob->digest);
    char digest[DIGEST_TEXT_SIZE];

    if (b && b->size != blob->size) {
        bfci_digest_text(&blob->digest, digest);
        return bfci_fail(err, BFC_E_CORRUPT, "blob %s: two sizes are promised, %llu and %llu bytes",
                         digest, (unsigned long long)b->size, (unsigned long long)blob->size);
    }
    if (!b) {
        BFC_TRY(bfci_reserve(&d->item, &d->cap, d->count + 1, sizeof *d->item, err));
        BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
        b->all = d;
        b->digest = blob->digest;
        b->size = blob->size;
        b->part = (bfci_part)BFCI_PART_INIT;
        b->stop = (bfci_stop)BFCI_STOP_INIT;
        b->told_state = -1;
        d->item[d->count++] = b;
    }
    *out = b;
    return 0;
}

/* ── Running; all of it under the lock ── */

static void schedule(bfci_downloads *d);

static void end(bfci_download *b, int rc, const bfc_err *why)
{
    bfci_downloads *d = b->all;

    b->state = rc < 0 ? DOWNLOAD_FAILED : DOWNLOAD_DONE;
    b->rc = rc;
    b->err = *why;
    b->waits = false;
    d->running--;
    schedule(d);
    pthread_cond_broadcast(&d->bell);
    pthread_cond_signal(&d->tick);
}

static void *run(void *download)
{
    bfci_download *b = download;
    bfci_downloads *d = b->all;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_download_fetch(b, &why);
    pthread_mutex_lock(&d->lock);
    end(b, rc, &why);
    pthread_mutex_unlock(&d->lock); /* from here on all of it may be gone */
    return NULL;
}

static int begin_thread(bfci_download *b)
{
    pthread_attr_t attr;
    pthread_t thread;

    if (pthread_attr_init(&attr) != 0)
        return -1;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, run, b);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

static void start(bfci_download *b)
{
    bfci_downloads *d = b->all;
    bfc_err why = BFC_ERR_INIT;

    b->in_memory =
        b->size <= DOWNLOAD_IN_MEMORY_MAX && d->memory + b->size <= DOWNLOADS_IN_MEMORY_MAX;
    if (!d->folder && b->size <= DOCUMENT_MAX)
        b->in_memory = true;
    d->memory += b->in_memory ? b->size : 0;
    b->state = DOWNLOAD_RUNNING;
    d->running++;
    if (!b->in_memory && !d->folder)
        end(b,
            bfci_fail(&why, BFC_E_LIMIT, "a document of %llu bytes", (unsigned long long)b->size),
            &why);
    else if (begin_thread(b) != 0)
        end(b, bfci_fail(&why, BFC_E_NOMEM, "there is no thread left"), &why);
}

static void schedule(bfci_downloads *d)
{
    for (size_t i = 0; i < d->count && d->running < d->parallel && !d->closing; i++)
        if (d->item[i]->state == DOWNLOAD_PENDING && d->item[i]->uses > 0)
            start(d->item[i]);
}

/* ── Readers ── */

typedef struct reader {
    bfci_download *b;
    uint64_t at;
    bool is_stopped; /* under the lock */
} reader;

/* How much there is to read; 0 is the end. Waits for it. */
static int wait_for_bytes(const reader *r, uint64_t *ready, bfc_err *err)
{
    bfci_download *b = r->b;
    bfci_downloads *d = b->all;
    int rc = 0;

    pthread_mutex_lock(&d->lock);
    while (rc == 0 && b->have <= r->at && !r->is_stopped && b->state != DOWNLOAD_DONE &&
           b->state != DOWNLOAD_FAILED) {
        bfci_downloads_wait(d, &d->bell, LOOK_AGAIN_MS);
        rc = bfci_check_cancel(d->hooks, err);
    }
    *ready = b->have - r->at;
    if (rc == 0 && r->is_stopped)
        rc = bfci_fail(err, BFC_E_CANCELLED, "interrupted");
    if (rc == 0 && *ready == 0 && b->state == DOWNLOAD_FAILED) {
        rc = b->rc;
        if (err)
            *err = b->err;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int reader_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    reader *r = ctx;
    uint64_t ready = 0;

    BFC_TRY(wait_for_bytes(r, &ready, err));
    const size_t len = (size_t)MIN(ready, (uint64_t)cap);
    if (len > 0 && r->b->in_memory)
        memcpy(bytes, r->b->memory + r->at, len);
    else if (len > 0)
        BFC_TRY(bfci_pread_exact(r->b->part.fd, bytes, len, r->at, err));
    r->at += len;
    *got = len;
    return 0;
}

static void reader_stop(void *ctx)
{
    reader *r = ctx;

    pthread_mutex_lock(&r->b->all->lock);
    r->is_stopped = true;
    pthread_cond_broadcast(&r->b->all->bell);
    pthread_mutex_unlock(&r->b->all->lock);
}

/* What nobody will read again is not kept in memory. */
static void let_go(bfci_download *b)
{
    if (b->uses > 0 || b->readers > 0 || !b->in_memory || b->state != DOWNLOAD_DONE)
        return;
    b->all->memory -= b->size;
    free(bfci_steal(&b->memory));
    b->state = DOWNLOAD_PENDING;
    b->have = 0;
}

static void reader_close(void *ctx)
{
    reader *r = ctx;
    bfci_download *b = r->b;

    pthread_mutex_lock(&b->all->lock);
    b->readers--;
    let_go(b);
    pthread_mutex_unlock(&b->all->lock);
    free(r);
}

int bfci_downloads_read(bfci_downloads *d, const bfci_descriptor *blob, bfci_bytes *out,
                        bfc_err *err)
{
    AUTO_FREE reader *r = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *r, &r, err));
    pthread_mutex_lock(&d->lock);
    int rc = add(d, blob, &r->b, err);
    if (rc == 0) {
        r->b->readers++;
        r->b->uses -= r->b->uses > 0;
        if (r->b->state == DOWNLOAD_PENDING)
            start(r->b);
    }
    pthread_mutex_unlock(&d->lock);
    BFC_TRY(rc);
    *out = (bfci_bytes){
        .ctx = bfci_steal(&r), .read = reader_read, .close = reader_close, .stop = reader_stop};
    return 0;
}

/* ── All of them ── */

int bfci_downloads_expect(bfci_downloads *d, const char *folder,
                          const bfci_descriptor *const *blobs, size_t count, bfc_err *err)
{
    AUTO_FREE char *copy = NULL;
    int rc = 0;

    BFC_TRY(bfci_strdup(folder, &copy, err));
    pthread_mutex_lock(&d->lock);
    if (!d->folder)
        d->folder = bfci_steal(&copy);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bfci_download *b = NULL;
        rc = add(d, blobs[i], &b, err);
        if (rc < 0)
            break;
        b->uses++;
        d->expected += !b->is_expected;
        b->is_expected = true;
    }
    if (rc == 0)
        schedule(d);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

int bfci_downloads_open(const bfci_downloads_options *options, bfci_downloads **out, bfc_err *err)
{
    bfci_downloads *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    (void)pthread_mutex_init(&fresh->lock, NULL);
    bfci_wait_init(&fresh->bell);
    bfci_wait_init(&fresh->tick);
    AUTO(bfci_downloads) bfci_downloads *d = fresh;
    d->registry = options->registry;
    d->hooks = bfci_registry_client(d->registry)->hooks;
    d->parallel = options->parallel ? MIN(options->parallel, (unsigned)DOWNLOADS_AT_ONCE_MAX)
                                    : DOWNLOADS_AT_ONCE;
    d->blob = options->blob;
    d->blob_ctx = options->blob_ctx;
    if (d->blob) {
        if (pthread_create(&d->teller, NULL, bfci_downloads_teller, d) != 0)
            return bfci_fail(err, BFC_E_NOMEM, "there is no thread left");
        d->has_teller = true;
    }
    *out = bfci_steal(&d);
    return 0;
}

/* Afterwards nobody but the caller has anything of it, and nothing begins. */
static void stop(bfci_downloads *d)
{
    pthread_mutex_lock(&d->lock);
    d->closing = true;
    for (size_t i = 0; i < d->count; i++)
        bfci_stop_set(&d->item[i]->stop);
    pthread_cond_broadcast(&d->bell);
    pthread_cond_signal(&d->tick);
    while (d->running > 0)
        pthread_cond_wait(&d->bell, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

unsigned bfci_downloads_parallel(const bfci_downloads *d)
{
    return d->parallel;
}

void bfci_downloads_close(bfci_downloads *d)
{
    if (!d)
        return;
    stop(d);
    if (d->has_teller)
        (void)pthread_join(d->teller, NULL);
    for (size_t i = 0; i < d->count; i++)
        download_free(d->item[i]);
    free(d->item);
    free(d->folder);
    (void)pthread_cond_destroy(&d->tick);
    (void)pthread_cond_destroy(&d->bell);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ── Afterwards ── */

void bfci_downloads_forget(bfci_downloads *d)
{
    stop(d);
    for (size_t i = 0; i < d->count; i++)
        if (d->item[i]->part.fd >= 0)
            bfci_part_remove(&d->item[i]->part);
    if (d->folder)
        (void)bfci_remove_folder(d->folder, NULL); /* others may have files there */
}

static int has_digest(const bfci_download *b, uint8_t *buffer, bool *has, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    bfci_digest digest;

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    for (uint64_t at = 0; at < b->have;) {
        const size_t len = (size_t)MIN(b->have - at, (uint64_t)HASH_SIZE);
        BFC_TRY(bfci_pread_exact(b->part.fd, buffer, len, at, err));
        BFC_TRY(bfci_sha256_update(sha, buffer, len, err));
        at += len;
    }
    BFC_TRY(bfci_sha256_finish(sha, digest.bytes, err));
    *has = bfci_digest_equal(&digest, &b->digest);
    return 0;
}

int bfci_downloads_drop_wrong(bfci_downloads *d, bool *of_old, bfc_err *err)
{
    AUTO_FREE uint8_t *buffer = NULL;

    *of_old = false;
    stop(d);
    BFC_TRY(bfci_alloc(HASH_SIZE, 1, &buffer, err));
    for (size_t i = 0; i < d->count; i++) {
        bfci_download *b = d->item[i];
        bool has = false;
        if (b->state != DOWNLOAD_DONE || b->in_memory || b->part.fd < 0)
            continue;
        BFC_TRY(has_digest(b, buffer, &has, err));
        if (has)
            continue;
        *of_old = *of_old || b->kept > 0;
        bfci_part_remove(&b->part);
    }
    return 0;
}

void bfci_downloads_report(bfci_downloads *d, bfc_pull_report *out)
{
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->count; i++) {
        const bfci_download *b = d->item[i];
        if (!b->is_expected)
            continue;
        out->blobs++;
        out->bytes += b->came;
        out->kept += b->kept;
    }
    pthread_mutex_unlock(&d->lock);
}
