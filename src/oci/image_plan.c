/* SPDX-License-Identifier: Apache-2.0 */
/* From an origin's document to the images that are taken. An index may name another index; how deep
 * is bounded. */
#include "oci/image_plan.h"

#include <stdio.h>

enum {
    INDEX_DEPTH_MAX = 4
};

static void image_release(bfci_planned_image *i)
{
    free(i->manifest_bytes);
    free(i->config_bytes);
    free(i->platform);
    bfci_manifest_release(&i->manifest);
    bfci_config_release(&i->config);
}

void bfci_image_plan_release(bfci_image_plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        image_release(&p->image[i]);
    free(p->image);
    free(p->index);
    free(p->descriptor);
    *p = (bfci_image_plan){0};
}

/* ── One image ── */

static int check_layer(const bfci_descriptor *d, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE];

    bfci_digest_text(&d->digest, digest);
    switch (bfci_media_kind(d->media_type, NULL)) {
    case MEDIA_LAYER:
        return 0;
    case MEDIA_ENCRYPTED_LAYER:
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "layer %s is encrypted ('%s'), and there is no key for it: decrypt the "
                         "image first",
                         digest, BFCI_QUOTE_STR(d->media_type));
    case MEDIA_FOREIGN_LAYER: /* fine where its content is there: open_blob tells */
        return 0;
    case MEDIA_OTHER:
    case MEDIA_MANIFEST:
    case MEDIA_INDEX:
    case MEDIA_CONFIG:
    case MEDIA_EMPTY:
    default:
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "layer %s is of the media type '%s', which is no layer of an image: "
                         "--artifact keeps it as it is",
                         digest, BFCI_QUOTE_STR(d->media_type));
    }
}

static int check_manifest(const bfci_planned_image *i, const char *what, bfc_err *err)
{
    const bfci_manifest *m = &i->manifest;

    if (!m->is_image)
        return bfci_fail(
            err, BFC_E_UNSUPPORTED,
            "%s is an artifact of the type '%s', not an image: --artifact keeps it as it is", what,
            BFCI_QUOTE_STR(m->artifact_type ? m->artifact_type : m->config.media_type));
    for (size_t n = 0; n < m->layer_count; n++)
        BFC_TRY(check_layer(&m->layer[n], err));
    return 0;
}

/* Signatures and attestations have the configuration of an image, but not its layers. */
static bool is_artifact(const bfci_manifest *m)
{
    for (size_t n = 0; n < m->layer_count; n++) {
        enum bfci_media kind = bfci_media_kind(m->layer[n].media_type, NULL);
        if (kind != MEDIA_LAYER && kind != MEDIA_FOREIGN_LAYER && kind != MEDIA_ENCRYPTED_LAYER)
            return true;
    }
    return !m->is_image;
}

/* An artifact's may be anything, of any size. */
static int read_config(bfci_origin *o, bfci_planned_image *i, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 16];

    if (i->is_artifact && i->manifest.config.size > CONFIG_SIZE_MAX)
        return 0;
    bfci_digest_text(&i->manifest.config.digest, digest);
    snprintf(what, sizeof what, "config %s", digest);
    BFC_TRY(bfci_origin_document(o, &i->manifest.config, what, CONFIG_SIZE_MAX, &i->config_bytes,
                                 &i->config_len, err));
    if (i->is_artifact)
        return 0;
    BFC_TRY(bfci_config_parse(i->config_bytes, i->config_len, what, &i->config, err));
    if (i->config.layer_count != i->manifest.layer_count)
        return bfci_fail(err, BFC_E_CORRUPT, "%s has %zu diffIDs, but the manifest has %zu layers",
                         what, i->config.layer_count, i->manifest.layer_count);
    return bfci_platform_text(&i->config.platform, &i->platform, err);
}

typedef struct document {
    bfci_digest digest;
    uint8_t *bytes;
    size_t len;
    enum bfci_media kind;
    char *platform; /* of the descriptor that led to it; NULL: it tells none */
} document;

static void document_release(document *d)
{
    free(d->bytes);
    free(d->platform);
}
#define AUTO_DOCUMENT __attribute__((cleanup(document_release)))

static int add_image(bfci_origin *o, bfci_image_plan *p, document *doc,
                     const bfci_plan_choice *choice, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 16];
    bfci_planned_image *i = &p->image[p->count++];

    *i = (bfci_planned_image){
        .digest = doc->digest, .manifest_bytes = bfci_steal(&doc->bytes), .manifest_len = doc->len};
    bfci_digest_text(&i->digest, text);
    snprintf(what, sizeof what, "manifest %s", text);
    BFC_TRY(bfci_manifest_parse(i->manifest_bytes, i->manifest_len, what, &i->manifest, err));
    i->is_artifact = choice->artifacts && is_artifact(&i->manifest);
    if (i->is_artifact)
        i->platform = bfci_steal(&doc->platform);
    else
        BFC_TRY(check_manifest(i, what, err));
    return read_config(o, i, err);
}

/* ── The choice ── */

/* One that is impossible counts as none: an image has its own. */
static int note_platform(const bfci_descriptor *d, document *out, bfc_err *err)
{
    if (!d->platform.os && !d->platform.arch)
        return 0;
    int rc = bfci_platform_text(&d->platform, &out->platform, NULL);
    return rc == BFC_E_NOMEM ? bfci_fail_nomem(err) : 0;
}

static int read_entry(bfci_origin *o, const bfci_descriptor *d, document *out, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 16];

    bfci_digest_text(&d->digest, text);
    snprintf(what, sizeof what, "manifest %s", text);
    out->digest = d->digest;
    BFC_TRY(note_platform(d, out, err));
    BFC_TRY(bfci_origin_document(o, d, what, MANIFEST_SIZE_MAX, &out->bytes, &out->len, err));
    return bfci_document_kind(out->bytes, out->len, what, &out->kind, err);
}

static int keep_descriptor(bfci_image_plan *p, const bfci_descriptor *d, bfc_err *err)
{
    free(bfci_steal(&p->descriptor));
    return bfci_strdup(d->json ? d->json : "{}", &p->descriptor, err);
}

/* Goes from the document down to one manifest. */
static int take_one(bfci_origin *o, document *doc, const bfci_platform *want, bfci_image_plan *p,
                    bfc_err *err)
{
    for (unsigned depth = 0; doc->kind == MEDIA_INDEX; depth++) {
        bfci_index index = {0};
        AUTO_DOCUMENT document next = {0};
        size_t at = 0;
        if (depth == INDEX_DEPTH_MAX)
            return bfci_fail(err, BFC_E_LIMIT, "'%s': indexes name indexes more than %d deep",
                             BFCI_QUOTE_STR(o->name), INDEX_DEPTH_MAX);
        int rc = bfci_index_parse(doc->bytes, doc->len, "index", &index, err);
        if (rc == 0)
            rc = bfci_index_pick(&index, want, "index", &at, err);
        if (rc == 0)
            rc = keep_descriptor(p, &index.entry[at], err);
        if (rc == 0)
            rc = read_entry(o, &index.entry[at], &next, err);
        bfci_index_release(&index);
        BFC_TRY(rc);
        free(p->index);
        p->index = bfci_steal(&doc->bytes);
        p->index_len = doc->len;
        document_release(doc);
        *doc = next;
        next = (document){0};
    }
    return 0;
}

static int take_entry(bfci_origin *o, const bfci_descriptor *d, const bfci_plan_choice *choice,
                      bfci_image_plan *p, bfc_err *err)
{
    AUTO_DOCUMENT document doc = {0};

    if ((d->is_statement && !choice->artifacts) ||
        bfci_digest_equal(&d->digest, &p->image[0].digest))
        return 0;
    if (p->count == IMAGES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "'%s' has more than %d images", BFCI_QUOTE_STR(o->name),
                         IMAGES_MAX);
    BFC_TRY(read_entry(o, d, &doc, err));
    if (doc.kind != MEDIA_MANIFEST)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "an index in the index of '%s'",
                         BFCI_QUOTE_STR(o->name));
    return add_image(o, p, &doc, choice, err);
}

/* The others of the index that the first one was chosen from. */
static int take_rest(bfci_origin *o, const bfci_plan_choice *choice, bfci_image_plan *p,
                     bfc_err *err)
{
    bfci_index index = {0};

    if (!p->index)
        return 0;
    int rc = bfci_index_parse(p->index, p->index_len, "index", &index, err);
    for (size_t i = 0; rc == 0 && i < index.count; i++)
        rc = take_entry(o, &index.entry[i], choice, p, err);
    bfci_index_release(&index);
    return rc;
}

static int make(bfci_origin *o, const bfci_platform *want, const bfci_plan_choice *choice,
                bfci_image_plan *p, bfc_err *err)
{
    AUTO_FREE char *bytes = NULL;
    AUTO_DOCUMENT document doc = {
        .digest = o->root.digest, .len = o->document_len, .kind = o->kind};

    BFC_TRY(note_platform(&o->root, &doc, err));
    BFC_TRY(bfci_alloc_zero(IMAGES_MAX, sizeof *p->image, &p->image, err));
    BFC_TRY(keep_descriptor(p, &o->root, err));
    BFC_TRY(bfci_memdup_str((const char *)o->document, o->document_len, &bytes, err));
    doc.bytes = (uint8_t *)bfci_steal(&bytes);
    BFC_TRY(take_one(o, &doc, want, p, err));
    BFC_TRY(add_image(o, p, &doc, choice, err));
    return choice->all ? take_rest(o, choice, p, err) : 0;
}

/* Where there was no choice, the image may still be another than the one that was asked for. */
static int check_platform(const bfci_planned_image *i, const char *platform, bfc_err *err)
{
    bfci_platform want = {0};

    BFC_TRY(bfci_platform_parse(platform, &want, err));
    const bfci_platform *have = &i->config.platform;
    bool fits = (!have->os || strcmp(have->os, want.os) == 0) &&
                (!have->arch || strcmp(have->arch, want.arch) == 0);
    bfci_platform_release(&want);
    if (fits)
        return 0;
    return bfci_fail(err, BFC_E_NOT_FOUND, "the image is for %s, not for %s", i->platform,
                     BFCI_QUOTE_STR(platform));
}

int bfci_image_plan_make(bfci_origin *origin, const bfci_plan_choice *choice, bfci_image_plan *out,
                         bfc_err *err)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    bfci_platform want = {0};

    BFC_TRY(bfci_platform_parse(choice->platform, &want, err));
    int rc = make(origin, &want, choice, &plan, err);
    bfci_platform_release(&want);
    BFC_TRY(rc);
    if (choice->platform && !plan.image[0].is_artifact)
        BFC_TRY(check_platform(&plan.image[0], choice->platform, err));
    *out = plan;
    plan = (bfci_image_plan){0};
    return 0;
}
