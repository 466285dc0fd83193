/* SPDX-License-Identifier: Apache-2.0 */
/* Documents are kept until all that they name is there: a registry refuses one before that, and
 * nobody is to see an image that is not whole. */
#include "net/dest_registry.h"

#include <stdio.h>

#include "net/manifests.h"

enum {
    DOCUMENTS_KEPT_MAX = 32 << 20 /* bytes; then those there are go first */
};

typedef struct document {
    char *media_type;
    uint8_t *bytes;
    size_t len;
} document;

struct bfci_dest {
    bfci_registry *registry;
    bfci_uploads *uploads;
    const char *mount_from;
    document *document;
    size_t count, cap, kept;
};

static void forget_documents(bfci_dest *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->document[i].media_type);
        free(d->document[i].bytes);
    }
    d->count = d->kept = 0;
}

void bfci_dest_free(bfci_dest *d)
{
    if (!d)
        return;
    forget_documents(d);
    free(d->document);
    free(d);
}

int bfci_dest_new(bfci_registry *r, bfci_uploads *u, const char *mount_from, bfci_dest **out,
                  bfc_err *err)
{
    bfci_dest *d = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *d, &d, err));
    d->registry = r;
    d->uploads = u;
    d->mount_from = mount_from;
    *out = d;
    return 0;
}

/* ── Blobs ── */

static int begin(void *ctx, bfc_err *err)
{
    const bfci_dest *d = ctx;

    return bfci_uploads_begin(d->uploads, err);
}

static int write_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    const bfci_dest *d = ctx;

    return bfci_uploads_write(d->uploads, bytes, len, err);
}

/* "blobs/sha256/HEX", as bfci_export_blob_name() has it. */
static int end(void *ctx, const char *name, bfc_err *err)
{
    const bfci_dest *d = ctx;
    char text[DIGEST_TEXT_SIZE];
    bfci_digest digest;

    (void)snprintf(text, sizeof text, "sha256:%s", strrchr(name, '/') + 1);
    BFC_TRY(bfci_digest_parse(text, &digest, err));
    return bfci_uploads_end(d->uploads, &digest, err);
}

static int layer(void *ctx, const bfci_digest *came, uint64_t size, bool *there, bfc_err *err)
{
    const bfci_dest *d = ctx;
    bool mounted = false;

    *there = false;
    bfci_uploads_next_line(d->uploads);
    if (!came)
        return 0;
    BFC_TRY(bfci_blob_is_there(d->registry, came, size, there, err));
    if (!*there && d->mount_from)
        BFC_TRY(bfci_blob_mount(d->registry, came, d->mount_from, &mounted, err));
    if (*there || mounted)
        bfci_uploads_note(d->uploads, mounted ? BLOB_MOUNTED : BLOB_WAS_THERE);
    *there = *there || mounted;
    return 0;
}

/* ── Documents ── */

static int put(const bfci_dest *d, const document *doc, const char *name, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE];
    bfci_digest own;

    if (!name) {
        BFC_TRY(bfci_sha256(doc->bytes, doc->len, own.bytes, err));
        bfci_digest_text(&own, digest);
        name = digest;
    }
    return bfci_manifest_put(d->registry, name, doc->media_type, doc->bytes, doc->len, err);
}

/* All but the last `rest`. */
static int put_documents(const bfci_dest *d, size_t rest, bfc_err *err)
{
    BFC_TRY(bfci_uploads_finish(d->uploads, err));
    for (size_t i = 0; i + rest < d->count; i++)
        BFC_TRY(put(d, &d->document[i], NULL, err));
    return 0;
}

static int take_document(void *ctx, const char *media_type, const void *bytes, size_t len,
                         bfc_err *err)
{
    bfci_dest *d = ctx;
    AUTO_FREE char *type = NULL, *copy = NULL;

    if (d->kept > DOCUMENTS_KEPT_MAX) {
        BFC_TRY(put_documents(d, 0, err));
        forget_documents(d);
    }
    BFC_TRY(bfci_strdup(media_type, &type, err));
    BFC_TRY(bfci_memdup_str(bytes, len, &copy, err));
    BFC_TRY(bfci_reserve(&d->document, &d->cap, d->count + 1, sizeof *d->document, err));
    d->document[d->count++] = (document){bfci_steal(&type), (uint8_t *)bfci_steal(&copy), len};
    d->kept += len;
    return 0;
}

bfci_export_target bfci_dest_target(bfci_dest *d)
{
    return (bfci_export_target){.ctx = d,
                                .begin = begin,
                                .write = write_bytes,
                                .end = end,
                                .layer = layer,
                                .document = take_document};
}

int bfci_dest_finish(bfci_dest *d, const bfci_remote_ref *ref, bfci_digest *digest, bfc_err *err)
{
    const document *last = &d->document[d->count - 1];

    BFC_TRY(bfci_sha256(last->bytes, last->len, digest->bytes, err));
    BFC_TRY(bfci_manifest_check_ref(ref, digest, err));
    BFC_TRY(put_documents(d, 1, err));
    return put(d, last, ref->tag[0] ? ref->tag : NULL, err);
}
