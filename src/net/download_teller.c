/* SPDX-License-Identifier: Apache-2.0 */
/* Tells how far blobs are, some times a second, in a thread of its own: who listens may be slow,
 * and nothing that comes from the network should wait for it. */
#include "net/download_parts.h"
#include "net/wait.h"

enum {
    TELL_EVERY_MS = 100
};

void bfci_downloads_wait(bfci_downloads *d, pthread_cond_t *cond, unsigned ms)
{
    bfci_wait_ms(cond, &d->lock, ms);
}

static enum bfc_blob_state state_of(const bfci_download *b)
{
    if (b->state == DOWNLOAD_DONE)
        return BFC_BLOB_DONE;
    return b->state == DOWNLOAD_RUNNING && !b->waits ? BFC_BLOB_FETCHING : BFC_BLOB_WAITING;
}

/* With the lock; false: there is nothing new to tell. */
static bool look(bfci_downloads *d, size_t index, bfc_blob_progress *out,
                 char digest[DIGEST_TEXT_SIZE])
{
    bfci_download *b = d->item[index];
    const enum bfc_blob_state state = state_of(b);

    if (!b->is_expected || (b->told_have == b->have && b->told_state == (int)state))
        return false;
    b->told_have = b->have;
    b->told_state = (int)state;
    bfci_digest_text(&b->digest, digest);
    *out = (bfc_blob_progress){.digest = digest,
                               .size = b->size,
                               .done = b->have,
                               .kept = b->kept,
                               .state = state,
                               .count = d->expected};
    for (size_t i = 0; i < index; i++)
        out->index += d->item[i]->is_expected;
    return true;
}

void *bfci_downloads_teller(void *downloads)
{
    bfci_downloads *d = downloads;
    char digest[DIGEST_TEXT_SIZE];
    bfc_blob_progress blob;

    pthread_mutex_lock(&d->lock);
    for (bool last = false; !last;) {
        last = d->closing;
        for (size_t i = 0; i < d->count; i++) {
            if (!look(d, i, &blob, digest))
                continue;
            pthread_mutex_unlock(&d->lock);
            d->blob(d->blob_ctx, &blob);
            pthread_mutex_lock(&d->lock);
        }
        if (!last && !d->closing)
            bfci_downloads_wait(d, &d->tick, TELL_EVERY_MS);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}
