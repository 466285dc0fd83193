/* SPDX-License-Identifier: Apache-2.0 */
/* One blob, from wherever it stands to its end: in the thread of the download, with the client's
 * thread putting the bytes in place. */
#include <inttypes.h>

#include "net/download_parts.h"
#include "sys/file.h"
#include "sys/names.h"

#define FOLDER_MODE 0777 /* less the umask */

enum {
    LOOK_AGAIN_MS = 100,
    FOLDER_TRIES = 10
};

/* ── The file ── */

static bool is_stopped(bfci_download *b)
{
    return bfci_stop_is_set(&b->stop);
}

static void set_waits(bfci_download *b, bool waits)
{
    pthread_mutex_lock(&b->all->lock);
    if (waits && !b->waits)
        bfci_log(b->all->hooks, BFC_LOG_INFO, "net", "another process fetches '%s': waiting for it",
                 BFCI_QUOTE_STR(b->part.path));
    b->waits = waits;
    if (waits)
        bfci_downloads_wait(b->all, &b->all->bell, LOOK_AGAIN_MS);
    pthread_mutex_unlock(&b->all->lock);
}

/* A pull that ended, or a prune, may have taken the folder away. */
static int open_part(bfci_download *b, bfc_err *err)
{
    int made = 0;

    for (;;) {
        int rc = bfci_part_open(b->all->folder, &b->digest, b->size, &b->part, err);
        if (rc == BFC_E_NOT_FOUND && made++ < FOLDER_TRIES) {
            rc = bfci_make_folder(b->all->folder, FOLDER_MODE, err);
            if (rc < 0 && rc != BFC_E_EXISTS)
                return rc;
            continue;
        }
        if (rc != BFC_E_BUSY)
            return rc;
        if (is_stopped(b))
            return bfci_fail(err, BFC_E_CANCELLED, "interrupted");
        BFC_TRY(bfci_check_cancel(b->all->hooks, err));
        set_waits(b, true);
    }
}

static int open_place(bfci_download *b, bfc_err *err)
{
    if (b->in_memory)
        return bfci_alloc(b->size ? (size_t)b->size : 1, 1, &b->memory, err);
    BFC_TRY(open_part(b, err));
    pthread_mutex_lock(&b->all->lock);
    b->waits = false;
    b->have = b->kept = b->part.have;
    pthread_cond_broadcast(&b->all->bell);
    pthread_mutex_unlock(&b->all->lock);
    if (b->kept > 0)
        bfci_log(b->all->hooks, BFC_LOG_INFO, "net",
                 "going on with '%s': %" PRIu64 " of %" PRIu64 " bytes are here",
                 BFCI_QUOTE_STR(b->part.path), b->kept, b->size);
    return 0;
}

/* ── What comes ── */

static int fail_size(const bfci_download *b, uint64_t told, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE];

    bfci_digest_text(&b->digest, digest);
    return bfci_fail(err, BFC_E_CORRUPT,
                     "blob %s: the registry has %" PRIu64 " bytes, %" PRIu64 " were promised",
                     digest, told, b->size);
}

/* `have` is changed by this thread alone. */
static int take_head(void *ctx, const bfci_http_answer *answer, bfc_err *err)
{
    bfci_download *b = ctx;

    if (answer->partial) {
        b->skip = 0;
        if (answer->range_total != BFCI_HTTP_LEN_UNKNOWN && answer->range_total != b->size)
            return fail_size(b, answer->range_total, err);
        return 0;
    }
    b->skip = b->have; /* it was asked for the rest, and gives all */
    if (answer->length != BFCI_HTTP_LEN_UNKNOWN && answer->length != b->size)
        return fail_size(b, answer->length, err);
    return 0;
}

static int put(const bfci_download *b, const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (b->in_memory) {
        memcpy(b->memory + b->have, bytes, len);
        return 0;
    }
    int rc = bfci_pwrite_all(b->part.fd, bytes, len, b->have, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(b->part.path)) : 0;
}

static int take_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_download *b = ctx;
    const size_t again = (size_t)MIN(b->skip, (uint64_t)len);
    const size_t fresh = len - again;
    char digest[DIGEST_TEXT_SIZE];

    b->skip -= again;
    if (fresh > b->size - b->have) {
        bfci_digest_text(&b->digest, digest);
        return bfci_fail(err, BFC_E_CORRUPT,
                         "blob %s: the registry sends more than the %" PRIu64
                         " bytes that were promised",
                         digest, b->size);
    }
    if (fresh > 0)
        BFC_TRY(put(b, (const uint8_t *)bytes + again, fresh, err));
    pthread_mutex_lock(&b->all->lock);
    b->have += fresh;
    b->came += len;
    if (fresh > 0)
        pthread_cond_broadcast(&b->all->bell);
    pthread_mutex_unlock(&b->all->lock);
    return 0;
}

/* ── What is asked ── */

static int prepare(void *ctx, bfci_http_request *request, bfc_err *err)
{
    bfci_download *b = ctx;

    (void)err;
    b->skip = 0;
    request->range_start = b->have;
    return 0;
}

static bool is_whole(void *ctx)
{
    const bfci_download *b = ctx;

    return b->have == b->size;
}

static uint64_t progress(void *ctx)
{
    const bfci_download *b = ctx;

    return b->have;
}

static int ask(bfci_download *b, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    const bfci_http_sink sink = {b, take_head, take_bytes};
    char path[sizeof "blobs/" + DIGEST_TEXT_SIZE] = "blobs/";
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT,
                    .also = {416},
                    .ctx = b,
                    .prepare = prepare,
                    .is_whole = is_whole,
                    .progress = progress,
                    .stop = &b->stop};

    bfci_digest_text(&b->digest, path + strlen(path));
    ask.request.sink = &sink;
    BFC_TRY(bfci_registry_ask(b->all->registry, path, &ask, &answer, err));
    if (answer.status == 416)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "%s: the registry has not the %" PRIu64 " bytes that were promised", path,
                         b->size);
    return 0;
}

int bfci_download_fetch(bfci_download *b, bfc_err *err)
{
    BFC_TRY(open_place(b, err));
    if (b->have < b->size)
        BFC_TRY(ask(b, err));
    if (!b->in_memory && !b->part.is_whole)
        bfci_part_finish(&b->part);
    return 0;
}
