/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the slots: each is one upload in a thread. The first failure stops the others, and is what
 * everything returns from then on. */
#include <signal.h>

#include "net/uploads_parts.h"
#include "sys/file.h"

/* ── Opening and closing ── */

static int take_lines(bfci_uploads *u, const bfci_uploads_options *o, bfc_err *err)
{
    BFC_TRY(bfci_alloc_zero(o->line_count + 1, sizeof *u->line, &u->line, err));
    for (size_t i = 0; i < o->line_count; i++)
        u->line[i] = (bfci_uploads_line){.digest = o->line[i].digest,
                                         .has_digest = o->line[i].has_digest,
                                         .size = o->line[i].size,
                                         .changed = true};
    u->line_count = o->line_count;
    return 0;
}

static int make_slots(bfci_uploads *u, unsigned parallel, bfc_err *err)
{
    const size_t count = parallel ? MIN(parallel, (unsigned)UPLOADS_AT_ONCE_MAX) : UPLOADS_AT_ONCE;

    BFC_TRY(bfci_alloc_zero(count, sizeof *u->slot, &u->slot, err));
    u->slot_count = count;
    for (size_t i = 0; i < count; i++) {
        bfci_uploads_slot *s = &u->slot[i];
        s->all = u;
        s->fd = -1;
        (void)pthread_mutex_init(&s->stop.lock, NULL);
        (void)pthread_cond_init(&s->stop.bell, NULL);
    }
    return 0;
}

int bfci_uploads_open(const bfci_uploads_options *o, bfci_uploads **out, bfc_err *err)
{
    bfci_uploads *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    (void)pthread_mutex_init(&fresh->lock, NULL);
    bfci_wait_init(&fresh->bell);
    bfci_wait_init(&fresh->tick);
    fresh->fd = -1;
    AUTO(bfci_uploads) bfci_uploads *u = fresh;
    u->registry = o->registry;
    u->hooks = bfci_registry_client(o->registry)->hooks;
    u->folder = o->folder;
    u->mount_from = o->mount_from;
    u->blob = o->blob;
    u->blob_ctx = o->blob_ctx;
    u->line_here = UPLOAD_NO_LINE;
    u->line_taken = true;
    BFC_TRY(take_lines(u, o, err));
    BFC_TRY(make_slots(u, o->parallel, err));
    if (u->blob) {
        if (pthread_create(&u->teller, NULL, bfci_uploads_teller, u) != 0)
            return bfci_fail(err, BFC_E_NOMEM, "there is no thread left");
        u->has_teller = true;
    }
    *out = bfci_steal(&u);
    return 0;
}

static void stop_all(bfci_uploads *u)
{
    for (size_t i = 0; i < u->slot_count; i++)
        bfci_stop_set(&u->slot[i].stop);
}

static void join(bfci_uploads_slot *s)
{
    if (s->has_thread)
        (void)pthread_join(s->thread, NULL);
    s->has_thread = false;
}

void bfci_uploads_close(bfci_uploads *u)
{
    if (!u)
        return;
    stop_all(u);
    for (size_t i = 0; i < u->slot_count; i++) {
        join(&u->slot[i]);
        bfci_fd_close(&u->slot[i].fd);
        (void)pthread_cond_destroy(&u->slot[i].stop.bell);
        (void)pthread_mutex_destroy(&u->slot[i].stop.lock);
    }
    pthread_mutex_lock(&u->lock);
    u->closing = true;
    pthread_cond_signal(&u->tick);
    pthread_mutex_unlock(&u->lock);
    if (u->has_teller)
        (void)pthread_join(u->teller, NULL);
    bfci_fd_close(&u->fd);
    free(u->slot);
    free(u->line);
    (void)pthread_cond_destroy(&u->tick);
    (void)pthread_cond_destroy(&u->bell);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

/* ── One upload ── */

static void count(bfci_uploads *u, enum bfci_blob_way way, uint64_t size)
{
    u->report.there += way == BLOB_WAS_THERE;
    u->report.mounted += way == BLOB_MOUNTED;
    u->report.blobs += way == BLOB_SENT;
    u->report.bytes += way == BLOB_SENT ? size : 0;
}

static void on_sent(void *ctx, uint64_t bytes)
{
    bfci_uploads_slot *s = ctx;

    bfci_uploads_tell(s->all, s->line, BFC_BLOB_SENDING, bytes, s->sending.size, NULL);
}

static void *work(void *slot)
{
    bfci_uploads_slot *s = slot;
    bfci_uploads *u = s->all;
    enum bfci_blob_way way = BLOB_WAS_THERE;
    bfc_err why = BFC_ERR_INIT;
    char digest[DIGEST_TEXT_SIZE];

    int rc = bfci_blob_send(u->registry, &s->sending, &way, &why);
    if (rc == 0)
        bfci_uploads_tell(u, s->line, BFC_BLOB_DONE, s->sending.size, s->sending.size, NULL);
    bfci_fd_close(&s->fd);
    bfci_digest_text(&s->sending.digest, digest);
    if (rc < 0 && rc != BFC_E_CANCELLED)
        (void)bfci_wrap(&why, rc, "blob %s", digest);
    pthread_mutex_lock(&u->lock);
    if (rc == 0)
        count(u, way, s->sending.size);
    const bool first = rc < 0 && u->rc == 0;
    if (first) {
        u->rc = rc;
        u->err = why;
    }
    pthread_mutex_unlock(&u->lock);
    if (first)
        stop_all(u);
    pthread_mutex_lock(&u->lock);
    s->running = false;
    pthread_cond_broadcast(&u->bell);
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

static int check(bfci_uploads *u, bfc_err *err)
{
    pthread_mutex_lock(&u->lock);
    const int rc = u->rc;
    if (rc < 0 && err)
        *err = u->err;
    pthread_mutex_unlock(&u->lock);
    return rc;
}

/* NULL: an upload has failed. */
static bfci_uploads_slot *wait_for_slot(bfci_uploads *u)
{
    bfci_uploads_slot *found = NULL;

    pthread_mutex_lock(&u->lock);
    while (u->rc == 0 && !found) {
        for (size_t i = 0; i < u->slot_count && !found; i++)
            if (!u->slot[i].running)
                found = &u->slot[i];
        if (!found)
            pthread_cond_wait(&u->bell, &u->lock);
    }
    pthread_mutex_unlock(&u->lock);
    return found;
}

/* The thread takes no signals: they belong to the program's own. */
static int start(bfci_uploads_slot *s, bfc_err *err)
{
    sigset_t all, before;

    s->running = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&s->thread, NULL, work, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e != 0) {
        s->running = false;
        bfci_fd_close(&s->fd);
        return bfci_fail_errno(err, e, "start a thread");
    }
    s->has_thread = true;
    return 0;
}

/* ── What the caller does ── */

void bfci_uploads_next_line(bfci_uploads *u)
{
    u->line_here++;
    u->line_taken = false;
}

void bfci_uploads_note(bfci_uploads *u, enum bfci_blob_way way)
{
    pthread_mutex_lock(&u->lock);
    count(u, way, 0);
    const uint64_t size = (size_t)u->line_here < u->line_count ? u->line[u->line_here].size : 0;
    pthread_mutex_unlock(&u->lock);
    bfci_uploads_tell(u, u->line_here, BFC_BLOB_DONE, size, size, NULL);
    u->line_taken = true;
}

int bfci_uploads_begin(bfci_uploads *u, bfc_err *err)
{
    AUTO_FREE char *beside = NULL;

    BFC_TRY(check(u, err));
    BFC_TRY(bfci_asprintf(&beside, err, "%s/push", u->folder));
    bfci_fd_close(&u->fd);
    u->size = 0;
    int rc = bfci_open_temp_beside(beside, &u->fd, err);
    return rc < 0 ? bfci_wrap(err, rc, "a file for a layer in '%s'", BFCI_QUOTE_STR(u->folder)) : 0;
}

int bfci_uploads_write(bfci_uploads *u, const void *bytes, size_t len, bfc_err *err)
{
    BFC_TRY(check(u, err));
    int rc = bfci_write_all(u->fd, bytes, len, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "a file for a layer in '%s'", BFCI_QUOTE_STR(u->folder));
    u->size += len;
    if (!u->line_taken)
        bfci_uploads_tell(u, u->line_here, BFC_BLOB_PACKING, u->size, 0, NULL);
    return 0;
}

int bfci_uploads_end(bfci_uploads *u, const bfci_digest *digest, bfc_err *err)
{
    bfci_uploads_slot *s = wait_for_slot(u);

    if (!s)
        return check(u, err);
    join(s);
    s->line = u->line_taken ? UPLOAD_NO_LINE : u->line_here;
    u->line_taken = true;
    s->fd = u->fd;
    u->fd = -1;
    s->sending = (bfci_blob_sending){.digest = *digest,
                                     .size = u->size,
                                     .source = bfci_blob_source_file(&s->fd),
                                     .mount_from = u->mount_from,
                                     .sent = on_sent,
                                     .sent_ctx = s,
                                     .stop = &s->stop};
    bfci_uploads_tell(u, s->line, BFC_BLOB_SENDING, 0, u->size, digest);
    return start(s, err);
}

int bfci_uploads_finish(bfci_uploads *u, bfc_err *err)
{
    for (size_t i = 0; i < u->slot_count; i++)
        join(&u->slot[i]);
    return check(u, err);
}

void bfci_uploads_report(bfci_uploads *u, bfc_push_report *out)
{
    pthread_mutex_lock(&u->lock);
    out->blobs = u->report.blobs;
    out->bytes = u->report.bytes;
    out->mounted = u->report.mounted;
    out->there = u->report.there;
    pthread_mutex_unlock(&u->lock);
}
