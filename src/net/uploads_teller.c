/* SPDX-License-Identifier: Apache-2.0 */
/* Tells how far uploads are, some times a second, in a thread of its own: who listens may be slow.
 */
#include "net/uploads_parts.h"

enum {
    TELL_EVERY_MS = 100
};

void bfci_uploads_tell(bfci_uploads *u, long line, enum bfc_blob_state state, uint64_t done,
                       uint64_t size, const bfci_digest *digest)
{
    if (line < 0 || (size_t)line >= u->line_count)
        return;
    pthread_mutex_lock(&u->lock);
    bfci_uploads_line *l = &u->line[line];
    l->state = state;
    l->done = done;
    l->size = size;
    if (digest) {
        l->digest = *digest;
        l->has_digest = true;
    }
    l->changed = true;
    pthread_mutex_unlock(&u->lock);
}

/* With the lock; false: there is nothing new to tell. */
static bool look(bfci_uploads *u, size_t index, bfc_blob_progress *out,
                 char digest[DIGEST_TEXT_SIZE])
{
    bfci_uploads_line *l = &u->line[index];

    if (!l->changed)
        return false;
    l->changed = false;
    digest[0] = '\0';
    if (l->has_digest)
        bfci_digest_text(&l->digest, digest);
    *out = (bfc_blob_progress){.digest = digest,
                               .size = l->size,
                               .done = l->done,
                               .state = l->state,
                               .index = index,
                               .count = u->line_count};
    return true;
}

void *bfci_uploads_teller(void *uploads)
{
    bfci_uploads *u = uploads;
    char digest[DIGEST_TEXT_SIZE];
    bfc_blob_progress blob;

    pthread_mutex_lock(&u->lock);
    for (bool last = false; !last;) {
        last = u->closing;
        for (size_t i = 0; i < u->line_count; i++) {
            if (!look(u, i, &blob, digest))
                continue;
            pthread_mutex_unlock(&u->lock);
            u->blob(u->blob_ctx, &blob);
            pthread_mutex_lock(&u->lock);
        }
        if (!last && !u->closing)
            bfci_wait_ms(&u->tick, &u->lock, TELL_EVERY_MS);
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}
