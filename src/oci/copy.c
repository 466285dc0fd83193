/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs, then documents, from an origin to a destination. */
#include "oci/copy.h"

#include <inttypes.h>

/* ── What was promised ── */

struct checked {
    bfci_bytes from;
    bfci_sha256_ctx *sha;
    bfci_digest digest;
    uint64_t size, done;
    const bfc_hooks *hooks;
    bool has_ended;
};

static int check_end(struct checked *c, bfc_err *err)
{
    char want[DIGEST_TEXT_SIZE], came[DIGEST_TEXT_SIZE];
    bfci_digest digest;

    bfci_digest_text(&c->digest, want);
    if (c->done < c->size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "blob %s: %" PRIu64 " bytes are promised, %" PRIu64 " came", want, c->size,
                         c->done);
    BFC_TRY(bfci_sha256_finish(c->sha, digest.bytes, err));
    c->has_ended = true;
    if (bfci_digest_equal(&digest, &c->digest))
        return 0;
    bfci_digest_text(&digest, came);
    return bfci_fail(err, BFC_E_CORRUPT, "blob %s: what came has the digest %s", want, came);
}

/* One byte more than was promised shows that it is too much. */
static int checked_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    struct checked *c = ctx;
    uint8_t beyond[1];
    const uint64_t left = c->size - c->done;
    char want[DIGEST_TEXT_SIZE];

    *got = 0;
    if (c->has_ended)
        return 0;
    BFC_TRY(bfci_check_cancel(c->hooks, err));
    if (left > 0)
        BFC_TRY(c->from.read(c->from.ctx, bytes, (size_t)MIN((uint64_t)cap, left), got, err));
    if (*got > 0) {
        c->done += *got;
        return bfci_sha256_update(c->sha, bytes, *got, err);
    }
    if (left == 0) {
        size_t more = 0;
        BFC_TRY(c->from.read(c->from.ctx, beyond, sizeof beyond, &more, err));
        bfci_digest_text(&c->digest, want);
        if (more > 0)
            return bfci_fail(err, BFC_E_CORRUPT,
                             "blob %s: %" PRIu64 " bytes are promised, more "
                             "came",
                             want, c->size);
    }
    return check_end(c, err);
}

static void checked_close(void *ctx)
{
    struct checked *c = ctx;

    bfci_bytes_close(&c->from);
    bfci_sha256_free(c->sha);
    free(c);
}

static void checked_stop(void *ctx)
{
    struct checked *c = ctx;

    if (c->from.stop)
        c->from.stop(c->from.ctx);
}

int bfci_bytes_checked(bfci_bytes *from, const bfci_descriptor *d, const bfc_hooks *hooks,
                       bfci_bytes *out, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    struct checked *c = NULL;

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    *c = (struct checked){.from = *from,
                          .sha = bfci_steal(&sha),
                          .digest = d->digest,
                          .size = d->size,
                          .hooks = hooks};
    *from = (bfci_bytes){0};
    *out =
        (bfci_bytes){.ctx = c, .read = checked_read, .close = checked_close, .stop = checked_stop};
    return 0;
}

/* ── Running ── */

/* Layers that are not to be distributed may be elsewhere. */
static bool may_be_missing(const bfci_descriptor *d)
{
    return bfci_media_kind(d->media_type, NULL) == MEDIA_FOREIGN_LAYER;
}

static void tell_progress(const bfci_copying *c, uint64_t total)
{
    const bfc_progress p = {.phase = "copy", .bytes_done = c->bytes, .bytes_total = total};

    bfci_progress(c->hooks, &p);
}

static int copy_blob(bfci_copying *c, const bfci_descriptor *d, bfc_err *err)
{
    AUTO_BYTES bfci_bytes from = {0};
    AUTO_BYTES bfci_bytes in = {0};
    char digest[DIGEST_TEXT_SIZE];
    bfc_err why = BFC_ERR_INIT;

    bfci_digest_text(&d->digest, digest);
    int rc = c->origin->open_blob(c->origin, d, &from, &why);
    if (rc == BFC_E_NOT_FOUND && may_be_missing(d)) {
        bfci_log(c->hooks, BFC_LOG_INFO, "oci",
                 "blob %s is not to be distributed, and is not there: it is left out", digest);
        return 0;
    }
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    BFC_TRY(bfci_bytes_checked(&from, d, c->hooks, &in, err));
    BFC_TRY(c->dest->blob(c->dest->ctx, d, &in, err));
    c->blobs++;
    c->bytes += d->size;
    return 0;
}

/* *lacking: those that the destination has not, in their order. */
static int find_lacking(bfci_copying *c, const bfci_descriptor **lacking, size_t *count,
                        uint64_t *total, bfc_err *err)
{
    for (size_t i = 0; i < c->list->blob_count; i++) {
        const bfci_descriptor *d = &c->list->blob[i];
        bool has = false;
        BFC_TRY(bfci_check_cancel(c->hooks, err));
        if (c->dest->has)
            BFC_TRY(c->dest->has(c->dest->ctx, d, &has, err));
        c->there += has;
        if (has)
            continue;
        lacking[(*count)++] = d;
        if (bfci_add_overflows(*total, d->size, total))
            return bfci_fail(err, BFC_E_CORRUPT, "the sizes of the blobs have no sum");
    }
    return 0;
}

int bfci_copy_run(bfci_copying *c, bfc_err *err)
{
    AUTO_FREE const bfci_descriptor **lacking = NULL;
    size_t count = 0;
    uint64_t total = 0;

    BFC_TRY(bfci_alloc(c->list->blob_count + 1, sizeof *lacking, &lacking, err));
    BFC_TRY(find_lacking(c, lacking, &count, &total, err));
    if (c->expect)
        BFC_TRY(c->expect(c->ctx, lacking, count, err));
    for (size_t i = 0; i < count; i++) {
        BFC_TRY(copy_blob(c, lacking[i], err));
        tell_progress(c, total);
    }
    for (size_t i = 0; i < c->list->document_count; i++) {
        BFC_TRY(bfci_check_cancel(c->hooks, err));
        BFC_TRY(c->dest->document(c->dest->ctx, &c->list->document[i],
                                  i + 1 == c->list->document_count, err));
    }
    return 0;
}

/* ── Files ── */

enum {
    CHUNK = 1 << 20
};

static int files_has(void *ctx, const bfci_descriptor *d, bool *has, bfc_err *err)
{
    const bfci_copy_to_files *f = ctx;

    return bfci_layout_out_has(f->layout, &d->digest, d->size, has, err);
}

static int files_blob(void *ctx, const bfci_descriptor *d, bfci_bytes *in, bfc_err *err)
{
    const bfci_copy_to_files *f = ctx;
    AUTO_FREE uint8_t *chunk = NULL;
    char name[EXPORT_NAME_MAX];
    size_t got = 1;

    BFC_TRY(bfci_alloc(CHUNK, 1, &chunk, err));
    BFC_TRY(f->target->begin(f->target->ctx, err));
    while (got > 0) {
        BFC_TRY(in->read(in->ctx, chunk, CHUNK, &got, err));
        if (got > 0)
            BFC_TRY(f->target->write(f->target->ctx, chunk, got, err));
    }
    bfci_export_blob_name(&d->digest, name);
    return f->target->end(f->target->ctx, name, err);
}

static int files_document(void *ctx, const bfci_copied_document *d, bool is_root, bfc_err *err)
{
    const bfci_copy_to_files *f = ctx;
    char name[EXPORT_NAME_MAX];

    (void)is_root;
    bfci_export_blob_name(&d->descriptor.digest, name);
    return bfci_export_put(f->target, name, d->bytes, d->len, err);
}

bfci_copy_dest bfci_copy_dest_files(bfci_copy_to_files *f)
{
    return (bfci_copy_dest){.ctx = f,
                            .has = f->layout ? files_has : NULL,
                            .blob = files_blob,
                            .document = files_document};
}

int bfci_copy_root(const bfci_copy_list *list, const char *ref, json_t **out, bfc_err *err)
{
    const bfci_descriptor *d = &list->document[list->document_count - 1].descriptor;
    AUTO(json_t) json_t *object = NULL;
    AUTO(json_t) json_t *annotations = json_object();

    if (!annotations)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_descriptor(d->media_type, &d->digest, d->size, &object, err));
    BFC_TRY(bfci_json_put_text(annotations, BFCI_EXPORT_REF_NAME, ref, err));
    BFC_TRY(bfci_json_put(object, "annotations", bfci_steal(&annotations), err));
    *out = bfci_steal(&object);
    return 0;
}
