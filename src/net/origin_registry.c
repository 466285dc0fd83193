/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests are asked for as such: registries do not give them out as blobs. */
#include "net/origin_registry.h"

#include "oci/origin_parts.h"

struct remote {
    bfci_origin base;
    bfci_registry *registry;
    bfci_downloads *downloads;
};

/* ── A document in memory ── */

struct memory {
    uint8_t *bytes;
    size_t len, at;
};

static int memory_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    struct memory *m = ctx;

    (void)err;
    *got = MIN(cap, m->len - m->at);
    memcpy(bytes, m->bytes + m->at, *got);
    m->at += *got;
    return 0;
}

static void memory_close(void *ctx)
{
    struct memory *m = ctx;

    free(m->bytes);
    free(m);
}

static int open_manifest(struct remote *o, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err)
{
    AUTO_REMOTE_MANIFEST bfci_remote_manifest got = {0};
    char digest[DIGEST_TEXT_SIZE];
    struct memory *m = NULL;

    bfci_digest_text(&d->digest, digest);
    BFC_TRY(bfci_manifest_get(o->registry, digest, &got, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *m, &m, err));
    m->bytes = bfci_steal(&got.bytes);
    m->len = got.len;
    *out = (bfci_bytes){.ctx = m, .read = memory_read, .close = memory_close};
    return 0;
}

/* ── The origin ── */

static int open_blob(bfci_origin *origin, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err)
{
    struct remote *o = (struct remote *)origin;
    const enum bfci_media kind = bfci_media_kind(d->media_type, NULL);

    if (kind == MEDIA_MANIFEST || kind == MEDIA_INDEX)
        return open_manifest(o, d, out, err);
    return bfci_downloads_read(o->downloads, d, out, err);
}

static void remote_free(bfci_origin *origin)
{
    bfci_origin_release(origin);
    free(origin);
}

int bfci_origin_registry_new(bfci_registry *r, bfci_downloads *d, bfci_remote_manifest *document,
                             const char *name, bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *base = NULL;
    struct remote *o = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *o, &o, err));
    base = &o->base;
    base->open_blob = open_blob;
    base->free = remote_free;
    base->at_a_time = bfci_downloads_parallel(d); /* more would come before their turn */
    o->registry = r;
    o->downloads = d;
    BFC_TRY(bfci_strdup(name, &base->name, err));
    BFC_TRY(bfci_origin_set_document(base, &document->bytes, document->len, NULL, name, err));
    base->is_checked = true; /* against the digest that was asked for, or the registry's word */
    *out = bfci_steal(&base);
    return 0;
}
