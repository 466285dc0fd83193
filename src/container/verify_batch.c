/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do in the deep check: a batch's items are read block by block, hashed, and compared.
 * Results go under the lock into lists that the thread which hands out takes from: callbacks are
 * its own business. */
#include <inttypes.h>
#include <stdio.h>

#include "container/verify_deep.h"

void bfci_check_batch_free(bfci_check_batch *b)
{
    if (!b)
        return;
    free(b->item);
    free(b->piece);
    free(b->block);
    bfci_buf_free(&b->names);
    free(b);
}

/* ── Results ── */

static void fail_locked(bfci_deep *d, int rc, const bfc_err *why)
{
    if (d->fatal == 0) {
        d->fatal = rc;
        d->why = *why;
    }
}

void bfci_deep_fail(bfci_deep *d, int rc, const bfc_err *why)
{
    pthread_mutex_lock(&d->lock);
    fail_locked(d, rc, why);
    pthread_mutex_unlock(&d->lock);
}

static int add_found(bfci_deep *d, uint64_t ino, uint64_t offset, const char *text, bfc_err *err)
{
    AUTO_FREE char *what = NULL;

    BFC_TRY(bfci_strdup(text, &what, err));
    BFC_TRY(bfci_reserve(&d->found, &d->found_cap, d->found_count + 1, sizeof *d->found, err));
    d->found[d->found_count++] = (bfci_finding){ino, offset, bfci_steal(&what)};
    return 0;
}

static int note_block(bfci_deep *d, uint64_t number, const bfci_ref *ref, int rc,
                      const bfc_err *why, bfc_err *err)
{
    char text[BFC_ERR_MSG_MAX];
    bool added = false;

    BFC_TRY(bfci_set_add(&d->checked, number, &added, err));
    if (rc == 0)
        return 0;
    BFC_TRY(bfci_set_add(&d->bad, number, &added, err));
    if (!added)
        return 0;
    (void)snprintf(text, sizeof text, "block %" PRIu64 ": %.900s", number, why->msg);
    return add_found(d, 0, ref->offset, text, err);
}

bool bfci_deep_note_block(bfci_deep *d, uint64_t number, const bfci_ref *ref, int rc,
                          const bfc_err *why)
{
    bfc_err failed = BFC_ERR_INIT;
    int result = rc;

    pthread_mutex_lock(&d->lock);
    if (rc == 0 || bfci_verify_is_problem(rc))
        result = note_block(d, number, ref, rc, why, &failed);
    else
        failed = *why;
    if (result < 0)
        fail_locked(d, result, &failed);
    pthread_mutex_unlock(&d->lock);
    return rc < 0;
}

static void tell_result(const bfci_check_item *item, const bfci_check_result *r, char *out,
                        size_t size)
{
    if (r->bad_blocks)
        (void)snprintf(out, size,
                       "content damaged: bytes %" PRIu64 " to %" PRIu64 " lie in block %" PRIu64
                       ", which is bad (%" PRIu64 " bad in all)",
                       r->bad_from, r->bad_to, r->bad_number, r->bad_blocks);
    else if (item->kind != CHECK_XATTRS && r->crc != item->crc)
        (void)snprintf(out, size, "content checksum mismatch");
    else if (memcmp(r->digest, item->digest, BFC_DIGEST_SIZE) != 0)
        (void)snprintf(out, size, "content digest mismatch");
    else if (r->set_is_malformed)
        (void)snprintf(out, size, "malformed set of extended attributes");
    else
        out[0] = '\0';
}

void bfci_check_note_bad(bfci_check_result *r, uint64_t number, const bfci_check_piece *p)
{
    if (r->bad_blocks == 0) {
        r->bad_from = p->start;
        r->bad_to = p->start + p->len - 1;
        r->bad_number = number;
    }
    if (r->bad_blocks == 0 || r->bad_last != number)
        r->bad_blocks++;
    r->bad_last = number;
}

static int note_item(bfci_deep *d, const bfci_check_item *item, const char *name,
                     const bfci_check_result *r, bfc_err *err)
{
    char what[256], text[BFC_ERR_MSG_MAX], hex[2 * BFC_DIGEST_SIZE + 1];

    tell_result(item, r, what, sizeof what);
    if (!what[0] || item->kind == CHECK_BLOCK)
        return 0;
    if (item->kind == CHECK_FILE)
        return add_found(d, item->ino, BFC_NO_OFFSET, what, err);
    if (item->kind == CHECK_BLOB) {
        (void)snprintf(text, sizeof text, "blob '%s': %s", BFCI_QUOTE(name, item->name_len), what);
        return add_found(d, 0, BFC_NO_OFFSET, text, err);
    }
    bfci_hex(item->digest, BFC_DIGEST_SIZE, hex);
    (void)snprintf(text, sizeof text, "set of extended attributes %s: %s", hex, what);
    BFC_TRY(bfci_verify_bad_set(d->v, item->digest, err));
    return add_found(d, 0, BFC_NO_OFFSET, text, err);
}

void bfci_deep_note_item(bfci_deep *d, const bfci_check_item *item, const char *name,
                         const bfci_check_result *result)
{
    bfc_err failed = BFC_ERR_INIT;

    pthread_mutex_lock(&d->lock);
    d->bytes += result->bytes;
    if (item->kind == CHECK_FILE) {
        d->done += item->size;
        d->files++;
    }
    int rc = note_item(d, item, name, result, &failed);
    if (rc < 0)
        fail_locked(d, rc, &failed);
    pthread_mutex_unlock(&d->lock);
}

/* ── Items ── */

/* Returns false if the block is bad. */
static bool load_block(bfci_deep *d, bfci_check_worker *w, const bfci_check_block *b)
{
    bfc_err why = BFC_ERR_INIT;
    int rc;

    if (w->has_block && w->number == b->number)
        return !w->block_is_bad;
    w->has_block = false;
    rc = bfci_reserve(&w->raw, &w->raw_cap, b->ref.raw, 1, &why);
    if (rc == 0)
        rc = bfci_block_check(&d->v->source, &w->checker, b->number, &b->ref, w->raw, &why);
    w->block_is_bad = bfci_deep_note_block(d, b->number, &b->ref, rc, &why);
    w->number = b->number;
    w->has_block = true;
    return !w->block_is_bad;
}

static int hash_piece(bfci_check_worker *w, bfci_hasher *h, const bfci_check_batch *b,
                      const bfci_check_piece *p, buf *set, bfc_err *err)
{
    if (p->offset > b->block[p->block].ref.raw || p->len > b->block[p->block].ref.raw - p->offset)
        return bfci_fail(err, BFC_E_CORRUPT, "content beyond the end of its block");
    BFC_TRY(bfci_hasher_hole(h, p->start - h->at, err));
    BFC_TRY(bfci_hasher_data(h, w->raw + p->offset, p->len, err));
    if (set)
        bfci_buf_put(set, w->raw + p->offset, p->len);
    return set ? buf_check(set, err) : 0;
}

static int check_item(bfci_deep *d, bfci_check_worker *w, const bfci_check_batch *b,
                      const bfci_check_item *item, bfci_check_result *r, bfc_err *err)
{
    AUTO_BUF buf set = BUF_INIT;
    bfci_hasher h;

    BFC_TRY(bfci_hasher_start(&h, w->sha, item->sparse, err));
    for (size_t i = 0; i < item->piece_count; i++) {
        const bfci_check_piece *p = &b->piece[item->first_piece + i];
        if (!load_block(d, w, &b->block[p->block])) {
            bfci_check_note_bad(r, b->block[p->block].number, p);
        } else if (r->bad_blocks == 0 && item->kind != CHECK_BLOCK) {
            BFC_TRY(hash_piece(w, &h, b, p, item->kind == CHECK_XATTRS ? &set : NULL, err));
            r->bytes += p->len;
        }
    }
    if (r->bad_blocks || item->kind == CHECK_BLOCK)
        return 0;
    BFC_TRY(bfci_hasher_hole(&h, item->size - h.at, err));
    BFC_TRY(bfci_hasher_finish(&h, &r->crc, r->digest, err));
    if (item->kind == CHECK_XATTRS)
        r->set_is_malformed =
            bfci_xattr_set_each((bfci_span){set.data ? set.data : (const uint8_t *)"", set.len},
                                NULL, NULL, NULL, NULL) < 0;
    return 0;
}

static bool has_ended(bfci_deep *d)
{
    pthread_mutex_lock(&d->lock);
    bool ended = d->fatal != 0;
    pthread_mutex_unlock(&d->lock);
    return ended || bfci_cancelled(d->v->options.hooks);
}

void bfci_check_batch_run(bfci_task *task, unsigned worker)
{
    bfci_check_batch *b = (bfci_check_batch *)task;
    bfci_deep *d = b->deep;

    for (size_t i = 0; i < b->item_count && !has_ended(d); i++) {
        const bfci_check_item *item = &b->item[i];
        const char *name = b->names.data ? (const char *)b->names.data + item->name_at : "";
        bfci_check_result r = {0};
        bfc_err why = BFC_ERR_INIT;
        int rc = check_item(d, &d->worker[worker], b, item, &r, &why);
        if (rc < 0)
            bfci_deep_fail(d, rc, &why);
        else
            bfci_deep_note_item(d, item, name, &r);
    }
    bfci_check_batch_free(b);
    pthread_mutex_lock(&d->lock);
    d->in_flight--;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}
