/* SPDX-License-Identifier: Apache-2.0 */
/* A second reader of the same tar, which has an eye for contents alone. */
#include "oci/layer_sums.h"

#include <pthread.h>

#include "container/hasher.h"
#include "oci/tar_content.h"

typedef struct sum {
    uint64_t offset;
    uint32_t crc;
    uint8_t digest[BFC_DIGEST_SIZE];
} sum;

struct bfci_layer_sums {
    bfci_tar *tar; /* NULL: it is none from here on */
    bfci_sha256_ctx *sha;
    bfci_hasher hasher;
    bfci_tar_content content;
    bool in_file;
    sum open;

    pthread_mutex_t lock; /* guards what follows */
    sum *sum;             /* those from `taken` to `count` wait */
    size_t taken, count, cap;
};

/* ── What the reader of the tar says ── */

static int take_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    (void)ctx, (void)block, (void)err;
    return 0;
}

static int take_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)bytes, (void)len, (void)err;
    return 0;
}

static int take_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    bfci_layer_sums *s = (bfci_layer_sums *)ctx;

    s->in_file = e->kind == TAR_FILE;
    if (!s->in_file)
        return 0;
    s->open.offset = e->offset;
    BFC_TRY(bfci_tar_content_begin(&s->content, e, err));
    return bfci_hasher_start(&s->hasher, s->sha, s->content.sparse, err);
}

static int hash_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return bfci_hasher_data(&((bfci_layer_sums *)ctx)->hasher, bytes, len, err);
}

static int hash_hole(void *ctx, uint64_t len, bfc_err *err)
{
    return bfci_hasher_hole(&((bfci_layer_sums *)ctx)->hasher, len, err);
}

static bfci_tar_content_sink hash_sink(bfci_layer_sums *s)
{
    return (bfci_tar_content_sink){.ctx = s, .data = hash_data, .hole = hash_hole};
}

static int take_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    bfci_layer_sums *s = (bfci_layer_sums *)ctx;
    const bfci_tar_content_sink sink = hash_sink(s);

    return bfci_tar_content_data(&s->content, &sink, bytes, len, err);
}

/* With the lock. */
static int put_sum(bfci_layer_sums *s, bfc_err *err)
{
    if (s->taken > 0 && s->taken >= s->count - s->taken) {
        memmove(s->sum, s->sum + s->taken, (s->count - s->taken) * sizeof *s->sum);
        s->count -= s->taken;
        s->taken = 0;
    }
    BFC_TRY(bfci_reserve(&s->sum, &s->cap, s->count + 1, sizeof *s->sum, err));
    s->sum[s->count++] = s->open;
    return 0;
}

static int take_entry_end(void *ctx, bfc_err *err)
{
    bfci_layer_sums *s = (bfci_layer_sums *)ctx;
    const bfci_tar_content_sink sink = hash_sink(s);

    if (!s->in_file)
        return 0;
    BFC_TRY(bfci_tar_content_end(&s->content, &sink, err));
    BFC_TRY(bfci_hasher_finish(&s->hasher, &s->open.crc, s->open.digest, err));
    pthread_mutex_lock(&s->lock);
    int rc = put_sum(s, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* ── Making, feeding, taking ── */

int bfci_layer_sums_new(bfci_layer_sums **out, bfc_err *err)
{
    bfci_layer_sums *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    pthread_mutex_init(&fresh->lock, NULL);
    AUTO(bfci_layer_sums) bfci_layer_sums *s = fresh;
    const bfci_tar_sink sink = {.ctx = s,
                                .header = take_header,
                                .other = take_other,
                                .entry = take_entry,
                                .data = take_data,
                                .entry_end = take_entry_end};
    BFC_TRY(bfci_tar_new(&sink, &s->tar, err));
    BFC_TRY(bfci_sha256_new(&s->sha, err));
    *out = bfci_steal(&s);
    return 0;
}

void bfci_layer_sums_free(bfci_layer_sums *s)
{
    if (!s)
        return;
    bfci_tar_free(s->tar);
    bfci_sha256_free(s->sha);
    bfci_tar_content_release(&s->content);
    free(s->sum);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int bfci_layer_sums_feed(bfci_layer_sums *s, const uint8_t *bytes, size_t len, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = s->tar ? bfci_tar_feed(s->tar, bytes, len, &why) : 0;
    if (rc == 0)
        return 0;
    bfci_tar_free(bfci_steal(&s->tar));
    if (rc == BFC_E_CORRUPT || rc == BFC_E_LIMIT || rc == BFC_E_UNSUPPORTED)
        return 0;
    if (err)
        *err = why;
    return rc;
}

int bfci_layer_sums_take(bfci_layer_sums *s, uint64_t offset, uint32_t *crc,
                         uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    pthread_mutex_lock(&s->lock);
    while (s->taken < s->count && s->sum[s->taken].offset < offset)
        s->taken++;
    bool found = s->taken < s->count && s->sum[s->taken].offset == offset;
    const sum got = found ? s->sum[s->taken++] : (sum){0};
    pthread_mutex_unlock(&s->lock);
    if (!found)
        return bfci_fail(err, BFC_E_INVALID, "no sums were made of the file at byte %llu",
                         (unsigned long long)offset);
    *crc = got.crc;
    memcpy(digest, got.digest, BFC_DIGEST_SIZE);
    return 0;
}
